"""The sites that a test session started, and a connection to each that the conformance tests share."""

from __future__ import annotations

import asyncio
import importlib
import os
import re
import shutil
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest
from tests.sites.base import SITES, Missing, Site

from mover.conformance.checks import Check
from mover.conformance.run import Outcome, outcome_of, own_place, room
from mover.connectors.registry import connect, spec
from mover.core.connector import Connector
from mover.core.model import ItemId
from mover.core.options import Options

MUST_RUN: Final = frozenset(re.split(r"[,\s]+", os.environ.get("MOVER_MUST_RUN", "").strip())) - {""}
"""Sites that must not be skipped here, by name; `all` is every one."""

BROKEN: Final[dict[str, str]] = {}
"""Modules of sites that could not be imported, and why."""


SITES_HOME: Final = "MOVER_SITES_HOME"
"""The variable that names the folder of this run's sites: the process that starts the workers makes and removes it."""


@contextmanager
def sites_home() -> Generator[None]:
    """A folder for the sites of all workers. It goes with the run, also when that is interrupted and workers end without cleaning up."""
    with tempfile.TemporaryDirectory(prefix="mover-sites-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o755)
        os.environ[SITES_HOME] = home
        try:
            yield
        finally:
            del os.environ[SITES_HOME]


def load_sites() -> tuple[str, ...]:
    """Import every module of `tests/sites`, so that each registers its sites; answers their names."""
    for path in sorted((Path(__file__).parent / "sites").glob("*.py")):
        try:
            importlib.import_module(f"tests.sites.{path.stem}")
        except Exception as error:  # noqa: BLE001  # one broken site must not hide all others; a test reports it
            BROKEN[path.stem] = f"{type(error).__name__}: {error}"
    return tuple(sorted(SITES))


class Running:
    """Sites, each started when it is first asked for and ended with the session."""

    def __init__(self) -> None:
        # Not pytest's own folder: servers that run as another user must be able to enter it.
        self._home = Path(tempfile.mkdtemp(prefix="worker-", dir=os.environ[SITES_HOME]))
        self._home.chmod(0o755)
        self._stack = ExitStack()
        self._known: dict[str, Site | Exception] = {}

    def __call__(self, name: str) -> Site:
        """The running site. Skips the test if it is missing here, and fails it if it must run (MOVER_MUST_RUN)."""
        if name not in self._known:
            self._known[name] = self._start(name)
        known = self._known[name]
        if isinstance(known, Site):
            return known
        if isinstance(known, Missing) and not MUST_RUN & {name, "all"}:
            pytest.skip(f"{name}: {known}")
        raise AssertionError(f"{name} must run here: {known}") from known

    def close(self) -> None:
        """End every server and remove what they left."""
        try:
            self._stack.close()
        finally:
            shutil.rmtree(self._home, ignore_errors=True)

    def _start(self, name: str) -> Site | Exception:
        folder = self._home / name
        folder.mkdir(mode=0o755)
        try:
            return self._stack.enter_context(SITES[name](folder))
        except Exception as error:  # noqa: BLE001  # kept, so that a server that will not start is tried once only
            return error


def options_of(site: Site) -> Options:
    """The checked options by which a connector reaches a site."""
    return Options(spec(site.connector), site.options)


class Rooms:
    """For each site one event loop, one connection and one folder, kept for all checks."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._rooms: dict[str, _Room] = {}
        self._stack = ExitStack()

    def run(self, name: str, check: Check) -> Outcome:
        """Run a check at a site, in a fresh folder."""
        site = self._running(name)
        if name not in self._rooms:
            self._rooms[name] = _Room(options_of(site))
            self._stack.callback(self._rooms[name].close)
        return self._rooms[name].run(check)

    def close(self) -> None:
        """Close every connection."""
        self._stack.close()


class _Room:
    """One connection, opened and closed by one task of its own: a connection may hold task groups that demand it."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._runner = asyncio.Runner()
        self._done = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._failed: Exception | None = None

    def run(self, check: Check) -> Outcome:
        if self._failed:
            raise AssertionError("the connection could not be opened") from self._failed
        return self._runner.run(self._run(check))

    def close(self) -> None:
        self._runner.run(self._end())
        self._runner.close()

    async def _run(self, check: Check) -> Outcome:
        if self._task is None:
            await self._open()
        place = own_place(
            self._connector,
            self._options.spec,
            lambda: connect(self._options),
            folder=self._folder,
            path=self._path,
            name=check.name,
        )
        async with place as own:
            return await outcome_of(check, own)

    async def _open(self) -> None:
        opened = asyncio.Event()
        self._task = asyncio.create_task(self._keep(opened))
        waiting = asyncio.create_task(opened.wait())
        await asyncio.wait({self._task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not opened.is_set():
            self._failed = self._task.exception()  # pyright: ignore[reportAttributeAccessIssue]  # nobody cancels it
            raise AssertionError("the connection could not be opened") from self._failed

    async def _keep(self, opened: asyncio.Event) -> None:
        async with connect(self._options) as connector, room(connector) as (folder, path):
            self._connector: Connector = connector
            self._folder: ItemId = folder
            self._path = path
            opened.set()
            await self._done.wait()

    async def _end(self) -> None:
        self._done.set()
        if self._task and not self._failed:
            await self._task
