"""MariaDB with TLS, and one without: real servers for the MySQL connector.

They are no entries of `SITES`: the conformance suite writes files of any bytes and any name, and a database takes SQL only.
`tests/connectors/test_mysql*.py` hold the connector to its promises instead.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Final

from tests.sites.base import certificates, free_port, program, running

from mover.core.options import Value

PACKAGE: Final = "mariadb-server"


@dataclass(frozen=True)
class MariaDb:
    """A running server. `mover` is an account with all rights; `reader` may only read; the administrator comes by socket."""

    folder: Path
    port: int
    password: str
    ca: Path | None

    def options(self, **more: Value) -> dict[str, Value]:
        """What the connector needs to reach it as `mover`."""
        secure: dict[str, Value] = {"ca_file": str(self.ca)} if self.ca else {"tls": "off", "allow_unencrypted": True}
        return {"host": "127.0.0.1", "port": self.port, "user": "mover", "password": self.password, **secure, **more}

    def client(self, *arguments: str, script: bytes = b"", check: bool = True) -> bytes:
        """Run the stock client as administrator, with a script on its standard input."""
        return self._run([program("mariadb", package="mariadb-client"), *arguments], script, check=check)

    def dump(self, *arguments: str) -> bytes:
        """Run the stock `mariadb-dump` as administrator."""
        return self._run([program("mariadb-dump", package="mariadb-client"), *arguments], b"", check=True)

    def sql(self, statements: str, database: str = "") -> str:
        """Run statements; their rows, tab-separated."""
        more = (database,) if database else ()
        return self.client("--batch", "--skip-column-names", *more, script=statements.encode()).decode()

    def _run(self, command: list[str], script: bytes, *, check: bool) -> bytes:
        where = ["--no-defaults", f"--socket={self.folder / 'sock'}", "--user=admin", "--default-character-set=utf8mb4"]
        done = subprocess.run([command[0], *where, *command[1:]], input=script, capture_output=True, check=False)
        if check and done.returncode:
            raise AssertionError(f"{command[0]} ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
        return done.stdout if check else done.stderr


@contextmanager
def mariadb(folder: Path, *, tls: bool = True, arguments: tuple[str, ...] = ()) -> Iterator[MariaDb]:
    """Start a fresh server below `folder`, which other users must be able to enter; end it afterwards."""
    server = program("mariadbd", "mysqld", package=PACKAGE)
    install = program("mariadb-install-db", package=PACKAGE)
    folder.mkdir(parents=True, exist_ok=True)
    user = "mysql" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    (data := folder / "data").mkdir()
    secure = _secured(folder) if tls else ["--skip-ssl"]
    _owned(folder, user)
    password = token_hex(12)
    (setup := folder / "setup.sql").write_text(
        f"CREATE USER admin@localhost IDENTIFIED BY '';\nGRANT ALL ON *.* TO admin@localhost WITH GRANT OPTION;\n"
        f"CREATE USER mover@'%' IDENTIFIED BY '{password}';\nGRANT ALL ON *.* TO mover@'%' WITH GRANT OPTION;\n"
        f"CREATE USER reader@'%' IDENTIFIED BY '{password}';\nGRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON *.* TO reader@'%';\n"
    )
    shutil.chown(setup, user)
    command = [install, "--no-defaults", f"--datadir={data}", f"--user={user}", "--auth-root-authentication-method=normal",
               "--skip-test-db"]  # fmt: skip
    # A server that starts removes temporary tables from where it keeps its own: two that share a folder remove each other's.
    temporary = folder / "temporary"
    temporary.mkdir()
    shutil.chown(temporary, user)
    made = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"TMPDIR": str(temporary)}
    )
    if made.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {made.returncode}:\n{made.stdout}\n{made.stderr}")
    port = free_port()
    command = [server, "--no-defaults", f"--datadir={data}", f"--port={port}", "--bind-address=127.0.0.1",
               "--skip-name-resolve", f"--socket={folder / 'sock'}", f"--pid-file={folder / 'pid'}", f"--init-file={setup}",
               f"--tmpdir={temporary}",
               f"--user={user}", "--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=0", *secure, *arguments]  # fmt: skip
    with running(command, port=port, log=folder / "log"):
        yield MariaDb(folder, port, password, certificates(folder / "tls").ca if tls else None)


def _secured(folder: Path) -> list[str]:
    made = certificates(folder / "tls")
    return [f"--ssl-ca={made.ca}", f"--ssl-cert={made.chain}", f"--ssl-key={made.key}", "--require-secure-transport=ON"]


def _owned(folder: Path, user: str) -> None:
    if os.getuid() == 0:
        subprocess.run(["chown", "-R", user, str(folder)], check=True)
