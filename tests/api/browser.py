"""A browser that speaks to the real apps without a network: cookies, `Origin`, `Sec-Fetch-Site`, and our pages' token."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, cast

from starlette.applications import Starlette

from mover.boot.apps import app_of
from mover.boot.control import Control
from mover.core.clock import SystemClock
from mover.core.secret import Secret
from mover.service import accounts
from mover.service.accounts import administrator
from mover.service.actor import Origin, Role
from mover.service.desk import Desk
from mover.service.leases import Leases
from mover.service.passwords import Passwords
from mover.service.runners import Enrolments
from mover.service.secrets import ServiceSecrets
from mover.service.signin import invitations
from mover.store.database import Database
from mover.vault.providers.base import in_threads
from mover.vault.providers.file import FileGlobalKey
from mover.vault.sealing import Vault
from mover.work.reconcile import Reconciler

HOST = "mover.test:8443"
APP = "/app/v1"
API = "/api/v1"
PASSWORD = "seven green herons on ice"


class Moved(SystemClock):
    """The machine's clock, which a test can put forward."""

    ahead = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead)

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


@dataclass
class Answer:
    """An answer; `headers` by lower-case name, each with all its values."""

    status: int
    json: Any
    headers: dict[str, list[str]]

    @property
    def code(self) -> str:
        return self.json["code"]


@dataclass
class Browser:
    """Whoever sits before it is at `address`. What a test gives as headers stands instead of what a browser would say; None: nothing."""

    app: Starlette
    address: str = "192.0.2.10"
    host: str = HOST
    cookies: dict[str, str] = field(default_factory=dict[str, str])
    csrf: str = ""

    async def __call__(
        self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str | None
    ) -> Answer:
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        said: dict[str, str | None] = {
            "host": self.host,
            "origin": f"https://{self.host}",
            "sec-fetch-site": "same-origin",
            "user-agent": "a test",
            "content-type": "application/json",
            "cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()) or None,
            "x-csrf-token": self.csrf or None,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        answer = await exchange(self.app, method, path, data, said, self.address)
        for cookie in answer.headers.get("set-cookie", []):
            self._keep(cookie)
        if isinstance(answer.json, dict) and "csrf" in answer.json:
            self.csrf = answer.json["csrf"]
        return answer

    async def must(self, method: str, path: str, body: Any = None) -> Any:
        """The content of an answer that is well."""
        answer = await self(method, path, body)
        assert answer.status < 400, (method, path, answer)
        return answer.json

    async def sign_in(self, name: str, password: str = PASSWORD, **more: str) -> Answer:
        return await self("POST", f"{APP}/sign-in", {"name": name, "password": password, **more})

    def copy(self) -> Browser:
        """Another one with the same cookies."""
        return Browser(self.app, self.address, self.host, dict(self.cookies), self.csrf)

    def _keep(self, cookie: str) -> None:
        for name, found in SimpleCookie(cookie).items():
            if found["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = found.value


@dataclass
class House:
    """The service in this process."""

    app: Starlette
    desk: Desk
    clock: Moved

    def browser(self, address: str = "192.0.2.10") -> Browser:
        return Browser(self.app, address)

    async def invited(self, name: str, role: Role = "manager") -> str:
        """A new account, and the token of its invitation."""
        made = await accounts.add(self.desk, administrator(), name, role)
        token, _ = await invitations.invite(self.desk, administrator(), made.id)
        return token.reveal()

    async def account(self, name: str, role: Role = "manager", password: str = PASSWORD) -> None:
        """A new account with a password."""
        token = await self.invited(name, role)
        await invitations.accept(self.desk, Secret(token), Secret(password), Origin())

    async def signed_in(self, name: str, role: Role = "manager") -> Browser:
        """A new account, and a browser that is signed in to it."""
        await self.account(name, role)
        return await self.again(name)

    async def again(self, name: str, **more: str) -> Browser:
        """One more browser that is signed in."""
        browser = self.browser()
        answer = await browser.sign_in(name, **more)
        assert answer.status == 200, answer
        return browser


@asynccontextmanager
async def house(database: Database, folder: Path) -> AsyncGenerator[House]:
    """All three apps over a database. Passwords are hashed at little cost, the same way."""
    clock = Moved()
    async with in_threads(FileGlobalKey(folder / "global.json")) as holder:
        secrets = ServiceSecrets(database, Vault(holder), database)
        passwords = Passwords(memory=64, rounds=1, lanes=1)
        desk = Desk(database, secrets, lambda: None, clock, local_paths=True, passwords=passwords)
        leases = Leases(database, secrets, cast("Reconciler", None), clock)
        control = Control(desk, leases, Enrolments(database, clock))
        yield House(app_of(control, ("mover.test", "127.0.0.1")), desk, clock)


async def exchange(
    app: Starlette, method: str, path: str, body: bytes, headers: dict[str, str | None], address: str
) -> Answer:
    """One request, as a server hands it to an app, in pieces of 64 KiB."""
    place, _, query = path.partition("?")
    pieces = [body[at : at + (64 << 10)] for at in range(0, len(body), 64 << 10)] or [b""]
    given = [(name.encode(), value.encode("latin-1")) for name, value in headers.items() if value is not None]
    if body and "transfer-encoding" not in headers:
        given.append((b"content-length", str(len(body)).encode()))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": place,
        "raw_path": place.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": given,
        "client": (address, 5),
        "server": ("127.0.0.1", 8443),
        "state": {},
    }
    sent: list[Any] = []

    async def receive() -> Any:
        if not pieces:
            return {"type": "http.disconnect"}
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    told: dict[str, list[str]] = {}
    for name, value in sent[0]["headers"]:
        told.setdefault(name.decode().lower(), []).append(value.decode("latin-1"))
    content = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(sent[0]["status"], json.loads(content) if content.startswith((b"{", b"[")) else None, told)
