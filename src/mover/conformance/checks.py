"""What a check is, and the tools all checks share.

pytest runs them over every connector and every server we can start (`tests/test_conformance.py`); a user runs the same ones
over a real account with `mover connection check --deep`. `suite` lists them all, `run` runs them.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Generator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

from mover.core.connector import Connector
from mover.core.errors import MoverError, NotFound
from mover.core.model import Cursor, Entry, ItemId, Kind, Page
from mover.core.spec import Cap, Limits, Spec

PAGES: Final = 100_000
"""A listing of more pages than this is taken for one that never ends."""

T = TypeVar("T")


class CheckFailed(AssertionError):  # reads as a sentence where it is raised
    """A connector did not keep a promise; the text says what was expected and what came."""


class DoesNotApply(Exception):  # reads as a sentence where it is raised
    """A check has nothing to look at here; the text says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one check works: an open connection and a fresh, empty folder of its own.

    `path` is the folder's path below the root, joined by "/". `again` opens a second connection to the same account.
    """

    connector: Connector
    folder: ItemId
    path: str
    spec: Spec
    again: Callable[[], AbstractAsyncContextManager[Connector]]

    @property
    def limits(self) -> Limits:
        """What the provider can hold."""
        return self.spec.limits

    def able(self, protocol: type[T]) -> T:
        """The connector as an implementation of an optional protocol. Raises `CheckFailed` if it is none."""
        if not isinstance(self.connector, protocol):
            raise CheckFailed(f"declares what it does not implement: {protocol.__name__}")
        return self.connector


@dataclass(frozen=True, slots=True)
class Check:
    """One promise: its text for users, the capabilities it needs, and the function that tries it.

    `group` is the module it stands in. A `slow` check makes many items or moves many bytes: minutes over a real account.
    """

    name: str
    group: str
    promise: str
    needs: Cap
    slow: bool
    run: Callable[[Place], Awaitable[None]]


CHECKS: Final[list[Check]] = []
"""Every check of the modules imported so far; import `suite` to have all of them."""


def check(needs: Cap = Cap.NONE, *, slow: bool = False) -> Callable[[Callable[[Place], Awaitable[None]]], None]:
    """Register an async function as a check; its docstring is the promise that users read."""

    def add(run: Callable[[Place], Awaitable[None]]) -> None:
        name, group = str(getattr(run, "__name__", run)), run.__module__.rpartition(".")[2]
        CHECKS.append(Check(name, group, " ".join((inspect.getdoc(run) or "").split()), needs, slow, run))

    return add


def expect(condition: object, otherwise: str) -> None:
    """Raise `CheckFailed` with the text unless the condition holds (also under `python -O`)."""
    if not condition:
        raise CheckFailed(otherwise)


@contextmanager
def refusal(*errors: type[MoverError], of: str) -> Generator[None]:
    """The block must raise one of `errors`; `of` names what is tried ("reading a removed file")."""
    wanted = " or ".join(e.__name__ for e in errors)
    try:
        yield
    except errors:
        return
    except MoverError as error:
        raise CheckFailed(f"{of} raised {type(error).__name__} ({error}), not {wanted}") from error
    raise CheckFailed(f"{of} was accepted; it must raise {wanted}")


async def listing(connector: Connector, folder: ItemId) -> list[Entry]:
    """All entries of a folder, over all pages. Raises `CheckFailed` if the pages never end."""
    found: list[Entry] = []
    after: Cursor | None = None
    for _ in range(PAGES):
        page = await _page(connector, folder, after)
        found += page.entries
        after = page.next
        if after is None:
            return found
    raise CheckFailed(f"the listing did not end after {PAGES} pages")


async def _page(connector: Connector, folder: ItemId, after: Cursor | None) -> Page:
    try:
        return await connector.list(folder, after)
    except NotFound:
        # Where folders are only prefixes of keys, an empty one is not there.
        if connector.caps & Cap.EMPTY_FOLDERS:
            raise
        return Page(())


async def names(connector: Connector, folder: ItemId) -> list[str]:
    """The names in a folder, sorted."""
    return sorted(e.name for e in await listing(connector, folder))


async def emptied(connector: Connector, folder: ItemId) -> None:
    """Remove everything below a folder, deepest first; the folder itself stays."""
    for entry in await listing(connector, folder):
        if entry.kind is Kind.FOLDER:
            await emptied(connector, entry.id)
        await connector.remove(entry.id)
