"""Where sign-ins wait that were begun: on the server, for one session, to be taken out once.

A row names its state by a SHA-256 sum and is sealed with a key that is made from the state itself. Only the user's browser and
the provider have that, so whoever reads the table can finish no sign-in.
"""

from __future__ import annotations

import hashlib
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from mover.core.errors import Sealed
from mover.core.secret import Secret
from mover.crypto.aead import derive, open_sealed, seal
from mover.oauth.callback import strayed
from mover.oauth.pending import LIFE, Pending, pending
from mover.store import oauth_pending


async def keep(connection: AsyncConnection, session: Secret, kept: Pending) -> None:
    """Keep a sign-in of that session (its cookie's value, or whatever else only that browser has), in the caller's transaction."""
    state = kept.state
    sealed = seal(_key(state), kept.sealable(), _sum(session.reveal()))
    await oauth_pending.add(
        connection, _name(state), _sum(session.reveal()), kept.account, sealed, seconds=LIFE.total_seconds()
    )


async def take(connection: AsyncConnection, session: Secret, state: Secret) -> Pending:
    """Take the sign-in out of which `state` came back, in a transaction that must be kept before its code is exchanged.

    Raises:
        WrongState: this session began no such sign-in, its time is over, or it was taken before.
    """
    sealed = await oauth_pending.take(connection, _name(state), _sum(session.reveal()))
    if sealed is None:
        raise strayed()
    try:
        opened = open_sealed(_key(state), sealed, _sum(session.reveal()))
    except Sealed as problem:
        raise strayed() from problem
    return pending(state, opened)


_PURPOSE: Final = b"mover/oauth/pending"


def _name(state: Secret) -> bytes:
    return _sum(state.reveal())


def _key(state: Secret) -> bytes:
    return derive(state.reveal().encode(), _PURPOSE)


def _sum(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
