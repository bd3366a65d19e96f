"""Works on one lease, with the engine of the data path."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import msgspec

from mover.connectors.registry import spec
from mover.core.errors import LinkError, MoverError, Retry
from mover.core.options import Options, Value
from mover.core.secret import Secret
from mover.crypto.boxes import open_box
from mover.engine.control import Control
from mover.engine.ending import Ending
from mover.engine.filter_options import FilterOptions
from mover.engine.pieces import copy_piece, scan_piece
from mover.engine.progress import Progress
from mover.engine.scanning import Scanning
from mover.engine.settings import RunSettings
from mover.engine.side import LinkLost, Side
from mover.engine.tidying import tidy_piece
from mover.engine.transfer import Transfer
from mover.net.pace import Bandwidth
from mover.runner.ends import End
from mover.runner.forms import planned_of
from mover.runner.lease_journal import LeaseJournal
from mover.runner.open_ends import OpenEnds
from mover.spool.spool import Spool
from mover.wire.messages import Ended, Lease, WireEnd, lease_context


class LeaseWork:
    """What a runner needs for every lease: its key, its spool, its open connections."""

    def __init__(self, box_key: bytes, spool: Spool, ends: OpenEnds) -> None:
        self._box_key = box_key
        self._spool = spool
        self._ends = ends

    async def __call__(self, journal: LeaseJournal, control: Control, progress: Progress) -> Ended:
        """Work on a lease to its end. What went wrong is in the answer.

        Raises:
            LeaseLost: it is another's now.
        """
        lease = journal.lease
        try:
            return _ended(await self._work(lease, journal, control, progress))
        except LinkLost as lost:
            return _lost(lost.problem)
        except LinkError as problem:
            return _lost(problem)
        except MoverError as problem:
            return Ended("failed", problem.code, problem.detail, problem.advice)

    async def _work(self, lease: Lease, journal: LeaseJournal, control: Control, progress: Progress) -> Ending:
        settings = msgspec.convert(lease.settings, RunSettings)
        scans = lease.work == "scan"
        async with AsyncExitStack() as stack:
            source = await stack.enter_async_context(self._side(lease, lease.source, make=False, may_lack=False))
            destination = await stack.enter_async_context(
                self._side(
                    lease,
                    lease.destination,
                    make=scans and not settings.dry_run,
                    may_lack=not scans or settings.dry_run,
                )
            )
            if lease.work == "tidy":
                return await tidy_piece(destination, journal, lease.mark, control)
            if scans:
                return await _scan(lease, source, destination, journal, settings, control, progress)
            bandwidth = Bandwidth(source.clock, settings.bytes_per_second)
            transfer = Transfer(
                source, destination, self._spool, journal, settings, progress, bandwidth, lease.run, lease.mark
            )
            items = [planned_of(item, destination) for item in lease.items]
            return await copy_piece(transfer, journal, settings, control, items)

    def _side(self, lease: Lease, end: WireEnd, *, make: bool, may_lack: bool):  # noqa: ANN202  # the context manager's own type
        key = hashlib.sha256(msgspec.msgpack.encode((end.connector, end.options, end.path, end.connection)))
        secrets = open_secrets(self._box_key, end, lease)
        for name, secret in sorted(secrets.items()):
            key.update(f"\0{name}\0{secret.reveal()}".encode("utf-8", "surrogatepass"))
        opened = end_of(end, secrets)
        return self._ends.side(key.hexdigest(), opened, make=make, may_lack=may_lack)


def end_of(end: WireEnd, secrets: Mapping[str, Secret]) -> End:
    """The end to open. Raises `BadOption` if its options do not fit the connector."""
    values: dict[str, Value] = {**end.options, **secrets}
    return End(Options(spec(end.connector), values), end.path, f"{end.connection}:{end.path}")


def open_secrets(box_key: bytes, end: WireEnd, lease: Lease) -> dict[str, Secret]:
    """The secrets of an end. Raises `Sealed` if they are not for this runner and this lease."""
    plain = open_box(box_key, end.secrets, lease_context(lease.batch, lease.fence, end.connection))
    return {name: Secret(value) for name, value in msgspec.msgpack.decode(plain, type=dict[str, str]).items()}


async def _scan(
    lease: Lease,
    source: Side,
    destination: Side,
    journal: LeaseJournal,
    settings: RunSettings,
    control: Control,
    progress: Progress,
) -> Ending:
    filters = msgspec.convert(lease.filters, FilterOptions).filter_at(datetime.fromtimestamp(lease.asked, UTC))
    scanning = Scanning(
        source,
        destination,
        journal,
        settings,
        filters=filters,
        control=control,
        progress=progress,
        mark=lease.mark,
    )
    return await scan_piece(scanning, journal, settings, control, progress, journal.offer)


def _ended(ending: Ending) -> Ended:
    if ending.state == "done":
        return Ended("done")
    return Ended("given-up", detail=ending.reason) if ending.problem is None else _lost(ending.problem)


def _lost(problem: MoverError) -> Ended:
    again = problem.retry is not Retry.NEVER
    return Ended("lost", problem.code, problem.detail, problem.advice, again=again, after=problem.after)
