"""Ctrl-C and SIGTERM: once, the files in hand are finished and the run pauses; twice, it stops at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable
from typing import TypeVar

from mover.cli.output import say
from mover.engine.control import Control

T = TypeVar("T")


async def to_the_end(work: Awaitable[T], control: Control) -> T:
    """Wait for `work`; a signal asks `control` for a pause, a second one cancels `work`.

    Raises:
        KeyboardInterrupt: it was stopped at once.
    """
    task = asyncio.ensure_future(work)
    stopped = False

    def asked(name: str) -> None:
        nonlocal stopped
        if not control.pausing:
            control.pause(f"interrupted by {name}")
            say("finishing the files in hand, then pausing; once more to stop at once")
        else:
            stopped = True
            task.cancel()

    loop = asyncio.get_running_loop()
    for number, name in ((signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")):
        loop.add_signal_handler(number, asked, name)
    try:
        return await task
    except asyncio.CancelledError:
        if stopped:
            raise KeyboardInterrupt from None
        raise
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
