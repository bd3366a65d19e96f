"""The authority of one's own: what it may sign, how long it lives, how it is kept; judged by OpenSSL and by cryptography's verifier."""

from __future__ import annotations

import ipaddress
import subprocess
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from tests.tls.conftest import Serve, until

from mover.boot.certificates import LocalAuthority
from mover.core.errors import BadOption, MoverError, RecordDamaged
from mover.crypto.certificates import (
    AUTHORITY_LIFE,
    LIFE,
    Pair,
    fingerprint,
    is_due,
    kind_of,
    names_of,
    new_authority,
    new_certificate,
    renewed_authority,
)

NOW = datetime.now(UTC)


def openssl_says(folder: Path, authority: Pair, leaf: Pair) -> str:
    """Empty if OpenSSL trusts the leaf for a server, else why not."""
    (folder / "ca.pem").write_bytes(authority.certificate)
    (folder / "leaf.pem").write_bytes(leaf.certificate)
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", "ca.pem", "leaf.pem"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return "" if ended.returncode == 0 else ended.stderr


def cryptography_trusts(authority: Pair, leaf: Pair, name: str) -> bool:
    store = Store([x509.load_pem_x509_certificate(authority.certificate)])
    try:
        subject: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        subject = x509.DNSName(name)
    verifier = PolicyBuilder().store(store).build_server_verifier(subject)
    try:
        verifier.verify(x509.load_pem_x509_certificate(leaf.certificate), [])
    except VerificationError:
        return False
    return True


@pytest.mark.parametrize(
    ("permitted", "name", "trusted"),
    [
        (["localhost"], "localhost", True),
        (["mover.example", "10.0.0.1", "fd00::1"], "10.0.0.1", True),
        (["mover.example", "10.0.0.1", "fd00::1"], "fd00::1", True),
        (["mover.example", "10.0.0.1"], "bank.example", False),
        (["mover.example", "10.0.0.1"], "10.0.0.2", False),
        (["mover.example", "10.0.0.1"], "fd00::1", False),
        (["mover.example"], "10.0.0.1", False),
        (["mover.example"], "fd00::1", False),
        (["10.0.0.1"], "mover.example", False),
        (["mover.example"], "notmover.example", False),
        (["mover.example"], "example", False),
    ],
)
def test_a_stolen_authority_signs_for_its_own_names_only(
    tmp_path: Path, permitted: list[str], name: str, *, trusted: bool
) -> None:
    authority = new_authority(permitted)
    leaf = new_certificate(authority, [name])
    said = openssl_says(tmp_path, authority, leaf)
    assert ("" if trusted else "subtree violation") in said and bool(said) is not trusted
    assert cryptography_trusts(authority, leaf, name) is trusted


@pytest.mark.parametrize("kind", ["P-256", "RSA-2048"])
def test_what_is_made(tmp_path: Path, kind: str) -> None:
    authority = new_authority(["localhost", "127.0.0.1"], NOW)
    leaf = new_certificate(authority, ["localhost", "127.0.0.1"], kind, NOW)
    assert openssl_says(tmp_path, authority, leaf) == ""
    assert (kind_of(authority.certificate), kind_of(leaf.certificate)) == ("P-384", kind)
    assert names_of(leaf.certificate) == {"localhost", "127.0.0.1"}
    read = x509.load_pem_x509_certificate(leaf.certificate)
    assert read.not_valid_after_utc - read.not_valid_before_utc == LIFE + timedelta(hours=1)
    assert "PRIVATE" not in repr(leaf)


def test_a_certificate_signs_for_no_other(tmp_path: Path) -> None:
    authority = new_authority(["localhost"])
    leaf = new_certificate(authority, ["localhost"])
    with pytest.raises(MoverError):
        new_certificate(Pair(leaf.certificate, new_authority(["localhost"]).key), ["localhost"])
    false = new_certificate(leaf, ["localhost"])
    assert openssl_says(tmp_path, Pair(leaf.certificate + authority.certificate, b""), false)


def test_it_is_due_when_a_third_is_left() -> None:
    leaf = new_certificate(new_authority(["localhost"], NOW), ["localhost"], now=NOW).certificate
    assert not is_due(leaf, NOW)
    assert not is_due(leaf, NOW + LIFE * 2 / 3 - timedelta(hours=1))
    assert is_due(leaf, NOW + LIFE * 2 / 3 + timedelta(hours=1))
    assert is_due(leaf, NOW + LIFE * 2)
    assert is_due(leaf, NOW - timedelta(days=1)), "its life has not begun: the clock was wrong when it was made"


def test_who_trusts_the_old_authority_accepts_the_work_of_the_renewed_one(tmp_path: Path) -> None:
    old = new_authority(["localhost"], NOW - AUTHORITY_LIFE * 3 / 4)
    new = renewed_authority(old, ["localhost"], NOW)
    assert is_due(old.certificate) and not is_due(new.certificate)
    assert openssl_says(tmp_path, old, new_certificate(new, ["localhost"])) == ""


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a b",
        "-a.example",
        "a..b",
        "http://a",
        "a:443",
        "[::1]",
        "müller.example",
        "*.example",
        "1.2.3.4.5",
        "a" * 64,
        "fe80::1%eth0",
        "a\n",
    ],
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(BadOption, match="neither a host name nor") as refused:
        new_authority([name])
    assert refused.value.item == "names"


@pytest.mark.parametrize("names", [[], [f"h{number}.example" for number in range(101)]])
def test_names_are_bounded(names: list[str]) -> None:
    with pytest.raises(BadOption, match="1 to 100"):
        new_authority(names)


def test_a_name_is_the_same_in_capitals_and_with_its_dot() -> None:
    assert names_of(new_certificate(new_authority(["a.example"]), ["A.Example."]).certificate) == {"a.example"}


def kept(folder: Path) -> LocalAuthority:
    return LocalAuthority(folder / "tls", ["localhost", "127.0.0.1"])


def test_files_are_private_and_last(tmp_path: Path) -> None:
    first = kept(tmp_path).pair()
    folder = tmp_path / "tls"
    modes = {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}
    assert modes == {"authority.pem": 0o644, "authority.private.pem": 0o600, "server.private.pem": 0o600, "lock": 0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert b"PRIVATE" not in kept(tmp_path).public.read_bytes()
    assert kept(tmp_path).pair() == first
    assert kept(tmp_path).fingerprint() == fingerprint(kept(tmp_path).public.read_bytes())


def test_the_fingerprint_is_openssls(tmp_path: Path) -> None:
    told = kept(tmp_path).fingerprint()
    command = ["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", kept(tmp_path).public]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().endswith(f"={told}")


@pytest.mark.parametrize("file", ["authority.private.pem", "server.private.pem"])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, file: str) -> None:
    kept(tmp_path).pair()
    (tmp_path / "tls" / file).chmod(0o640)
    with pytest.raises(BadOption, match="others may read"):
        kept(tmp_path).pair()


@pytest.mark.parametrize("file", ["authority.private.pem", "server.private.pem"])
@pytest.mark.parametrize("kept_bytes", [0, 100, 300])
def test_a_damaged_file_is_told_and_not_replaced(tmp_path: Path, file: str, kept_bytes: int) -> None:
    kept(tmp_path).pair()
    path = tmp_path / "tls" / file
    path.write_bytes(damaged := path.read_bytes()[:kept_bytes])
    with pytest.raises(RecordDamaged, match=file):
        kept(tmp_path).pair()
    assert path.read_bytes() == damaged


def test_other_names_within_the_permitted_keep_the_authority(tmp_path: Path) -> None:
    told = kept(tmp_path).fingerprint()
    fewer = LocalAuthority(tmp_path / "tls", ["localhost"])
    assert names_of(fewer.pair()[0]) == {"localhost"}
    assert fewer.fingerprint() == told


def test_a_new_name_makes_a_new_authority(tmp_path: Path) -> None:
    told = kept(tmp_path).fingerprint()
    more = LocalAuthority(tmp_path / "tls", ["localhost", "mover.example"])
    assert more.fingerprint() != told
    leaf, key = more.pair()
    authority = Pair(more.public.read_bytes(), b"")
    assert openssl_says(tmp_path, authority, Pair(leaf, key)) == ""


def test_another_kind_of_key_is_made_when_wanted(tmp_path: Path) -> None:
    kept(tmp_path).pair()
    other = LocalAuthority(tmp_path / "tls", ["localhost", "127.0.0.1"], "RSA-2048")
    assert kind_of(other.pair()[0]) == "RSA-2048"


def test_what_is_due_is_renewed_when_looked_at(tmp_path: Path) -> None:
    local = kept(tmp_path)
    local.pair()
    authority = new_authority(local.names, NOW - AUTHORITY_LIFE * 3 / 4)
    old = new_certificate(authority, local.names, now=NOW - LIFE * 3 / 4)
    for name, pair in (("authority", authority), ("server", old)):
        (tmp_path / "tls" / f"{name}.private.pem").write_bytes(pair.key + pair.certificate)
    chain, _key = local.pair()
    assert not is_due(chain) and not is_due(local.public.read_bytes())
    assert openssl_says(tmp_path, authority, Pair(chain, b"")) == "", "whoever trusts the old authority still does"


def test_two_who_begin_at_once_make_one(tmp_path: Path) -> None:
    with get_context("spawn").Pool(4) as pool:
        made = pool.map(_pair_in, [tmp_path] * 8)
    assert len(set(made)) == 1


def _pair_in(folder: Path) -> tuple[bytes, bytes]:
    return kept(folder).pair()


def test_a_served_certificate_is_renewed_while_the_server_runs(serve: Serve, authority: LocalAuthority) -> None:
    """The watcher asks the authority, which renews; here because its file was taken away."""
    served = serve()
    before = served.shown()
    (authority.folder / "server.private.pem").unlink()
    until(lambda: served.shown() != before)
    assert served.get()[0] == 200
