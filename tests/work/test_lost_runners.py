"""Runners that die, freeze or wake up late; control processes that die: every run ends complete, and nothing is done twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.work.service import Service, service
from tests.work.test_runs import contents, tree

from mover.core.states import State
from mover.service.leases import CLAIMS, KnownRunner
from mover.store import runs
from mover.store.database import Database
from mover.wire.items import WireLine
from mover.wire.messages import Ended, JournalRequest, Lease, LeaseRequest, Report

pytestmark = pytest.mark.anyio

ONE, OTHER = KnownRunner("one", bytes(range(32)), None), KnownRunner("other", bytes(range(32)), None)


async def leased(control: Service, runner: KnownRunner, *, scans: int = 0, copies: int = 0) -> Lease:
    """The one lease that the runner gets within ten seconds."""
    answer = await control.leases.give(runner, LeaseRequest(scans, copies, 10))
    assert len(answer.leases) == 1
    return answer.leases[0]


async def expire(control: Service) -> None:
    """All leases have run out."""
    async with control.database.transaction() as connection:
        await connection.execute(
            text("UPDATE mover.batch SET leased_until = now() - interval '1 second' WHERE state = 'leased'")
        )


async def told(control: Service, runner: KnownRunner, *reports: Report) -> list[str]:
    answer = await control.leases.take(runner, JournalRequest(list(reports)))
    return [verdict.state for verdict in answer.verdicts]


def copied(path: str) -> WireLine:
    from mover.core.model import Kind

    return WireLine(path.encode(), b"", Kind.FILE, State.COPIED, 1)


async def begun(control: Service, tmp_path: Path) -> tuple[int, int]:
    tree(tmp_path / "source", 3)
    (tmp_path / "destination").mkdir()
    migration = await control.migration(await control.account(), tmp_path / "source", tmp_path / "destination")
    return migration, await control.begin(migration)


async def test_a_frozen_runner_that_wakes_up_late_changes_nothing(fresh_database: Database, tmp_path: Path) -> None:
    async with service(fresh_database) as control:
        migration, run = await begun(control, tmp_path)
        first = await leased(control, ONE, scans=1)
        await expire(control)
        second = await leased(control, OTHER, scans=1)
        assert (second.batch, second.fence) == (first.batch, first.fence + 1)
        late = Report(first.batch, first.fence, 1, [copied("never")], ended=Ended("done"))
        assert await told(control, ONE, late) == ["lost"]
        async with control.database.read() as connection:
            count = await connection.execute(
                text("SELECT count(*) FROM mover.item WHERE migration = :m"), {"m": migration}
            )
            assert count.scalar_one() == 0
        assert (await control.run(run)).state == "running"
        # The control: the same words count when the one who has the lease says them.
        assert await told(
            control, OTHER, Report(second.batch, second.fence, 1, [copied("there")], ended=Ended("done"))
        ) == ["go"]
        ended = await control.ended(run)
        assert (ended.state, ended.totals) == ("done", {"copied": [1, 1]})


async def test_a_report_that_comes_twice_counts_once(fresh_database: Database, tmp_path: Path) -> None:
    async with service(fresh_database) as control:
        _, run = await begun(control, tmp_path)
        lease = await leased(control, ONE, scans=1)
        report = Report(lease.batch, lease.fence, 1, [copied("a")], bytes_moved=7)
        assert await told(control, ONE, report) == ["go"]
        assert await told(control, ONE, report) == ["go"]
        async with control.database.read() as connection:
            live = await runs.live(connection, run)
        assert live["scan"].moved == 7


async def test_another_runners_lease_cannot_be_reported_on(fresh_database: Database, tmp_path: Path) -> None:
    async with service(fresh_database) as control:
        await begun(control, tmp_path)
        lease = await leased(control, ONE, scans=1)
        assert await told(control, OTHER, Report(lease.batch, lease.fence, 1, ended=Ended("done"))) == ["lost"]
        assert await told(control, ONE, Report(lease.batch, lease.fence, 1)) == ["go"]


async def test_work_of_a_dead_runner_goes_on_elsewhere(fresh_database: Database, tmp_path: Path) -> None:
    """The dead one had scanned and offered, and took a batch of which it had told nothing."""
    tree(tmp_path / "source", 250)
    (tmp_path / "destination").mkdir()
    async with service(fresh_database) as control:
        migration = await control.migration(await control.account(), tmp_path / "source", tmp_path / "destination")
        run = await control.begin(migration)
        dead = await leased(control, ONE, scans=1)
        assert dead.work == "scan"
        await expire(control)
        async with control.runner(tmp_path, "two"):
            ended = await control.ended(run)
        assert ended.state == "done", ended
        assert ended.totals is not None and {s: n for s, (n, _) in ended.totals.items()} == {"copied": 250}
        assert contents(tmp_path / "destination") == contents(tmp_path / "source")


async def test_a_scan_that_begins_again_offers_nothing_twice(fresh_database: Database, tmp_path: Path) -> None:
    tree(tmp_path / "source", 30)
    (tmp_path / "destination").mkdir()
    async with service(fresh_database) as control:
        run = await control.begin(
            await control.migration(await control.account(), tmp_path / "source", tmp_path / "destination")
        )
        async with control.runner(tmp_path, "two"):
            ended = await control.ended(run)
        assert ended.state == "done"
        async with control.database.transaction() as connection:  # the scan's runner is lost before it told its end
            await connection.execute(text("UPDATE mover.batch SET state = 'ready', seq = seq + 1 WHERE work = 'scan'"))
            await connection.execute(text("UPDATE mover.run SET state = 'running', ended = NULL, totals = NULL"))
        control.reconciler.wake()
        async with control.runner(tmp_path, "three"):
            again = await control.ended(run)
        assert (again.state, again.totals) == ("done", ended.totals)
        async with control.database.read() as connection:
            copies = await connection.execute(text("SELECT count(*) FROM mover.batch WHERE work = 'copy'"))
            assert copies.scalar_one() == 1


async def test_a_paused_run_gives_nothing_out_and_goes_on(fresh_database: Database, tmp_path: Path) -> None:
    async with service(fresh_database) as control:
        _, run = await begun(control, tmp_path)
        lease = await leased(control, ONE, scans=1)
        async with control.database.transaction() as connection:
            assert await runs.move(connection, run, "pausing", "running", reason="paused by hand")
        assert await told(control, ONE, Report(lease.batch, lease.fence, 1, ended=Ended("given-up"))) == ["pause"]
        assert (await control.run(run)).state == "paused"
        assert (await control.leases.give(ONE, LeaseRequest(1, 1, 1))).leases == []
        async with control.database.transaction() as connection:
            assert await runs.move(connection, run, "running", "paused")
        control.reconciler.wake()
        async with control.runner(tmp_path, "two"):
            assert (await control.ended(run)).state == "done"
        assert contents(tmp_path / "destination") == contents(tmp_path / "source")


async def test_a_batch_that_ends_every_runner_is_set_aside(fresh_database: Database, tmp_path: Path) -> None:
    async with service(fresh_database) as control:
        _, run = await begun(control, tmp_path)
        for _ in range(CLAIMS["scan"]):
            await leased(control, ONE, scans=1)
            await expire(control)
        assert (await control.leases.give(OTHER, LeaseRequest(1, 0, 1))).leases == []
        ended = await control.ended(run)
        assert (ended.state, ended.code) == ("failed", "quarantined")


async def test_leases_that_got_on_do_not_count(fresh_database: Database, tmp_path: Path) -> None:
    """A copy of which every runner does one file and dies is no poison."""
    tree(tmp_path / "source", CLAIMS["copy"] + 3)
    (tmp_path / "destination").mkdir()
    async with service(fresh_database) as control:
        run = await control.begin(
            await control.migration(await control.account(), tmp_path / "source", tmp_path / "destination")
        )
        async with control.runner(tmp_path, "scans") as scanning:
            scanning.copies = 0
            async with asyncio.timeout(30):
                while not await control.count("copy"):  # noqa: ASYNC110  # rows tell nobody
                    await asyncio.sleep(0.1)
        for _ in range(CLAIMS["copy"] + 3):
            lease = await leased(control, ONE, copies=1)
            first = lease.items[0]
            report = Report(
                lease.batch, lease.fence, 1, [WireLine(first.path, b"", first.source.kind, State.COPIED, 1)]
            )
            assert await told(control, ONE, report) == ["go"]
            await expire(control)
        async with control.runner(tmp_path, "two"):
            ended = await control.ended(run)
        assert (ended.state, ended.totals) == ("done", {"copied": [CLAIMS["copy"] + 3, CLAIMS["copy"] + 3]})


async def test_waits_of_a_dead_control_process_are_taken_over(fresh_database: Database, tmp_path: Path) -> None:
    """The first process is gone without a farewell: its waits stay behind as if it still had them."""
    async with service(fresh_database) as control:
        _, run = await begun(control, tmp_path)
        await leased(control, ONE, scans=1)
        await expire(control)
        async with control.database.transaction() as connection:
            await connection.execute(
                text("UPDATE dbos.workflow_status SET executor_id = 'dead' WHERE status = 'PENDING'")
            )
        control.reconciler.wake()
        await asyncio.sleep(1)
        async with control.runner(tmp_path, "two"):
            assert (await control.ended(run)).state == "done"
        async with control.database.read() as connection:
            left = await connection.execute(
                text("SELECT count(*) FROM dbos.workflow_status WHERE status = 'PENDING' AND executor_id = 'dead'")
            )
            assert left.scalar_one() == 0
