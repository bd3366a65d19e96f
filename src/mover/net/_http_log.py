"""A line for each request in the log `mover.http`, at DEBUG. Never a query, a header or a body: they can hold secrets."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

LOG: Final = logging.getLogger("mover.http")


class Request:
    """What is known of a request when it is over. `status` names the failure where no answer came; `received` are bytes of the body."""

    def __init__(self) -> None:
        self.status: int | str = "-"
        self.received = 0


@contextmanager
def told(method: str, url: str, sent: int | None) -> Generator[Request]:
    """Log one request when the block ends: method, host, path, status, milliseconds, bytes of both bodies (`?`: not known before)."""
    request, began = Request(), time.monotonic()
    try:
        yield request
    except BaseException as problem:
        request.status = f"{request.status} {type(problem).__name__}"
        raise
    finally:
        took = 1000 * (time.monotonic() - began)
        out = "?" if sent is None else sent
        LOG.debug(
            "%s %s %s, %.0f ms, %s B out, %d B in", method, _where(url), request.status, took, out, request.received
        )


def _where(url: str) -> str:
    """Host, port and path; a user, a password and a query are left out."""
    try:
        parts = urlsplit(url)
        return f"{parts.netloc.rpartition('@')[2]}{parts.path}"
    except ValueError:
        return "?"
