"""Somebody without a right tries to get one: guessing, replaying, planting, and sending what no browser sends."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.api.browser import API, APP, PASSWORD, Browser, House
from tests.api.facts import change, logged, patience, rows

COOKIE = "__Host-mover"
WRONG = "another password altogether"


@pytest.mark.anyio
async def test_nothing_tells_whether_an_account_exists(home: House) -> None:
    await home.account("ada")
    await home.account("gone")
    await home.invited("fresh")
    await change(home, "UPDATE mover.account SET disabled = now() WHERE name = 'gone'")
    told: dict[str, Any] = {}
    for number, name in enumerate(("ada", "gone", "fresh", "nobody", "not a name\r\n", "x" * 100)):
        right = await home.browser(f"192.0.2.{number}").sign_in(name, PASSWORD if name == "gone" else WRONG)
        several = [await home.browser(f"198.51.100.{number}").sign_in(name, WRONG) for _ in range(8)]
        told[name] = [
            (answer.status, {**answer.json, "status": 0}, sorted(answer.headers)) for answer in (right, *several)
        ]
    assert len({json.dumps(answers) for answers in told.values()}) == 1, told
    assert {status for status, *_ in told["ada"]} == {401, 429}


@pytest.mark.anyio
async def test_what_was_typed_as_a_name_is_not_kept(home: House) -> None:
    """People type their password where the name goes."""
    await home.browser().sign_in("My-Very-Secret-Password-1", WRONG)
    await home.account("ada")
    await home.browser().sign_in("ada", WRONG)
    assert [entry["subject"]["id"] for entry in await logged(home, "sign-in-failed")] == ["(unknown)", "ada"]
    assert "My-Very-Secret" not in json.dumps(await logged(home))
    assert WRONG not in json.dumps(await logged(home))


@pytest.mark.anyio
async def test_a_thousand_wrong_passwords_are_a_few(home: House) -> None:
    """From a thousand addresses at once: the account's own counter holds, whoever asks."""
    await home.account("ada")
    looked = 0
    verify = home.desk.passwords.verify

    async def counted(*given: Any) -> bool:
        nonlocal looked
        looked += 1
        return await verify(*given)

    object.__setattr__(home.desk.passwords, "verify", counted)
    statuses: list[int] = []
    for block in range(10):
        tries = [home.browser(f"10.{block}.0.{n}").sign_in("ada", f"{WRONG} {n}") for n in range(100)]
        statuses += [answer.status for answer in await asyncio.gather(*tries)]
    assert set(statuses) <= {401, 429, 503}
    assert looked == statuses.count(401) <= 12
    waiting = await home.browser().sign_in("ada")
    assert (waiting.status, waiting.code) == (429, "too-often")
    assert int(waiting.headers["retry-after"][0]) >= 1
    assert (await logged(home, "signed-in")) == []
    await patience(home)
    assert (await home.browser().sign_in("ada")).status == 200
    assert (await home.browser().sign_in("ada", WRONG)).status == 401, "after the right one it begins anew"


@pytest.mark.anyio
async def test_the_wait_doubles_up_to_a_quarter_of_an_hour(home: House) -> None:
    await home.account("ada")
    waits: list[int] = []
    for number in range(20):
        await change(home, "UPDATE mover.sign_in_counter SET until = to_timestamp(0)")
        browser = home.browser(f"192.0.2.{number}")
        assert (await browser.sign_in("ada", WRONG)).status == 401
        row = (
            await rows(
                home,
                """
            SELECT greatest(0, round(extract(epoch FROM until - touched))) AS wait FROM mover.sign_in_counter
            WHERE kind = 'account'""",
            )
        )[0]
        waits.append(int(row.wait))
    assert waits == [0, 0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, *[900] * 6]


@pytest.mark.anyio
async def test_one_address_that_tries_many_accounts_waits_too(home: House) -> None:
    statuses: list[int] = []
    for number in range(60):
        home.clock.ahead += 100  # the process's own limit is another one's test
        statuses.append((await home.browser().sign_in(f"account-{number}", WRONG)).status)
    assert statuses.count(401) <= 22
    assert statuses[-1] == 429
    assert (await home.browser("192.0.2.99").sign_in("ada", WRONG)).status == 401, "others are not held up"
    six = [await home.browser(f"2001:db8::{n:x}").sign_in(f"six-{n}", WRONG) for n in range(30)]
    assert six[-1].status == 429, "a /64 is one address"


@pytest.mark.anyio
async def test_codes_cannot_be_guessed_by_who_has_the_password(home: House) -> None:
    browser = await home.signed_in("ada")
    enrolled = await browser.must("POST", f"{APP}/account/totp")
    import pyotp

    await browser.must("POST", f"{APP}/account/totp/confirm", {"code": pyotp.TOTP(enrolled["secret"]).now()})
    statuses: list[int] = []
    for number in range(60):
        guesser = home.browser(f"192.0.2.{number}")
        statuses.append((await guesser.sign_in("ada", code="000000")).status)
        await home.browser(f"198.51.100.{number}").sign_in("ada")  # the right password alone must not wipe the count
    assert statuses.count(401) <= 8, statuses
    assert statuses[-1] == 429


@pytest.mark.anyio
async def test_strangers_are_slowed_down_per_address(home: House) -> None:
    browser = home.browser()
    statuses = [(await browser("POST", f"{APP}/sign-in/passkey/challenge")).status for _ in range(60)]
    assert statuses.count(200) in range(30, 34)
    assert statuses[-1] == 429
    assert (await home.browser("192.0.2.77")("POST", f"{APP}/sign-in/passkey/challenge")).status == 200
    home.clock.ahead += 10
    assert (await browser("POST", f"{APP}/sign-in/passkey/challenge")).status == 200


@pytest.mark.anyio
async def test_a_planted_cookie_is_never_taken_over(home: House) -> None:
    """Session fixation: whoever signs in gets a token nobody knew before, and what they came with is worth nothing."""
    eve = await home.signed_in("eve")
    planted = eve.cookies[COOKIE]
    await home.account("ada")
    victim = home.browser()
    for cookie in (planted, "fixed-by-the-attacker"):
        victim.cookies = {COOKIE: cookie}
        assert (await victim.sign_in("ada")).status == 200
        assert victim.cookies[COOKIE] != cookie
        attacker = Browser(home.app, cookies={COOKIE: cookie})
        assert (await attacker("GET", f"{APP}/session")).status == 401


@pytest.mark.anyio
async def test_no_token_lies_in_the_database(home: House) -> None:
    browser = await home.signed_in("ada")
    token = browser.cookies[COOKIE]
    (row,) = await rows(home, "SELECT to_jsonb(s)::text AS all FROM mover.session s")
    assert token not in row.all
    assert token.encode().hex() not in row.all
    stolen = Browser(home.app, cookies={COOKIE: json.loads(row.all)["hash"].removeprefix("\\x")})
    assert (await stolen("GET", f"{APP}/session")).status == 401


@pytest.mark.anyio
@pytest.mark.parametrize(
    "cookie",
    ["", '""', "x", "x" * 8000, "\xff\xfe", "' OR 1=1 --", "a; __Host-mover=b", "\x00", "Kx3" * 14 + "A"],
)
async def test_an_invented_cookie_opens_nothing(home: House, cookie: str) -> None:
    await home.signed_in("ada")
    answer = await home.browser()("GET", f"{APP}/session", cookie=f"{COOKIE}={cookie}")
    assert (answer.status, answer.code) == (401, "not-signed-in")


@pytest.mark.anyio
async def test_a_disabled_account_is_out_at_once(home: House) -> None:
    owner, ada = await home.signed_in("olga", "owner"), await home.signed_in("ada")
    key = (await ada.must("POST", f"{APP}/keys", {"name": "k", "scopes": ["connections:read"]}))["secret"]
    (row,) = await rows(home, "SELECT id FROM mover.account WHERE name = 'ada'")
    assert (await owner("PATCH", f"{APP}/accounts/{row.id}", {"disabled": True})).status == 204
    assert (await ada("GET", f"{APP}/session")).status == 401
    assert (await home.browser()("GET", f"{API}/connections", authorization=f"Bearer {key}")).status == 401
    assert (await home.browser().sign_in("ada")).status == 401
    assert (await owner("POST", f"{APP}/accounts/{row.id}/invitations")).status == 404
    assert (await owner("PATCH", f"{APP}/accounts/{row.id}", {"disabled": False})).status == 204
    assert (await ada("GET", f"{APP}/session")).status == 401, "old sessions stay ended"
    assert (await home.browser().sign_in("ada")).status == 200


@pytest.mark.anyio
async def test_another_role_ends_sessions(home: House) -> None:
    owner, ada = await home.signed_in("olga", "owner"), await home.signed_in("ada", "owner")
    (row,) = await rows(home, "SELECT id FROM mover.account WHERE name = 'ada'")
    assert (await owner("PATCH", f"{APP}/accounts/{row.id}", {"role": "auditor"})).status == 204
    assert (await ada("GET", f"{APP}/accounts")).status == 401
    assert (await (await home.again("ada"))("GET", f"{APP}/accounts")).status == 403
    (entry,) = await logged(home, "role-changed")
    assert entry["details"] == {"before": "owner", "after": "auditor"}


@pytest.mark.anyio
async def test_a_key_that_may_little_makes_nobody_who_may_more(home: House) -> None:
    owner = await home.signed_in("olga", "owner")
    scopes = ["accounts:write", "accounts:read"]
    key = (await owner.must("POST", f"{APP}/keys", {"name": "k", "scopes": scopes}))["secret"]
    (olga,) = await rows(home, "SELECT id FROM mover.account WHERE name = 'olga'")
    program = home.browser()
    for method, path, body in (
        ("POST", "/accounts", {"name": "evil", "role": "owner"}),
        ("POST", "/accounts", {"name": "evil", "role": "manager"}),
        ("POST", f"/accounts/{olga.id}/invitations", {}),
        ("PATCH", f"/accounts/{olga.id}", {"role": "owner"}),
        ("DELETE", f"/accounts/{olga.id}/second-factors", None),
        ("DELETE", f"/accounts/{olga.id}", None),
    ):
        answer = await program(method, API + path, body, authorization=f"Bearer {key}")
        assert (answer.status, answer.code) == (403, "not-allowed"), (method, path, answer)
