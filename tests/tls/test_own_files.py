"""Files that somebody brought: what cannot serve is refused in words, before a client sees it."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import trustme
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.tls.conftest import Serve
from tests.tls.making import certificate, p256, pem_of, store, weak_keys

from mover.boot.certificates import from_files
from mover.core.errors import BadOption, MoverError
from mover.crypto.certificate_checks import MOST_CERTIFICATES, checked
from mover.net.server_tls import Certificates

Pair = tuple[bytes, bytes]


def opened(folder: Path, pair: Pair, mode: int = 0o600) -> Certificates:
    return from_files(*store(folder, *pair, mode), strict=False)


def expired() -> Pair:
    return certificate(key := p256(), ends=timedelta(seconds=-1)), pem_of(key)


def not_begun() -> Pair:
    return certificate(key := p256(), begins=timedelta(hours=1)), pem_of(key)


def another_key() -> Pair:
    return certificate(p256()), pem_of(p256())


def locked_key() -> Pair:
    return certificate(key := p256()), pem_of(key, b"secret")


def no_key() -> Pair:
    return certificate(p256()), certificate(p256())


def no_certificate() -> Pair:
    return b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", pem_of(p256())


def empty() -> Pair:
    return b"", pem_of(p256())


def for_clients() -> Pair:
    return certificate(key := p256(), uses=(ExtendedKeyUsageOID.CLIENT_AUTH,)), pem_of(key)


def nameless() -> Pair:
    return certificate(key := p256(), names=()), pem_of(key)


def without_issuer() -> Pair:
    return certificate(key := p256(), issuer=("An authority", p256())), pem_of(key)


def with_a_strangers_issuer() -> Pair:
    key = p256()
    stranger = certificate(p256(), name="An authority", ca=True)
    return certificate(key, issuer=("An authority", p256())) + stranger, pem_of(key)


def issuer_first() -> Pair:
    key, signer = p256(), p256()
    issuer = certificate(signer, name="An authority", ca=True)
    return issuer + certificate(key, issuer=("An authority", signer)), pem_of(key)


def expired_issuer() -> Pair:
    key, signer = p256(), p256()
    issuer = certificate(signer, name="An authority", ca=True, ends=timedelta(seconds=-1))
    return certificate(key, issuer=("An authority", signer)) + issuer, pem_of(key)


def too_many() -> Pair:
    return certificate(key := p256()) * (MOST_CERTIFICATES + 1), pem_of(key)


@pytest.mark.parametrize(
    ("make", "item", "words"),
    [
        (expired, "certificate", "expired at"),
        (not_begun, "certificate", "begins at"),
        (another_key, "private key", "does not belong"),
        (locked_key, "private key", "password"),
        (no_key, "private key", "no private key"),
        (no_certificate, "certificate", "damaged"),
        (empty, "certificate", "no certificate"),
        (for_clients, "certificate", "not meant for servers"),
        (nameless, "certificate", "names no host"),
        (without_issuer, "certificate", "not complete: the certificate of CN=An authority"),
        (with_a_strangers_issuer, "certificate", "is not its issuer's"),
        (issuer_first, "private key", "does not belong"),
        (expired_issuer, "certificate", "CN=An authority expired"),
        (too_many, "certificate", "11 certificates"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_what_cannot_serve_is_refused(tmp_path: Path, make: Callable[[], Pair], item: str, words: str) -> None:
    with pytest.raises(BadOption, match=words) as refused:
        opened(tmp_path, make())
    assert refused.value.item == item
    assert refused.value.advice and "--help" not in refused.value.advice
    assert "secret" not in str(refused.value) and "BEGIN" not in str(refused.value)


@pytest.mark.parametrize(("kind", "words"), [("RSA-1024", "1024 bits"), ("P-521", "neither"), ("Ed25519", "neither")])
def test_weak_and_unknown_keys_are_refused(tmp_path: Path, kind: str, words: str) -> None:
    key = weak_keys()[kind]
    with pytest.raises(BadOption, match=words):
        opened(tmp_path, (certificate(key), pem_of(key)))


def test_a_whole_chain_serves(tmp_path: Path, serve: Serve) -> None:
    root = trustme.CA()
    leaf = root.create_child_ca().issue_cert("localhost")
    files = store(tmp_path, b"".join(pem.bytes() for pem in leaf.cert_chain_pems), leaf.private_key_pem.bytes())
    served = serve(chain=str(files[0]), key=str(files[1]))
    trusting = ssl.create_default_context()
    root.configure_trust(trusting)
    connection = served.connection(trusting)
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"here"
    connection.close()


def test_what_is_told_about_a_certificate() -> None:
    chain, key = certificate(one := p256(), names=("localhost", "b.example")), pem_of(one)
    told = checked(chain, key)
    assert told.names == {"localhost", "b.example"} and told.kind == "P-256"
    assert len(told.fingerprint) == 95


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o601, 0o644])
def test_a_key_that_everybody_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    pair = certificate(key := p256()), pem_of(key)
    with pytest.raises(BadOption, match="everybody") as refused:
        opened(tmp_path, pair, mode)
    assert "chmod 600" in refused.value.advice


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640])
def test_a_key_of_the_owner_or_a_group_is_taken(tmp_path: Path, mode: int) -> None:
    assert opened(tmp_path, (certificate(key := p256()), pem_of(key)), mode).chain


def test_a_key_behind_a_link_is_judged_by_its_file(tmp_path: Path) -> None:
    """As certbot keeps them: `live/` has links into `archive/`."""
    chain, key = store(tmp_path, certificate(made := p256()), pem_of(made))
    link = tmp_path / "live.pem"
    link.symlink_to(key)
    assert from_files(chain, link, strict=False).chain
    key.chmod(0o644)
    with pytest.raises(BadOption, match="everybody"):
        from_files(chain, link, strict=False)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    chain, key = store(tmp_path, certificate(made := p256()), pem_of(made))
    with pytest.raises(BadOption, match=r"nowhere\.pem cannot be read"):
        from_files(tmp_path / "nowhere.pem", key, strict=False)
    with pytest.raises(BadOption, match=r"private key in .* cannot be read"):
        from_files(chain, tmp_path, strict=False)


def test_a_huge_file_is_not_taken_in(tmp_path: Path) -> None:
    chain, key = store(tmp_path, bytes((1 << 20) + 1), pem_of(p256()))
    with pytest.raises(BadOption, match="too large"):
        from_files(chain, key, strict=False)


def test_openssls_own_refusal_is_told(tmp_path: Path) -> None:
    """The room that reads may err; nothing is shown then."""
    good = certificate(p256())
    with pytest.raises(MoverError, match="OpenSSL refuses"):
        Certificates(lambda: (good, pem_of(p256())), strict=False)
