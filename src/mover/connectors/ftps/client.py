"""Opens FTP connections over TLS."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from mover.connectors._kit.ftp.client import Ftp, connected
from mover.connectors._kit.ftp.settings import IMPLICIT_PORT, Security, settings
from mover.core.options import Options


def connect(options: Options) -> AbstractAsyncContextManager[Ftp]:
    """Sign in; leaving the context closes all connections."""
    how = options.text("tls") or ("implicit" if options.number("port") == IMPLICIT_PORT else "explicit")
    return connected(settings(options, Security(how)))
