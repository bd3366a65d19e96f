"""A TLS server that plays a provider: it does what a test tells it to, and keeps what it was asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, BinaryIO
from urllib.parse import parse_qsl

from tests.oauth.canaries import canary
from tests.sites.base import Certificates


@dataclass
class Asked:
    """A request: its path, headers (lower case) and form."""

    path: str
    headers: Mapping[str, str]
    form: Mapping[str, str]
    body: bytes = b""


@dataclass
class Reply:
    """What to answer. `body` is sent as it is if it is bytes, as JSON otherwise; `drip` is the seconds between its bytes.

    `hangs_up`: nothing is answered, and the connection ends.
    """

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    drip: float = 0.0
    hangs_up: bool = False

    @property
    def sent(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Answering = Callable[[Asked], Reply]


@dataclass
class TokenServer:
    """`answering` makes every answer; `asked` keeps the requests."""

    url: str
    answering: Answering
    asked: list[Asked] = field(default_factory=list[Asked])
    came: threading.Event = field(default_factory=threading.Event)

    async def first(self) -> None:
        """Wait until somebody asks."""
        assert await asyncio.to_thread(self.came.wait, 20)

    def says(self, body: Any, status: int = 200, drip: float = 0.0, **headers: str) -> None:
        """The same answer to everything, from now on."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answering = lambda _: Reply(body, status, named, drip)


def fine(**more: Any) -> dict[str, Any]:
    """A token answer that is as it should be, with fresh tokens; `None` leaves a field out."""
    full = {
        "access_token": canary("access"),
        "refresh_token": canary("refresh"),
        "token_type": "Bearer",
        "expires_in": 3600,
        **more,
    }
    return {name: value for name, value in full.items() if value is not None}


class Rotating:
    """Refresh tokens that are good for one use: whoever uses one twice loses all of them (RFC 9700 §4.14.2)."""

    def __init__(self, *, slow: float = 0.0, strict: bool = True) -> None:
        self.current = canary("refresh")
        self.used: list[str] = []
        self.revoked = False
        self._slow, self._strict = slow, strict
        self._lock = threading.Lock()

    def __call__(self, asked: Asked) -> Reply:
        time.sleep(self._slow)
        with self._lock:
            token = asked.form.get("refresh_token", "")
            if token in self.used and self._strict:
                self.revoked = True
            if self.revoked or token != self.current:
                return Reply({"error": "invalid_grant", "error_description": f"unknown token {token}"}, 400)
            self.used.append(token)
            self.current = canary("refresh")
            return Reply(fine(refresh_token=self.current))


@contextmanager
def token_server(made: Certificates) -> Generator[TokenServer]:
    """The server, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            return

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.path, headers, dict(parse_qsl(body.decode(), keep_blank_values=True)), body)
            state.asked.append(asked)
            state.came.set()
            self._answer(state.answering(asked))

        def do_GET(self) -> None:
            self.do_POST()

        def _answer(self, reply: Reply) -> None:
            if reply.hangs_up:
                self.close_connection = True
                self.connection.close()
                return
            self.send_response_only(reply.status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(reply.sent)),
                **reply.headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            _written(self.wfile, reply)

        def handle(self) -> None:
            with contextlib.suppress(OSError):  # a client that went away
                super().handle()

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False
        request_queue_size = 128

        def handle_error(self, request: object, client_address: object) -> None:
            return

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.chain, made.key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    state = TokenServer(f"https://localhost:{server.server_address[1]}", lambda _: Reply(fine()))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _written(to: BinaryIO, reply: Reply) -> None:
    if not reply.drip:
        to.write(reply.sent)
        return
    for place in range(len(reply.sent)):
        to.write(reply.sent[place : place + 1])
        to.flush()
        time.sleep(reply.drip)
