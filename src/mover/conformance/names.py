"""Names as people give them: what a provider can hold comes back letter for letter."""

from __future__ import annotations

from collections.abc import Iterable

from mover.conformance.bodies import Sent, expect_content, put
from mover.conformance.checks import DoesNotApply, Place, check, expect, listing, names, refusal
from mover.core.errors import Unfit
from mover.core.spec import Limits


def fits(limits: Limits, name: str, path: str = "") -> bool:
    """Whether a provider says it can hold a file of that name in the folder at `path`."""
    raw, whole = name.encode("utf-8", "surrogateescape"), f"{path}/{name}" if path else name
    return (
        not limits.forbidden & set(name)
        and name.lower() not in limits.reserved
        and name[-1:] not in limits.bad_endings
        and name[:1] not in limits.bad_starts
        and len(raw) <= (limits.name_bytes or len(raw))
        and len(name) <= (limits.name_chars or len(name))
        and len(whole.encode("utf-8", "surrogateescape")) <= (limits.path_bytes or 1 << 30)
        and len(whole) <= (limits.path_chars or 1 << 30)
        and (limits.any_bytes or not any("\udc80" <= c <= "\udcff" for c in name))
    )


@check()
async def names_with_spaces(place: Place) -> None:
    """Names with spaces stay as they are: inside, doubled, at either end."""
    await _keeps(place, ["a b", "two  spaces", " leading", "trailing ", "no\u00a0break"])


@check()
async def names_with_dots(place: Place) -> None:
    """Names with dots stay as they are: hidden files, endings, dots only."""
    await _keeps(place, [".hidden", "..two", "...", "a.b.c", "trailing.", "no-ending"])


@check()
async def names_in_other_scripts(place: Place) -> None:
    """Names in any script stay as they are."""
    await _keeps(place, ["Grüße", "日本語.txt", "Привет", "שלום", "العربية", "ไทย", "한국어", "ß", "İstanbul"])


@check()
async def names_with_emoji(place: Place) -> None:
    """Names with emoji, also those of several code points, stay as they are."""
    await _keeps(place, ["🎉.txt", "👩‍👩‍👧‍👦", "🇩🇪 flag", "\U0001f469\U0001f3fd‍🚀", "a️b"])


@check()
async def names_composed_and_decomposed(place: Place) -> None:
    """The composed and the decomposed form of a letter are two names, unless the provider says it normalizes."""
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    if not place.limits.normalizes:
        await _keeps(place, [composed, decomposed])
        return
    await put(place, composed, b"first")
    entry = await put(place, decomposed, b"second")
    expect(len(await names(place.connector, place.folder)) == 1, "there are two, though the provider normalizes")
    await expect_content(place.connector, entry, b"second")


@check()
async def names_with_quotes(place: Place) -> None:
    """Quotes, backslashes and what shells and markup make of them stay as they are."""
    await _keeps(
        place, ["it's", 'say "hi"', "`tick`", "back\\slash", "$HOME", "a&amp;b", "<tag>", "a;b|c", "{x}[y](z)"]
    )


@check()
async def names_with_url_signs(place: Place) -> None:
    """Signs that mean something in an address stay as they are, encoded once and not twice."""
    await _keeps(
        place, ["100%", "%41", "%2F", "a+b", "a#b", "a?b=c&d", "a=b", "user@host", "a:b", "~tilde", "a,b;c", "*!'()"]
    )


@check()
async def names_like_options(place: Place) -> None:
    """Names that look like options, listings or protocol answers stay as they are."""
    await _keeps(place, ["-rf", "--help", "226 done", "a -> b", "total 0", "null", "None", "0", "con.txt"])


@check()
async def names_with_control_characters(place: Place) -> None:
    """Tabs, line breaks and other control characters stay as they are, where the provider takes them."""
    await _keeps(
        place, ["tab\there", "line\nbreak", "return\rhere", "bell\x07", "escape\x1b[31m", "del\x7f", "\u0085next"]
    )


@check()
async def names_in_two_cases(place: Place) -> None:
    """Names that differ in case only are two files, unless the provider says that they are one."""
    await put(place, "Readme", b"upper")
    await put(place, "README", b"all upper")
    found = sorted(e.name for e in await listing(place.connector, place.folder))
    if place.limits.case_sensitive:
        expect(found == ["README", "Readme"], f"two names that differ in case became {found}")
    else:
        expect(len(found) == 1, f"two names that differ in case became {found}")


@check()
async def longest_names(place: Place) -> None:
    """A name as long as the provider allows is kept, in letters of one byte and of several."""
    limit = place.limits.name_bytes or 255
    chars = min(place.limits.name_chars or limit, limit)
    await _keeps(place, ["n" * chars, "ü" * min(chars, limit // 2), "語" * min(chars, limit // 3)])


@check()
async def long_paths(place: Place) -> None:
    """Folders of long names inside each other can be made, filled and read, as deep as the provider allows."""
    folder, path = place.folder, place.path
    for number in range(4):
        name = f"{number}" + "p" * 99
        if not fits(place.limits, name, path) or not fits(place.limits, "file", f"{path}/{name}"):
            break
        folder, path = (await place.connector.make_folder(folder, name)).id, f"{path}/{name}"
    entry = await place.connector.write(folder, "file", Sent(b"deep"))
    await expect_content(place.connector, entry, b"deep")
    expect(await names(place.connector, folder) == ["file"], "the file is not listed in its folder")


@check()
async def names_of_any_bytes(place: Place) -> None:
    """Names that are not UTF-8 stay as they are, where the provider has such names."""
    if not place.limits.any_bytes:
        raise DoesNotApply("names are always UTF-8 there")
    await _keeps(place, [b"caf\xe9".decode("utf-8", "surrogateescape"), b"\xff\xfe".decode("utf-8", "surrogateescape")])


@check()
async def folders_with_odd_names(place: Place) -> None:
    """Folders keep odd names as files do, and their content is found below them."""
    wanted = [n for n in ("a b", "100%", "%2F", "a#b?c", "it's", "Grüße", "cafe\u0301", "🎉", "[x]*", "back\\slash", "a+b")
              if fits(place.limits, n, place.path)]  # fmt: skip
    for name in wanted:
        folder = await place.connector.make_folder(place.folder, name)
        expect(folder.name == name, f"the folder {name!r} was answered as {folder.name!r}")
        await place.connector.write(folder.id, name, Sent(name.encode()))
    seen = {e.name: e for e in await listing(place.connector, place.folder)}
    expect(sorted(seen) == sorted(wanted), f"wrote {sorted(wanted)}, listed {sorted(seen)}")
    for name, folder in seen.items():
        inside = await listing(place.connector, folder.id)
        expect([e.name for e in inside] == [name], f"in {name!r} there is {[e.name for e in inside]}")
        await expect_content(place.connector, inside[0], name.encode())


@check()
async def names_cannot_leave_the_folder(place: Place) -> None:
    """Names that are no names ("", ".", "..", with a slash or a zero byte) are refused before anything is sent."""
    for name in ("", ".", "..", "a/b", "../up", "zero\x00byte"):
        if "/" in name and "/" not in place.limits.forbidden:
            continue
        with refusal(Unfit, of=f"writing under the name {name!r}"):
            await put(place, name, b"x")
        with refusal(Unfit, of=f"making a folder of the name {name!r}"):
            await place.connector.make_folder(place.folder, name)


async def _keeps(place: Place, given: Iterable[str]) -> None:
    wanted = [name for name in given if fits(place.limits, name, place.path)]
    if not wanted:
        raise DoesNotApply("the provider takes no such names")
    for name in wanted:
        entry = await put(place, name, _told(name))
        expect(entry.name == name, f"{name!r} was answered as {entry.name!r}")
    seen = {e.name: e for e in await listing(place.connector, place.folder)}
    lost, strange = sorted(set(wanted) - set(seen)), sorted(set(seen) - set(wanted))
    expect(not lost and not strange, f"lost {lost!a}, listed instead {strange!a}")
    for name, entry in seen.items():
        await expect_content(place.connector, entry, _told(name))
    for entry in seen.values():
        await place.connector.remove(entry.id)
    expect(await names(place.connector, place.folder) == [], "they could not all be removed")


def _told(name: str) -> bytes:
    return ascii(name).encode()
