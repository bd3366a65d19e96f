"""pyftpdlib, from PyPI: the FTP server that also a plain user can start. Without TLS for `ftp`, with it for `ftps`."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tests.sites.base import Missing, Site, free_port, running, site
from tests.sites.ftp_servers import PASSWORD, certified, rclone_section

USER = "mover"


@contextmanager
def serving(folder: Path, *, tls: bool, extra: str = "") -> Generator[Site]:
    """Pyftpdlib below `folder`; `extra` is Python that may change the class `Handler`."""
    if find_spec("pyftpdlib") is None:
        raise Missing("pyftpdlib is not installed: install it from PyPI, and pyopenssl")
    files = folder / "files"
    files.mkdir()
    port, certs = free_port(), certified(folder)
    script = folder / "serve.py"
    script.write_text(_script(files, port, certs.both if tls else None, extra))
    options = {"host": "localhost", "port": port, "user": USER, "password": PASSWORD}
    options |= {"ca_file": str(certs.ca)} if tls else {"allow_unencrypted": True}
    with running([sys.executable, "-W", "ignore", script], port=port, log=folder / "pyftpdlib.log"):
        yield Site(
            "ftps" if tls else "ftp",
            options,
            rclone=rclone_section(port, USER, tls="explicit" if tls else None),
            folder=files,
        )


@site
def pyftpdlib_server(folder: Path) -> Generator[Site]:
    with serving(folder, tls=False) as here:
        yield here


@site
def pyftpdlib_tls(folder: Path) -> Generator[Site]:
    with serving(folder, tls=True) as here:
        yield here


def _script(files: Path, port: int, certificate: Path | None, extra: str) -> str:
    base = "TLS_FTPHandler" if certificate else "FTPHandler"
    tls = f"certfile = {str(certificate)!r}\n    tls_control_required = tls_data_required = True" if certificate else ""
    return f"""
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import {base}
from pyftpdlib.servers import FTPServer

class Handler({base}):
    authorizer = DummyAuthorizer()
    use_sendfile = False
    unicode_errors = "surrogateescape"
    {tls}

Handler.authorizer.add_user({USER!r}, {PASSWORD!r}, {str(files)!r}, perm="elradfmwMT")
{extra}
FTPServer(("127.0.0.1", {port}), Handler).serve_forever()
"""
