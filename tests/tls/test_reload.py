"""New certificates under open connections."""

from __future__ import annotations

import http.client
import ssl
import time
from datetime import timedelta
from pathlib import Path

import pytest
from tests.tls.conftest import Serve, Served, until
from tests.tls.making import certificate, p256, pem_of

from mover.boot.certificates import LocalAuthority


class Files:
    """The two files of a server, as an ACME client keeps them."""

    def __init__(self, folder: Path, authority: LocalAuthority) -> None:
        self.chain, self.key = folder / "fullchain.pem", folder / "privkey.pem"
        self._authority = authority
        self.renew()

    def renew(self, kind: str = "P-256") -> None:
        """Another certificate of the same authority; first the key, then the chain."""
        local = LocalAuthority(self._authority.folder, self._authority.names, kind)
        local.pair()
        (local.folder / "server.private.pem").unlink()
        chain, key = local.pair()
        self.put(self.key, key)
        self.put(self.chain, chain)

    def put(self, file: Path, data: bytes) -> None:
        fresh = file.with_suffix(".new")
        fresh.touch(0o600)
        fresh.write_bytes(data)
        fresh.replace(file)


@pytest.fixture
def files(tmp_path: Path, authority: LocalAuthority) -> Files:
    return Files(tmp_path, authority)


@pytest.fixture
def served(serve: Serve, files: Files) -> Served:
    return serve(chain=str(files.chain), key=str(files.key))


def ask(connection: http.client.HTTPSConnection) -> bytes:
    connection.request("GET", "/")
    return connection.getresponse().read()


def test_old_connections_live_and_new_ones_see_the_new_certificate(served: Served, files: Files) -> None:
    old = served.connection()
    assert ask(old) == b"here"
    socket = old.sock
    before = served.shown()
    files.renew()
    until(lambda: served.shown() != before)
    assert ask(old) == b"here"
    assert old.sock is socket, "it is the same connection"
    assert socket.getpeercert(binary_form=True) == before
    assert served.get() == (200, b"here")
    old.close()


def test_nothing_is_left_of_a_certificate_of_another_kind(served: Served, files: Files) -> None:
    """OpenSSL keeps one certificate a kind of key in a context: loading the second into the first one's context would keep both."""
    before = served.shown()
    files.renew("RSA-2048")
    until(lambda: served.shown() != before)
    only_ecdsa = served.trusting()
    only_ecdsa.maximum_version = ssl.TLSVersion.TLSv1_2
    only_ecdsa.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")
    with pytest.raises((ssl.SSLError, OSError)):
        served.shown(only_ecdsa)


@pytest.mark.parametrize("damage", ["garbage", "nothing", "another key", "expired", "gone", "readable"])
def test_what_is_broken_is_not_used_and_told_once(served: Served, files: Files, damage: str) -> None:
    before = served.shown()
    whole = files.chain.read_bytes(), files.key.read_bytes()
    _break(files, damage)
    until(lambda: "is not used" in served.log.read_text())
    assert served.shown() == before
    assert served.get() == (200, b"here")
    time.sleep(1)
    assert served.log.read_text().count("is not used") <= _FAULTS.get(damage, 1), "once a fault, not once a look"
    files.put(files.chain, whole[0])
    files.put(files.key, whole[1])
    assert served.shown() == before
    files.renew()
    until(lambda: served.shown() != before)


def _break(files: Files, damage: str) -> None:
    if damage == "garbage":
        files.put(files.chain, b"garbage")
    elif damage == "nothing":
        files.put(files.chain, b"")
    elif damage == "another key":
        files.put(files.key, pem_of(p256()))
    elif damage == "expired":
        key = p256()
        files.put(files.chain, certificate(key, ends=timedelta(seconds=-5)))
        files.put(files.key, pem_of(key))
    elif damage == "gone":
        files.chain.unlink()
    else:
        files.key.chmod(0o644)


_FAULTS = {"expired": 2}
"""Between the two files there may be another one."""
