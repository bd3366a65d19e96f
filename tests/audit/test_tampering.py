"""A superuser who switches everything off and changes the log is found: where, and what was done; in the database and in an export."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.audit.making import ORIGIN, Log, act, filled, signer, tamper

from mover.audit import export
from mover.audit.checkpoint import Checkpoint, LogKeys
from mover.audit.entry import Entry, read_entry
from mover.audit.findings import Verdict, Wrong
from mover.audit.log import Signer, sign_checkpoint
from mover.audit.merkle import Frontier, leaf_hash
from mover.audit.verify import verify_database, verify_export
from mover.audit.witness import kept_notes

pytestmark = pytest.mark.anyio

COUNT = 23
NOW = datetime.now(UTC)
EDIT = """UPDATE mover.audit_entry SET line = replace(line, '"run-9"', '"run-x"') WHERE index = 9"""
LEAF = r"""
    UPDATE mover.audit_entry SET nodes = sha256('\x00'::bytea || convert_to(line, 'UTF8')) || substr(nodes, 33) WHERE index = 9"""
SWAP = "UPDATE mover.audit_entry SET index = {0} WHERE index = {1}"
UNCHECKED = "ALTER TABLE mover.audit_entry DROP CONSTRAINT IF EXISTS audit_entry_index"
FILL = "INSERT INTO mover.audit_entry (index, at, line, nodes) VALUES {}"


@pytest.mark.parametrize(
    ("statements", "wrong", "index"),
    [
        ((EDIT,), Wrong.CHANGED, 9),
        ((EDIT, LEAF), Wrong.CHANGED, 9),
        (("DELETE FROM mover.audit_entry WHERE index = 9",), Wrong.MISSING, 9),
        (("DELETE FROM mover.audit_entry WHERE index BETWEEN 9 AND 12",), Wrong.MISSING, 9),
        (("DELETE FROM mover.audit_entry WHERE index >= 9",), Wrong.CUT, 9),
        (("TRUNCATE mover.audit_entry",), Wrong.CUT, 0),
        ((UNCHECKED, SWAP.format(-1, 9), SWAP.format(9, 10), SWAP.format(10, -1)), Wrong.SWAPPED, 9),
        (("UPDATE mover.audit_entry SET at = at - interval '1 day' WHERE index = 9",), Wrong.BESIDE, 9),
        (("UPDATE mover.audit_entry SET nodes = substr(nodes, 1, 32) WHERE index = 9",), Wrong.BESIDE, 9),
        (("UPDATE mover.audit_checkpoint SET root = sha256('x')",), Wrong.CHECKPOINT, None),
        (("UPDATE mover.audit_checkpoint SET note = replace(note, '23', '22')",), Wrong.CHECKPOINT, None),
        (("UPDATE mover.audit_checkpoint SET note = 'x'",), Wrong.CHECKPOINT, None),
    ],
)
async def test_what_was_done_to_the_database_is_found(
    log: Log, statements: Sequence[str], wrong: Wrong, index: int | None
) -> None:
    await filled(log, COUNT)
    key, _ = await _signed(log)
    assert (await verify_database(log.auditor, [], key.log)).holds, "the control"
    await tamper(log, *statements)
    verdict = await verify_database(log.auditor, [], key.log)
    assert verdict.finding is not None
    assert (verdict.finding.wrong, verdict.finding.index) == (wrong, index)
    assert verdict.finding.advice in verdict.words()


async def test_a_log_rewritten_whole_is_found_by_a_kept_checkpoint_only(log: Log) -> None:
    await filled(log, 12)
    key, early = await _signed(log)
    await filled(log, COUNT - 12)
    _, late = await _signed(log, key)
    entries = await _entries(log)
    forged = _rewritten(entries, 15, {"migration": "another"})
    rows = ", ".join(f"({e.index}, '{e.at.isoformat()}', '{e.line().decode()}', '\\x{n.hex()}')" for e, n in forged)
    fill = FILL.format(rows).replace(":", "\\:")
    forget = "DELETE FROM mover.audit_checkpoint WHERE size > 12"
    await tamper(log, "DELETE FROM mover.audit_entry", fill, forget)

    alone = await verify_database(log.auditor, [], key.log)
    assert alone.holds, "with the database alone this cannot be seen"
    assert (alone.entries, alone.proven) == (COUNT, 12)
    assert "no checkpoint covers them yet" in alone.words()

    kept = await verify_database(log.auditor, [early, late], key.log)
    assert kept.finding is not None
    assert (kept.finding.wrong, kept.finding.index, kept.proven) == (Wrong.REWRITTEN, 12, 12)
    assert "12 to 22" in kept.words()


async def test_a_log_that_grew_still_holds(log: Log) -> None:
    await filled(log, 5)
    key, first = await _signed(log)
    await filled(log, 5)
    _, second = await _signed(log, key)
    await filled(log, 3)
    verdict = await verify_database(log.auditor, [second, first, first], key.log)
    assert verdict.holds
    assert (verdict.entries, verdict.proven, verdict.checkpoints) == (13, 10, 2)


def _edit(lines: list[bytes]) -> list[bytes]:
    return [*lines[:9], lines[9].replace(b"run-9", b"run-x"), *lines[10:]]


def _chain_mended(lines: list[bytes]) -> list[bytes]:
    """The entry after the edited one names its new hash: the break moves one on."""
    lines = _edit(lines)
    lines[10] = lines[10].replace(read_entry(lines[10]).previous.hex().encode(), leaf_hash(lines[9]).hex().encode())  # type: ignore[union-attr]
    return lines


DONE = [
    ("edit", _edit, Wrong.CHANGED, 9),
    ("edit and mend the next", _chain_mended, Wrong.CHANGED, 10),
    ("edit the first", lambda x: [x[0].replace(b"run-0", b"run-x"), *x[1:]], Wrong.CHANGED, 0),
    (
        "edit the link only",
        lambda x: [*x[:9], x[9].replace(b'"previous":"', b'"previous":"0'), *x[10:]],
        Wrong.CHANGED,
        9,
    ),
    ("edit the last", lambda x: [*x[:-1], x[-1].replace(b"run-22", b"run-xx")], Wrong.REWRITTEN, 0),
    ("delete", lambda x: x[:9] + x[10:], Wrong.MISSING, 9),
    ("delete the first", lambda x: x[1:], Wrong.MISSING, 0),
    ("delete two", lambda x: x[:9] + x[11:], Wrong.MISSING, 9),
    ("truncate", lambda x: x[:-1], Wrong.CUT, 22),
    ("empty", lambda _: [], Wrong.CUT, 0),
    ("swap", lambda x: [*x[:9], x[10], x[9], *x[11:]], Wrong.SWAPPED, 9),
    ("swap far", lambda x: [*x[:9], x[15], *x[10:15], x[9], *x[16:]], Wrong.SWAPPED, 9),
    ("insert a copy", lambda x: [*x[:9], x[8], *x[9:]], Wrong.INSERTED, 8),
    ("insert at the end", lambda x: [*x, x[-1]], Wrong.INSERTED, 22),
    ("no JSON", lambda x: [*x[:9], b"x" * 100, *x[10:]], Wrong.UNREADABLE, 9),
    ("two lines in one", lambda x: [*x[:9], x[9] + x[10], *x[11:]], Wrong.UNREADABLE, 9),
    ("endless line", lambda x: [*x[:9], x[9] + b" " * 200_000, *x[10:]], Wrong.UNREADABLE, 9),
]


@pytest.mark.parametrize(("change", "wrong", "index"), [row[1:] for row in DONE], ids=[row[0] for row in DONE])
async def test_what_was_done_to_an_export_is_found(log: Log, tmp_path: Path, change, wrong: Wrong, index: int) -> None:
    key, notes, lines = await _exported(log)
    assert (
        _verified(tmp_path, lines, notes, key.log).words()
        == "The audit log holds: 23 entries are exactly those that were signed (1 checkpoints)."
    )
    verdict = _verified(tmp_path, change(lines), notes, key.log)
    assert verdict.finding is not None
    assert (verdict.finding.wrong, verdict.finding.index) == (wrong, index), verdict.words()


async def test_an_export_rewritten_whole_is_found(log: Log, tmp_path: Path) -> None:
    key, notes, lines = await _exported(log)
    entries = [read_entry(line) for line in lines]
    forged = [entry.line() for entry, _ in _rewritten(entries, 4, {"migration": "another"})]
    verdict = _verified(tmp_path, forged, notes, key.log)
    assert verdict.finding is not None
    assert (verdict.finding.wrong, verdict.finding.index) == (Wrong.REWRITTEN, 0)
    verdict = _verified(tmp_path, forged, [], key.log)
    assert verdict.holds
    assert "no checkpoint was given" in verdict.words()


async def test_an_export_that_was_cut_within_a_line(log: Log, tmp_path: Path) -> None:
    key, notes, lines = await _exported(log)
    file = tmp_path / "cut"
    file.write_bytes(b"".join(line + b"\n" for line in lines)[:-1])
    verdict = verify_export(file, notes, key.log)
    assert verdict.finding is not None
    assert (verdict.finding.wrong, verdict.finding.index) == (Wrong.UNREADABLE, 22)


async def test_checkpoints_that_are_not_to_be_believed(log: Log, tmp_path: Path) -> None:
    key, notes, lines = await _exported(log)
    (note,) = notes
    stranger, other = signer(), Signer("mover.test/other", key.key)
    forged = {
        "wrong key": Checkpoint(ORIGIN, 23, bytes(32)).signed(stranger.key),
        "another log": Checkpoint(other.origin, 23, bytes(32)).signed(other.key),
        "edited size": note.replace("\n23\n", "\n22\n"),
        "edited root": note.replace("\n23\n", "\n23\nA", 1),
        "no signature": note.split("\n\n", maxsplit=1)[0] + "\n",
        "nothing": "",
    }
    for what, text in forged.items():
        verdict = _verified(tmp_path, lines, [note, text], key.log)
        assert verdict.finding is not None, what
        assert (verdict.finding.wrong, verdict.finding.index) == (Wrong.CHECKPOINT, None), what
        assert "Checkpoint 2" in verdict.words(), what


async def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    """The check of 10,000 entries needs no more than that of 1,000."""
    peaks = list[int]()
    for count in (1_000, 10_000):
        file = tmp_path / "long"
        with file.open("wb") as out:
            previous = None
            for number in range(count):
                line = act(number).at(number, NOW, previous).line()
                previous = leaf_hash(line)
                out.write(line + b"\n")
        tracemalloc.start()
        assert verify_export(file, [], signer().log).entries == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 50_000


async def _signed(log: Log, key: Signer | None = None) -> tuple[Signer, str]:
    key = key or signer()
    async with log.api.transaction() as connection:
        note = await sign_checkpoint(connection, key)
    assert note is not None
    return key, note


async def _entries(log: Log) -> list[Entry]:
    pieces = [piece async for piece in export.entries(log.auditor)]
    return [read_entry(line) for line in b"".join(pieces).splitlines()]


async def _exported(log: Log) -> tuple[Signer, list[str], list[bytes]]:
    await filled(log, COUNT)
    key, note = await _signed(log)
    lines = b"".join([piece async for piece in export.entries(log.auditor)]).splitlines()
    assert len(lines) == COUNT
    return key, [note], lines


def _rewritten(entries: list[Entry], start: int, details: dict[str, str]) -> list[tuple[Entry, bytes]]:
    """The log with one entry changed and everything after it made to fit; with its nodes."""
    frontier, previous, made = Frontier(), None, list[tuple[Entry, bytes]]()
    for entry in entries:
        what = act(entry.index, **details) if entry.index == start else entry.act
        new = what.at(entry.index, entry.at, previous)
        previous = new.leaf()
        made.append((new, frontier.append(previous)))
    return made


def _verified(folder: Path, lines: Sequence[bytes], notes: Sequence[str], log: LogKeys) -> Verdict:
    file = folder / "export"
    file.write_bytes(b"".join(line + b"\n" for line in lines))
    return verify_export(file, notes, log)


async def test_the_exported_checkpoints_are_read_like_kept_ones(log: Log, tmp_path: Path) -> None:
    key, notes, lines = await _exported(log)
    file = tmp_path / "checkpoints"
    file.write_bytes(b"".join([piece async for piece in export.checkpoints(log.auditor)]))
    assert list(kept_notes(file)) == notes
    assert _verified(tmp_path, lines, list(kept_notes(file)), key.log).proven == COUNT
