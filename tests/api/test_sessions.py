"""Sessions: what ends them, what needs a fresh proof, what is logged, and who changes accounts."""

from __future__ import annotations

import pytest
from tests.api.browser import API, APP, PASSWORD, House
from tests.api.facts import change, logged, rows, unproved

from mover.service.actor import Role

OTHER = "eleven quiet boats at dawn"


@pytest.mark.anyio
async def test_sessions_end_by_time_by_hand_and_by_what_changes(home: House) -> None:
    one = await home.signed_in("ada")
    two, three, four = [await home.again("ada") for _ in range(3)]
    shown = await one.must("GET", f"{APP}/sessions")
    assert [session["current"] for session in shown] == [True, False, False, False]
    assert {session["agent"] for session in shown} == {"a test"}
    await one.must("DELETE", f"{APP}/sessions/{shown[1]['id']}")
    assert (await two("GET", f"{APP}/session")).status == 401
    await change(home, "UPDATE mover.session SET seen = now() - interval '13 hours' WHERE id = :id", id=shown[2]["id"])
    assert (await three("GET", f"{APP}/session")).status == 401
    await change(home, "UPDATE mover.session SET expires = now() WHERE id = :id", id=shown[3]["id"])
    assert (await four("GET", f"{APP}/session")).status == 401
    assert len(await one.must("GET", f"{APP}/sessions")) == 1
    five = await home.again("ada")
    assert (await one("DELETE", f"{APP}/sessions")).status == 204
    assert (await five("GET", f"{APP}/session")).status == 401
    kept = one.copy()
    assert (await one("POST", f"{APP}/sign-out")).status == 204
    assert one.cookies == {}
    assert (await kept("GET", f"{APP}/session")).status == 401
    assert (
        await rows(home, "SELECT id FROM mover.session WHERE seen > now() - interval '1 hour' AND expires > now()")
        == []
    )
    assert [entry["details"]["cause"] for entry in await logged(home, "signed-out")] == [
        "ended by hand",
        "all others ended by hand",
        "signed out",
    ]


@pytest.mark.anyio
async def test_nobody_ends_a_session_of_somebody_else(home: House) -> None:
    ada, eve = await home.signed_in("ada"), await home.signed_in("eve")
    number = (await ada.must("GET", f"{APP}/session"))["session"]
    assert (await eve("DELETE", f"{APP}/sessions/{number}")).status == 404
    assert (await ada("GET", f"{APP}/session")).status == 200


@pytest.mark.anyio
async def test_another_password_ends_all_other_sessions_and_rotates_this_one(home: House) -> None:
    one, two = await home.signed_in("ada"), await home.again("ada")
    before = one.copy()
    await one.must("PUT", f"{APP}/account/password", {"password": OTHER})
    assert (await one("GET", f"{APP}/session")).status == 200
    assert (await before("GET", f"{APP}/session")).status == 401, "the token of before is worth nothing"
    assert (await two("GET", f"{APP}/session")).status == 401
    assert (await home.browser().sign_in("ada")).status == 401
    assert (await home.browser().sign_in("ada", OTHER)).status == 200
    entries = [entry["details"] for entry in await logged(home, "sign-in-changed")]
    assert entries[-1] == {"method": "password", "change": "set"}


DANGEROUS = [
    ("POST", "/keys", {"name": "k", "scopes": []}),
    ("PUT", "/account/password", {"password": OTHER}),
    ("POST", "/account/totp", None),
    ("POST", "/account/totp/confirm", {"code": "123456"}),
    ("DELETE", "/account/totp", None),
    ("POST", "/account/recovery-codes", None),
    ("POST", "/account/passkeys/challenge", None),
    ("POST", "/account/passkeys", {"name": "p", "credential": {}}),
    ("DELETE", "/account/passkeys/1", None),
    ("DELETE", "/connections/1", None),
    ("DELETE", "/accounts/1", None),
    ("PATCH", "/accounts/1", {"role": "manager"}),
    ("PATCH", "/accounts/1", {"disabled": True}),
    ("POST", "/accounts/1/invitations", None),
    ("DELETE", "/accounts/1/second-factors", None),
    ("DELETE", "/account", None),
]


@pytest.mark.anyio
async def test_dangerous_acts_need_a_fresh_proof(home: House) -> None:
    browser = await home.signed_in("olga", "owner")
    await unproved(home)
    for method, path, body in DANGEROUS:
        answer = await browser(method, APP + path, body)
        assert (answer.status, answer.code) == (403, "prove-again"), (method, path, answer)
    assert (await browser.must("GET", f"{APP}/session"))["recent"] is False
    wrong = await browser("POST", f"{APP}/session/prove", {"password": OTHER})
    assert (wrong.status, wrong.code) == (401, "not-signed-in")
    assert (await browser("POST", f"{APP}/keys", DANGEROUS[0][2])).code == "prove-again"
    before = browser.copy()
    assert (await browser.must("POST", f"{APP}/session/prove", {"password": PASSWORD}))["recent"] is True
    assert (await browser("POST", f"{APP}/keys", DANGEROUS[0][2])).status == 201
    assert (await before("GET", f"{APP}/session")).status == 401


@pytest.mark.anyio
async def test_what_people_do_is_logged_with_who_where_and_which_request(home: House) -> None:
    browser = await home.signed_in("olga", "owner")
    answer = await browser("POST", f"{APP}/accounts", {"name": "bob", "role": "auditor"})
    (request,) = answer.headers["x-request-id"]
    entry = (await logged(home, "account-created"))[-1]
    assert entry["actor"] == {"id": "olga", "kind": "account"}
    assert (entry["subject"]["id"], entry["details"]) == ("bob", {"role": "auditor", "by": "olga"})
    assert (entry["request"], entry["address"]) == (request, "192.0.2.10")
    key = await browser.must("POST", f"{APP}/keys", {"name": "k", "scopes": ["accounts:write", "keys:write"]})
    made = (await logged(home, "api-key-created"))[-1]
    assert made["details"]["owner"] == "olga"
    revoked = await home.browser()("DELETE", f"{API}/keys/{key['id']}", authorization=f"Bearer {key['secret']}")
    assert revoked.status == 204
    entry = (await logged(home, "api-key-revoked"))[-1]
    assert (entry["actor"], entry["subject"]["id"]) == ({"id": str(key["id"]), "kind": "api-key"}, str(key["id"]))
    (signed_in,) = await logged(home, "signed-in")
    assert signed_in["details"] == {"method": "password", "second_factor": None}
    first = (await logged(home))[0]
    assert (first["event"], first["actor"]["kind"]) == ("account-created", "machine")


@pytest.mark.anyio
@pytest.mark.parametrize("role", ["manager", "operator", "auditor"])
async def test_only_owners_change_accounts(home: House, role: Role) -> None:
    await home.account("olga", "owner")
    browser = await home.signed_in("mia", role)
    (olga,) = await rows(home, "SELECT id FROM mover.account WHERE name = 'olga'")
    for method, path, body in (
        ("POST", "/accounts", {"name": "x", "role": "auditor"}),
        ("PATCH", f"/accounts/{olga.id}", {"role": "auditor"}),
        ("PATCH", f"/accounts/{olga.id}", {"disabled": True}),
        ("DELETE", f"/accounts/{olga.id}", None),
        ("DELETE", f"/accounts/{olga.id}/second-factors", None),
        ("POST", f"/accounts/{olga.id}/invitations", None),
        ("POST", "/runners/tokens", {}),
    ):
        answer = await browser(method, APP + path, body)
        assert (answer.status, answer.code) == (403, "not-allowed"), (method, path, answer)
