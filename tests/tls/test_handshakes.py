"""What real clients get: versions, suites, names."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.running import MUST_RUN
from tests.sites.base import EXTRACTED, free_port, running
from tests.tls.conftest import PROGRAM, Serve, Served, Shared

from mover.boot.certificates import LocalAuthority
from mover.boot.openssl import CONFIGURATION, environment


def s_client(port: int, *words: str) -> subprocess.CompletedProcess[str]:
    """A handshake by OpenSSL's own client, which takes anything the system's OpenSSL has, however weak."""
    command = ["openssl", "s_client", "-connect", f"localhost:{port}", *words]
    return subprocess.run(command, input="", capture_output=True, text=True, timeout=30, check=False)


OLD = ("-cipher", "ALL:@SECLEVEL=0")
WEAK_13 = ("-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256")
WEAK_12 = ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256")
NO_ECDHE = ("-tls1_2", "-cipher", "AES256-GCM-SHA384:DHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-SHA384")


@contextmanager
def anything_goes(authority: LocalAuthority, tmp_path: Path) -> Generator[int]:
    """A server that takes every version and suite: it shows that a client would be let in."""
    chain, key = authority.pair()
    (tmp_path / "both.pem").write_bytes(key + chain)
    port = free_port()
    command = ["openssl", "s_server", "-accept", str(port), "-cert", tmp_path / "both.pem", "-quiet", *OLD]
    with running(
        [*command, "-min_protocol", "TLSv1"], port=port, log=tmp_path / "weak.log", env={"OPENSSL_CONF": "/dev/null"}
    ):
        yield port


@pytest.mark.parametrize(
    "words",
    [("-tls1", *OLD), ("-tls1_1", *OLD), WEAK_12, WEAK_13],
    ids=["TLS 1.0", "TLS 1.1", "AES-128 in 1.2", "AES-128 in 1.3"],
)
def test_the_weak_are_refused(
    served: Served, authority: LocalAuthority, tmp_path: Path, words: tuple[str, ...]
) -> None:
    with anything_goes(authority, tmp_path) as port:
        welcome = s_client(port, *words)
    assert welcome.returncode == 0, welcome.stderr
    refused = s_client(served.port, *words)
    assert refused.returncode != 0
    assert "Cipher is (NONE)" in refused.stdout


def test_what_is_not_forward_secret_and_authenticated_is_refused(shared: Shared) -> None:
    assert s_client(shared("RSA-2048").port, *NO_ECDHE).returncode != 0


@pytest.mark.parametrize("kind", ["P-256", "RSA-2048"])
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_the_strong_are_served(shared: Shared, kind: str, version: str) -> None:
    served = shared(kind)
    context = served.trusting()
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version.replace(".", "_")]
    connection = served.connection(context)
    connection.connect()
    assert connection.sock.version() == version
    assert connection.sock.cipher()[2] == 256
    assert connection.sock.compression() is None
    assert not connection.sock.session.has_ticket
    connection.close()
    assert served.get() == (200, b"here")


def test_the_server_chooses_the_suite(served: Served) -> None:
    answer = s_client(served.port, "-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384")
    assert "Cipher is ECDHE-ECDSA-AES256-GCM-SHA384" in answer.stdout


def test_a_client_that_names_no_host_is_served(served: Served) -> None:
    assert s_client(served.port, "-noservername", "-CAfile", str(served.ca), "-verify_return_error").returncode == 0


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_every_name_holds(served: Served, name: str) -> None:
    with socket.create_connection(("127.0.0.1", served.port)) as plain:
        served.trusting().wrap_socket(plain, server_hostname=name).close()


@pytest.mark.parametrize("name", ["example.org", "127.0.0.2"])
def test_a_wrong_name_is_refused_by_the_client(served: Served, name: str) -> None:
    with (
        socket.create_connection(("127.0.0.1", served.port)) as plain,
        pytest.raises(ssl.SSLCertVerificationError, match="match"),
    ):
        served.trusting().wrap_socket(plain, server_hostname=name)


def test_who_does_not_trust_the_authority_refuses(served: Served) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        served.shown(ssl.create_default_context())


def test_without_tls_nothing_is_answered(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"HTTP/" not in _to_the_end(plain)


def test_the_client_may_not_renegotiate(served: Served) -> None:
    command = ["openssl", "s_client", "-connect", f"localhost:{served.port}", "-tls1_2"]
    asked = subprocess.run(command, input="R\n", capture_output=True, text=True, timeout=30, check=False)
    assert "RENEGOTIATING" in asked.stdout + asked.stderr
    assert "no renegotiation" in asked.stderr


def test_a_weak_configuration_is_refused_by_the_server_itself(authority: LocalAuthority) -> None:
    env = {**os.environ, "OPENSSL_CONF": "/dev/null"}
    wanted = f'{{"folder": "{authority.folder}", "names": ["localhost"]}}'
    ended = subprocess.run(
        [sys.executable, PROGRAM, wanted], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode != 0
    assert "TLS_AES_128_GCM_SHA256" in ended.stderr and "BadOption" in ended.stderr


def test_the_operators_own_configuration_stays() -> None:
    assert environment({})["OPENSSL_CONF"] == str(CONFIGURATION)
    assert environment({"OPENSSL_CONF": "/etc/mine.cnf", "A": "b"}) == {"OPENSSL_CONF": "/etc/mine.cnf", "A": "b"}


def test_beginning_again_keeps_the_process_and_its_words(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import os, ssl, sys\n"
        "from mover.boot.openssl import begin_again\n"
        "print('pid', os.getpid(), flush=True)\n"
        "begin_again()\n"
        "print('words', *sys.argv[1:], sys.flags.dev_mode)\n"
        "print('suites', *(s['name'] for s in ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).get_ciphers() if s['protocol'] == 'TLSv1.3'))\n"
    )
    clean = {name: value for name, value in os.environ.items() if name != "OPENSSL_CONF"}
    command = [sys.executable, "-X", "dev", program, "a b", "'c'"]
    out = subprocess.run(command, env=clean, capture_output=True, text=True, timeout=60, check=True).stdout.splitlines()
    assert len(out) == 4 and out[0] == out[1]
    assert out[2:] == ["words a b 'c' True", "suites TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256"]


@pytest.mark.parametrize("kind", ["P-256", "RSA-2048"])
def test_mozillas_intermediate_profile_holds(shared: Shared, kind: str) -> None:
    ended = _sslyze(shared(kind))
    assert ended.returncode == 0, ended.stdout
    assert "OK - Compliant" in ended.stdout


def test_the_referee_sees_what_python_alone_would_offer(serve: Serve) -> None:
    ended = _sslyze(serve(strict=False, env={"OPENSSL_CONF": "/dev/null"}))
    assert ended.returncode != 0
    assert "Not compliant" in ended.stdout


def _sslyze(served: Served) -> subprocess.CompletedProcess[str]:
    found = shutil.which("sslyze", path=str(EXTRACTED / "python/sslyze/bin"))
    if found is None:
        if MUST_RUN & {"sslyze", "all"}:
            raise AssertionError("sslyze must run here: run tools/servers.sh")
        pytest.skip("sslyze: run tools/servers.sh")
    where = [f"--certinfo_ca_file={served.ca}", f"localhost:{served.port}"]
    command = [found, "--mozilla_config=intermediate", *where]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def _to_the_end(plain: socket.socket) -> bytes:
    got = b""
    try:
        while piece := plain.recv(4096):
            got += piece
    except ConnectionResetError:
        pass
    return got
