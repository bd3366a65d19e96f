"""Runs one app on one port, over TLS: uvicorn, inside our own event loop, without signals, files or a configuration of its own.

What uvicorn 0.54 leaves open is closed here: a limit to how long a client may take for the handshake, a request's head and its body, and
a stop that open streams do not hold up.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from uvicorn import Config, Server

from mover.boot.serving_connection import patient
from mover.boot.serving_stop import Stoppable
from mover.core.errors import BadOption
from mover.net.server_tls import Certificates

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

LOG: Final = logging.getLogger("mover.serving")

GRACE_SECONDS: Final = 2
"""How long requests may go on after the stop; then they are cancelled."""

_LAST_SECONDS: Final = 0.5
"""For cancelled handlers to clean up."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may take from the others. Times are in seconds."""

    connections: int = 1000
    """Open at once; more are answered 503."""
    head_bytes: int = 32 << 10
    """Of a request's line and headers while they are not complete; what comes at once (256 KiB at most) is read."""
    handshake: float = 10
    head: float = 10
    """From the first moment in which a request is expected, to the end of its headers."""
    body: float = 60
    keep_alive: int = 15
    """Between two requests on one connection."""


async def serve(
    app: ASGI3Application,
    *,
    host: str = "127.0.0.1",
    port: int,
    certificates: Certificates,
    stopping: asyncio.Event,
    listening: Callable[[int], object] | None = None,
    limits: Limits | None = None,
    trusted_proxies: Sequence[str] = (),
) -> None:
    """Serve until `stopping` is set, and `GRACE_SECONDS` longer at most. The caller owns signals and runs `certificates.watch()`.

    `port` 0 lets the kernel choose; `listening` is told the port once connections are accepted. Handlers learn of the stop by
    `request.state.stopping` (the same event); server-sent events end at once, as if the client had gone. `X-Forwarded-*` is believed only
    from `trusted_proxies` (addresses or networks).

    Raises:
        BadOption: the address cannot be used, or the app could not start.
    """
    limits = limits or Limits()
    config = _config(app, host, port, certificates, stopping, limits, trusted_proxies)
    server = _Server(config, stopping, limits)
    try:
        await server.open(listening)
        await server.main_loop()
    finally:
        await server.close()


def _config(
    app: ASGI3Application,
    host: str,
    port: int,
    certificates: Certificates,
    stopping: asyncio.Event,
    limits: Limits,
    trusted_proxies: Sequence[str],
) -> Config:
    def context(_config: Config, _default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
        return certificates.context

    return Config(
        Stoppable(app, stopping),
        host=host,
        port=port,
        http=patient(limits.head, limits.body),
        ws="none",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        workers=1,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
        limit_concurrency=limits.connections,
        timeout_keep_alive=limits.keep_alive,
        timeout_graceful_shutdown=GRACE_SECONDS,
        h11_max_incomplete_event_size=limits.head_bytes,
        ssl_context_factory=context,
    )


class _Server(Server):
    """uvicorn's parts in our order: it leaves the port and a failed start to its log, and its stop to clients."""

    def __init__(self, config: Config, stopping: asyncio.Event, limits: Limits) -> None:
        super().__init__(config)
        self.servers: list[asyncio.base_events.Server] = []
        self._stopping = stopping
        self._limits = limits
        self._ready = False
        config.load()
        self.lifespan = config.lifespan_class(config)

    async def open(self, listening: Callable[[int], object] | None) -> None:
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            raise BadOption("the app could not start; the log says why", item="app", advice="See the log.")
        self._ready = True
        listener = await self._listen()
        self.servers = [listener]
        if listening is not None:
            listening(int(listener.sockets[0].getsockname()[1]))

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or self._stopping.is_set()

    async def close(self) -> None:
        """Stop listening, let requests end, then end them; the app is told last, when nobody uses it any more."""
        for listener in self.servers:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await self._until_idle(GRACE_SECONDS)
        if self.server_state.tasks:
            LOG.warning("%d requests did not end in time and are cancelled", len(self.server_state.tasks))
        for task in self.server_state.tasks:
            task.cancel()
        await self._until_idle(_LAST_SECONDS)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        if self._ready:
            await self.lifespan.shutdown()

    async def _until_idle(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110  # uvicorn keeps plain sets
                    await asyncio.sleep(_LOOK)

    async def _listen(self) -> asyncio.base_events.Server:
        def connection() -> asyncio.Protocol:
            make = cast("Callable[..., asyncio.Protocol]", self.config.http_protocol_class)
            return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

        host, port = self.config.host, self.config.port
        try:
            return await asyncio.get_running_loop().create_server(
                connection,
                host,
                port,
                ssl=self.config.ssl,
                backlog=self.config.backlog,
                ssl_handshake_timeout=self._limits.handshake,
                ssl_shutdown_timeout=_LAST_SECONDS,
            )
        except OSError as error:
            raise BadOption(
                f"cannot listen on {host} port {port}: {error.strerror}",
                item="port",
                advice="Choose another port or address, or end the program that has it.",
            ) from error


_LOOK: Final = 0.05
