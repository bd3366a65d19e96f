"""asyncssh's own server, in a process of its own: an SFTP server in Python, with every way to sign in.

Three users, each with one way: `pass` by password, `ask` by keyboard-interactive, `key` by key. All see one folder, as "/".
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from collections.abc import Generator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import asyncssh
from tests.sites.base import Site, free_port, running, site
from tests.sites.openssh import make_key, rclone_section

ROOT = Path(__file__).parents[2]


@site
def asyncssh_server(folder: Path) -> Generator[Site]:
    """By password. It has posix-rename, but neither `limits` nor the order of OpenSSH's answers."""
    files, port, password = folder / "files", free_port(), secrets.token_hex(8)
    files.mkdir()
    host_key = make_key(folder / "host_key")
    (folder / "authorized_keys").write_text(make_key(folder / "key") + "\n")
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}\n")
    (folder / "server.json").write_text(json.dumps({"port": port, "password": password, "folder": str(folder)}))
    command = [sys.executable, __file__, folder / "server.json"]
    with running(command, port=port, log=folder / "server.log", env={"PYTHONPATH": str(ROOT)}):
        options = {
            "host": "127.0.0.1",
            "port": port,
            "user": "pass",
            "password": password,
            "known_hosts": str(folder / "known_hosts"),
            "path": "/",
        }
        yield Site(
            connector="sftp",
            options=options,
            rclone=rclone_section(
                {**options, "user": "key"}, key_file=str(folder / "key"), known_hosts_file=str(folder / "known_hosts")
            ),
            rclone_path="/",
            folder=files,
            notes={"host_key": host_key, "key_file": str(folder / "key"), "folder": str(folder)},
        )


class _Server(asyncssh.SSHServer):
    def __init__(self, password: str, key: asyncssh.SSHKey) -> None:
        self._password = password
        self._key = key

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return username == "pass" and password == self._password

    def kbdint_auth_supported(self) -> bool:
        return True

    def get_kbdint_challenge(
        self, username: str, lang: str, submethods: str
    ) -> tuple[str, str, str, list[tuple[str, bool]]] | bool:
        return ("", "", "", [("Your one and only secret: ", False)]) if username == "ask" else False

    def validate_kbdint_response(self, username: str, responses: list[str]) -> bool:
        return username == "ask" and responses == [self._password]

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == "key" and key == self._key


async def _serve(told: Mapping[str, Any]) -> None:
    folder = Path(told["folder"])
    key = asyncssh.read_public_key(folder / "key.pub")
    await asyncssh.create_server(
        lambda: _Server(told["password"], key),
        "127.0.0.1",
        told["port"],
        server_host_keys=[str(folder / "host_key")],
        sftp_factory=partial(asyncssh.SFTPServer, chroot=str(folder / "files").encode()),
        sftp_version=3,
    )
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(Path(sys.argv[1]).read_text())))
