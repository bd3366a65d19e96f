"""One SFTP session: many requests on their way at once, each answer given to whoever waits for it.

asyncssh carries the bytes. Its own SFTP client is left aside for speed: there each request costs an SSH packet and several
coroutines. Here requests made in one turn of the event loop leave together, and a small file takes two round trips
(docs/performance.md has the figures).
"""

from __future__ import annotations

import asyncio
from typing import Final

import asyncssh

from mover.connectors.sftp.frames import Frames
from mover.connectors.sftp.packets import HEAD, U32, VERSION, Kind, Malformed, Reply, extensions_of, limits_of
from mover.core.errors import Unreachable

WINDOW: Final = 8 << 20
"""Bytes the server may send ahead of us; nothing is held back, answers to requests are bounded by whoever asks."""
PACKET: Final = 256 << 10
"""Bytes the server may put in one SSH packet: fewer, longer ones cost us less."""
SAFE: Final = 32 << 10
"""Bytes of data that every server must take in one packet (draft -02 §3)."""
MOST: Final = 255 << 10
"""Bytes of data in one request, however much more a server would take."""
QUIET_SECONDS: Final = 120.0
"""A server that owes an answer and says nothing for so long is taken for gone."""
_FULL: Final = 64 << 10


class Channel(asyncssh.SSHClientSession[bytes]):
    """An SFTP session. `reads` and `writes` are the most bytes to ask for, or to send, in one request."""

    def __init__(self) -> None:
        self.reads = SAFE
        self.writes = SAFE
        self.extensions: dict[bytes, bytes] = {}
        self.lost: str | None = None
        self._loop = asyncio.get_running_loop()
        self._chan: asyncssh.SSHClientChannel[bytes] | None = None
        self._version: asyncio.Future[Reply] = self._loop.create_future()
        self._waiting: dict[int, asyncio.Future[Reply] | None] = {}
        self._number = 0
        self._out: list[bytes] = []
        self._held = 0
        self._frames = Frames()
        self._heard = False
        self._watch: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Agree on the version and learn the server's extensions and limits.

        Raises:
            Unreachable: what answers is no SFTP server.
        """
        self._send(U32.pack(5) + bytes((Kind.INIT,)) + U32.pack(VERSION))
        self._watch = self._loop.call_later(QUIET_SECONDS, self._look)
        try:
            self.extensions = extensions_of((await self._version).body)
            if self.extensions.get(b"limits@openssh.com") == b"1":
                self._limit(await self.extended(b"limits@openssh.com", b""))
        except Malformed as error:
            self.close(f"it is no SFTP server: {error}")
            raise Unreachable(f"the server speaks no SFTP: {error}") from error

    @property
    def waiting(self) -> int:
        """How many answers are due."""
        return len(self._waiting)

    def ask(self, kind: Kind, body: bytes) -> asyncio.Future[Reply]:
        """Send a request; what is awaited may be left alone without harm.

        The future raises `Unreachable` if the connection is lost, already or before the answer comes.
        """
        answer: asyncio.Future[Reply] = self._loop.create_future()
        if self.lost is not None:
            _fail(answer, self.lost)
            return answer
        self._post(kind, body, answer)
        return answer

    def tell(self, kind: Kind, body: bytes) -> None:
        """Send a request whose answer nobody needs, such as CLOSE after reading."""
        if self.lost is None:
            self._post(kind, body, None)

    def extended(self, name: bytes, body: bytes) -> asyncio.Future[Reply]:
        """Send a request of an extension."""
        return self.ask(Kind.EXTENDED, U32.pack(len(name)) + name + body)

    def close(self, why: str = "it was closed") -> None:
        """End the session at once; everybody who waits gets `Unreachable`."""
        if self._chan is not None:
            self._chan.abort()
        self._end(why)

    # asyncssh calls these

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._chan = chan

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(f"the connection was lost: {exc}" if exc else "the server ended the connection")

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if datatype is not None:
            return  # standard error: for people at a terminal
        self._heard = True
        try:
            for kind, number, body in self._frames.feed(data):
                if kind == Kind.VERSION:
                    self._welcome(body)
                else:
                    self._give(number, Reply(kind, body))
        except Malformed as error:
            self.close(f"the server's answer makes no sense: {error}")

    # below: in and out

    def _welcome(self, body: bytes) -> None:
        if self._version.done():
            raise Malformed("a second greeting")
        self._version.set_result(Reply(Kind.VERSION, body))

    def _give(self, number: int, reply: Reply) -> None:
        try:
            answer = self._waiting.pop(number)
        except KeyError:
            raise Malformed(f"an answer to request {number}, which nobody made") from None
        if answer is not None and not answer.done():
            answer.set_result(reply)

    def _post(self, kind: Kind, body: bytes, answer: asyncio.Future[Reply] | None) -> None:
        number = self._number = (self._number + 1) & 0xFFFFFFFF
        self._waiting[number] = answer
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(HEAD.pack(len(body) + 5, kind, number))
        self._out.append(body)
        self._held += len(body)
        if self._held >= _FULL:
            self._flush()

    def _flush(self) -> None:
        if self._out:
            out, self._out, self._held = self._out, [], 0
            self._send(b"".join(out))

    def _send(self, data: bytes) -> None:
        if self._chan is None or self._chan.is_closing():
            self._end("the connection was lost")
            return
        try:
            self._chan.write(data)  # pyright: ignore[reportUnknownMemberType]  # generic in asyncssh, bytes here
        except OSError as error:
            self._end(f"the connection was lost: {error}")

    def _limit(self, reply: Reply) -> None:
        if reply.kind == Kind.EXTENDED_REPLY:
            _, reads, writes = limits_of(reply)
            self.reads = min(reads or SAFE, MOST)
            self.writes = min(writes or SAFE, MOST)

    def _look(self) -> None:
        if self._waiting and not self._heard:
            self.close(f"the server said nothing for {QUIET_SECONDS:.0f} seconds")
            return
        self._heard = False
        self._watch = self._loop.call_later(QUIET_SECONDS, self._look)

    def _end(self, why: str) -> None:
        if self.lost is not None:
            return
        self.lost = why
        if self._watch is not None:
            self._watch.cancel()
        for answer in [self._version, *self._waiting.values()]:
            if answer is not None and not answer.done():
                _fail(answer, why)
        self._waiting.clear()


def _fail(answer: asyncio.Future[Reply], why: str) -> None:
    answer.set_exception(Unreachable(why))
    answer.exception()  # seen: whoever left it alone shall not read of it in the log
