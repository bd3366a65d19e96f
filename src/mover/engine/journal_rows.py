"""How the journal's lines lie in SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from mover.core.model import Kind
from mover.core.states import State
from mover.engine.journal import Key, Line, Proof

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS item (
    path BLOB NOT NULL, id BLOB NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, size INTEGER, modified REAL, version TEXT,
    target BLOB, code TEXT, detail TEXT, attempts INTEGER NOT NULL, method TEXT, algorithm TEXT, source TEXT, destination TEXT,
    pass INTEGER NOT NULL, PRIMARY KEY (path, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS attempt (
    number INTEGER PRIMARY KEY, path BLOB NOT NULL, id BLOB NOT NULL, at REAL NOT NULL, code TEXT NOT NULL, detail TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS upload (
    path BLOB NOT NULL, id BLOB NOT NULL, version TEXT NOT NULL, state BLOB NOT NULL, parts TEXT NOT NULL,
    PRIMARY KEY (path, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

PUT_ITEM: Final = f"INSERT OR REPLACE INTO item VALUES ({', '.join('?' * 16)})"  # noqa: S608  # only question marks are put in


PUT_SAME: Final = """INSERT OR REPLACE INTO item (path, id, kind, state, size, detail, attempts, pass)
VALUES (?, x'', 'file', 'same', ?, ?, 0, ?)"""


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def same_rows(files: Sequence[tuple[str, int]], detail: str, pass_: int) -> list[tuple[bytes, int, str, int]]:
    """Rows for `PUT_SAME`."""
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
        _text(path),
        _text(id_),
        Kind(kind),
        State(state),
        size,
        modified,
        version,
        None if target is None else _text(target),
        code,
        detail,
        attempts,
        None if proof[0] is None else Proof(*proof),
    )
