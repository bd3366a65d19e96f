"""Runs of this user: a folder each."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from mover.boot.home import Home
from mover.boot.run_folder import Record, RunFolder
from mover.boot.wanted import Wanted
from mover.core.errors import RecordDamaged, UnknownRun
from mover.engine.filter_options import FilterOptions
from mover.engine.settings import RunSettings
from mover.vault.files import locked, private_folder
from mover.vault.local import LocalVault


class Runs:
    """All runs of this user, by number."""

    def __init__(self, home: Home) -> None:
        self._home = home.made()
        self._vault = LocalVault(self._home.keys)

    def get(self, number: int) -> RunFolder:
        """Raises `UnknownRun`."""
        folder = self._home.runs / str(number)
        if not _begun(folder):
            raise UnknownRun(f"there is no run {number}", item=str(number))
        return RunFolder(folder, self._vault)

    def all(self) -> Iterator[RunFolder]:
        """Every run, the latest first; whether it can be read shows when it is."""
        for number in sorted(self._numbers(), reverse=True):
            with contextlib.suppress(UnknownRun):
                yield self.get(number)

    def claimed(self, wanted: Wanted, now: datetime) -> tuple[RunFolder, bool]:
        """The run that a copy is to go on with, and whether it was there already; else a new one with the next number.

        Two processes that ask for the same copy at once get the same run.
        """
        private_folder(self._home.runs)
        with locked(self._home.runs / "lock"):
            if (run := self._same_as(wanted)) is not None:
                return run, True
            folder = self._home.runs / str(max(self._numbers(), default=0) + 1)
            folder.mkdir(mode=0o700)
            run = RunFolder(folder, self._vault)
            run.keep(wanted, now)
            return run, False

    def _same_as(self, wanted: Wanted) -> RunFolder | None:
        """The latest run of the very same copy, if it was not finished: the same command goes on where it stopped."""
        for run in self.all():
            with contextlib.suppress(RecordDamaged):
                if _meaning(run.record()) == _asked_meaning(wanted):
                    return run if run.standing().state != "done" else None
        return None

    def _numbers(self) -> list[int]:
        with contextlib.suppress(FileNotFoundError):
            return [int(folder.name) for folder in self._home.runs.iterdir() if folder.name.isdecimal()]
        return []


def _begun(folder: Path) -> bool:
    """Whether there is a run, readable or not; a folder without a file is one that is about to be made, or never was."""
    try:
        return any(not file.name.startswith(".") for file in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


def _meaning(record: Record) -> object:
    places = [(_bare(p.address), p.options, p.key, p.names) for p in (record.source, record.destination)]
    return places, _of_settings(record.settings), _of_filters(record.filters)


def _asked_meaning(wanted: Wanted) -> object:
    places = [
        (
            _bare(a.address),
            dict(a.options),
            None if a.layer is None else str(a.layer.key),
            bool(a.layer and a.layer.names),
        )
        for a in (wanted.source, wanted.destination)
    ]
    return places, _of_settings(wanted.settings), _of_filters(wanted.filters)


def _bare(address: str) -> str:
    """A slash at the end makes no other place."""
    return address.rstrip("/") or "/"


def _of_filters(filters: FilterOptions) -> str:
    return json.dumps(msgspec.to_builtins(filters))  # lists and tuples are one there


def _of_settings(settings: RunSettings) -> object:
    """What changes the outcome of a copy; how fast it goes does not."""
    return settings.verify, settings.compare, settings.existing, settings.names, settings.links
