"""The application API of a real `mover up`, over TLS: an owner invites somebody, who signs in."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Generator
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.api.browser import APP, PASSWORD
from tests.postgres import public_folder
from tests.service.up import Service, up


@pytest.fixture(scope="module")
def service() -> Generator[Service]:
    with public_folder() as folder, up(folder / "service") as running:
        yield running


def ask(
    service: Service, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, Any, http.client.HTTPMessage]:
    place = urlsplit(service.address)
    context = ssl.create_default_context(cafile=str(service.authority))
    connection = http.client.HTTPSConnection(place.hostname or "", place.port, context=context, timeout=30)
    said = {"origin": service.address, "content-type": "application/json"}
    said |= {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, APP + path, None if body is None else json.dumps(body), said)
        answer = connection.getresponse()
        content = answer.read()
        return answer.status, json.loads(content) if content else None, answer.headers
    finally:
        connection.close()


def test_an_owner_invites_somebody_who_signs_in(service: Service) -> None:
    made = service.admin.must("POST", "/accounts", {"name": "ada", "role": "manager"})
    invitation = service.admin.must("POST", f"/accounts/{made['id']}/invitations", {})
    accepted = ask(service, "POST", "/invitations/accept", {"token": invitation["token"], "password": PASSWORD})
    assert accepted[:2] == (200, {"name": "ada"})
    status, session, headers = ask(service, "POST", "/sign-in", {"name": "ada", "password": PASSWORD})
    assert (status, session["name"]) == (200, "ada")
    assert headers["set-cookie"].startswith("__Host-mover=")
    assert headers["strict-transport-security"]
    cookie = headers["set-cookie"].partition(";")[0]
    assert ask(service, "GET", "/connections", cookie=cookie)[0] == 200
    assert ask(service, "GET", "/connections")[0] == 401
    assert ask(service, "POST", "/sign-out", cookie=cookie)[0] == 403
    assert (
        ask(service, "POST", "/sign-out", cookie=cookie, origin="https://evil.test", x_csrf_token=session["csrf"])[0]
        == 403
    )
    assert ask(service, "POST", "/sign-out", cookie=cookie, x_csrf_token=session["csrf"])[0] == 204
    assert ask(service, "GET", "/connections", cookie=cookie)[0] == 401
    assert ask(service, "GET", "/session", host="evil.test")[0] == 421
