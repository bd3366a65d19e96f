"""A saved connection under another name, and the runs that name it."""

from __future__ import annotations

import msgspec

from mover.boot.addresses import connection_of
from mover.boot.connections import Connections
from mover.boot.home import Home
from mover.boot.run_folder import KeptPlace, Record, RunFolder
from mover.boot.runs import Runs
from mover.core.errors import RecordDamaged


def rename(home: Home, old: str, new: str) -> int:
    """Give a connection another name, in all runs too; how many runs those are. A crash half-way leaves it under both names.

    Raises:
        UnknownConnection, BadOption, ConnectionExists: there is none, the new name is none, or it is taken.
        RunBusy: another process works on a run that names it. Nothing is changed then.
        Sealed: a secret cannot be opened.
    """
    connections = Connections(home)
    using = [run for run in Runs(home).all() if old in _names(run)]
    for run in using:
        with run.working():
            pass
    connections.copy(old, new)
    for run in using:
        with run.working():
            run.amend(_renamed(run.record(), old, new))
    connections.remove(old)
    return len(using)


def _names(run: RunFolder) -> set[str | None]:
    try:
        record = run.record()
    except RecordDamaged:
        return set()
    return {connection_of(record.source.address), connection_of(record.destination.address)}


def _renamed(record: Record, old: str, new: str) -> Record:
    def place(kept: KeptPlace) -> KeptPlace:
        if connection_of(kept.address) != old:
            return kept
        return msgspec.structs.replace(kept, address=new + kept.address.removeprefix(old))

    return msgspec.structs.replace(record, source=place(record.source), destination=place(record.destination))
