"""A stand-in for the transit engine of OpenBao and HashiCorp Vault, over TLS: no registry that this machine may use has the real one.

Answers and errors are those of OpenBao's source (builtin/logical/transit/path_encrypt.go, path_decrypt.go, path_keys.go, path_rotate.go,
sdk/helper/keysutil/policy.go; http/handler.go for tokens and sealing).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.sites.base import Certificates

from mover.core.errors import Sealed
from mover.crypto.aead import derive, new_key, open_sealed, seal

CONTEXT = (
    "missing 'context' for key derivation; the key was created using a derived key, which means additional, per-request "
    "information must be included in order to perform operations with the key"
)


@dataclass
class Key:
    """A named key: its versions, oldest first."""

    derived: bool
    type: str = "aes256-gcm96"
    versions: list[bytes] = field(default_factory=lambda: [new_key()])
    oldest: int = 1


class Refuse(Exception):
    """An HTTP status, and the errors that go with it."""

    def __init__(self, status: int, *errors: str) -> None:
        super().__init__(status)
        self.status, self.errors = status, list(errors)


@dataclass
class Transit:
    """The server's state, for tests to change."""

    port: int
    token: str = field(default_factory=lambda: f"s.{secrets.token_hex(12)}")
    keys: dict[str, Key] = field(default_factory=dict[str, Key])
    forbidden: set[str] = field(default_factory=set[str])
    status: int | None = None
    """Answer everything with this status, if set."""
    body: bytes | None = None
    """Answer everything with this body and status 200, if set."""
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def answer(self, method: str, path: str, token: str | None, body: dict[str, Any]) -> dict[str, Any] | None:
        self.asked.append((method, path))
        if self.status is not None:
            raise Refuse(self.status, "Vault is sealed" if self.status == 503 else "made for a test")
        match = re.fullmatch(r"/v1/transit/(keys|encrypt|decrypt)/([\w.-]+)(/rotate)?", path)
        if match is None:
            raise Refuse(404, f"no handler for route {path.removeprefix('/v1/')!r}. route entry not found.")
        verb = "rotate" if match[3] else match[1]
        if token != self.token or verb in self.forbidden:
            raise Refuse(403, "permission denied")
        return getattr(self, f"_{verb}")(method, match[2], body)

    def _keys(self, method: str, name: str, body: dict[str, Any]) -> dict[str, Any] | None:
        if method == "POST":
            self.keys.setdefault(name, Key(bool(body.get("derived")), body.get("type", "aes256-gcm96")))
        elif name not in self.keys:
            raise Refuse(404)
        key = self.keys[name]
        return {
            "name": name,
            "type": key.type,
            "derived": key.derived,
            "latest_version": len(key.versions),
            "min_decryption_version": key.oldest,
            "keys": {str(n + 1): 1_800_000_000 for n in range(len(key.versions))},
        }

    def _rotate(self, method: str, name: str, body: dict[str, Any]) -> None:
        if name not in self.keys:
            raise Refuse(400, "no existing key named " + name + " could be found")
        self.keys[name].versions.append(new_key())

    def _encrypt(self, method: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
        if "plaintext" not in body:
            raise Refuse(400, "missing plaintext to encrypt")
        key = self._key(name)
        version = len(key.versions)
        sealed = seal(self._secret(key, version, body), _decoded(body["plaintext"]), _associated(body))
        return {"ciphertext": f"vault:v{version}:{base64.b64encode(sealed).decode()}", "key_version": version}

    def _decrypt(self, method: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
        if not body.get("ciphertext"):
            raise Refuse(400, "missing ciphertext to decrypt")
        key = self._key(name)
        match = re.fullmatch(r"vault:v(\d+):(.*)", body["ciphertext"])
        if match is None:
            raise Refuse(400, "invalid ciphertext: no prefix")
        version = int(match[1])
        if version > len(key.versions):
            raise Refuse(400, "invalid ciphertext: version is too new")
        if version < key.oldest:
            raise Refuse(400, "ciphertext or signature version is disallowed by policy (too old)")
        try:
            found = open_sealed(self._secret(key, version, body), _decoded(match[2]), _associated(body))
        except Sealed:
            raise Refuse(400, "invalid ciphertext: unable to decrypt") from None
        return {"plaintext": base64.b64encode(found).decode()}

    def _key(self, name: str) -> Key:
        if name not in self.keys:
            raise Refuse(400, "encryption key not found")
        return self.keys[name]

    def _secret(self, key: Key, version: int, body: dict[str, Any]) -> bytes:
        secret = key.versions[version - 1]
        if not key.derived:
            return secret  # whatever context is sent, it plays no part
        if not body.get("context"):
            raise Refuse(400, CONTEXT)
        return derive(secret, _decoded(body["context"]))


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise Refuse(400, "illegal base64 data at input byte 0") from None


def _associated(body: dict[str, Any]) -> bytes:
    return _decoded(body.get("associated_data", ""))


@contextmanager
def transit(made: Certificates) -> Generator[Transit]:
    """The server, on loopback by TLS, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            return

        def do_GET(self) -> None:
            self._do({})

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", "0"))
            self._do(json.loads(self.rfile.read(length) or b"{}"))

        def _do(self, body: dict[str, Any]) -> None:
            try:
                found = state.answer(self.command, urlsplit(self.path).path, self.headers.get("x-vault-token"), body)
                status, sent = (204, b"") if found is None else (200, json.dumps({"data": found}).encode())
                if state.body is not None:
                    status, sent = 200, state.body
            except Refuse as refused:
                status, sent = refused.status, json.dumps({"errors": refused.errors}).encode()
            self.send_response(status)
            if status == 429:
                self.send_header("Retry-After", "7")
            if status != 204:
                self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            return  # a client that went away

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.chain, made.key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    state = Transit(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
