"""Who tries too often waits: per account and per address, counted in the database, so that all processes count together.

An attempt is counted before it is looked at and forgiven when it was right: a thousand at once are a thousand. An account that does not
exist is counted as one that does. Source: NIST SP 800-63B-4 §3.2.2, OWASP Authentication Cheat Sheet.
"""

from __future__ import annotations

import hashlib
from ipaddress import ip_address, ip_network
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from mover.core.errors import TooOften
from mover.service.desk import Desk
from mover.store import signin_counters
from mover.store.signin_counters import Rule

ACCOUNT: Final = Rule("account", free=5, longest=900, forgotten=86_400)
ADDRESS: Final = Rule("address", free=20, longest=900, forgotten=3_600)


async def charge(desk: Desk, name: str | None, address: str | None) -> None:
    """Count an attempt for a name (if there is one) from an address.

    Raises:
        TooOften: one of the two tried too often; `after` says for how many seconds nobody need try.
    """
    async with desk.database.transaction() as connection:
        await signin_counters.prune(connection)
        wait = await signin_counters.charge(connection, ADDRESS, of_address(address))
        if wait is None and name is not None:
            wait = await signin_counters.charge(connection, ACCOUNT, of_name(name))
    if wait is not None:
        raise TooOften("too many attempts to sign in", after=max(1.0, wait))


async def forgive(connection: AsyncConnection, name: str | None, address: str | None) -> None:
    """The attempt was right: the account's counter begins anew; the address's is one lower, as others may try from there."""
    if name is not None:
        await signin_counters.reset(connection, ACCOUNT, of_name(name))
    await signin_counters.refund(connection, ADDRESS, of_address(address))


async def halfway(desk: Desk, name: str, address: str | None) -> None:
    """The password was right and a second factor is awaited: this attempt does not count, those before it still do."""
    async with desk.database.transaction() as connection:
        await signin_counters.refund(connection, ACCOUNT, of_name(name))
        await signin_counters.refund(connection, ADDRESS, of_address(address))


def of_name(name: str) -> bytes:
    """By what an account is counted."""
    return hashlib.sha256(f"name {name.casefold()}".encode("utf-8", "surrogatepass")).digest()


def of_address(address: str | None) -> bytes:
    """By what an address is counted: whoever has one IPv6 address has all 2^64 beside it."""
    return hashlib.sha256(f"address {network(address)}".encode()).digest()


def network(address: str | None) -> str:
    """The address, or the /64 that an IPv6 address is in; nothing for what is no address."""
    try:
        found = ip_address((address or "").partition("%")[0])
    except ValueError:
        return ""
    mapped = getattr(found, "ipv4_mapped", None)
    if found.version == 4 or mapped is not None:  # noqa: PLR2004  # IPv4
        return str(mapped or found)
    return str(ip_network((found, 64), strict=False))
