"""What the journal on this machine keeps of uploads, from one process to the next."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier

import pytest

from mover.core.connector import Part
from mover.engine.journal import KeptUpload
from mover.engine.local_journal import LocalJournal

pytestmark = pytest.mark.anyio

KEY = ("folder/l\udcff", "7")


@contextmanager
def opened(file: Path) -> Iterator[LocalJournal]:
    with LocalJournal.open(
        file, seal=lambda text: text[::-1].encode(), unseal=lambda sealed: sealed.decode()[::-1]
    ) as it:
        yield it


async def test_parts_are_added_one_by_one_and_come_back_in_order(tmp_path: Path) -> None:
    with opened(tmp_path / "journal") as journal:
        await journal.keep_upload(KEY, KeptUpload("secret", "v1", (Part(0, 5, "a"),)))
        for number in (2, 1):
            await journal.keep_part(KEY, Part(number, 5, f"tag {number}"))
    assert b"secret" not in (tmp_path / "journal").read_bytes()
    with opened(tmp_path / "journal") as journal:
        parts = (Part(0, 5, "a"), Part(1, 5, "tag 1"), Part(2, 5, "tag 2"))
        assert await journal.upload_of(KEY) == KeptUpload("secret", "v1", parts)
        assert await journal.uploads() == [(KEY, KeptUpload("secret", "v1", parts))]


async def test_another_upload_of_the_item_has_none_of_the_old_parts(tmp_path: Path) -> None:
    with opened(tmp_path / "journal") as journal:
        await journal.keep_upload(KEY, KeptUpload("first", "v1", (Part(0, 5, "a"),)))
        await journal.keep_upload(KEY, KeptUpload("second", "v2", ()))
        assert await journal.upload_of(KEY) == KeptUpload("second", "v2", ())
        await journal.forget_upload(KEY)
        await journal.keep_upload(KEY, KeptUpload("third", "v2", ()))
        assert await journal.upload_of(KEY) == KeptUpload("third", "v2", ())


async def test_a_change_that_fails_changes_nothing(tmp_path: Path) -> None:
    kept = KeptUpload("first", "v1", (Part(0, 5, "a"),))
    with opened(tmp_path / "journal") as journal:
        await journal.keep_upload(KEY, kept)
        with pytest.raises(OverflowError):
            await journal.keep_upload(KEY, KeptUpload("second", "v2", (Part(1 << 70, 5, "too large a number"),)))
        assert await journal.upload_of(KEY) == kept


def test_whoever_looks_at_a_run_that_only_begins_does_not_stop_it(tmp_path: Path) -> None:
    """Making the file and looking at it at the same moment: SQLite turns one of them away, and tells nobody when to come again."""
    together = Barrier(6)

    def open_once(file: Path) -> None:
        together.wait()
        with opened(file) as journal:
            assert not journal.counts()

    with ThreadPoolExecutor(6) as threads:
        for number in range(40):
            list(threads.map(open_once, [tmp_path / str(number)] * 6))
