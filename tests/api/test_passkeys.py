"""Passkeys, by an authenticator in software: what holds, and everything that must not."""

from __future__ import annotations

import asyncio
import copy
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from tests.api.authenticator import PRESENT, Authenticator, packed, unpacked
from tests.api.browser import APP, Browser, House
from tests.api.facts import change, logged, rows, unproved


async def added(browser: Browser, key: Authenticator, name: str = "phone") -> Any:
    options = await browser.must("POST", f"{APP}/account/passkeys/challenge")
    return await browser("POST", f"{APP}/account/passkeys", {"name": name, "credential": key.create(options)})


async def signed_in(browser: Browser, key: Authenticator) -> Any:
    options = await browser.must("POST", f"{APP}/sign-in/passkey/challenge")
    return await browser("POST", f"{APP}/sign-in/passkey", {"credential": key.get(options)})


async def with_passkey(home: House, name: str = "ada") -> tuple[Browser, Authenticator]:
    browser, key = await home.signed_in(name), Authenticator()
    answer = await added(browser, key)
    assert answer.status == 201, answer
    await change(home, "DELETE FROM mover.sign_in_counter")
    return browser, key


@pytest.mark.anyio
async def test_a_passkey_signs_in_without_a_name_and_proves_again(home: House) -> None:
    ada, key = await with_passkey(home)
    options = await home.browser().must("POST", f"{APP}/sign-in/passkey/challenge")
    assert options["rpId"] == "mover.test"
    assert options.get("allowCredentials", []) == []
    assert options["userVerification"] == "required"
    browser = home.browser()
    answer = await signed_in(browser, key)
    assert (answer.status, answer.json["name"], answer.json["recent"]) == (200, "ada", True)
    assert (await browser("GET", f"{APP}/session")).status == 200
    (shown,) = await browser.must("GET", f"{APP}/account/passkeys")
    assert (shown["name"], shown["used"] is not None) == ("phone", True)
    await unproved(home)
    options = await ada.must("POST", f"{APP}/sign-in/passkey/challenge")
    assert (await ada("POST", f"{APP}/account/totp")).code == "prove-again"
    proved = await ada.must("POST", f"{APP}/session/prove/passkey", {"credential": key.get(options)})
    assert proved["recent"] is True
    assert (await ada("POST", f"{APP}/account/totp")).status == 201
    await ada.must("DELETE", f"{APP}/account/passkeys/{shown['id']}")
    assert (await browser("GET", f"{APP}/session")).status == 401
    assert (await signed_in(home.browser(), key)).status == 401
    assert [entry["details"]["method"] for entry in await logged(home, "signed-in")] == ["password", "passkey"]


@pytest.mark.anyio
async def test_a_challenge_is_good_once_for_five_minutes_and_for_what_it_was_made_for(home: House) -> None:
    ada, key = await with_passkey(home)
    browser = home.browser()
    options = await browser.must("POST", f"{APP}/sign-in/passkey/challenge")
    answer = key.get(options)
    assert (await browser("POST", f"{APP}/sign-in/passkey", {"credential": answer})).status == 200
    replayed = await home.browser()("POST", f"{APP}/sign-in/passkey", {"credential": answer})
    assert (replayed.status, replayed.code) == (401, "not-signed-in")
    again = await home.browser()("POST", f"{APP}/sign-in/passkey", {"credential": key.get(options)})
    assert again.status == 401, "a fresh answer to a used challenge"
    options = await browser.must("POST", f"{APP}/sign-in/passkey/challenge")
    await change(home, "UPDATE mover.passkey_challenge SET expires = now() - interval '1 second'")
    assert (await browser("POST", f"{APP}/sign-in/passkey", {"credential": key.get(options)})).status == 401
    registering = await ada.must("POST", f"{APP}/account/passkeys/challenge")
    assert (await browser("POST", f"{APP}/sign-in/passkey", {"credential": key.get(registering)})).status == 401
    body = {"name": "x", "credential": Authenticator().create({**registering, "challenge": options["challenge"]})}
    assert (await ada("POST", f"{APP}/account/passkeys", body)).status == 400
    invented = {"challenge": packed(bytes(32))}
    assert (await browser("POST", f"{APP}/sign-in/passkey", {"credential": key.get(invented)})).status == 401


@pytest.mark.anyio
async def test_a_challenge_to_register_is_of_one_account(home: House) -> None:
    ada, eve = await home.signed_in("ada"), await home.signed_in("eve")
    options = await ada.must("POST", f"{APP}/account/passkeys/challenge")
    body = {"name": "x", "credential": Authenticator().create(options)}
    assert (await eve("POST", f"{APP}/account/passkeys", body)).status == 400
    assert await rows(home, "SELECT id FROM mover.passkey") == []


@pytest.mark.anyio
async def test_of_those_who_answer_the_same_challenge_at_once_one_gets_in(home: House) -> None:
    _, key = await with_passkey(home)
    options = await home.browser().must("POST", f"{APP}/sign-in/passkey/challenge")
    body = {"credential": key.get(options)}
    tries = [home.browser(f"192.0.2.{n}")("POST", f"{APP}/sign-in/passkey", body) for n in range(8)]
    assert sorted([answer.status for answer in await asyncio.gather(*tries)]) == [200, *[401] * 7]


def elsewhere(key: Authenticator) -> None:
    key.origin = "https://mover.test.evil.test"


def other_port(key: Authenticator) -> None:
    key.origin = "https://mover.test:1"


def other_party(key: Authenticator) -> None:
    key.rp = "evil.test"


def unverified(key: Authenticator) -> None:
    key.flags = PRESENT


def absent(key: Authenticator) -> None:
    key.flags = 0


@pytest.mark.anyio
@pytest.mark.parametrize("lie", [elsewhere, other_port, other_party, unverified, absent])
async def test_an_answer_for_another_site_or_of_nobody_is_refused(
    home: House, lie: Callable[[Authenticator], None]
) -> None:
    ada, key = await with_passkey(home)
    lie(key)
    assert (await signed_in(home.browser(), key)).status == 401
    new = Authenticator()
    lie(new)
    assert (await added(ada, new)).status == 400


@pytest.mark.anyio
async def test_a_copied_authenticator_is_found_by_its_count(home: House) -> None:
    _, key = await with_passkey(home)
    for _ in range(3):
        assert (await signed_in(home.browser(), key)).status == 200
    key.count = 1
    assert (await signed_in(home.browser(), key)).status == 401


@pytest.mark.anyio
async def test_an_authenticator_that_does_not_count_is_taken(home: House) -> None:
    browser, key = await home.signed_in("ada"), Authenticator()
    key.counts = False
    assert (await added(browser, key)).status == 201
    for _ in range(2):
        assert (await signed_in(home.browser(), key)).status == 200


@pytest.mark.anyio
async def test_another_key_or_another_handle_is_refused(home: House) -> None:
    _, key = await with_passkey(home)
    handle, private = key.handle, key.key
    key.key = Authenticator().key
    assert (await signed_in(home.browser(), key)).status == 401
    key.key, key.handle = private, b"somebody else"
    assert (await signed_in(home.browser(), key)).status == 401
    key.handle = handle
    assert (await signed_in(home.browser(), key)).status == 200


@pytest.mark.anyio
async def test_a_disabled_account_is_not_let_in_by_passkey_nor_by_a_session_that_stayed(home: House) -> None:
    ada, key = await with_passkey(home)
    await change(home, "UPDATE mover.account SET disabled = now() WHERE name = 'ada'")
    assert (await signed_in(home.browser(), key)).status == 401
    assert (await ada("GET", f"{APP}/session")).status == 401


@pytest.mark.anyio
async def test_nobody_proves_again_by_a_passkey_of_somebody_else(home: House) -> None:
    _, key = await with_passkey(home, "ada")
    eve = await home.signed_in("eve")
    await unproved(home)
    options = await eve.must("POST", f"{APP}/sign-in/passkey/challenge")
    answer = await eve("POST", f"{APP}/session/prove/passkey", {"credential": key.get(options)})
    assert answer.status == 401
    assert (await eve.must("GET", f"{APP}/session"))["recent"] is False


@pytest.mark.anyio
async def test_a_passkey_is_added_once(home: House) -> None:
    ada, key = await with_passkey(home)
    assert (await added(ada, key)).status == 400
    options = await ada.must("POST", f"{APP}/account/passkeys/challenge")
    assert [one["id"] for one in options["excludeCredentials"]] == [packed(key.id)]


@pytest.mark.anyio
async def test_passkeys_are_for_host_names(home: House) -> None:
    browser = home.browser()
    browser.host = "127.0.0.1:8443"
    answer = await browser("POST", f"{APP}/sign-in/passkey/challenge")
    assert (answer.status, answer.code) == (400, "bad-option")


def spoiled(answer: dict[str, Any], chance: random.Random) -> Any:
    """The answer with something of it broken: a piece gone, of another kind, or with other bytes in it."""
    found = copy.deepcopy(answer)
    holder, name = chance.choice(
        [(found, n) for n in ("id", "rawId", "type", "response")] + [(found["response"], n) for n in found["response"]]
    )
    kind = chance.randrange(5)
    if kind == 0:
        del holder[name]
    elif kind == 1:
        holder[name] = chance.choice([None, 7, [], {}, "", "!", "a", "\u2603", {"a": {"b": []}}, True, "A" * 5000])
    elif isinstance(holder[name], str) and name != "type":
        data = bytearray(unpacked(holder[name]))
        if kind == 2:
            data = data[: chance.randrange(len(data) + 1)]
        else:
            for _ in range(chance.randrange(1, 4)):
                data[chance.randrange(len(data))] = chance.randrange(256)
        holder[name] = packed(bytes(data))
    else:
        holder[name] = json.dumps(holder[name])
    return found


@pytest.mark.anyio
async def test_whatever_is_sent_as_an_answer_is_no_fault_of_ours(home: House) -> None:
    """Spoiled in many ways: always refused as it should be, never a 500, never let in."""
    ada, key = await with_passkey(home)
    chance = random.Random(20261121)
    for _ in range(120):
        home.clock.ahead += 600
        await change(home, "DELETE FROM mover.sign_in_counter")
        browser = home.browser()
        options = await browser.must("POST", f"{APP}/sign-in/passkey/challenge")
        right = key.get(options)
        wrong = spoiled(right, chance)
        if wrong == right:
            continue
        answer = await browser("POST", f"{APP}/sign-in/passkey", {"credential": wrong})
        without = {name: value for name, value in wrong["response"].items() if name != "userHandle"} if isinstance(
            wrong.get("response"), dict) else None  # fmt: skip
        same = without == {name: value for name, value in right["response"].items() if name != "userHandle"}
        assert answer.status == 401 or (same and answer.status == 200), (wrong, answer)
        options = await ada.must("POST", f"{APP}/account/passkeys/challenge")
        new = Authenticator()
        right = new.create(options)
        answer = await ada("POST", f"{APP}/account/passkeys", {"name": "x", "credential": spoiled(right, chance)})
        assert answer.status in {400, 201}, answer
        await change(home, "DELETE FROM mover.passkey WHERE name = 'x'")
