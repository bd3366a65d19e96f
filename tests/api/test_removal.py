"""The end of an account: what opens anything goes at once, and everything else after it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.api.browser import API, APP, Browser, House
from tests.api.facts import change, logged, rows

from mover.core.errors import DatabaseContended
from mover.store import account_removal

EVERYWHERE = ("session", "api_key", "totp", "recovery_code", "passkey", "passkey_challenge", "invitation")


async def number_of(home: House, name: str) -> int:
    (row,) = await rows(home, "SELECT id FROM mover.account WHERE name = :name", name=name)
    return row.id


async def busy(home: House, name: str) -> tuple[Browser, str, int]:
    """An account with connections, a key, second factors and a run under way."""
    browser = await home.signed_in(name)
    ends: list[int] = []
    for end in ("from", "to"):
        options = {"host": "files.example.com", "user": "mover"}
        asked = {"name": end, "connector": "sftp", "options": options, "secrets": {"password": "a canary"}}
        ends.append((await browser.must("POST", f"{APP}/connections", asked))["id"])
    asked = {"name": "m", "source": ends[0], "destination": ends[1], "pairs": [{}]}
    migration = (await browser.must("POST", f"{APP}/migrations", asked))["id"]
    run = (await browser.must("POST", f"{APP}/migrations/{migration}/runs", {}))["id"]
    await browser.must("POST", f"{APP}/account/totp")
    await browser.must("POST", f"{APP}/account/passkeys/challenge")
    key = await browser.must("POST", f"{APP}/keys", {"name": "k", "scopes": ["connections:read"]})
    return browser, key["secret"], run


async def nothing_left(home: House, number: int) -> None:
    for table in EVERYWHERE:
        assert await rows(home, f"SELECT 1 FROM mover.{table} WHERE account = {number}") == [], table  # noqa: S608  # a constant
    for table in ("connection", "migration", "run", "batch"):
        assert await rows(home, f"SELECT 1 FROM mover.{table} WHERE owner = {number}") == [], table  # noqa: S608  # a constant
    assert await rows(home, "SELECT 1 FROM mover.account WHERE id = :id", id=number) == []
    owner = f"account-{number}"
    assert await rows(home, "SELECT 1 FROM mover.credential WHERE owner = :owner", owner=owner) == []
    assert await rows(home, "SELECT 1 FROM keys.user_key WHERE owner = :owner", owner=owner) == []


@pytest.mark.anyio
async def test_everything_of_an_account_goes(home: House) -> None:
    owner, (ada, key, _) = await home.signed_in("olga", "owner"), await busy(home, "ada")
    bob, _, _ = await busy(home, "bob")
    number = await number_of(home, "ada")
    assert await rows(home, "SELECT 1 FROM keys.user_key WHERE owner = :o", o=f"account-{number}") != []
    assert (await owner("DELETE", f"{APP}/accounts/{number}")).status == 204
    assert (await ada("GET", f"{APP}/session")).status == 401
    assert (await home.browser()("GET", f"{API}/connections", authorization=f"Bearer {key}")).status == 401
    assert (await home.browser().sign_in("ada")).status == 401
    await nothing_left(home, number)
    (entry,) = await logged(home, "account-removed")
    assert (entry["subject"]["id"], entry["details"], entry["actor"]["id"]) == ("ada", {"connections": 2}, "olga")
    assert len(await logged(home, "keys-shredded")) == 1
    assert len((await bob.must("GET", f"{APP}/connections"))["rows"]) == 2, "nobody else loses anything"
    assert (await owner("DELETE", f"{APP}/accounts/{number}")).status == 404
    await home.account("ada")  # the name is free again, and what comes of it is new
    assert (await (await home.again("ada")).must("GET", f"{APP}/connections"))["rows"] == []


@pytest.mark.anyio
async def test_people_remove_their_own_account(home: House) -> None:
    await home.account("olga", "owner")
    ada, _, _ = await busy(home, "ada")
    number = await number_of(home, "ada")
    assert (await ada("DELETE", f"{APP}/account")).status == 204
    assert ada.cookies == {}
    await nothing_left(home, number)


@pytest.mark.anyio
async def test_the_last_owner_stays(home: House) -> None:
    olga = await home.signed_in("olga", "owner")
    number = await number_of(home, "olga")
    for method, path, body in (
        ("DELETE", f"/accounts/{number}", None),
        ("DELETE", "/account", None),
        ("PATCH", f"/accounts/{number}", {"role": "manager"}),
        ("PATCH", f"/accounts/{number}", {"disabled": True}),
    ):
        answer = await olga(method, APP + path, body)
        assert (answer.status, answer.code) == (409, "wrong-state"), (method, path, answer)
    assert (await olga("GET", f"{APP}/session")).status == 200
    await home.account("oskar", "owner")
    await change(home, "UPDATE mover.account SET disabled = now() WHERE name = 'oskar'")
    assert (await olga("DELETE", f"{APP}/account")).status == 409, "one who cannot sign in does not count"
    await change(home, "UPDATE mover.account SET disabled = NULL WHERE name = 'oskar'")
    assert (await olga("DELETE", f"{APP}/account")).status == 204


@pytest.mark.anyio
async def test_of_owners_who_remove_each_other_one_is_left(home: House) -> None:
    names = ["olga", "oskar", "otto", "oona"]
    browsers = [await home.signed_in(name, "owner") for name in names]
    numbers = [await number_of(home, name) for name in names]
    await asyncio.gather(
        *(
            browser("PATCH", f"{APP}/accounts/{number}", {"disabled": True})
            for browser in browsers
            for number in numbers
        )
    )
    left = await rows(home, "SELECT id FROM mover.account WHERE role = 'owner' AND disabled IS NULL")
    assert len(left) == 1


@pytest.mark.anyio
async def test_a_removal_that_is_interrupted_leaves_nothing_open_and_goes_on(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, (ada, key, run) = await home.signed_in("olga", "owner"), await busy(home, "ada")
    number = await number_of(home, "ada")
    drop = account_removal.drop_migration

    async def lost(connection: AsyncConnection, migration: int) -> Any:
        raise DatabaseContended("somebody works on it")

    monkeypatch.setattr(account_removal, "drop_migration", lost)
    assert (await owner("DELETE", f"{APP}/accounts/{number}")).status == 503
    assert (await ada("GET", f"{APP}/session")).status == 401
    assert (await home.browser()("GET", f"{API}/connections", authorization=f"Bearer {key}")).status == 401
    assert (await home.browser().sign_in("ada")).status == 401
    assert await rows(home, "SELECT 1 FROM mover.credential WHERE owner = :o", o=f"account-{number}") == []
    (stopped,) = await rows(home, "SELECT state FROM mover.run WHERE id = :run", run=run)
    assert stopped.state == "stopped"
    assert await rows(home, "SELECT 1 FROM mover.batch WHERE state IN ('ready', 'offered', 'leased')") == []
    monkeypatch.setattr(account_removal, "drop_migration", drop)
    assert (await owner("DELETE", f"{APP}/accounts/{number}")).status == 204
    await nothing_left(home, number)
