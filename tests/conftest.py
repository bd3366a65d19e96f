"""Fixtures that all tests share: the event loop's kind, and sites (real servers) by name."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator
from contextlib import AbstractAsyncContextManager, ExitStack

import pytest
from tests.running import Rooms, Running, load_sites, options_of, sites_home
from tests.sites.base import Site

from mover.connectors.registry import connect
from mover.core.connector import Connector

pytest_plugins = ["tests.postgres"]

load_sites()

# Servers run in sessions of their own: a plain SIGTERM (`timeout 60 pytest`) would leave them behind.
signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    """The process that starts the workers keeps the folder of all their sites."""
    if not hasattr(config, "workerinput"):
        home = ExitStack()
        home.enter_context(sites_home())
        config.add_cleanup(home.close)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What shares a server runs in one worker: the checks of a site, or the tests of a file."""
    for item in items:
        parameters = getattr(item, "callspec", None)
        site = parameters.params.get("name") if parameters and item.path.name == "test_conformance.py" else None
        item.add_marker(pytest.mark.xdist_group(site or item.path.as_posix()))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Mover runs on asyncio only."""
    return "asyncio"


@pytest.fixture(scope="session")
def running_sites() -> Generator[Running]:
    """Every site of this session."""
    running = Running()
    yield running
    running.close()


@pytest.fixture(scope="session")
def rooms(running_sites: Running) -> Generator[Rooms]:
    """The connections that the conformance tests share."""
    rooms = Rooms(running_sites)
    yield rooms
    rooms.close()


@pytest.fixture(scope="session")
def site(running_sites: Running) -> Callable[[str], Site]:
    """`site("vsftpd")`: the running server. Skips, or fails under MOVER_MUST_RUN, where it is missing."""
    return running_sites


@pytest.fixture(scope="session")
def open_site(running_sites: Running) -> Callable[[str], AbstractAsyncContextManager[Connector]]:
    """Opens a connection of the test's own to the site of a name; an async context manager."""
    return lambda name: connect(options_of(running_sites(name)))
