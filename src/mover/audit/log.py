"""Appending to the log, and signing how far it has come. Both run in a transaction of the caller's.

Appending is serialised by one lock that is held until the transaction ends: indexes have no gaps, and their order is the order of
commits. So append last, after everything else the transaction does, and append many acts at once where there are many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from mover.audit.checkpoint import Checkpoint, LogKeys, open_checkpoint
from mover.audit.entry import Act, Entry
from mover.audit.merkle import Frontier, leaf_hash
from mover.audit.notes import Verifier
from mover.audit.proofs import proves_consistency
from mover.audit.proving import consistency
from mover.core.errors import LogDamaged, NotLoggable
from mover.crypto.signatures import SigningKey
from mover.store import audit_rows
from mover.store.audit_rows import CheckpointRow, EntryRow, Tip

MOST: Final = 10_000
"""Acts that are appended at once."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs checkpoints: the log's name, its key, and the keys before it. The key is not with the API's processes."""

    origin: str
    key: SigningKey
    before: tuple[Verifier, ...] = ()

    @property
    def log(self) -> LogKeys:
        """What whoever checks the log must know."""
        return LogKeys(self.origin, (Verifier(self.origin, self.key.public), *self.before))


async def append(connection: AsyncConnection, acts: Sequence[Act]) -> tuple[Entry, ...]:
    """Write `acts` (at most `MOST`), in order, at the end of the log; they are there if, and only if, the transaction commits.

    Raises:
        NotLoggable: too many at once, or the transaction is not READ COMMITTED.
        LogDamaged: the end of the log is not as it was left.
    """
    if not acts:
        return ()
    if len(acts) > MOST:
        raise NotLoggable(f"{len(acts)} acts are too many to append to the audit log at once: {MOST} at most")
    _must_see_all(await audit_rows.lock_appending(connection))
    tip = await audit_rows.tip(connection)
    frontier, previous = _frontier(tip), tip.last
    entries, rows = list[Entry](), list[EntryRow]()
    for act in acts:
        entry = act.at(frontier.size, tip.at, previous)
        line = entry.line()
        previous = leaf_hash(line)
        rows.append(EntryRow(entry.index, tip.at, line.decode(), frontier.append(previous)))
        entries.append(entry)
    await audit_rows.append(connection, rows)
    return tuple(entries)


async def sign_checkpoint(connection: AsyncConnection, signer: Signer) -> str | None:
    """Sign how far the log has come, and keep it; the signed note, or None while the log is empty.

    Use a transaction that does nothing else, and hand the note to witnesses only after it has committed. If nothing was appended since
    the last checkpoint, that one is given again. A log that does not go on from its last checkpoint is not signed.

    Raises:
        LogDamaged: the log does not go on from its last checkpoint: it was changed.
        CheckpointRefused: the last checkpoint in the database is not one of ours.
    """
    _must_see_all(await audit_rows.lock_signing(connection))
    tip = await audit_rows.tip(connection)
    last = await audit_rows.last_checkpoint(connection)
    now = Checkpoint(signer.origin, tip.size, _frontier(tip).root())
    if last is not None:
        await _must_go_on(connection, open_checkpoint(last.note, signer.log), now)
        if last.size == now.size:
            return last.note
    if not now.size:
        return None
    note = now.signed(signer.key)
    await audit_rows.add_checkpoint(connection, CheckpointRow(now.size, now.root, note))
    return note


def _must_see_all(isolation: str) -> None:
    """Only with this level a statement sees what was committed while the transaction waited for the lock."""
    if isolation != "read committed":
        raise NotLoggable(f"the audit log needs a transaction that is READ COMMITTED, not {isolation.upper()}")


async def _must_go_on(connection: AsyncConnection, last: Checkpoint, now: Checkpoint) -> None:
    if now.size < last.size:
        raise LogDamaged(
            f"the audit log has {now.size} entries, but a signed checkpoint says {last.size}: its end was cut off"
        )
    proof = await consistency(connection, last.size, now.size)
    if not proves_consistency(last.size, now.size, last.root, now.root, proof):
        raise LogDamaged(
            f"the audit log does not go on from its checkpoint of {last.size} entries: it was changed before that"
        )


def _frontier(tip: Tip) -> Frontier:
    nodes = [node for node in tip.nodes if node is not None]
    if len(nodes) != len(tip.nodes) or (tip.size > 0) is (tip.last is None):
        raise LogDamaged(f"the audit log has entries up to {tip.size - 1}, but some before it are gone")
    return Frontier(tip.size, nodes)
