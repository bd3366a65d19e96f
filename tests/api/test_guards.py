"""Every route of every app has its guard: nobody unknown gets in, and nobody by way of another site."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from fastapi.routing import iter_route_contexts
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from tests.api.browser import API, APP, HOST, Browser, House

from mover.api.app_signin import OPEN as OPEN_TO_STRANGERS
from mover.crypto.boxes import new_box_key
from mover.crypto.signatures import SigningKey
from mover.runner.http_plane import PATH as RUNNERS
from mover.wire.messages import EnrolRequest

OPEN = {
    *((method, APP + path) for method, path in OPEN_TO_STRANGERS),
    ("GET", f"{API}/openapi.json"),
    ("HEAD", f"{API}/openapi.json"),
    ("GET", "/health"),
    ("HEAD", "/health"),
    ("GET", "/ready"),
    ("HEAD", "/ready"),
}
"""All that answers to somebody unknown. Whoever adds to this list says why in docs/accounts.md."""

OWN_GUARD = {("POST", f"{RUNNERS}/enrol"), ("POST", f"{RUNNERS}/lease"), ("POST", f"{RUNNERS}/journal")}
"""Signed or with a one-time token: tested below."""


def routes(app: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Every route of an app and of those that are mounted in it, as (method, path)."""
    found: list[tuple[str, str]] = []
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, Mount):
            found += routes(route.original_route.app, prefix + route.original_route.path)
        else:
            assert route.methods, f"what is {route}?"
            found += [(method, f"{prefix}{route.path}") for method in sorted(route.methods)]
    return found


def concrete(path: str) -> str:
    return path.replace("{number}", "1").replace("{runner}", "runner-1")


@pytest.mark.anyio
async def test_there_are_as_many_routes_as_there_should_be(home: House) -> None:
    found = routes(home.app)
    assert len(found) == len(set(found))
    assert set(found) >= OPEN | OWN_GUARD
    public = {(method, path.removeprefix(API)) for method, path in found if path.startswith(API)}
    app = {(method, path.removeprefix(APP)) for method, path in found if path.startswith(APP)}
    assert len(public) > 20
    assert public <= app
    assert {("DELETE", "/connections/{number}"), ("POST", "/runs/{number}/stop")} <= public


@pytest.mark.anyio
async def test_nobody_unknown_gets_in(home: House) -> None:
    asked = 0
    for method, path in routes(home.app):
        if (method, path) in OPEN | OWN_GUARD:
            continue
        answer = await home.browser()(method, concrete(path), None if method in {"GET", "HEAD"} else {})
        assert answer.status == 401, (method, path, answer)
        assert answer.headers["www-authenticate"], (method, path)
        if method != "HEAD":
            assert answer.code == "not-signed-in", (method, path, answer)
        asked += 1
    assert asked > 50


@pytest.mark.anyio
@pytest.mark.parametrize(
    "path", ["/nothing", "/sign-in/", "/Sign-in", "//sign-in", "/sign-in/../accounts", "/%73ign-in", "/docs"]
)
async def test_what_is_no_route_is_closed_too(home: House, path: str) -> None:
    for app in (APP, API):
        answer = await home.browser()("POST", app + path, {})
        assert (answer.status, answer.code) == (401, "not-signed-in"), (app, answer)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "foreign",
    [
        {"sec_fetch_site": "cross-site", "origin": "https://evil.test"},
        {"sec_fetch_site": "cross-site", "origin": None},
        {"sec_fetch_site": "same-site", "origin": f"https://other.{HOST}"},
        {"sec_fetch_site": None, "origin": "https://evil.test"},
        {"sec_fetch_site": None, "origin": "null"},
        {"sec_fetch_site": None, "origin": f"http://{HOST}"},
        {"sec_fetch_site": None, "origin": "https://mover.test:9999"},
        {"sec_fetch_site": "same-origin", "origin": "https://evil.test"},
    ],
)
async def test_another_site_gets_nothing_by_the_browser_of_an_owner(
    home: House, foreign: dict[str, str | None]
) -> None:
    owner = await home.signed_in("olga", "owner")
    for method, path in routes(home.app):
        if path.startswith(APP):
            answer = await owner(method, concrete(path), None if method in {"GET", "HEAD"} else {}, **foreign)
            assert answer.status == 403, (method, path, answer)
            if method != "HEAD":
                assert answer.code == "cross-site", (method, path, answer)
    assert (await owner("GET", f"{APP}/session")).status == 200


@pytest.mark.anyio
async def test_a_change_needs_the_token_of_its_own_session(home: House) -> None:
    owner, other = await home.signed_in("olga", "owner"), await home.signed_in("oskar", "owner")
    for method, path in routes(home.app):
        if path.startswith(APP) and method not in {"GET", "HEAD"} and (method, path) not in OPEN:
            for token in (None, "", "x", other.csrf, owner.cookies["__Host-mover"], "\xff" * 64):
                answer = await owner(method, concrete(path), {}, x_csrf_token=token)
                assert (answer.status, answer.code) == (403, "cross-site"), (method, path, token, answer)
    answer = await owner("POST", f"{APP}/sign-out", sec_fetch_site=None, origin=None)
    assert (answer.status, answer.code) == (403, "cross-site")
    assert (await owner("POST", f"{APP}/sign-out")).status == 204


@pytest.mark.anyio
@pytest.mark.parametrize(
    "host",
    ["evil.test", "mover.test.evil.test", "evil.test:8443", "", "mover.test@evil.test", "[::1]", "mover.test, evil"],
)
async def test_a_server_answers_by_its_own_names_only(home: House, host: str) -> None:
    owner = await home.signed_in("olga", "owner")
    owner.host = host
    answer = await owner("GET", f"{APP}/session")
    assert (answer.status, answer.code) == (421, "wrong-host")


@pytest.mark.anyio
async def test_runners_must_prove_who_they_are(home: House) -> None:
    nobody = Browser(home.app)
    for _, path in sorted(OWN_GUARD):
        key = SigningKey.new().public.raw
        body = msgspec.msgpack.encode(EnrolRequest("mve_nothing", "x", key, new_box_key()[1]))
        answer = await nobody("POST", path, raw=body)
        assert (answer.status, answer.code) == (401, "not-signed-in"), (path, answer)


@pytest.mark.anyio
async def test_a_session_opens_no_public_api_and_a_key_no_app(home: House) -> None:
    owner = await home.signed_in("olga", "owner")
    key = (await owner.must("POST", f"{APP}/keys", {"name": "k", "scopes": ["accounts:read"]}))["secret"]
    assert (await owner("GET", f"{API}/accounts")).status == 401
    assert (await owner("GET", f"{API}/accounts", authorization=f"Bearer {key}")).status == 200
    assert (await home.browser()("GET", f"{APP}/accounts", authorization=f"Bearer {key}")).status == 401


def test_this_file_looks_at_starlette_routes() -> None:
    """A forgotten kind of route would be a hole in these tests."""
    assert routes(Starlette(routes=[Mount("/a", Starlette(routes=[Route("/b", lambda _: None)]))])) == [
        ("GET", "/a/b"),
        ("HEAD", "/a/b"),
    ]
