"""Uploads under way and failed attempts. The state of an upload comes here sealed, and leaves so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from mover.store.items import Key

_KEEP: Final = text("""
    INSERT INTO mover.upload (pair, path, key_id, version, state) VALUES (:pair, :path, :key_id, :version, :state)
    ON CONFLICT (pair, path, key_id) DO UPDATE SET version = excluded.version, state = excluded.state
    RETURNING id""")
_PART: Final = text("""
    INSERT INTO mover.upload_part (upload, number, size, tag)
    SELECT u.id, :number, :size, :tag FROM mover.upload u WHERE u.pair = :pair AND u.path = :path AND u.key_id = :key_id
    ON CONFLICT (upload, number) DO UPDATE SET size = excluded.size, tag = excluded.tag""")
_FORGET: Final = text("DELETE FROM mover.upload WHERE pair = :pair AND path = :path AND key_id = :key_id")
_OF: Final = text("""
    SELECT u.path, u.key_id, u.version, u.state,
           coalesce(jsonb_agg(jsonb_build_array(p.number, p.size, p.tag) ORDER BY p.number) FILTER (WHERE p.upload IS NOT NULL), '[]')
    FROM mover.upload u LEFT JOIN mover.upload_part p ON p.upload = u.id
    WHERE u.pair = :pair GROUP BY u.id ORDER BY u.path, u.key_id""")
_NOTE: Final = text("""
    INSERT INTO mover.attempt (pair, run, path, key_id, at, code, detail)
    SELECT :pair, :run, u.path, u.key_id, to_timestamp(u.at), u.code, u.detail
    FROM unnest(CAST(:paths AS bytea[]), CAST(:key_ids AS bytea[]), CAST(:ats AS double precision[]), CAST(:codes AS text[]),
                CAST(:details AS text[])) AS u (path, key_id, at, code, detail)""")
_ATTEMPTS: Final = text("""
    SELECT path, key_id, at, code, detail FROM mover.attempt
    WHERE pair = :pair AND run = :run AND path = ANY(CAST(:paths AS bytea[])) ORDER BY id""")


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload that is kept: `parts` are number, size in bytes and tag."""

    path: bytes
    key_id: bytes
    version: bytes
    sealed: bytes
    parts: list[tuple[int, int, str]]

    @property
    def key(self) -> Key:
        """Which item it is of."""
        return self.path, self.key_id


async def keep(connection: AsyncConnection, pair: int, upload: Upload) -> None:
    """Keep an upload in place of what was kept of the item."""
    key = {"pair": pair, "path": upload.path, "key_id": upload.key_id}
    await connection.execute(_FORGET, key)
    await connection.execute(_KEEP, {**key, "version": upload.version, "state": upload.sealed})
    for number, size, tag in upload.parts:
        await keep_part(connection, pair, upload.key, number, size, tag)


async def keep_part(connection: AsyncConnection, pair: int, key: Key, number: int, size: int, tag: str) -> None:
    """Add a part; without its upload it is of no use, and is not kept."""
    given = {"pair": pair, "path": key[0], "key_id": key[1], "number": number, "size": size, "tag": tag}
    await connection.execute(_PART, given)


async def forget(connection: AsyncConnection, pair: int, key: Key) -> None:
    """The upload is finished or given up."""
    await connection.execute(_FORGET, {"pair": pair, "path": key[0], "key_id": key[1]})


async def of_pair(connection: AsyncConnection, pair: int) -> list[Upload]:
    """Every upload that is kept of a pair; they are few."""
    rows = await connection.execute(_OF, {"pair": pair})
    return [Upload(row[0], row[1], row[2], row[3], [(n, size, tag) for n, size, tag in row[4]]) for row in rows]


async def note(
    connection: AsyncConnection, pair: int, run: int, attempts: Sequence[tuple[Key, float, str, str]]
) -> None:
    """Keep failed attempts: the item, when (seconds since 1970 UTC), code and detail."""
    if attempts:
        given = {
            "paths": [key[0] for key, *_ in attempts],
            "key_ids": [key[1] for key, *_ in attempts],
            "ats": [at for _, at, _, _ in attempts],
            "codes": [code for _, _, code, _ in attempts],
            "details": [detail for _, _, _, detail in attempts],
        }
        await connection.execute(_NOTE, {"pair": pair, "run": run, **given})


async def attempts_at(connection: AsyncConnection, pair: int, run: int, paths: Sequence[bytes]) -> list[Any]:
    """Failed attempts at some items in a run: rows of path, key_id, at, code, detail."""
    return list(await connection.execute(_ATTEMPTS, {"pair": pair, "run": run, "paths": list(paths)}))
