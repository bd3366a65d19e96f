"""A TLS server that answers what a test tells it to, whatever is asked, and keeps what was asked."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.sites.base import Certificates


@dataclass
class Scripted:
    """What it answers, and what it was asked: headers (lower case) and body."""

    url: str
    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict[str, str])
    asked: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list[tuple[Mapping[str, str], bytes]])

    def answer(self, status: int, body: Any, **headers: str) -> None:
        """From now on. `body` is sent as it is if it is bytes, as JSON otherwise."""
        self.status, self.headers = status, {name.replace("_", "-"): value for name, value in headers.items()}
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()


@contextmanager
def scripted(made: Certificates) -> Generator[Scripted]:
    """The server, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            return

        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers.get("content-length", "0")))
            state.asked.append(({name.lower(): value for name, value in self.headers.items()}, asked))
            self.send_response(state.status)
            for name, value in {**state.headers, "Content-Length": str(len(state.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(state.body)

        def do_GET(self) -> None:
            self.do_POST()

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            return  # a client that went away

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.chain, made.key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    state = Scripted(f"https://localhost:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
