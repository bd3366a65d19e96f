"""A server of the test's own, and a client that trusts it. A file that wants other times has a `settings` fixture of its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import trustme
from tests.net.http_server import Server, serving

from mover.net.http import Http, HttpSettings, http


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    """Two authorities in one file; ours is the second."""
    file = tmp_path / "ca.pem"
    file.write_bytes(b"# a comment\n" + trustme.CA().cert_pem.bytes() + authority.cert_pem.bytes())
    return file


@pytest.fixture
def settings(ca_file: Path) -> HttpSettings:
    return HttpSettings(ca_file=ca_file, connect=2.0, idle=2.0)


@pytest.fixture
async def server(authority: trustme.CA) -> AsyncGenerator[Server]:
    made = Server()
    async with serving(made, authority.issue_cert("localhost")):
        yield made


@pytest.fixture
async def client(settings: HttpSettings) -> AsyncGenerator[Http]:
    async with http(settings) as made:
        yield made
