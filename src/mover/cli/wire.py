"""`-vv`: every HTTP request on standard error. Hosts and paths only: no query, no header and no body, which may hold secrets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def wire_option(command: F) -> F:
    """`-vv` for commands that tell no more than that by it."""
    return click.option(
        "-v", "--verbose", count=True, expose_value=False, callback=_heard, help="-vv: name every HTTP request."
    )(command)


def hear(verbose: int) -> None:
    """Have each request logged from here on, if `-v` was said twice. Costs nothing otherwise."""
    if verbose > 1:
        import logging

        log = logging.getLogger("mover.http")
        log.addHandler(_handler())
        log.propagate = False
        log.setLevel(logging.DEBUG)


def _heard(_context: click.Context, _option: click.Parameter, verbose: int) -> None:
    hear(verbose)


def _handler() -> Any:
    import logging

    from mover.cli.output import say

    class OnError(logging.Handler):
        """Writes as everything else does that is said beside the data."""

        def emit(self, record: logging.LogRecord) -> None:
            say(record.getMessage())

    return OnError()
