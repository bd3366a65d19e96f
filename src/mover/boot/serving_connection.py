"""One connection of a client who gets a limited time: for a request's head, and for its body.

uvicorn counts time between requests only, so a client that sends a byte a second (slowloris) would keep its place for ever.
"""

from __future__ import annotations

import asyncio
from typing import cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


def patient(head: float, body: float) -> type[H11Protocol]:
    """Uvicorn's protocol, with so many seconds from when a request is expected to its last header, and as many for its body as told.

    Whoever takes longer is cut off without an answer; nothing was asked yet, or not to the end.
    """
    patience: dict[object, float] = {h11.IDLE: head, h11.SEND_BODY: body}

    class Patient(H11Protocol):
        _awaited: object = None
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]  # uvicorn's own narrowing
            super().connection_made(transport)
            self._rearm()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._rearm()

        def connection_lost(self, exc: Exception | None) -> None:
            if self._timer is not None:
                self._timer.cancel()
            super().connection_lost(exc)

        def _rearm(self) -> None:
            awaited = cast("object", self.conn.their_state)
            if awaited is self._awaited:
                return
            self._awaited = awaited
            if self._timer is not None:
                self._timer.cancel()
            seconds = patience.get(awaited)
            self._timer = None if seconds is None else self.loop.call_later(seconds, self.transport.abort)

    return Patient
