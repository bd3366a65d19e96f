"""How the journal's lines lie in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, Final

from mover.core.connector import Part
from mover.core.model import Kind
from mover.core.states import State
from mover.engine.journal import Attempt, Key, Line, Proof

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS item (
    path BLOB NOT NULL, id BLOB NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, size INTEGER, modified REAL, version TEXT,
    target BLOB, code TEXT, detail TEXT, attempts INTEGER NOT NULL, method TEXT, algorithm TEXT, source TEXT, destination TEXT,
    pass INTEGER NOT NULL, PRIMARY KEY (path, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS attempt (
    number INTEGER PRIMARY KEY, path BLOB NOT NULL, id BLOB NOT NULL, at REAL NOT NULL, code TEXT NOT NULL, detail TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS upload (
    path BLOB NOT NULL, id BLOB NOT NULL, version TEXT NOT NULL, state BLOB NOT NULL, PRIMARY KEY (path, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS part (
    path BLOB NOT NULL, id BLOB NOT NULL, number INTEGER NOT NULL, size INTEGER NOT NULL, tag TEXT NOT NULL,
    PRIMARY KEY (path, id, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

_ITEM_COLUMNS: Final = 16
_ROWS_AT_ONCE: Final = 200
"""Rows in one statement. Python's sqlite3 lets go of the interpreter for every statement, and waits for it again after each."""


_UNLESS_COPIED: Final = f"""
ON CONFLICT (path, id) DO UPDATE SET kind = excluded.kind, state = excluded.state, size = excluded.size, detail = excluded.detail,
    attempts = 0, pass = excluded.pass, modified = NULL, version = NULL, target = NULL, code = NULL,
    method = NULL, algorithm = NULL, source = NULL, destination = NULL
WHERE item.state <> '{State.COPIED.value}' OR item.size IS NOT excluded.size"""
"""What this run has copied stays copied, with its proof, when a later pass finds it there."""


def put_items(database: sqlite3.Connection, rows: Sequence[Sequence[object]]) -> None:
    """Write rows made by `item_row`."""
    _put(database, "INSERT OR REPLACE INTO item VALUES ", f"({', '.join('?' * _ITEM_COLUMNS)})", rows)


def put_same(database: sqlite3.Connection, rows: Sequence[Sequence[object]]) -> None:
    """Write rows made by `same_rows`."""
    head = "INSERT INTO item (path, id, kind, state, size, detail, attempts, pass) VALUES "
    form = f"(?, x'', '{Kind.FILE.value}', '{State.SAME.value}', ?, ?, 0, ?)"
    _put(database, head, form, rows, _UNLESS_COPIED)


def put_attempts(database: sqlite3.Connection, attempts: Iterable[tuple[Attempt, float]]) -> None:
    """Write failed attempts, each with its time in seconds since 1970 UTC."""
    put = "INSERT INTO attempt (path, id, at, code, detail) VALUES (?, ?, ?, ?, ?)"
    database.executemany(put, [(*raw_key((a.path, a.id)), at, a.code, a.detail) for a, at in attempts])


def put_part(database: sqlite3.Connection, key: Key, part: Part) -> None:
    """Write a part of an upload."""
    put = "INSERT OR REPLACE INTO part (path, id, number, size, tag) VALUES (?, ?, ?, ?, ?)"
    database.execute(put, (*raw_key(key), part.number, part.size, part.tag))


def parts_of(database: sqlite3.Connection, key: Key) -> tuple[Part, ...]:
    """The parts of an upload, in order."""
    rows = database.execute(
        "SELECT number, size, tag FROM part WHERE path = ? AND id = ? ORDER BY number", raw_key(key)
    )
    return tuple(Part(*row) for row in rows)


def forget_upload(database: sqlite3.Connection, key: Key) -> None:
    """Delete an upload with its parts."""
    database.execute("DELETE FROM upload WHERE path = ? AND id = ?", raw_key(key))
    database.execute("DELETE FROM part WHERE path = ? AND id = ?", raw_key(key))


def _put(database: sqlite3.Connection, head: str, form: str, rows: Sequence[Sequence[object]], tail: str = "") -> None:
    """The texts are ours alone: the values go by their question marks."""
    many = head + ", ".join([form] * _ROWS_AT_ONCE) + tail
    whole = len(rows) - len(rows) % _ROWS_AT_ONCE
    for at in range(0, whole, _ROWS_AT_ONCE):
        database.execute(many, list(chain.from_iterable(rows[at : at + _ROWS_AT_ONCE])))
    if whole < len(rows):
        rest = rows[whole:]
        database.execute(head + ", ".join([form] * len(rest)) + tail, list(chain.from_iterable(rest)))


def text_of(raw: bytes) -> str:
    """A path or an id from the bytes that are kept of it."""
    return raw.decode("utf-8", "surrogateescape")


def same_rows(files: Sequence[tuple[str, int]], detail: str, pass_: int) -> list[tuple[bytes, int, str, int]]:
    """Rows for `put_same`."""
    return [(_raw(path), size, detail, pass_) for path, size in files]


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def raw_key(key: Key) -> tuple[bytes, bytes]:
    """A key as it is kept: names need not be UTF-8."""
    return _raw(key[0]), _raw(key[1])


def item_row(line: Line, pass_: int) -> tuple[object, ...]:
    proof = line.proof
    return (
        *raw_key(line.key),
        line.kind.value,
        line.state.value,
        line.size,
        line.modified,
        line.version,
        None if line.target is None else _raw(line.target),
        line.code,
        None if line.detail is None else line.detail.encode("utf-8", "backslashreplace").decode(),
        line.attempts,
        *((None,) * 4 if proof is None else (proof.method, proof.algorithm, proof.source, proof.destination)),
        pass_,
    )


def item_line(row: Sequence[Any]) -> Line:
    path, id_, kind, state, size, modified, version, target, code, detail, attempts, *proof, _ = row
    return Line(
        text_of(path),
        text_of(id_),
        Kind(kind),
        State(state),
        size,
        modified,
        version,
        None if target is None else text_of(target),
        code,
        detail,
        attempts,
        None if proof[0] is None else Proof(*proof),
    )
