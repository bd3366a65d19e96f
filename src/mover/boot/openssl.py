"""Has the server's process run under Mover's OpenSSL configuration, which is read once, when the library starts (config(5ssl)).

It holds for everything that uses OpenSSL there, connections to providers by Python's `ssl` too: TLS 1.2 or newer, 256-bit ciphers.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

CONFIGURATION: Final = Path(__file__).with_name("openssl.cnf")
"""The file that is shipped with Mover."""

_VARIABLE: Final = "OPENSSL_CONF"


def environment(before: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a server's process: `before` (this process's, if not given) and the configuration.

    A configuration that the operator named already stays: `mover.net.server_tls` refuses to serve if it is too weak.
    """
    found = dict(os.environ if before is None else before)
    found.setdefault(_VARIABLE, str(CONFIGURATION))
    return found


def begin_again() -> None:
    """Start this process anew, same number and same command line, with `environment()`; return at once if it runs with one already.

    To be called first thing: open files that are not inherited, threads and exit handlers of this process end here.
    """
    if os.environ.get(_VARIABLE):
        return
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment())  # noqa: S606  # ourselves
