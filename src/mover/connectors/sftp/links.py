"""The connections to one server: opened when they are needed, up to a bound; the least busy one is given out."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

import asyncssh

from mover.connectors.sftp.channel import PACKET, WINDOW, Channel
from mover.core.errors import MoverError, Unreachable
from mover.net.ssh import SshSettings, connect

BUSY: Final = 8
"""Answers due on every connection before another one is opened."""


class Links:
    """Up to `most` SSH connections, each with one SFTP session.

    A lost connection is forgotten; a new one is made when somebody next asks for one and none is left.
    """

    def __init__(self, settings: SshSettings, most: int) -> None:
        self._settings = settings
        self._most = most
        self._open: list[tuple[asyncssh.SSHClientConnection, Channel]] = []
        self._lock = asyncio.Lock()
        self._opening: asyncio.Task[None] | None = None

    async def channel(self) -> Channel:
        """The least busy session. Raises what `net.ssh.connect` does if there is none and none can be made."""
        best = self._best()
        if best is None:
            async with self._lock:
                best = self._best() or await self._connect()
        elif best.waiting >= BUSY and len(self._open) < self._most and self._opening is None:
            self._opening = asyncio.create_task(self._one_more())
        return best

    async def close(self) -> None:
        """End all of them."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait({self._opening})
        for connection, channel in self._open:
            channel.close()
            connection.close()
        for connection, _ in self._open:
            with contextlib.suppress(asyncssh.Error, OSError):
                await connection.wait_closed()
        self._open.clear()

    def _best(self) -> Channel | None:
        best: Channel | None = None
        for connection, channel in self._open:
            if channel.lost is not None:
                connection.abort()
            elif best is None or channel.waiting < best.waiting:
                best = channel
        if best is None or any(channel.lost is not None for _, channel in self._open):
            self._open = [pair for pair in self._open if pair[1].lost is None]
        return best

    async def _one_more(self) -> None:
        try:
            async with self._lock:
                await self._connect()
        except MoverError:
            self._most = max(1, len(self._open))  # the server lets us have no more: those we have will do
        finally:
            self._opening = None

    async def _connect(self) -> Channel:
        connection = await connect(self._settings)
        try:
            channel = Channel()
            await connection.create_session(  # pyright: ignore[reportUnknownMemberType]  # generic in asyncssh
                lambda: channel, subsystem="sftp", encoding=None, window=WINDOW, max_pktsize=PACKET
            )
            await channel.start()
        except (asyncssh.Error, OSError) as error:
            connection.abort()
            where = f"{self._settings.host}:{self._settings.port}"
            raise Unreachable(
                f"{where} lets {self._settings.user} in, but offers no SFTP: {error}", item=where
            ) from error
        except BaseException:
            connection.abort()
            raise
        self._open.append((connection, channel))
        return channel
