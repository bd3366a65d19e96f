"""An operator's own PostgreSQL: Debian's, on TCP with TLS, with certificates made for the test."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme
from tests.postgres import debian_programs
from tests.sites.base import START_SECONDS, free_port, running
from tests.store.keeping import ROOT, server_user

PASSWORD = "operators-own"
_HBA = """\
local   all all scram-sha-256
hostssl all by_certificate 127.0.0.1/32 cert
hostssl all all            127.0.0.1/32 scram-sha-256
"""


@dataclass(frozen=True)
class Operators:
    """The running server, the authority of its certificate, and a certificate of a client named `by_certificate`."""

    port: int
    ca: Path
    client_cert: Path
    client_key: Path

    def url(self, query: str = "", user: str = "postgres", password: str = PASSWORD, host: str = "localhost") -> str:
        """The address as an operator writes it."""
        return f"postgresql://{user}:{password}@{host}:{self.port}/postgres?{query}"


@contextmanager
def operators_server(folder: Path, host: str = "localhost") -> Generator[Operators]:
    """Start one whose certificate names `host`."""
    programs = debian_programs()
    authority = trustme.CA()
    port = free_port()
    made = Operators(port, folder / "ca.pem", folder / "client.pem", folder / "client.key")
    authority.cert_pem.write_to_path(made.ca)
    client = authority.issue_cert("client@mover.example", common_name="by_certificate")
    client.cert_chain_pems[0].write_to_path(made.client_cert)
    client.private_key_pem.write_to_path(made.client_key)
    made.client_key.chmod(0o600)
    own = folder / "server"
    own.mkdir(mode=0o700)
    (own / "password").write_text(PASSWORD)
    leaf = authority.issue_cert(host)
    leaf.private_key_and_cert_chain_pem.write_to_path(own / "both.pem")
    (own / "both.pem").chmod(0o600)
    authority.cert_pem.write_to_path(own / "ca.pem")
    who = server_user()
    _give(own, who.pw_uid, who.pw_gid)
    as_user = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []} if ROOT else {}
    command = [
        programs / "initdb",
        "-D",
        own / "data",
        "-U",
        "postgres",
        "-A",
        "scram-sha-256",
        "--pwfile",
        own / "password",
    ]
    subprocess.run(
        [*command, "-E", "UTF8", "--locale=C.UTF-8", "-N"], check=True, capture_output=True, cwd=own, **as_user
    )
    (own / "data" / "pg_hba.conf").write_text(_HBA)
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": str(own),
        "fsync": "off",
        "ssl": "on",
        "ssl_cert_file": str(own / "both.pem"),
        "ssl_key_file": str(own / "both.pem"),
        "ssl_ca_file": str(own / "ca.pem"),
    }
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    command = [programs / "postgres", "-D", own / "data", *words]
    try:
        with running(command, port=port, log=folder / "log", cwd=own, user=who.pw_name if ROOT else None):
            _await_ready(programs / "pg_isready", own, port)
            yield made
    finally:
        shutil.rmtree(own)


def _await_ready(pg_isready: Path, socket: Path, port: int) -> None:
    """The port is open before the server lets anybody in."""
    until = time.monotonic() + START_SECONDS
    while subprocess.run([pg_isready, "-q", "-h", socket, "-p", str(port)], check=False).returncode:
        assert time.monotonic() < until
        time.sleep(0.05)


def _give(folder: Path, uid: int, gid: int) -> None:
    if ROOT:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, uid, gid)
