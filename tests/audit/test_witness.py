"""Checkpoints that leave the machine: to a file on another disk, and to a time-stamping authority."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.audit.authority import Authority, authority
from tests.audit.making import ORIGIN, Log, filled, signer

from mover.audit.checkpoint import Checkpoint
from mover.audit.log import sign_checkpoint
from mover.audit.timestamp import StampWitness, check_stamp
from mover.audit.witness import FileWitness, kept_notes
from mover.core.errors import BadOption, CheckpointRefused, LogDamaged, WitnessFailed
from mover.net.http import HttpSettings, http
from mover.store import audit_rows

pytestmark = pytest.mark.anyio


async def test_a_file_keeps_every_checkpoint_once(tmp_path: Path) -> None:
    key, path = signer(), tmp_path / "kept"
    witness = FileWitness(path, key.log)
    notes = [_note(key, size) for size in (1, 5, 9)]
    for note in (notes[0], notes[0], *notes[1:]):
        receipt = await witness.keep(note)
        assert (receipt.witness, receipt.proof) == (f"file:{path}", b"")
    assert list(kept_notes(path)) == notes
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_file_tells_at_once_when_a_log_goes_back(tmp_path: Path) -> None:
    key = signer()
    witness = FileWitness(tmp_path / "kept", key.log)
    await witness.keep(_note(key, 5))
    for size, root in ((4, b"\x01"), (5, b"\x02")):
        with pytest.raises(LogDamaged, match="does not go on from"):
            await witness.keep(_note(key, size, root))
    for stranger in (signer(), signer()):
        with pytest.raises(CheckpointRefused):
            await witness.keep(_note(stranger, 6))
    assert len(list(kept_notes(tmp_path / "kept"))) == 1


async def test_a_line_that_a_crash_tore_is_passed_over(tmp_path: Path) -> None:
    key, path = signer(), tmp_path / "kept"
    notes = [_note(key, size) for size in (1, 5)]
    await FileWitness(path, key.log).keep(notes[0])
    whole = path.read_bytes()
    half = whole[: len(whole) // 2]
    for cut in (b'{"note": "mover', half, half + b"\n" + half):
        path.write_bytes(whole + cut)
        await FileWitness(path, key.log).keep(notes[1])
        assert list(kept_notes(path)) == notes


async def test_a_file_that_somebody_else_wrote_to(tmp_path: Path) -> None:
    key, path = signer(), tmp_path / "kept"
    path.write_text("something\n")
    with pytest.raises(LogDamaged, match="holds no checkpoints"):
        await FileWitness(path, key.log).keep(_note(key, 1))


async def test_many_processes_may_write_one_file(tmp_path: Path) -> None:
    key, path = signer(), tmp_path / "kept"
    note = _note(key, 7)
    await asyncio.gather(*(FileWitness(path, key.log).keep(note) for _ in range(10)))
    assert list(kept_notes(path)) == [note]


async def test_a_disk_that_is_not_there_is_not_written_beside(tmp_path: Path) -> None:
    key = signer()
    with pytest.raises(WitnessFailed, match="No such file"):
        await FileWitness(tmp_path / "unmounted" / "kept", key.log).keep(_note(key, 1))
    (tmp_path / "elsewhere").touch()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(WitnessFailed, match="symbolic links"):
        await FileWitness(tmp_path / "link", key.log).keep(_note(key, 1))
    with pytest.raises(WitnessFailed, match="No space left"):
        await FileWitness(Path("/dev/full"), key.log).keep(_note(key, 1))
    with pytest.raises(WitnessFailed, match="No such file"):
        list(kept_notes(tmp_path / "nothing"))


async def test_it_is_on_the_disk_when_keep_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced, real = list[str](), os.fsync

    def watched(file: object) -> None:
        synced.append(str(Path(f"/proc/self/fd/{_number(file)}").readlink()))
        real(file)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "fsync", watched)
    key = signer()
    await FileWitness(tmp_path / "kept", key.log).keep(_note(key, 1))
    assert synced == [str(tmp_path / "kept"), str(tmp_path)]


async def test_what_a_witness_has_not_seen_is_sent_and_receipted(log: Log, tmp_path: Path) -> None:
    key = signer()
    witness = FileWitness(tmp_path / "kept", key.log)
    for turn in range(3):
        await filled(log, 2)
        async with log.api.transaction() as connection:
            await sign_checkpoint(connection, key)
        async with log.api.transaction() as connection:
            row = await audit_rows.unseen_checkpoint(connection, witness.name)
            assert row is not None
            assert row.size == 2 * turn + 2
            receipt = await witness.keep(row.note)
            for _ in range(2):  # the second time is no harm
                await audit_rows.add_receipt(connection, row.size, receipt.witness, receipt.proof, receipt.at)
            assert await audit_rows.unseen_checkpoint(connection, witness.name) is None
            assert await audit_rows.unseen_checkpoint(connection, "another") == row
            assert await audit_rows.receipts(connection, row.size) == [(witness.name, b"", receipt.at)]


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Generator[Authority]:
    with authority(tmp_path_factory.mktemp("tsa") / "one") as running:
        yield running


async def test_an_authority_stamps_a_checkpoint(tsa: Authority) -> None:
    note = _note(signer(), 3)
    async with http(HttpSettings(allow_plain=True)) as face:
        receipt = await StampWitness(face, tsa.url, tsa.roots).keep(note)
    assert abs(receipt.at - datetime.now(UTC)) < timedelta(minutes=2)
    assert check_stamp(note, receipt.proof, tsa.roots) == receipt.at
    with pytest.raises(CheckpointRefused, match="Mismatch"):
        check_stamp(note.replace("3", "4"), receipt.proof, tsa.roots)
    with pytest.raises(CheckpointRefused, match="does not hold"):
        check_stamp(note, receipt.proof[:-1] + bytes([receipt.proof[-1] ^ 1]), tsa.roots)
    with pytest.raises(CheckpointRefused, match="does not hold"):
        check_stamp(note, b"", tsa.roots)
    with pytest.raises(BadOption, match="PEM"):
        check_stamp(note, receipt.proof, b"x")


async def test_an_authority_that_is_another_one(tsa: Authority, tmp_path: Path) -> None:
    note = _note(signer(), 3)
    with authority(tmp_path / "other") as other:
        async with http(HttpSettings(allow_plain=True)) as face:
            with pytest.raises(WitnessFailed, match="cannot be used"):
                await StampWitness(face, other.url, tsa.roots).keep(note)
            receipt = await StampWitness(face, other.url, other.roots).keep(note)
    with pytest.raises(CheckpointRefused, match="does not hold"):
        check_stamp(note, receipt.proof, tsa.roots)


async def test_an_authority_that_answers_badly(tsa: Authority) -> None:
    note = _note(signer(), 3)
    async with http(HttpSettings(allow_plain=True)) as face:
        witness = StampWitness(face, tsa.url, tsa.roots)
        await witness.keep(note)
        old = tsa.given[-1]
        for answer, message in (
            ((500, b"x"), "status 500"),
            ((200, b""), "cannot be used"),
            ((200, b"x" * 100), "cannot be used"),
            ((200, old), "Nonce"),
            ((200, tsa.stamp(b"no question")), "cannot be used"),
        ):
            tsa.answers.append(answer)
            with pytest.raises(WitnessFailed, match=message):
                await witness.keep(note)
        with pytest.raises(WitnessFailed, match="cannot be reached"):
            await StampWitness(face, "http://127.0.0.1:1/", tsa.roots).keep(note)
    with pytest.raises(BadOption, match="PEM"):
        StampWitness(face, tsa.url, b"")


def _note(key, size: int, root: bytes = b"\0") -> str:
    return Checkpoint(ORIGIN, size, root * 32).signed(key.key)


def _number(file: object) -> int:
    return file if isinstance(file, int) else file.fileno()  # type: ignore[attr-defined]
