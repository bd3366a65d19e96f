"""One run on the disk: what was asked, how it stands, and its journal."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sqlite3
import time
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import msgspec

from mover.boot.addresses import Asked
from mover.boot.connections import OWNER
from mover.boot.records import FORMAT, load, store
from mover.boot.telling import TellingJournal
from mover.boot.wanted import Wanted
from mover.core.errors import RecordDamaged, RunBusy
from mover.core.secret import Secret
from mover.engine.filter_options import FilterOptions
from mover.engine.settings import RunSettings
from mover.runner.ends import Layer
from mover.vault.local import LocalVault

StateName = Literal["running", "paused", "interrupted", "done", "failed", "damaged"]

_ONE_OFF: Final = "run"
_UPLOAD: Final = "upload"
_TRIES: Final = 10  # somebody who only looks holds the lock for a moment


class KeptPlace(msgspec.Struct, frozen=True):
    """An end as it is kept; one-off `secrets` are sealed, those of a saved connection are not here at all."""

    address: str
    options: dict[str, str]
    secrets: dict[str, bytes]
    key: str | None = None
    names: bool = False


class Record(msgspec.Struct, frozen=True):
    """What was asked of a run. `now` is when it was first asked: filters by age count from there."""

    number: int
    now: datetime
    source: KeptPlace
    destination: KeptPlace
    settings: RunSettings
    filters: FilterOptions
    format: int = FORMAT


class Standing(msgspec.Struct, frozen=True):
    """How a run stands. `found` and `settled` count items of its last complete pass; `code`, `reason` and `advice` say why it stopped."""

    state: StateName
    updated: datetime
    reason: str | None = None
    code: str | None = None
    advice: str | None = None
    exit_code: int | None = None
    passes: int = 0
    found: int | None = None
    settled: int | None = None
    seconds: float = 0.0
    plan_only: bool = False
    failed: int = 0
    unfit: int = 0


class RunFolder:
    """One run on the disk."""

    def __init__(self, folder: Path, vault: LocalVault) -> None:
        self.number = int(folder.name)
        self.folder = folder
        self._vault = vault

    def record(self) -> Record:
        """What was asked. Raises `RecordDamaged` if it cannot be read."""
        record = load(self.folder / "run.json", Record)
        if record is None:
            raise RecordDamaged(f"{self.folder / 'run.json'} is missing", item=str(self.number))
        return record

    def amend(self, record: Record) -> None:
        """Keep another record of what was asked."""
        store(self.folder / "run.json", record)

    def wanted(self) -> Wanted:
        """What was asked, one-off secrets opened. Raises `Sealed` if one cannot be."""
        record = self.record()
        source = self._asked("source", record.source)
        destination = self._asked("destination", record.destination)
        return Wanted(source, destination, record.settings, record.filters)

    def keep(self, wanted: Wanted, now: datetime) -> None:
        """Keep what is asked; its secrets are sealed for this run."""
        source, destination = self._kept(wanted.source), self._kept(wanted.destination)
        self.amend(Record(self.number, now, source, destination, wanted.settings, wanted.filters))

    def forget_secrets(self) -> None:
        """A run that is done needs them no more."""
        record = self.record()
        source, destination = (msgspec.structs.replace(p, secrets={}) for p in (record.source, record.destination))
        self.amend(msgspec.structs.replace(record, source=source, destination=destination))

    def standing(self) -> Standing:
        """How it stands. A run whose process died shows as interrupted; one of which this cannot be read, as damaged."""
        try:
            found = load(self.folder / "state.json", Standing)
        except RecordDamaged as problem:
            advice = f"Nothing is lost: `mover run resume {self.number}` goes over it once more."
            return Standing("damaged", self.record().now, problem.detail, problem.code, advice, passes=1)
        if found is None:
            return Standing("interrupted", self.record().now, "its process ended before it began")
        if found.state == "running" and not self._held():
            return msgspec.structs.replace(found, state="interrupted", reason="its process ended without a word")
        return found

    def stand(self, standing: Standing) -> None:
        """Keep how it stands; durable when this returns."""
        store(self.folder / "state.json", standing)

    @contextmanager
    def working(self) -> Generator[None]:
        """Be the one process that works on the run. Raises `RunBusy`."""
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            if not _locked(descriptor, fcntl.LOCK_EX):
                raise RunBusy(f"another process works on run {self.number}", item=str(self.number))
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def journal(self) -> Generator[TellingJournal]:
        """Its journal, open. Upload states in it are sealed. Raises `RecordDamaged` if it is no database, wherever that shows."""
        file = self.folder / "journal.sqlite"
        try:
            with journal_of(file, self._vault, str(self.number)) as journal:
                yield journal
        except sqlite3.DatabaseError as problem:
            if type(problem) is not sqlite3.DatabaseError:  # a full disk, for one, is no damage
                raise
            raise JournalDamaged(f"{file} is damaged: {problem}", item=str(self.number)) from problem

    def settled_journal(self) -> AbstractContextManager[TellingJournal]:
        """Its journal, for whoever looks at what is in it. Raises `RecordDamaged` also if it is gone."""
        file, standing = self.folder / "journal.sqlite", self.standing()
        if standing.found and not file.exists():
            raise JournalDamaged(
                f"{file} is missing, and with it the proof of {standing.found} items", item=str(self.number)
            )
        return self.journal()

    def remove(self) -> None:
        """Forget the run: it never began."""
        shutil.rmtree(self.folder)

    def _held(self) -> bool:
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                return not _locked(descriptor, fcntl.LOCK_SH, tries=1)
            finally:
                os.close(descriptor)
        return False

    def _kept(self, asked: Asked) -> KeptPlace:
        sealed = {
            name: self._vault.seal(secret, purpose=_ONE_OFF, owner=OWNER, record=f"{self.number}/{asked.role}/{name}")
            for name, secret in asked.secrets.items()
        }
        key, names = (None, False) if asked.layer is None else (str(asked.layer.key), asked.layer.names)
        return KeptPlace(asked.address, dict(asked.options), sealed, key, names)

    def _asked(self, role: str, kept: KeptPlace) -> Asked:
        secrets = {
            name: self._vault.open(sealed, purpose=_ONE_OFF, owner=OWNER, record=f"{self.number}/{role}/{name}")
            for name, sealed in kept.secrets.items()
        }
        layer = None if kept.key is None else Layer(Path(kept.key), kept.names)
        return Asked(role, kept.address, kept.options, secrets, layer)


class JournalDamaged(RecordDamaged):
    """A run's journal cannot be read."""

    advice = "Restore it from a backup; or move it away and resume the run, which then goes over everything once more."


@contextmanager
def journal_of(file: Path | None, vault: LocalVault, record: str) -> Generator[TellingJournal]:
    """A journal whose upload states are sealed by the vault."""

    def seal(text: str) -> bytes:
        return vault.seal(Secret(text), purpose=_UPLOAD, owner=OWNER, record=record)

    def unseal(sealed: bytes) -> str:
        return vault.open(sealed, purpose=_UPLOAD, owner=OWNER, record=record).reveal()

    with TellingJournal.open(file, seal=seal, unseal=unseal) as journal:
        yield journal


def _locked(descriptor: int, how: int, tries: int = _TRIES) -> bool:
    for _ in range(tries):
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        else:
            return True
    return False
