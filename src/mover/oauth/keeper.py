"""What this room needs of whoever keeps tokens: the vault, which it does not know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from mover.oauth.client import Client
from mover.oauth.grants import Grant
from mover.oauth.provider import Provider
from mover.oauth.tokens import TokenSet


@dataclass(frozen=True, slots=True)
class Held:
    """All that is needed to renew a connection's tokens. With a `grant` they are asked for anew, otherwise they are refreshed."""

    provider: Provider
    client: Client
    tokens: TokenSet | None
    grant: Grant | None = None


class Keeper(Protocol):
    """Reads and writes the tokens of saved connections. What it raises comes out as it is."""

    async def load(self, connection: int) -> Held:
        """What is saved of a connection, as it is now. Raises `UnknownThing` if there is no such connection."""
        ...

    async def seal(self, connection: int, tokens: TokenSet) -> bytes:
        """The tokens in the form in which they rest; nothing is saved yet."""
        ...

    async def save(self, transaction: AsyncConnection, connection: int, sealed: bytes) -> None:
        """Put them in place of those that were there, in this transaction of the service's database."""
        ...
