"""Signing in by password and code, sessions, and what ends them."""

from __future__ import annotations

import asyncio
import statistics
import time
from datetime import timedelta

import pyotp
import pytest
from tests.api.browser import APP, PASSWORD, Browser, House
from tests.api.facts import change, logged, patience, rows, unproved

from mover.core.secret import Secret
from mover.service.passwords import Passwords

OTHER = "eleven quiet boats at dawn"
COOKIE = "__Host-mover"


async def with_codes(browser: Browser) -> tuple[pyotp.TOTP, list[str]]:
    """Set up one-time codes; the generator, and the recovery codes."""
    enrolled = await browser.must("POST", f"{APP}/account/totp")
    generator = pyotp.TOTP(enrolled["secret"])
    assert pyotp.parse_uri(enrolled["address"]).secret == enrolled["secret"]
    made = await browser.must("POST", f"{APP}/account/totp/confirm", {"code": generator.now()})
    return generator, made["recovery_codes"]


def code_at(home: House, generator: pyotp.TOTP, steps: int = 0) -> str:
    return generator.at(home.clock.now() + timedelta(seconds=30 * steps))


@pytest.mark.anyio
async def test_an_invitation_a_password_a_session(home: House) -> None:
    token = await home.invited("ada")
    browser = home.browser()
    assert (await browser.sign_in("ada")).status == 401
    accepted = await browser("POST", f"{APP}/invitations/accept", {"token": token, "password": PASSWORD})
    assert (accepted.status, accepted.json) == (200, {"name": "ada"})
    answer = await browser.sign_in("ada")
    assert answer.status == 200
    assert (answer.json["name"], answer.json["role"], answer.json["recent"]) == ("ada", "manager", True)
    assert "connections:write" in answer.json["may"]
    assert "accounts:write" not in answer.json["may"]
    (cookie,) = answer.headers["set-cookie"]
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert cookie.startswith(f"{COOKIE}=")
    assert parts == {"secure", "httponly", "samesite=lax", "path=/", "max-age=2592000"}
    assert len(browser.cookies[COOKIE]) >= 43  # 256 bits
    assert answer.headers["cache-control"] == ["no-store"]
    again = await browser.must("GET", f"{APP}/session")
    assert again == answer.json
    assert (await browser.must("GET", f"{APP}/account")) == {
        "password": True,
        "one_time_codes": False,
        "recovery_codes_left": 0,
        "passkeys": 0,
    }


@pytest.mark.anyio
async def test_an_invitation_is_good_once_and_for_three_days_and_until_the_next(home: House) -> None:
    token, browser = await home.invited("ada"), home.browser()
    body = {"token": token, "password": PASSWORD}
    short = await browser("POST", f"{APP}/invitations/accept", {**body, "password": "short"})
    assert (short.status, short.code) == (400, "bad-option")
    assert (await browser("POST", f"{APP}/invitations/accept", body)).status == 200
    assert (await browser("POST", f"{APP}/invitations/accept", {**body, "password": OTHER})).status == 401
    late, owner = await home.invited("bob"), await home.signed_in("olga", "owner")
    await change(home, "UPDATE mover.invitation SET expires = now() - interval '1 second' WHERE used IS NULL")
    assert (await browser("POST", f"{APP}/invitations/accept", {**body, "token": late})).status == 401
    (bob,) = await rows(home, "SELECT id FROM mover.account WHERE name = 'bob'")
    first, second = [(await owner.must("POST", f"{APP}/accounts/{bob.id}/invitations"))["token"] for _ in range(2)]
    assert (await browser("POST", f"{APP}/invitations/accept", {**body, "token": first})).status == 401
    assert (await browser("POST", f"{APP}/invitations/accept", {**body, "token": second})).status == 200
    kept = await rows(home, "SELECT hash FROM mover.invitation")
    assert not {token.encode(), first.encode(), second.encode()} & {bytes(row.hash) for row in kept}


@pytest.mark.anyio
async def test_of_two_who_accept_at_once_one_does(home: House) -> None:
    token = await home.invited("ada")
    tries = [
        home.browser(f"192.0.2.{n}")(
            "POST", f"{APP}/invitations/accept", {"token": token, "password": f"{PASSWORD} {n}"}
        )
        for n in range(8)
    ]
    assert sorted([answer.status for answer in await asyncio.gather(*tries)]) == [200, *[401] * 7]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "password",
    ["", "elevenchars", "x" * 1001, "aaaaaaaaaaaaaaaa", "ababababababab", "password1234", "Password!2345", "1234567890123456",
     "qwertyuiop12", "adaadaadaada!1", "mover-mover-mover", "ADMINISTRATOR1", "correcthorsebatterystaple"],
)  # fmt: skip
async def test_passwords_that_are_tried_first_are_not_taken(home: House, password: str) -> None:
    body = {"token": await home.invited("ada"), "password": password}
    answer = await home.browser()("POST", f"{APP}/invitations/accept", body)
    assert (answer.status, answer.code) == (400, "bad-option")
    assert password not in answer.json["detail"] or not password


@pytest.mark.anyio
async def test_a_password_is_the_same_however_it_is_written(home: House) -> None:
    await home.account("ada", password="cafe\u0301 noir sur glace ﬁn")
    assert (await home.browser().sign_in("ada", "café noir sur glace fin")).status == 200


@pytest.mark.anyio
async def test_a_password_kept_at_lower_costs_is_hashed_anew(home: House) -> None:
    await home.account("ada")
    weak = home.desk.passwords._hasher.__class__(time_cost=1, memory_cost=32, parallelism=1).hash(PASSWORD)
    await change(home, "UPDATE mover.account SET password = :p WHERE name = 'ada'", p=weak)
    assert (await home.browser().sign_in("ada")).status == 200
    (row,) = await rows(home, "SELECT password FROM mover.account WHERE name = 'ada'")
    assert "m=64,t=1,p=1" in row.password
    assert (await home.browser().sign_in("ada")).status == 200


@pytest.mark.anyio
async def test_a_code_is_asked_for_and_taken_once(home: House) -> None:
    generator, _ = await with_codes(await home.signed_in("ada"))
    browser = home.browser()
    needed = await browser.sign_in("ada")
    assert (needed.status, needed.code) == (401, "second-factor-needed")
    assert "set-cookie" not in needed.headers
    confirmed = await browser.sign_in("ada", code=code_at(home, generator))
    assert (confirmed.status, confirmed.code) == (401, "not-signed-in"), "the code by which they were set up is taken"
    home.clock.ahead += 30
    code = code_at(home, generator)
    assert (await browser.sign_in("ada", code=f"{code[:3]} {code[3:]}")).status == 200
    assert (await home.browser().sign_in("ada", code=code)).status == 401
    home.clock.ahead += 30
    assert (await home.browser().sign_in("ada", code=code)).status == 401
    await patience(home)
    assert (await home.browser().sign_in("ada", code=code_at(home, generator, -3))).status == 401
    assert (await home.browser().sign_in("ada", code=code_at(home, generator, 3))).status == 401
    assert (await home.browser().sign_in("ada", code=code_at(home, generator, -1))).status == 200
    reasons = [entry["details"]["reason"] for entry in await logged(home, "sign-in-failed")]
    assert set(reasons) == {"code used before, or account changed meanwhile", "wrong code"}


@pytest.mark.anyio
async def test_of_five_with_the_same_code_at_once_one_gets_in(home: House) -> None:
    generator, _ = await with_codes(await home.signed_in("ada"))
    home.clock.ahead += 60
    await change(home, "DELETE FROM mover.sign_in_counter")
    code = code_at(home, generator)
    answers = await asyncio.gather(*(home.browser(f"192.0.2.{n}").sign_in("ada", code=code) for n in range(5)))
    assert sorted(answer.status for answer in answers) == [200, 401, 401, 401, 401]


@pytest.mark.anyio
async def test_recovery_codes_are_taken_once(home: House) -> None:
    browser = await home.signed_in("ada")
    _, recovery = await with_codes(browser)
    assert len(set(recovery)) == 10
    assert (await home.browser().sign_in("ada", recovery_code=recovery[0])).status == 200
    assert (await home.browser().sign_in("ada", recovery_code=recovery[0])).status == 401
    assert (await home.browser().sign_in("ada", recovery_code=recovery[1].replace("-", " ").upper())).status == 200
    assert (await browser.must("GET", f"{APP}/account"))["recovery_codes_left"] == 8
    anew = (await browser.must("POST", f"{APP}/account/recovery-codes"))["recovery_codes"]
    assert (await home.browser().sign_in("ada", recovery_code=recovery[2])).status == 401
    assert (await home.browser().sign_in("ada", recovery_code=anew[2])).status == 200
    for row in await rows(home, "SELECT hash FROM mover.recovery_code"):
        assert len(row.hash) == 32


@pytest.mark.anyio
async def test_one_time_codes_count_from_when_they_are_confirmed_and_can_be_removed(home: House) -> None:
    browser = await home.signed_in("ada")
    secret = (await browser.must("POST", f"{APP}/account/totp"))["secret"]
    assert (await home.browser().sign_in("ada")).status == 200
    wrong = await browser("POST", f"{APP}/account/totp/confirm", {"code": "000000"})
    assert wrong.status in {400, 200}  # one in a million
    other = await home.again("ada")
    await browser.must("POST", f"{APP}/account/totp/confirm", {"code": code_at(home, pyotp.TOTP(secret))})
    assert (await other("GET", f"{APP}/session")).status == 401, "sessions without a code end"
    assert (await browser("GET", f"{APP}/session")).status == 200
    (sealed,) = await rows(home, "SELECT sealed FROM mover.credential WHERE purpose = 'totp'")
    assert secret.encode() not in sealed.sealed
    await browser.must("DELETE", f"{APP}/account/totp")
    assert (await home.browser().sign_in("ada")).status == 200
    assert await rows(home, "SELECT 1 FROM mover.credential WHERE purpose = 'totp'") == []


@pytest.mark.anyio
async def test_new_codes_replace_the_old_ones_only_once_confirmed(home: House) -> None:
    browser = await home.signed_in("ada")
    old, _ = await with_codes(browser)
    enrolled = await browser.must("POST", f"{APP}/account/totp")
    home.clock.ahead += 30
    assert (await home.browser().sign_in("ada", code=code_at(home, old))).status == 200
    await browser.must("POST", f"{APP}/account/totp/confirm", {"code": code_at(home, pyotp.TOTP(enrolled["secret"]))})
    home.clock.ahead += 30
    assert (await home.browser().sign_in("ada", code=code_at(home, old))).status == 401
    assert (await home.browser().sign_in("ada", code=code_at(home, pyotp.TOTP(enrolled["secret"])))).status == 200


@pytest.mark.anyio
async def test_proving_again_asks_for_the_code_too(home: House) -> None:
    browser = await home.signed_in("ada")
    generator, _ = await with_codes(browser)
    await unproved(home)
    home.clock.ahead += 30
    asked = await browser("POST", f"{APP}/session/prove", {"password": PASSWORD})
    assert asked.code == "second-factor-needed"
    body = {"password": PASSWORD, "code": code_at(home, generator)}
    assert (await browser.must("POST", f"{APP}/session/prove", body))["recent"] is True


@pytest.mark.anyio
async def test_names_that_are_not_there_take_as_long_as_those_that_are(home: House) -> None:
    """Compared with each other in the same moment, and with a margin: the difference without the dummy hash is a factor of ten."""
    costly = Passwords(memory=32 << 10, rounds=2, lanes=1)
    object.__setattr__(home.desk, "passwords", costly)
    await home.account("ada")
    await costly.verify(None, Secret("x"))
    took: dict[str, list[float]] = {"ada": [], "nobody": []}
    for number in range(8):
        for name, times in took.items():
            await change(home, "DELETE FROM mover.sign_in_counter")
            browser = home.browser(f"192.0.2.{number}")
            began = time.perf_counter()
            answer = await browser.sign_in(name, OTHER)
            times.append(time.perf_counter() - began)
            assert (answer.status, answer.json["detail"]) == (401, "name, password or code is not right")
    known, unknown = statistics.median(took["ada"]), statistics.median(took["nobody"])
    assert 0.5 < known / unknown < 2, took
