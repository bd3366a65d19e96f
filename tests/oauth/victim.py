"""A control process that renews a connection's tokens and may be killed at a chosen moment: settings on standard input, JSON.

It prints `got` and a SHA-256 of each access token that it was handed. `die`: `answered` is when the provider's answer has arrived and
nothing is saved; `saved` is when the new tokens are saved and nobody has them yet.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from tests.oauth.keeping import TestKeeper

from mover.core.clock import SystemClock
from mover.core.secret import Secret
from mover.net.http import HttpSettings, http
from mover.oauth.client import Client, Proof
from mover.oauth.provider import Provider, Rotation
from mover.oauth.refreshing import Refresher
from mover.oauth.tokens import TokenSet
from mover.oauth.turns import Turns
from mover.store.database import Database


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Victim(TestKeeper):
    """Dies in the middle, if it is to."""

    when: str | None = None

    async def seal(self, connection: int, tokens: TokenSet) -> bytes:
        if self.when == "answered":
            die()
        return await super().seal(connection, tokens)


def dying_after_saving() -> None:
    saved = Turns.saved

    async def and_die(self: Turns, *given: Any, **named: Any) -> None:
        await saved(self, *given, **named)
        die()

    Turns.saved = and_die  # pyright: ignore[reportAttributeAccessIssue]  # for this process


async def main(given: dict[str, Any]) -> None:
    provider = Provider("generic", "Generic", given["url"], given["url"], rotation=Rotation.SINGLE_USE)
    client = Client("mover-client", Proof.SECRET_POST, secret=Secret(given["secret"]))
    async with Database(given["database"]) as database, http(HttpSettings(ca_file=Path(given["ca"]))) as opened:
        keeper = Victim(database, provider, client)
        keeper.when = given.get("die")
        if keeper.when == "saved":
            dying_after_saving()
        async with Refresher(database, opened, keeper, SystemClock()) as refresher:
            every = await asyncio.gather(*(refresher.tokens(given["connection"]) for _ in range(given["callers"])))
    for tokens in every:
        print("got", hashlib.sha256(tokens.access.reveal().encode()).hexdigest())  # noqa: T201  # to the test


if __name__ == "__main__":
    asyncio.run(main(json.load(sys.stdin)))
