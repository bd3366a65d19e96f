"""Runs the checks over one connection: in a folder of its own, which is gone afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Final, Literal, cast

from mover.conformance.checks import Check, DoesNotApply, Place, emptied
from mover.conformance.suite import ALL
from mover.connectors.registry import connect
from mover.core.connector import Connector
from mover.core.errors import BadOption, MoverError
from mover.core.model import ItemId
from mover.core.options import Options
from mover.core.spec import Spec

PATIENCE: Final = 600.0
"""How long one check may take, in seconds; over a slow line the large files need minutes."""

Opener = Callable[[], AbstractAsyncContextManager[Connector]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one check went. `detail` says why it failed or was skipped; it holds no secret. `error` may: it is for tests."""

    check: Check
    result: Literal["passed", "failed", "skipped"]
    detail: str = ""
    error: Exception | None = None


async def run_checks(
    options: Options,
    *,
    only: Collection[str] | None = None,
    slow: bool = True,
    progress: Callable[[Outcome], None] = lambda _: None,
) -> list[Outcome]:
    """Open the connection and run the checks (those named in `only`, if given; `slow` ones unless switched off).

    They work below a new folder `mover-check-...` in the connection's root, which is removed at the end, also after a
    failure. `progress` hears of every outcome at once.

    Raises:
        BadOption: `only` names a check that there is not.
        MoverError: the connection cannot be opened, or the folder cannot be made.
    """
    chosen = _chosen(only, slow=slow)
    outcomes: list[Outcome] = []

    def again() -> AbstractAsyncContextManager[Connector]:
        return connect(options)

    async with again() as connector, room(connector) as (folder, path):
        for check in chosen:
            async with own_place(connector, options.spec, again, folder=folder, path=path, name=check.name) as place:
                outcomes.append(await outcome_of(check, place))
            progress(outcomes[-1])
    return outcomes


@asynccontextmanager
async def room(connector: Connector) -> AsyncGenerator[tuple[ItemId, str]]:
    """A new folder in the root, with its path; it and everything in it is removed at the end."""
    name = f"mover-check-{secrets.token_hex(4)}"
    folder = (await connector.make_folder((await connector.root()).id, name)).id
    try:
        yield folder, name
    finally:
        await _removed(connector, folder)


@asynccontextmanager
async def own_place(
    connector: Connector, spec: Spec, again: Opener, *, folder: ItemId, path: str, name: str
) -> AsyncGenerator[Place]:
    """A fresh folder for one check, removed at the end."""
    made = await connector.make_folder(folder, name)
    try:
        yield Place(connector, made.id, f"{path}/{name}", spec, again)
    finally:
        await _removed(connector, made.id)


async def outcome_of(check: Check, place: Place) -> Outcome:
    """Run one check. Whatever it raises, except cancellation, becomes its outcome."""
    if lacking := check.needs & ~place.connector.caps:
        return Outcome(check, "skipped", f"the connection does not have {lacking.name}")
    try:
        async with asyncio.timeout(PATIENCE):
            await check.run(place)
    except DoesNotApply as why:
        return Outcome(check, "skipped", str(why))
    except Exception as error:  # noqa: BLE001  # a connector that raises anything else breaks a promise: that is the finding
        return Outcome(check, "failed", _told(error), error)
    return Outcome(check, "passed")


def _told(error: Exception) -> str:
    if isinstance(error, ExceptionGroup):
        return _told(cast("ExceptionGroup[Exception]", error).exceptions[0])
    if isinstance(error, MoverError):
        return f"{error.code}: {error.detail}"
    if isinstance(error, AssertionError):
        return str(error)
    if isinstance(error, TimeoutError):
        return f"it did not end within {PATIENCE:.0f} seconds"
    return f"raised {type(error).__name__}, which is no error of Mover"


def _chosen(only: Collection[str] | None, *, slow: bool) -> list[Check]:
    known = {check.name for check in ALL}
    if strange := sorted(set(only or ()) - known):
        raise BadOption(f"there is no check {strange[0]}; there are: {', '.join(sorted(known))}", item=strange[0])
    return [c for c in ALL if (c.name in only if only is not None else slow or not c.slow)]


async def _removed(connector: Connector, folder: ItemId) -> None:
    """Remove a folder and all in it. What cannot be removed stays: it must not hide how the check went."""
    with contextlib.suppress(MoverError):
        await emptied(connector, folder)
        await connector.remove(folder)
