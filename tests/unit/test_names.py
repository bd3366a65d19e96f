"""Names that the destination cannot hold."""

from __future__ import annotations

import subprocess
import sys
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mover.core.errors import Unfit
from mover.core.spec import Limits
from mover.engine.name_forms import size_of
from mover.engine.names import Collisions, Fitted, NameRules, fit_folder

WINDOWS = Limits(
    name_bytes=None,
    name_chars=255,
    path_chars=400,
    forbidden=frozenset('"*:<>?/\\|') | {chr(c) for c in range(32)},
    reserved=frozenset({".", "..", "CON", "CON.*", "desktop.ini", "~$*", "*_vti_*"}),
    bad_endings=frozenset(" ."),
    bad_starts=frozenset(" "),
    case_sensitive=False,
    normalizes=True,
)
UNIX = Limits(any_bytes=True)


def replaced(name: str, limits: Limits = WINDOWS) -> str:
    return NameRules(limits, "replace").fit(name).name


def refusal(name: str, limits: Limits = WINDOWS) -> str:
    with pytest.raises(Unfit) as caught:
        NameRules(limits, "fail").fit(name)
    assert caught.value.item == name
    return caught.value.detail


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("plain.txt", "plain.txt"),
        ("a：b", "a：b"),
        ('a:b?c*d<e>f|g"h\\i/j', "a：b？c＊d＜e＞f｜g＂h＼i／j"),
        ("tab\tnull\0", "tab␉null␀"),
        ("trailing ", "trailing␠"),
        ("trailing.", "trailing．"),
        ("more...", "more..．"),
        (" leading", "␠leading"),
        (" ", "␠"),
        (".", "．"),
        ("..", "．．"),
        ("CON", "ＣON"),
        ("con", "ｃon"),
        ("Con.txt", "Ｃon.txt"),
        ("CONFIG", "CONFIG"),
        ("Desktop.INI", "Ｄesktop.INI"),
        ("~$open.docx", "～$open.docx"),
        ("a_vti_b", "a＿vti_b"),
        ("bad\udcffbyte", "bad‛FFbyte"),
        ("half\ud83d", "half‛ED‛A0‛BD"),
        ("bad\udcff:", "bad‛FF："),
    ],
)
def test_replaces_what_the_destination_cannot_hold(name: str, fits: str) -> None:
    assert replaced(name) == fits


def test_the_forms_are_those_of_rclone(tmp_path: Path) -> None:
    names = ['a:b?c*d<e>f|g"h\\i', "trail ", "trail.", " lead", "a\tb", "cr\rx", "bad\udcffb", "del\x7fx"]
    for name in names:
        (tmp_path / "from" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "from" / name).write_text("x")
    encoding = (
        "LtGt,DoubleQuote,Colon,Question,Asterisk,Pipe,BackSlash,Ctl,Del,LeftSpace,RightPeriod,RightSpace,InvalidUtf8"
    )
    rclone = Path(sys.executable).with_name("rclone")
    source, target = f":local,encoding=None:{tmp_path}/from", f":local,encoding='Slash,{encoding}':{tmp_path}/to"
    subprocess.run([rclone, "copy", source, target, "--config", ""], check=True, capture_output=True)
    limits = Limits(
        forbidden=WINDOWS.forbidden | {"\x7f"}, bad_endings=WINDOWS.bad_endings, bad_starts=WINDOWS.bad_starts
    )
    assert {p.name for p in (tmp_path / "to").iterdir()} == {replaced(n, limits) for n in names}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("a:b", "at the destination no name may contain colon (:); a：b would fit"),
        ("a\tb", "at the destination no name may contain a control character (U+0009); a␉b would fit"),
        ("a ", "at the destination no name may end with space ( ); a␠ would fit"),
        (" a", "at the destination no name may begin with space ( ); ␠a would fit"),
        ("con.txt", "the destination keeps the name con.txt for itself; ｃon.txt would fit"),
        ("\udcff", "its name is not UTF-8; ‛FF would fit"),
        ("", "it has no name; nothing similar would fit"),
    ],
)
def test_says_what_is_wrong_and_what_would_fit(name: str, why: str) -> None:
    assert refusal(name) == why


def test_a_name_that_is_too_long_is_refused_with_numbers() -> None:
    assert refusal("x" * 256).startswith("its name has 256 characters, the destination takes 255; ")
    assert refusal("é" * 128, Limits()).startswith("its name has 256 bytes, the destination takes 255; ")


def test_a_name_that_is_too_long_keeps_its_begin_and_its_extension() -> None:
    one, other = replaced("x" * 300 + "1.jpeg"), replaced("x" * 300 + "2.jpeg")
    assert one.startswith("xxxx")
    assert one.endswith(".jpeg")
    assert len(one) == len(other) == 255
    assert one != other
    assert size_of(replaced("日" * 100 + ".txt", Limits())) <= 255


def test_where_nothing_fits_the_name_is_refused_by_either_rule() -> None:
    tight = Limits(name_bytes=5)
    for rule in ("fail", "replace"):
        with pytest.raises(Unfit, match="nothing similar would fit"):
            NameRules(tight, rule).fit("longer")
    with pytest.raises(Unfit, match="nothing similar"):
        NameRules(Limits(forbidden=frozenset(":：‛_＿")), "replace").fit("a:b")


def test_any_bytes_are_left_alone_where_they_are_allowed() -> None:
    assert NameRules(UNIX, "fail").fit("\udcff") == Fitted("\udcff")
    assert replaced("\udcff/", UNIX) == "\udcff／"
    assert replaced("\ud83d\udcff", UNIX) == "‛ED‛A0‛BD‛FF"


def test_paths_are_measured() -> None:
    rules = NameRules(Limits(path_bytes=10, path_chars=8), "replace")
    rules.path_fits("abcd/efg")
    with pytest.raises(Unfit, match="9 characters, the destination takes 8"):
        rules.path_fits("abcd/efgh")
    with pytest.raises(Unfit, match="12 bytes, the destination takes 10"):
        rules.path_fits("é" * 6)


@pytest.mark.parametrize(
    ("one", "other", "limits"),
    [
        ("A.txt", "a.txt", Limits(case_sensitive=False)),
        ("É", "é", Limits(case_sensitive=False)),
        ("STRASSE", "straße", Limits(case_sensitive=False)),
        ("\u00e9", "e\u0301", Limits(normalizes=True)),
        ("\u00c9", "e\u0301", Limits(case_sensitive=False, normalizes=True)),
        ("a", "a", Limits()),
    ],
)
def test_names_the_destination_would_not_tell_apart(one: str, other: str, limits: Limits) -> None:
    names = Collisions(limits)
    names.claim(one)
    assert not names.is_free(other)
    with pytest.raises(Unfit, match="same name" if one == other else one) as caught:
        names.claim(other)
    assert caught.value.item == other


@pytest.mark.parametrize(("one", "other"), [("A", "a"), ("\u00e9", "e\u0301"), ("a", "a ")])
def test_names_the_destination_tells_apart(one: str, other: str) -> None:
    names = Collisions(Limits())
    names.claim(one)
    names.claim(other)


def test_a_collision_is_refused_or_marked_as_the_rule_says() -> None:
    strict = fit_folder(["b.txt", "B.TXT"], NameRules(WINDOWS, "fail"))
    assert isinstance(strict[0], Unfit)
    assert strict[0].detail == "the destination would not tell it from B.TXT, which was taken first"
    assert strict[1] == Fitted("B.TXT")
    marked = fit_folder(["b.txt", "B.TXT"], NameRules(WINDOWS, "replace"))[0]
    assert isinstance(marked, Fitted)
    assert marked.name.startswith("b~")
    assert marked.name.endswith(".txt")
    assert marked.changed
    assert marked.reason == "the destination would not tell it from B.TXT, which was taken first"


def test_a_changed_name_never_displaces_one_that_fits() -> None:
    found = fit_folder(["a:b", "a：b"], NameRules(WINDOWS, "replace"))
    assert found[1] == Fitted("a：b")
    assert isinstance(found[0], Fitted)
    assert found[0].name.startswith("a：b~")


@pytest.mark.parametrize("rule", ["fail", "replace"])
def test_of_two_items_of_one_name_the_first_is_taken(rule: str) -> None:
    found = fit_folder(["a:b", "x", "a:b", "x"], NameRules(WINDOWS, "replace" if rule == "replace" else "fail"))
    assert found[1] == Fitted("x")
    assert isinstance(found[3], Unfit)
    assert "same name" in found[3].detail
    assert isinstance(found[2], Unfit)


def test_somebody_else_may_have_the_marked_name() -> None:
    rules = NameRules(WINDOWS, "replace")
    marked = fit_folder(["B", "b"], rules)[1]
    assert isinstance(marked, Fitted)
    found = fit_folder(["B", "b", marked.name], rules)
    assert found[2] == Fitted(marked.name)
    assert isinstance(found[1], Fitted)
    assert found[1].name.startswith(marked.name)
    assert len(found[1].name) > len(marked.name)


def test_the_answer_does_not_depend_on_the_order() -> None:
    names = ["a:b", "a：b", "A：B", "a?", "con"]
    rules = NameRules(WINDOWS, "replace")
    first = dict(zip(names, fit_folder(names, rules), strict=True))
    for order in permutations(names):
        assert dict(zip(order, fit_folder(order, rules), strict=True)) == first


CHARACTERS = st.characters(codec="utf-8", exclude_characters="/\0") | st.sampled_from(
    "aAbB.: ?~_éÉe\u0301ß：\udcff\udc80\t"
)
SOURCE_NAMES = st.text(CHARACTERS, min_size=1, max_size=12) | st.text(
    st.sampled_from("aé日:."), min_size=1, max_size=300
)
LIMITS = st.builds(
    Limits,
    name_bytes=st.none() | st.integers(80, 255),
    name_chars=st.none() | st.integers(80, 255),
    forbidden=st.sampled_from([Limits().forbidden, WINDOWS.forbidden, frozenset("/\0:：é")]),
    reserved=st.sampled_from([Limits().reserved, WINDOWS.reserved]),
    bad_endings=st.sampled_from([frozenset[str](), WINDOWS.bad_endings]),
    bad_starts=st.sampled_from([frozenset[str](), frozenset(" .~")]),
    case_sensitive=st.booleans(),
    normalizes=st.booleans(),
    any_bytes=st.booleans(),
)


def holds(limits: Limits, name: str) -> bool:
    """Whether the limits hold, said in another way than the code says it."""
    parts = [p.strip("*").lower() for p in limits.reserved if "*" in p]
    low = name.lower()
    return (
        bool(name)
        and not set(name) & limits.forbidden
        and low not in {r.lower() for r in limits.reserved}
        and not any(
            ("con." in p and low.startswith(p)) or (p == "~$" and low.startswith(p)) or (p == "_vti_" and p in low)
            for p in parts
        )
        and name[-1] not in limits.bad_endings
        and name[0] not in limits.bad_starts
        and (limits.name_chars is None or len(name) <= limits.name_chars)
        and (limits.name_bytes is None or len(name.encode("utf-8", "surrogateescape")) <= limits.name_bytes)
        and (limits.any_bytes or name.encode("utf-8", "replace").decode() == name)
    )


@given(SOURCE_NAMES, LIMITS)
def test_any_name_fits_after_fitting_and_is_left_alone_then(name: str, limits: Limits) -> None:
    rules = NameRules(limits, "replace")
    fitted = rules.fit(name)
    assert holds(limits, fitted.name)
    assert rules.fit(fitted.name) == Fitted(fitted.name)
    assert fitted.changed == (fitted.name != name) == rules.needs_change(name) == (not holds(limits, name))
    assert (fitted.reason is not None) == fitted.changed
    assert rules.fit(name) == fitted


@given(st.lists(SOURCE_NAMES, max_size=12, unique=True), LIMITS)
def test_names_of_a_folder_stay_apart_and_can_be_told_back(names: list[str], limits: Limits) -> None:
    found = fit_folder(names, NameRules(limits, "replace"))
    back = {}
    claimed = Collisions(limits)
    for name, fitted in zip(names, found, strict=True):
        assert isinstance(fitted, Fitted), "with room for a mark every name finds a place"
        assert holds(limits, fitted.name)
        claimed.claim(fitted.name)
        back[fitted.name] = name
    assert sorted(back.values()) == sorted(names)


@given(st.lists(SOURCE_NAMES, max_size=12), LIMITS)
def test_by_the_rule_fail_no_name_is_changed(names: list[str], limits: Limits) -> None:
    for name, fitted in zip(names, fit_folder(names, NameRules(limits, "fail")), strict=True):
        assert isinstance(fitted, Unfit) or fitted == Fitted(name)
