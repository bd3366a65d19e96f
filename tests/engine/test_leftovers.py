"""A pass removes what earlier passes of its run left half-written at the destination, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.engine.faulty import Faults, Faulty
from tests.engine.harness import Result, fill, run, tree

from mover.connectors.memory.client import Memory
from mover.core.connector import Connector
from mover.core.errors import Denied
from mover.core.secret import Secret
from mover.core.states import State
from mover.core.temporary import mark_of_pass, temporary_name
from mover.crypto.rclone_crypt import CryptKey
from mover.engine.journal import KeptUpload
from mover.engine.layer import Encrypted
from mover.engine.local_journal import LocalJournal
from mover.engine.settings import RunSettings

pytestmark = pytest.mark.anyio
FILES = {"a": b"alpha", "deep/b": b"beta"}


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def first_mark(file: Path) -> str:
    """The mark of a first pass that came to nothing."""
    with LocalJournal.open(file, seal=str.encode, unseal=bytes.decode) as journal:
        journal.begin_pass()
        return journal.mark()


async def passed(destination: Connector, journal: Path, settings: RunSettings | None = None) -> Result:
    source = Memory()
    await fill(source, FILES)
    return await run(source, destination, journal=journal, settings=settings)


async def test_what_an_earlier_pass_left_goes(journal: Path) -> None:
    mark = first_mark(journal)
    destination = Memory()
    await fill(destination, {temporary_name(mark): b"half", f"deep/{temporary_name(mark, hidden=False)}": b""})
    result = await passed(destination, journal)
    assert await tree(destination) == {**FILES, "deep": None}
    assert result.ending.state == "done"
    assert set(result.lines) == set(FILES)
    result.must_add_up()


async def test_everything_else_stays(journal: Path) -> None:
    mark = first_mark(journal)
    other = mark_of_pass("f" * 16, 1)
    now = mark_of_pass(mark[:16], 2)
    stay: dict[str, bytes | None] = {
        temporary_name(other): b"another run's",
        temporary_name(now): b"being written in this very pass",
        temporary_name(): b"nobody knows whose",
        temporary_name(mark) + "~": b"a user's",
        f"copy of {temporary_name(mark)}": b"a user's",
        f"deep/{temporary_name(other)}": b"another run's",
        f"elsewhere/{temporary_name(other)}": b"in a folder that only the destination has",
    }
    folder = temporary_name(mark)
    destination = Memory()
    await fill(destination, {path: data or b"" for path, data in stay.items()})
    await destination.make_folder((await destination.root()).id, folder)
    await passed(destination, journal)
    assert await tree(destination) == {**FILES, **stay, folder: None, "deep": None, "elsewhere": None}


async def test_a_first_pass_and_a_dry_run_remove_nothing(journal: Path, tmp_path: Path) -> None:
    mark = first_mark(journal)
    left = temporary_name(mark)
    destination = Memory()
    await fill(destination, {left: b"half"})
    await passed(destination, journal, settings=RunSettings(dry_run=True))
    assert await tree(destination) == {left: b"half"}
    await passed(destination, tmp_path / "another run's")
    assert (await tree(destination))[left] == b"half"


async def test_an_upload_that_the_journal_knows_is_not_taken_for_a_leftover(journal: Path) -> None:
    mark = first_mark(journal)
    known, unknown = temporary_name(mark), temporary_name(mark)
    with LocalJournal.open(journal, seal=str.encode, unseal=bytes.decode) as kept:
        await kept.keep_upload(("deep/large", ""), KeptUpload(f'{{"temporary": "deep/{known}"}}', "1", ()))
    destination = Memory()
    await fill(destination, {f"deep/{known}": b"some parts", f"deep/{unknown}": b""})
    await passed(destination, journal)
    assert await tree(destination) == {**FILES, "deep": None, f"deep/{known}": b"some parts"}


async def test_one_that_cannot_be_removed_is_noted_and_stops_nothing(journal: Path) -> None:
    left = temporary_name(first_mark(journal))
    memory = Memory()
    await fill(memory, {left: b"half"})
    faults = Faults({"remove": lambda _, __: Denied("not yours")})
    result = await passed(Faulty(memory, faults), journal)
    assert result.ending.state == "done"
    assert {line.state for line in result.lines.values()} == {State.COPIED}
    assert await tree(memory) == {**FILES, "deep": None, left: b"half"}
    with LocalJournal.open(journal, seal=str.encode, unseal=bytes.decode) as kept:
        ((_, code, detail),) = kept.attempts((left, ""))
    assert code == Denied.code
    assert "not yours" in detail


@pytest.mark.parametrize("names", [True, False])
async def test_behind_encryption_too(journal: Path, *, names: bool) -> None:
    mark = first_mark(journal)
    memory = Memory()
    stay = {temporary_name(mark_of_pass("f" * 16, 1)): b"another run's", "in the clear": b"a user's"}
    await fill(memory, {temporary_name(mark): b"half", **stay})
    root = (await memory.root()).id
    folder = await memory.make_folder(root, temporary_name(mark))
    await passed(Encrypted(memory, CryptKey(Secret("secret")), names=names), journal)
    found = await tree(memory)
    assert {path: found[path] for path in stay} == stay
    assert [path for path in found if mark in path] == [folder.name]
    assert len(found) == len(FILES) + len(stay) + 2


async def test_the_mark_of_a_run_is_made_once(journal: Path, tmp_path: Path) -> None:
    first = first_mark(journal)
    second = first_mark(journal)
    assert first != second
    assert first[:16] == second[:16]
    assert first_mark(tmp_path / "another")[:16] != first[:16]
