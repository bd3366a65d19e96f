"""The durable queue: who is next, kept by DBOS in the same PostgreSQL.

A batch is one workflow with one step, which offers the batch to the runners and waits for its end. Truth is in our own tables: a workflow
that is lost, or whose process was killed, is replaced by the reconcile rule. What DBOS gives is order: turns between users, limits and
priorities.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from dbos import DBOS, DBOSPortableJSONSerializer, EnqueueOptions
from sqlalchemy.engine import URL

from mover.core.errors import MoverError
from mover.store import batches
from mover.store.database import Database
from mover.work.waits import Waits

NAME: Final = "mover"
VERSION: Final = "1"
"""Constant: by default DBOS hashes the source, and after an upgrade what waits would wait for the old code for ever."""

SCHEMA: Final = "dbos"
WORKFLOW: Final = "offer_batch"
QUEUES: Final = {"scan": (16, 4), "copy": (128, 24), "tidy": (16, 4)}
"""By work: how many batches one process offers at once, and how many of one user all processes together."""

RECOVERY: Final = "recovery"
"""A queue of its own for what was lost, so that it does not wait behind everybody else's new work."""

_LAST_SECONDS: Final = 5

ENDED: Final = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A batch that is to be offered: its number, how often it was, whose it is and what work."""

    batch: int
    seq: int
    owner: int
    work: str

    @property
    def workflow(self) -> str:
        """The name of its wait; the same for all who enqueue it."""
        return f"batch-{self.batch}-{self.seq}"


class DurableQueue:
    """See the module. One in a process, from `open_queue`."""

    def __init__(self, database: Database, executor: str) -> None:
        self.executor = executor
        self._database = database
        self._waits = Waits(database)

    async def enqueue(self, waiting: Waiting) -> None:
        """Let the batch wait for its turn; a batch that waits already is not put in twice."""
        options: EnqueueOptions = {
            "queue_name": waiting.work,
            "workflow_name": WORKFLOW,
            "workflow_id": waiting.workflow,
            "queue_partition_key": f"account-{waiting.owner}",
            "app_version": VERSION,
        }
        await DBOS.enqueue_workflow_with_options_async(options, waiting.batch, waiting.seq)

    async def states(self, workflows: Sequence[str]) -> dict[str, str]:
        """The engine's states of these waits; those it does not know are absent."""
        if not workflows:
            return {}
        found = await DBOS.list_workflows_async(workflow_ids=list(workflows), load_input=False, load_output=False)
        return {status.workflow_id: status.status for status in found}

    async def abandoned(self, alive: Collection[str]) -> list[str]:
        """Waits that were begun by a process which is not among those alive."""
        found = await DBOS.list_workflows_async(status="PENDING", load_input=False, load_output=False)
        return [status.workflow_id for status in found if status.executor_id not in alive]

    async def recover(self, workflows: Sequence[str]) -> None:
        """Have waits taken over whose process is gone."""
        if workflows:
            await DBOS.resume_workflows_async(list(workflows), queue_name=RECOVERY)

    async def forget(self, before: str, most: int = 1000) -> int:
        """Delete ended waits older than `before` (ISO 8601, UTC). Answers how many."""
        old = await DBOS.list_workflows_async(
            status=list(ENDED), end_time=before, limit=most, load_input=False, load_output=False
        )
        if old:
            await DBOS.delete_workflows_async([status.workflow_id for status in old])
        return len(old)

    def release(self) -> None:
        """Let this process's waits end."""
        self._waits.release()

    async def offer(self, batch: int, seq: int) -> None:
        """Offer the batch and wait until it is settled. May be begun again at any time, in any process."""
        async with self._database.transaction() as connection:
            await batches.offer(connection, batch, seq)
        await self._waits.settled(batch)


@asynccontextmanager
async def open_queue(database: Database, url: URL, executor: str | None = None) -> AsyncGenerator[DurableQueue]:
    """The queue, with this process taking its part of the waits. `url` is the database's, for DBOS's own connections.

    Its tables must be there: `migrate`.
    """
    queue = DurableQueue(database, executor or f"control-{uuid.uuid4().hex}")
    DBOS(
        config={
            "name": NAME,
            "system_database_url": url.render_as_string(hide_password=False),
            "dbos_system_schema": SCHEMA,
            "executor_id": queue.executor,
            "application_version": VERSION,
            "serializer": DBOSPortableJSONSerializer(),
            "sys_db_pool_size": 5,
            "sys_db_idle_transaction_timeout_sec": 10,
            "log_level": "WARNING",
            "scheduler_polling_interval_sec": 30.0,
            "run_migrations": False,
        }
    )
    _register(queue)
    DBOS.listen_queues([*QUEUES, RECOVERY])
    DBOS.launch()
    try:
        for work, (at_once, of_one) in QUEUES.items():
            await DBOS.register_queue_async(
                work, worker_concurrency=at_once, partition_concurrency=of_one, polling_interval_sec=0.5
            )
        await DBOS.register_queue_async(RECOVERY, worker_concurrency=128, polling_interval_sec=1.0)
        yield queue
    finally:
        queue.release()
        await _ended()


async def _ended() -> None:
    """End DBOS, when its waits have written their ends: one that is cut off goes on trying to, for a minute.

    DBOS puts its own threads in place of the loop's, and takes them away when it ends: the loop gets new ones.
    """
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as ending:
        await loop.run_in_executor(
            ending, partial(DBOS.destroy, destroy_registry=True, workflow_completion_timeout_sec=_LAST_SECONDS)
        )
    loop.set_default_executor(ThreadPoolExecutor(thread_name_prefix="asyncio"))


async def migrate(url: URL, role: str | None = None) -> None:
    """Bring DBOS's own schema up to date, and let `role` work with it. Call it under the lock of our migrations, as the owner."""
    address = url.render_as_string(hide_password=False)
    await asyncio.to_thread(DBOS.migrate, address, schema=SCHEMA, application_role=role)


def _register(queue: DurableQueue) -> None:
    @DBOS.step(name="offer", retries_allowed=True, max_attempts=10, interval_seconds=1, should_retry=_may_help)
    async def offer(batch: int, seq: int) -> None:
        await queue.offer(batch, seq)

    @DBOS.workflow(name=WORKFLOW)
    async def offer_batch(batch: int, seq: int) -> None:
        await offer(batch, seq)

    del offer_batch  # DBOS knows it by its name


async def _may_help(problem: BaseException) -> bool:
    return isinstance(problem, MoverError)
