"""Large bodies over HTTP: blocking sockets, OpenSSL, and a thread for each exchange, which works one piece ahead of whoever waits for it.

docs/decisions/0042 says why there are two ways to speak HTTP. Times are in seconds.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from http.client import BadStatusLine, HTTPException, InvalidURL, UnknownProtocol
from typing import Final, TypeVar

from mover.core.errors import MoverError
from mover.core.heap import keep_freed_pieces
from mover.core.threads import Threads
from mover.net._bulk_answer import Told
from mover.net._bulk_connections import Connections
from mover.net._bulk_wire import Wire
from mover.net._http_faults import bad_request, failed, host_of, silent, untrusted
from mover.net.http_settings import HttpSettings

T = TypeVar("T")

_LONGEST_FAREWELL: Final = 1.0


class Bulk:
    """A pool of connections for large bodies, and of threads that serve them."""

    def __init__(self, settings: HttpSettings) -> None:
        self._connections = Connections(settings)
        self._idle = settings.idle
        self._threads: list[Threads] = []
        self._resting: list[Threads] = []

    @asynccontextmanager
    async def exchange(self, method: str, url: str) -> AsyncGenerator[Exchange]:
        """One request and its answer; leaving the block before the answer's end drops the connection.

        Raises, as every call of `Exchange` does:
            Unreachable: no connection, or it broke, or no byte moved for too long.
            Untrusted: the server's certificate does not hold.
        """
        keep_freed_pieces()
        thread = self._resting.pop() if self._resting else self._another()
        made = Exchange(Wire(self._connections, self._idle, method, url), thread, host_of(url), self._idle)
        try:
            yield made
        finally:
            ended = made.end()
            if made.woken:  # it may wait for its server a while longer, and nobody shall wait behind it
                ended.add_done_callback(lambda _: self._resting.append(thread))
            else:
                self._resting.append(thread)

    async def close(self) -> None:
        """Close every connection; no exchange may be under way. A thread that still waits for a server is not waited for."""
        self._connections.close()
        try:
            await asyncio.gather(*(thread.idle(_LONGEST_FAREWELL) for thread in self._threads))
        finally:
            for thread in self._threads:
                thread.close()

    def _another(self) -> Threads:
        thread = Threads(1, "bulk")
        self._threads.append(thread)
        return thread


class Exchange:
    """One request and its answer. The calls come one after the other: `ask`, or `begin`, `send`..., `answer`; then `read`..."""

    def __init__(self, wire: Wire, thread: Threads, host: str, idle: float) -> None:
        self._wire, self._thread = wire, thread
        self._host, self._idle = host, idle
        self._sending: asyncio.Future[bool] | None = None
        self._reading: asyncio.Future[bytes] | None = None
        self.woken = False
        """Whether a call had to be broken off."""

    async def ask(self, headers: Mapping[str, str], body: bytes | None = None) -> Told:
        """A whole request that may be sent twice, with a small body or none: the status and the headers of its answer."""
        return await self._heard(self._thread.start(self._wire.ask, headers, body))

    async def begin(self, headers: Mapping[str, str], size: int | None) -> None:
        """Send the head of a request whose body has `size` bytes; `None`: it is sent in chunked encoding."""
        await self._heard(self._thread.start(self._wire.begin, headers, size))

    async def send(self, data: bytes) -> bool:
        """Begin to send a piece of the body, when the piece before is sent. `False`: the server has stopped listening."""
        before, self._sending = self._sending, None
        if before is not None and not await self._heard(before):
            return False
        self._sending = self._thread.start(self._wire.send, data)
        return True

    async def answer(self) -> Told:
        """The status and the headers of the answer to what was sent."""
        if self._sending is not None:
            await self._heard(self._sending)
        return await self._heard(self._thread.start(self._wire.answer))

    async def read(self, amount: int) -> bytes:
        """Up to `amount` bytes of the answer's body; empty at its end, which is never taken for an end if it was cut."""
        reading = self._reading or self._thread.start(self._wire.read, amount)
        self._reading = None
        data = await self._heard(reading)
        if data:
            self._reading = self._thread.start(self._wire.read, amount)
        return data

    def end(self) -> asyncio.Future[None]:
        """Wake the thread if it still works, and let it close what was not brought to its end."""
        for under_way in (self._sending, self._reading):
            if under_way is not None:
                if not under_way.done():
                    self._wake()
                under_way.add_done_callback(_seen)
        ended = self._thread.start(self._wire.end)
        ended.add_done_callback(_seen)
        return ended

    async def _heard(self, work: asyncio.Future[T]) -> T:
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            self._wake()
            work.add_done_callback(_seen)
            raise
        except (OSError, HTTPException, EOFError, ValueError) as problem:
            raise _translated(problem, self._host, self._idle) from None

    def _wake(self) -> None:
        self.woken = True
        self._wire.wake()


def _translated(problem: OSError | HTTPException | EOFError | ValueError, host: str, idle: float) -> MoverError:
    if isinstance(problem, ssl.SSLCertVerificationError):
        return untrusted(host, problem.verify_message)
    if isinstance(problem, TimeoutError):
        return silent(host, idle)
    if isinstance(problem, ValueError | InvalidURL):
        return bad_request(host)
    if isinstance(problem, BadStatusLine | UnknownProtocol) and not isinstance(problem, ConnectionError):
        return failed(host, "the answer is not HTTP")  # what it is instead may be a file's content
    return failed(host, str(problem) or type(problem).__name__)


def _seen(done: asyncio.Future[T]) -> None:
    if not done.cancelled():
        done.exception()
