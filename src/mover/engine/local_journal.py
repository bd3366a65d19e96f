"""The journal of a run on this machine: one SQLite file.

Lines are gathered and written by a thread of its own, many in one transaction and one transaction after the other, so that a line is on
disk some milliseconds after it was written and the copy never waits for it. After a crash the file is whole; the lines of the last
moment may be missing, and their items are looked at again.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from mover.core.connector import Part
from mover.core.states import State
from mover.core.temporary import RUN, mark_of_pass
from mover.engine.journal import Attempt, KeptUpload, Key, Known, Line
from mover.engine.journal_rows import (
    SCHEMA,
    forget_upload,
    item_line,
    item_row,
    parts_of,
    put_attempts,
    put_items,
    put_part,
    put_same,
    raw_key,
    same_rows,
    text_of,
)

MANY: Final = 20_000
"""Lines in memory from which `settled` waits."""

PAUSE: Final = 0.02
"""Seconds between two transactions, so that they hold more than a line each."""

_TRIES: Final = 500
"""How often to try to make the tables while another process does; 10 seconds in all."""

T = TypeVar("T")
Seal = Callable[[str], bytes]
Unseal = Callable[[bytes], str]


class LocalJournal:
    """See the module. Open it with `LocalJournal.open`; one process at a time works on a run."""

    def __init__(self, database: sqlite3.Connection, seal: Seal, unseal: Unseal) -> None:
        self._database = database
        self._seal = seal
        self._unseal = unseal
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._lines: dict[Key, Line] = {}
        self._storing: dict[Key, Line] = {}
        self._stored: asyncio.Event = asyncio.Event()
        self._attempts: list[tuple[Attempt, float]] = []
        self._same: list[tuple[Sequence[tuple[str, int]], str]] = []
        self._same_waiting = 0
        self._writer: asyncio.Task[None] | None = None
        self._failed: BaseException | None = None
        self._pass = int(self.fact("pass") or 0)

    @classmethod
    @contextmanager
    def open(cls, file: Path | None, *, seal: Seal, unseal: Unseal) -> Generator[Self]:
        """Open the journal in `file`, making it if need be; `None` keeps it in memory (a dry run).

        `seal` and `unseal` protect what must not be read in the file: upload states, which may be secret URLs.
        """
        if file is not None:  # its names are the user's files'; what SQLite puts beside it gets the same mode
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        database = sqlite3.connect(":memory:" if file is None else file, check_same_thread=False, isolation_level=None)
        _prepare(database)
        journal = cls(database, seal, unseal)
        try:
            yield journal
        finally:
            journal._thread.shutdown()
            database.close()

    def begin_pass(self) -> None:
        """Start another pass over the source. What earlier passes settled stays settled."""
        self._pass += 1
        self.state_fact("pass", str(self._pass))

    def mark(self) -> str:
        """The mark of this pass (`core.temporary`). What all marks of the run share is made once."""
        run = self.fact("mark")
        if run is None:
            run = secrets.token_hex(RUN // 2)
            self.state_fact("mark", run)
        return mark_of_pass(run, self._pass)

    def fact(self, name: str) -> str | None:
        """A fact of the whole run, such as its state."""
        row = self._database.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def state_fact(self, name: str, value: str) -> None:
        """Keep a fact of the whole run; durable when this returns."""
        put = "INSERT OR REPLACE INTO fact VALUES (?, ?)"
        self._thread.submit(self._database.execute, put, (name, value)).result()

    def write(self, line: Line) -> None:
        self._lines[line.path, line.id] = line
        self._wake()

    def write_same(self, files: Sequence[tuple[str, int]], detail: str) -> None:
        self._same.append((files, detail))
        self._same_waiting += len(files)
        self._wake()

    def write_seen(self, key: Key) -> None:
        """Its line stands: here counts are of all passes together."""

    def note(self, attempt: Attempt) -> None:
        self._attempts.append((attempt, time.time()))
        self._wake()

    async def settled(self) -> None:
        while len(self._lines) + self._same_waiting > MANY:
            await asyncio.sleep(PAUSE)
            self._raise_failure()

    async def kept(self, key: Key) -> None:
        while key in self._lines or key in self._storing:
            self._raise_failure()
            await self._stored.wait()

    async def flush(self) -> None:
        while self._writer is not None:
            await asyncio.wait([self._writer])
        self._raise_failure()

    async def known(self, keys: Sequence[Key]) -> dict[Key, Known]:
        if self._pass <= 1 or not keys:
            return {}
        found = await self._in_thread(self._known, keys)
        for key in keys:
            if line := self._lines.get(key):
                found[key] = Known(line.state, line.size, line.modified, line.version)
        return found

    async def upload_of(self, key: Key) -> KeptUpload | None:
        return await self._in_thread(self._upload_of, key)

    async def keep_upload(self, key: Key, upload: KeptUpload) -> None:
        await self._in_thread(self._keep_upload, key, upload)

    async def keep_part(self, key: Key, part: Part) -> None:
        await self._in_thread(put_part, self._database, key, part)

    async def forget_upload(self, key: Key) -> None:
        await self._in_thread(self._forget_upload, key)

    async def uploads(self) -> list[tuple[Key, KeptUpload]]:
        return await self._in_thread(self._uploads)

    async def end_pass(self) -> None:
        await self.flush()
        await self._in_thread(
            self._database.execute,
            "UPDATE item SET state = ?, code = ?, detail = ? WHERE state = ? AND pass < ?",
            (
                State.FAILED.value,
                "item-not-found",
                "gone from the source since it was planned",
                State.PLANNED.value,
                self._pass,
            ),
        )

    def counts(self) -> Mapping[State, tuple[int, int]]:
        """Items and bytes in each state. Call `flush` before."""
        rows = self._database.execute("SELECT state, count(*), total(size) FROM item GROUP BY state")
        return {State(state): (number, int(size)) for state, number, size in rows}

    def lines(self, *states: State) -> Iterator[Line]:
        """Every item's line in the order of paths, or those in some states; streamed. Call `flush` before."""
        chosen = states or tuple(State)
        marks = ", ".join("?" * len(chosen))
        query = f"SELECT * FROM item WHERE state IN ({marks}) ORDER BY path, id"  # noqa: S608  # only question marks are put in
        for row in self._database.execute(query, [s.value for s in chosen]):
            yield item_line(row)

    def attempts(self, key: Key) -> list[tuple[float, str, str]]:
        """The failed attempts of an item: when (seconds since 1970 UTC), code, detail."""
        rows = self._database.execute(
            "SELECT at, code, detail FROM attempt WHERE path = ? AND id = ? ORDER BY number", raw_key(key)
        )
        return [(row[0], row[1], row[2]) for row in rows]

    def _wake(self) -> None:
        if self._writer is None:
            self._writer = asyncio.get_running_loop().create_task(self._write_out())
            self._writer.add_done_callback(lambda done: done.cancelled() or done.exception())  # `_failed` keeps it

    async def _write_out(self) -> None:
        try:
            while self._lines or self._attempts or self._same:
                self._storing, self._lines = self._lines, {}
                attempts, self._attempts = self._attempts, []
                same, self._same, self._same_waiting = self._same, [], 0
                await self._in_thread(self._store, list(self._storing.values()), attempts, same)
                self._storing = {}
                self._tell_stored()
                await asyncio.sleep(PAUSE)
        except BaseException as problem:
            self._failed = problem
            self._tell_stored()
            raise
        finally:
            self._writer = None

    def _tell_stored(self) -> None:
        before, self._stored = self._stored, asyncio.Event()
        before.set()

    def _raise_failure(self) -> None:
        if self._failed is not None:
            raise self._failed

    def _store(
        self,
        lines: list[Line],
        attempts: list[tuple[Attempt, float]],
        same: list[tuple[Sequence[tuple[str, int]], str]],
    ) -> None:
        with self._transaction():
            for files, detail in same:
                put_same(self._database, same_rows(files, detail, self._pass))
            put_items(self._database, [item_row(line, self._pass) for line in lines])
            put_attempts(self._database, attempts)

    def _known(self, keys: Sequence[Key]) -> dict[Key, Known]:
        found: dict[Key, Known] = {}
        for key in keys:
            row = self._one("SELECT state, size, modified, version FROM item WHERE path = ? AND id = ?", raw_key(key))
            if row is not None:
                found[key] = Known(State(row[0]), row[1], row[2], row[3])
        return found

    def _uploads(self) -> list[tuple[Key, KeptUpload]]:
        rows = self._database.execute("SELECT path, id FROM upload ORDER BY path, id").fetchall()
        keys = [(text_of(row[0]), text_of(row[1])) for row in rows]
        return [(key, kept) for key in keys if (kept := self._upload_of(key)) is not None]

    def _upload_of(self, key: Key) -> KeptUpload | None:
        row = self._one("SELECT state, version FROM upload WHERE path = ? AND id = ?", raw_key(key))
        return None if row is None else KeptUpload(self._unseal(row[0]), row[1], parts_of(self._database, key))

    def _keep_upload(self, key: Key, upload: KeptUpload) -> None:
        sealed = self._seal(upload.state)
        with self._transaction():
            forget_upload(self._database, key)
            put = "INSERT INTO upload (path, id, version, state) VALUES (?, ?, ?, ?)"
            self._database.execute(put, (*raw_key(key), upload.version, sealed))
            for part in upload.parts:
                put_part(self._database, key, part)

    def _forget_upload(self, key: Key) -> None:
        with self._transaction():
            forget_upload(self._database, key)

    @contextmanager
    def _transaction(self) -> Generator[None]:
        """All of it or nothing."""
        self._database.execute("BEGIN")
        with self._database:
            yield

    def _one(self, query: str, values: Sequence[Any]) -> Sequence[Any] | None:
        return self._database.execute(query, values).fetchone()

    async def _in_thread(self, work: Callable[..., T], *given: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *given)


def _prepare(database: sqlite3.Connection) -> None:
    """Make the tables. Who changes the form of a new file keeps others out, and SQLite does not wait for them there."""
    for left in reversed(range(_TRIES)):
        try:
            database.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; {SCHEMA}")
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or not left:
                raise
            time.sleep(0.02)
        else:
            return
