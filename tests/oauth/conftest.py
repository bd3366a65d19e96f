"""Fixtures of the sign-in's tests, and the listener that hears all they say."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Generator
from dataclasses import replace

import pytest
from tests.oauth.canaries import SAID, Listener, canary, leaks
from tests.oauth.keeping import TestKeeper, a_connection
from tests.oauth.token_server import TokenServer, token_server
from tests.sites.base import Certificates, certificates

from mover.core.clock import SystemClock
from mover.core.secret import Secret
from mover.net.http import HttpSettings, http
from mover.oauth.client import Client, Proof
from mover.oauth.endpoint import Line
from mover.oauth.provider import Provider, Rotation
from mover.oauth.refreshing import Refresher
from mover.store.database import Database


@pytest.fixture(autouse=True)
def listening() -> Generator[None]:
    """Everything is logged, and none of it may hold a secret of any test."""
    root, listener = logging.getLogger(), Listener()
    before, heard = root.level, len(SAID)
    root.addHandler(listener)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.removeHandler(listener)
        root.setLevel(before)
    assert leaks(SAID[heard:]) == []


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("oauth-tls"))


@pytest.fixture
def server(made: Certificates) -> Generator[TokenServer]:
    with token_server(made) as running:
        yield running


@pytest.fixture
async def line(made: Certificates) -> AsyncGenerator[Line]:
    async with http(HttpSettings(ca_file=made.ca, connect=5.0, idle=20.0)) as opened:
        yield Line(opened, SystemClock())


@pytest.fixture
def provider(server: TokenServer) -> Provider:
    """A provider like many others."""
    return generic(server.url)


@pytest.fixture
def client() -> Client:
    return Client("mover-client", Proof.SECRET_POST, secret=Secret(canary("secret")))


@pytest.fixture
async def connection(fresh_database: Database) -> int:
    return await a_connection(fresh_database)


@pytest.fixture
def keeper(fresh_database: Database, provider: Provider, client: Client) -> TestKeeper:
    return TestKeeper(fresh_database, replace(provider, rotation=Rotation.SINGLE_USE), client)


@pytest.fixture
async def refresher(fresh_database: Database, line: Line, keeper: TestKeeper) -> AsyncGenerator[Refresher]:
    async with Refresher(fresh_database, line.http, keeper, line.clock) as made:
        yield made


def generic(url: str) -> Provider:
    return Provider(
        "generic",
        "Generic",
        f"{url}/authorize",
        f"{url}/token",
        f"{url}/revoke",
        issuer=url,
        scopes={"source": ("files.read",), "destination": ("files.read", "files.write")},
    )
