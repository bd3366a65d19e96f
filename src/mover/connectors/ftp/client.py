"""Opens FTP connections without encryption; `Options` has refused them unless the user consented."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from mover.connectors._kit.ftp.client import Ftp, connected
from mover.connectors._kit.ftp.settings import Security, settings
from mover.core.options import Options


def connect(options: Options) -> AbstractAsyncContextManager[Ftp]:
    """Sign in; leaving the context closes all connections."""
    return connected(settings(options, Security.NONE))
