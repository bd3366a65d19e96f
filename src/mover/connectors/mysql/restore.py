"""Running an SQL file: one of Mover's own, or a dump by the stock programs.

What "whole or not at all" means here: a file of up to `HOLD` bytes is whole before its first statement runs; Mover's data
files are one transaction, committed only when the last byte has come. A longer stock dump runs while it arrives, as with the stock client.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from pymysql.constants import SERVER_STATUS

from mover.connectors._kit.bodies import measured
from mover.connectors.mysql.literals import identifier, text
from mover.connectors.mysql.names import decoded
from mover.connectors.mysql.session import Session, execute, said
from mover.connectors.mysql.split import Splitter
from mover.core.errors import Conflict, Locked, NotFound
from mover.core.model import Body

HOLD: Final = 16 << 20
"""Bytes of a file that are kept in memory until it is whole."""

WAIT: Final = 5.0
"""Seconds after which a file that came before what it needs may be tried again."""

_HEAD: Final = re.compile(rb"-- Mover 1: (\w+) ?([^\n]*)\n(?:-- keys ([\w=-]+)\n)?((?:-- after [^\n]*\n)*)")
_AFTER: Final = re.compile(rb"-- after (\d+) ([^\n]*)\n")
_MAKES: Final = re.compile(rb"CREATE TABLE IF NOT EXISTS [\s\S]*(?=;\n\Z)")
_COUNTER: Final = re.compile(r" AUTO_INCREMENT=\d+")


@dataclass(frozen=True, slots=True)
class Head:
    """What the first lines of one of Mover's files say; `kind` is "" for any other file."""

    kind: str = ""
    name: str = ""
    keys: str = ""
    after: tuple[tuple[str, int], ...] = ()


def head_of(start: bytes) -> Head:
    """Read the first lines of a file."""
    found = _HEAD.match(start)
    if found is None:
        return Head()
    after = tuple((decoded(name.decode()), int(rows)) for rows, name in _AFTER.findall(found[4]))
    return Head(found[1].decode(), decoded(found[2].decode()), (found[3] or b"").decode(), after)


async def restore(session: Session, body: Body, name: str) -> tuple[int, str]:
    """Run a file on a session that has chosen its database. How many bytes it had, and a chunk's range of keys.

    Raises:
        Damaged: the body is not as long as it said. Nothing of it was run, or all of it is rolled back (see the module).
        Locked: one of Mover's files came before what it needs; it may be sent again.
        Conflict: a table is there with another definition, or has triggers that would fire.
    """
    pieces = measured(body, name)
    held, size = await _held(pieces)
    start = b"".join(held) if size <= HOLD else held[0]
    head = head_of(start)
    await _checked(session, head)
    if head.kind == "table":
        await _same_table(session, head.name, start)
    script = _Script(session, transaction=head.kind == "data")
    try:
        for piece in held:
            await script.feed(piece)
        async for piece in pieces:
            size += len(piece)
            await script.feed(piece)
        await script.finish()
    except NotFound as problem:
        if not head.kind:
            raise
        raise Locked(f"something it needs has not arrived yet: {problem.detail}", item=name, after=WAIT) from problem
    return size, head.keys


async def _held(pieces: AsyncIterator[bytes]) -> tuple[list[bytes], int]:
    held: list[bytes] = []
    size = 0
    async for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size > HOLD:
            break
    return held, size


async def _checked(session: Session, head: Head) -> None:
    for table, rows in head.after:
        if (there := await _count(session, table)) != rows:
            detail = f"it waits for the rows of {table}: {there} of {rows} are there"
            raise Locked(detail, item=head.kind, after=WAIT)
    if head.kind == "data":
        triggers = await session.rows(
            "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS"  # noqa: S608  # quoted
            f" WHERE EVENT_OBJECT_SCHEMA = DATABASE() AND EVENT_OBJECT_TABLE = {text(head.name)} LIMIT 1"
        )
        if triggers:
            detail = (
                f"the table {head.name} has triggers, which would fire; drop them first, 400-triggers.sql restores them"
            )
            raise Conflict(detail, item=head.name)


async def _count(session: Session, table: str) -> int:
    try:
        return int((await session.rows(f"SELECT COUNT(*) FROM {identifier(table)}"))[0][0] or 0)  # noqa: S608  # quoted
    except NotFound:
        return -1


async def _same_table(session: Session, name: str, file: bytes) -> None:
    """A table that is there already must be the one that the file makes. Mover never drops a table."""
    wanted = _MAKES.search(file)
    try:
        row = (await session.rows(f"SHOW CREATE TABLE {identifier(name)}"))[0]
    except NotFound:
        return
    there = said(row[1]).replace("CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", 1)
    if wanted is None or _COUNTER.sub("", there) != _COUNTER.sub("", wanted[0].decode()):
        raise Conflict(f"a table {name} with another definition is there; drop or rename it first", item=name)


class _Script:
    """Runs statements as they become whole; in a transaction, the COMMIT waits for `finish`."""

    def __init__(self, session: Session, *, transaction: bool) -> None:
        self._session = session
        self._splitter = Splitter()
        self._transaction = transaction
        self._commit = False

    async def feed(self, piece: bytes) -> None:
        await self._session.call(lambda: self._run(piece, last=False))

    async def finish(self) -> None:
        await self._session.call(lambda: self._run(b"", last=True))
        if self._commit:
            await self._session.run("COMMIT")

    def _run(self, piece: bytes, *, last: bool) -> None:
        connection = self._session.raw
        for statement in self._splitter.feed(piece, last=last):
            if self._transaction and statement.upper() == b"COMMIT":
                self._commit = True
                continue
            execute(connection, statement)
            status = int(getattr(connection, "server_status", 0) or 0)
            self._splitter.backslash = not status & SERVER_STATUS.SERVER_STATUS_NO_BACKSLASH_ESCAPES
