"""Signing in by Keystone 2 and 3, with Rackspace's API key, and by application credential: a stand-in hands out a real Swift's token."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractAsyncContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest
from tests.sites.base import Site

from mover.conformance.bodies import Sent
from mover.connectors.registry import connect
from mover.connectors.swift.client import Swift
from mover.connectors.swift.spec import SPEC
from mover.core.errors import BadCredentials, BadOption, NotEncrypted
from mover.core.model import ItemId
from mover.core.options import Options, Value
from mover.net.http import HttpSettings, http

Sites = Callable[[str], Site]
WANTED: dict[str, Any] = {
    "password 2": {"passwordCredentials": {"username": "u", "password": "k"}, "tenantName": "t"},
    "api key": {"RAX-KSKEY:apiKeyCredentials": {"username": "u", "apiKey": "k"}},
    "password 3": {
        "identity": {
            "methods": ["password"],
            "password": {"user": {"name": "u", "domain": {"name": "D"}, "password": "k"}},
        },
        "scope": {"project": {"name": "t", "domain": {"name": "D"}}},
    },
    "application credential": {
        "identity": {
            "methods": ["application_credential"],
            "application_credential": {"id": "i", "secret": "s"},
        }
    },
}
GIVEN: dict[str, dict[str, Value]] = {
    "password 2": {"auth_version": "2", "user": "u", "key": "k", "tenant": "t"},
    "api key": {"auth_version": "rackspace", "user": "u", "key": "k"},
    "password 3": {"auth_version": "3", "user": "u", "key": "k", "tenant": "t", "domain": "D"},
    "application credential": {
        "auth_version": "auto",
        "application_credential_id": "i",
        "application_credential_secret": "s",
    },
}


@contextmanager
def keystone(tls: Path, token: str, storage: str) -> Generator[str]:
    """Two regions, ORD and LON; only ORD is there. Answers its address."""
    regions = {"ORD": storage, "LON": "https://localhost:1/v1/nowhere"}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the library's name
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["auth"]
            second = self.path.endswith("/tokens") and "/auth/" not in self.path
            if asked not in WANTED.values():
                self.send_response(401)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            kind = "object-store"
            if second:
                ends = [{"region": r, "publicURL": u, "internalURL": "https://localhost:1"} for r, u in regions.items()]
                catalog = [{"type": "compute", "endpoints": []}, {"type": kind, "endpoints": ends}]
                told: Any = {
                    "access": {"token": {"id": token, "expires": "2099-01-01T00:00:00Z"}, "serviceCatalog": catalog}
                }
            else:
                three = [{"region": r, "interface": "public", "url": u} for r, u in regions.items()]
                told = {
                    "token": {
                        "expires_at": "2099-01-01T00:00:00.000000Z",
                        "catalog": [{"type": kind, "endpoints": three}],
                    }
                }
            body = json.dumps(told).encode()
            self.send_response(200 if second else 201)
            if not second:
                self.send_header("X-Subject-Token", token)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the library's name
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tls / "both.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"https://localhost:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def ticket_of(site: Site) -> tuple[str, str]:
    """A token of the real Swift, and the account's address."""
    headers = {"x-auth-user": str(site.options["user"]), "x-auth-key": str(site.options["key"])}
    async with http(HttpSettings(Path(site.notes["ca"]))) as client:
        answer = await client.send("GET", str(site.options["auth_url"]), headers)
    return str(answer.header("x-auth-token")), str(answer.header("x-storage-url"))


def opened(**given: Value) -> AbstractAsyncContextManager[Swift]:
    return cast("AbstractAsyncContextManager[Swift]", connect(Options(SPEC, given)))


@pytest.mark.anyio
@pytest.mark.parametrize("way", GIVEN)
async def test_every_way_of_signing_in_leads_to_the_same_account(site: Sites, way: str) -> None:
    real = site("swift")
    token, storage = await ticket_of(real)
    with keystone(Path(real.notes["ca"]).parent, token, storage) as url:
        given: dict[str, Value] = {"auth_url": url, "ca_file": real.notes["ca"], "region": "ord", **GIVEN[way]}
        async with opened(**given) as swift:
            box = await swift.make_folder(ItemId(""), "identity")
            await swift.write(box.id, way, Sent(b"x"))
            assert way in [e.name for e in (await swift.list(box.id)).entries]
        with pytest.raises(BadOption, match="LON, ORD"):
            async with opened(**{k: v for k, v in given.items() if k != "region"}):
                pass
        wrong = {"application_credential_secret": "wrong"} if "credential" in way else {"key": "wrong"}
        with pytest.raises(BadCredentials):
            async with opened(**{**given, **wrong}):
                pass


@pytest.mark.anyio
async def test_an_unencrypted_storage_address_is_refused(site: Sites) -> None:
    real = site("swift")
    with pytest.raises(NotEncrypted):
        async with opened(**{**real.options, "storage_url": "http://localhost:1/v1/x"}):
            pass
