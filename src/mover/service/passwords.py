"""Passwords as they are kept: argon2id, hashed in a few threads of their own.

Source: RFC 9106 §4 (its second choice: 64 MiB, 3 passes, 4 lanes), argon2-cffi.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar, TypeVarTuple

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from mover.core.errors import TooOften
from mover.core.secret import Secret

MOST_WAITING: Final = 64
"""How many may wait for a thread; whoever comes then is told to come again."""


T = TypeVar("T")
Given = TypeVarTuple("Given")


class Passwords:
    """Hashes and checks. `at_once` times `memory` (KiB) is the most memory that signing in ever takes, however many do."""

    def __init__(self, *, memory: int = 64 << 10, rounds: int = 3, lanes: int = 4, at_once: int = 4) -> None:
        self._hasher = PasswordHasher(time_cost=rounds, memory_cost=memory, parallelism=lanes, type=Type.ID)
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="passwords")
        self._most = at_once + MOST_WAITING
        self._under_way = 0
        self._nobodys: str | None = None

    async def hashed(self, password: Secret) -> str:
        """The string to keep: algorithm, costs, a salt of its own, and the hash. Raises `TooOften`."""
        return await self._in_thread(self._hash, password)

    async def verify(self, stored: str | None, password: Secret) -> bool:
        """Whether it is the password. Without a `stored` one it takes as long, and is none. Raises `TooOften`."""
        return await self._in_thread(self._verify, stored, password)

    def outdated(self, stored: str) -> bool:
        """Whether it was hashed at other costs than are asked for today."""
        return self._hasher.check_needs_rehash(stored)

    async def _in_thread(self, work: Callable[[*Given], T], *given: *Given) -> T:
        if self._under_way >= self._most:
            raise TooOften("too many people sign in at this moment", after=2)
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *given)
        finally:
            self._under_way -= 1

    def _hash(self, password: Secret) -> str:
        return self._hasher.hash(_bytes(password))

    def _verify(self, stored: str | None, password: Secret) -> bool:
        if self._nobodys is None:
            self._nobodys = self._hash(Secret("nobody has this password"))
        try:
            self._hasher.verify(stored or self._nobodys, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None


def normal(password: Secret) -> str:
    """The same text however a keyboard wrote it (NIST SP 800-63B-4 §3.1.1.2: NFKC)."""
    return unicodedata.normalize("NFKC", password.reveal())


def _bytes(password: Secret) -> bytes:
    return normal(password).encode("utf-8", "surrogatepass")
