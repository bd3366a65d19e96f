"""Appending in a real database: no gaps, in the order of commits, and nothing of a transaction that did not commit."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text
from tests.audit.making import ORIGIN, Log, act, filled, signer, tamper

from mover.audit.checkpoint import open_checkpoint
from mover.audit.entry import read_entry
from mover.audit.log import MOST, Signer, append, sign_checkpoint
from mover.audit.merkle import Frontier
from mover.audit.proofs import proves_consistency, proves_inclusion
from mover.audit.proving import consistency, inclusion
from mover.core.errors import CheckpointRefused, DatabaseFailed, LogDamaged, NotLoggable
from mover.core.secret import Secret
from mover.store import audit_rows

pytestmark = pytest.mark.anyio


async def test_twenty_writers_leave_no_gap(log: Log) -> None:
    async def write(number: int) -> None:
        for turn in range(5):
            async with log.api.transaction() as connection:
                await append(connection, [act(number), act(turn)])

    await asyncio.gather(*(write(number) for number in range(20)))
    frontier, previous = Frontier(), None
    rows = [row async for page in audit_rows.read_all(log.auditor, 10**9, page=7) for row in page]
    async with log.auditor.read() as connection:
        tip = await audit_rows.tip(connection)
    assert [row.index for row in rows] == list(range(200))
    assert [row.at for row in rows] == sorted(row.at for row in rows)
    for row in rows:
        entry = read_entry(row.line.encode())
        assert (entry.index, entry.at, entry.previous) == (row.index, row.at, previous)
        assert row.nodes == frontier.append(entry.leaf())
        previous = entry.leaf()
    assert (tip.size, tip.last) == (200, previous)
    assert Frontier(tip.size, [node for node in tip.nodes if node]).root() == frontier.root()


async def test_a_transaction_that_fails_leaves_nothing(log: Log) -> None:
    await filled(log, 3)
    async with log.api.alone() as connection:
        await append(connection, [act(7)])
        await connection.rollback()
    (next_entry,) = await _append(log, act(8))
    assert next_entry.index == 3
    async with log.api.read() as connection:
        assert [row.index for row in await audit_rows.read(connection, 0, 100)] == [0, 1, 2, 3]


async def test_a_batch_is_as_good_as_one_by_one(log: Log) -> None:
    batch = await filled(log, 33)
    (single,) = await _append(log, act(33))
    assert [entry.index for entry in (*batch, single)] == list(range(34))
    assert await _append(log) == ()
    with pytest.raises(NotLoggable, match="at most"):
        await _append(log, *[act()] * (MOST + 1))


async def test_only_read_committed_sees_what_others_append(log: Log) -> None:
    for level in ("REPEATABLE READ", "SERIALIZABLE"):
        async with log.api.alone() as connection:
            await connection.execution_options(isolation_level=level)
            with pytest.raises(NotLoggable, match=level):
                await append(connection, [act()])


async def test_the_database_itself_wants_the_right_place_and_the_right_hash(log: Log) -> None:
    first, second = await filled(log, 2)
    insert = "INSERT INTO mover.audit_entry (index, at, line, nodes) VALUES (:i, now(), :line, {})"
    right, wrong = r"sha256('\x00'::bytea || convert_to(:line, 'UTF8'))", "sha256('x')"
    for index, says, nodes, message in (
        (5, 5, right, "23000"),  # integrity_constraint_violation: the trigger's
        (2, 5, right, "audit_entry_place"),
        (2, 2, wrong, "audit_entry_leaf"),
        (2, 2, f"{right} || 'x'", "audit_entry_nodes"),
        (1, 1, right, "audit_entry_key"),
    ):
        line = second.act.at(says, second.at, first.leaf()).line().decode()
        with pytest.raises(DatabaseFailed, match=message):
            async with log.api.transaction() as connection:
                await connection.execute(text(insert.format(nodes)), {"i": index, "line": line})


async def test_checkpoints_grow_from_one_another(log: Log) -> None:
    key = signer()
    assert await _sign(log, key) is None
    notes = list[str]()
    for count in (1, 4, 11):
        await filled(log, count)
        note = await _sign(log, key)
        assert note is not None
        assert await _sign(log, key) == note, "nothing new: the same checkpoint again"
        notes.append(note)
    found = [open_checkpoint(note, key.log) for note in notes]
    assert [(each.origin, each.size) for each in found] == [(ORIGIN, 1), (ORIGIN, 5), (ORIGIN, 16)]
    async with log.auditor.read() as connection:
        for first in found:
            for second in found[found.index(first) :]:
                proof = await consistency(connection, first.size, second.size)
                assert proves_consistency(first.size, second.size, first.root, second.root, proof)
        last = found[-1]
        for row in await audit_rows.read(connection, 0, last.size):
            proof = await inclusion(connection, row.index, last.size)
            assert proves_inclusion(row.nodes[:32], row.index, last.size, last.root, proof)
        with pytest.raises(LogDamaged, match="are gone"):
            await inclusion(connection, 3, 100)


async def test_a_log_that_does_not_go_on_from_its_checkpoint_is_not_signed(log: Log) -> None:
    key = signer()
    await filled(log, 6)
    await _sign(log, key)
    await tamper(log, "DELETE FROM mover.audit_entry WHERE index >= 5")
    with pytest.raises(LogDamaged, match="cut off"):
        await _sign(log, key)
    await filled(log, 4)
    with pytest.raises(LogDamaged, match="does not go on"):
        await _sign(log, key)
    with pytest.raises(CheckpointRefused, match="not signed by the key"):
        await _sign(log, signer())
    await tamper(log, "DELETE FROM mover.audit_entry WHERE index = 7")
    with pytest.raises(LogDamaged, match="are gone"):
        await _append(log, act())


async def test_after_a_key_was_rotated_old_checkpoints_still_count(log: Log) -> None:
    old = signer()
    await filled(log, 2)
    first = await _sign(log, old)
    await filled(log, 2)
    new = Signer(ORIGIN, signer().key, before=old.log.keys)
    second = await _sign(log, new)
    assert first is not None and second is not None
    assert [open_checkpoint(note, new.log).size for note in (first, second)] == [2, 4]


async def test_looking_goes_back_from_the_newest(log: Log) -> None:
    await filled(log, 20)
    async with log.auditor.read() as connection:
        newest = await audit_rows.look(connection, limit=3)
        assert [row.index for row in newest] == [19, 18, 17]
        assert [row.index for row in await audit_rows.look(connection, before=17, limit=2)] == [16, 15]
        assert [row.index for row in await audit_rows.look(connection, actor="account-1", before=9)] == [7, 4, 1]
        assert [row.index for row in await audit_rows.look(connection, subject="run-5")] == [5]
        assert len(await audit_rows.look(connection, event="run-started")) == 20
        assert not await audit_rows.look(connection, event="run-ended")


async def test_a_secret_never_comes_to_the_database(log: Log) -> None:
    with pytest.raises(NotLoggable, match="secret") as raised:
        act(cause=Secret("hunter2"))
    assert "hunter2" not in str(raised.value)


async def _append(log: Log, *acts: object) -> tuple[object, ...]:
    async with log.api.transaction() as connection:
        return await append(connection, list(acts))


async def _sign(log: Log, key: Signer) -> str | None:
    async with log.api.transaction() as connection:
        return await sign_checkpoint(connection, key)
