"""What no browser sends: JSON of two meanings, forms, huge bodies, zeros, headers in names, and secrets looked for in every log."""

from __future__ import annotations

import json
import logging
import secrets

import pytest
from tests.api.browser import API, APP, PASSWORD, House
from tests.api.facts import logged

COOKIE = "__Host-mover"
WRONG = "another password altogether"


PAGES = [f"{APP}/sign-in", f"{APP}/invitations/accept", f"{APP}/sign-in/passkey"]


@pytest.mark.anyio
@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"name": "ada", "name": "eve", "password": "x"}', 400),
        (b'{"name": "ada", "password": "x", "more": {"a": 1, "a": 2}}', 400),
        (b'{"name": NaN, "password": "x"}', 400),
        (b'{"name": -Infinity}', 400),
        (b'{"name": 1e999}', 400),
        (b"[" * 60_000, 400),
        (b'{"a":' * 10_000, 400),
        (b"1" * 60_000, 400),
        (b"\xff\xfe{}", 400),
        (b'\xef\xbb\xbf{"name": "x"}', 400),
        (b"{} {}", 400),
        (b'{"name": "a\\u0000", "password": "x"}', 400),
        (b'{"a\\u0000": [{"b": "c"}]}', 400),
        (b"", 422),
        (b"null", 422),
        (b"[]", 422),
        (b'{"name": "\\ud800", "password": "\\udfff", "token": "\\ud800", "credential": {"\\ud800": 1}}', 422),
    ],
)
async def test_json_with_more_than_one_meaning_is_refused(home: House, path: str, body: bytes, status: int) -> None:
    answer = await home.browser()("POST", path, raw=body)
    assert answer.status == status, answer
    assert answer.headers["content-type"] == ["application/problem+json"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        None,
        "application/json;charset=utf-7",
        "text/json",
    ],
)
async def test_a_form_of_another_site_is_no_json(home: House, kind: str | None) -> None:
    answer = await home.browser()("POST", f"{APP}/sign-in", {"name": "a", "password": "b"}, content_type=kind)
    assert (answer.status, answer.code) == (415, "not-json")


@pytest.mark.anyio
async def test_huge_bodies_are_not_read(home: House) -> None:
    stranger, ada = home.browser(), await home.signed_in("ada")
    big = b'{"name": "' + b"x" * (70 << 10) + b'"}'
    for path in PAGES:
        for headers in ({}, {"transfer_encoding": "chunked"}):
            answer = await stranger("POST", path, raw=big, **headers)
            assert (answer.status, answer.code) == (413, "too-long"), path
    for browser, path, status in (
        (stranger, f"{APP}/connections", 401),
        (stranger, f"{API}/connections", 401),
        (ada, f"{APP}/connections", 413),
    ):
        huge = bytes(9 << 20)
        assert (await browser("POST", path, raw=huge, transfer_encoding="chunked")).status == status
    lied = await stranger("POST", PAGES[0], raw=b"{}", transfer_encoding="x", content_length="9" * 30)
    assert lied.status in {413, 422}


@pytest.mark.anyio
async def test_headers_cannot_be_injected(home: House) -> None:
    ada = await home.signed_in("ada")
    for name in ("x\r\nset-cookie: a=b", "x\x01", "\r\n\r\n<script>", "a\u2028b"):
        assert (await home.browser().sign_in(name)).status == 401
        answer = await ada("POST", f"{APP}/account/passkeys", {"name": name, "credential": {}})
        assert answer.status == 400
        assert "set-cookie" not in answer.headers
    other = home.browser()
    answer = await other(
        "POST", f"{APP}/sign-in", {"name": "ada", "password": PASSWORD}, user_agent="a\tb\x01\x7f\xe9" + "x" * 5000
    )
    assert answer.status == 200
    shown = await other.must("GET", f"{APP}/sessions")
    assert all(session["agent"].isprintable() and len(session["agent"]) <= 120 for session in shown)
    proxied = await home.browser()(
        "POST", f"{APP}/sign-in", {"name": "ada", "password": WRONG}, x_forwarded_for="203.0.113.9"
    )
    assert proxied.status == 401
    assert (await logged(home, "sign-in-failed"))[-1]["address"] == "192.0.2.10"


@pytest.mark.anyio
async def test_nothing_that_is_typed_in_secret_is_logged(home: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = await home.invited("ada")
    browser, canary = home.browser(), f"canary {secrets.token_hex(8)}"
    await browser("POST", f"{APP}/invitations/accept", {"token": canary, "password": canary})
    await browser("POST", f"{APP}/invitations/accept", {"token": token, "password": canary})
    await browser.sign_in("ada", canary)
    await browser("POST", f"{APP}/account/totp/confirm", {"code": canary})
    wrong = await browser("POST", f"{APP}/sign-in", {"name": 7, "password": [canary], "code": canary * 9})
    assert wrong.status == 422
    assert canary not in json.dumps(wrong.json)
    written = caplog.text + json.dumps(await logged(home))
    for secret in (canary, token, browser.cookies[COOKIE], browser.csrf):
        assert secret not in written


@pytest.mark.anyio
@pytest.mark.parametrize("number", ["0", "-1", "9" * 25, "9" * 5000, "1e3", "%00", "1%00", "x", "1'--", "\u0664"])
async def test_a_strange_number_is_nobodys(home: House, number: str) -> None:
    ada = await home.signed_in("ada", "owner")
    path = number.replace("%00", "\0")
    for method, place in (
        ("GET", f"/connections/{path}"),
        ("DELETE", f"/sessions/{path}"),
        ("GET", f"/runs/{path}"),
        ("DELETE", f"/runners/{path}"),
        ("GET", f"/connections?after={number}"),
        ("GET", f"/connections?limit={number}"),
    ):
        answer = await ada(method, APP + place)
        fine = {200} if "after=" in place else set[int]()  # a few letters may be a mark by chance
        assert answer.status in {400, 404, 422} | fine, (place, answer)
