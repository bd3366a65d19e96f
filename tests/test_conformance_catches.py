"""Every check passes on an honest connector and fails on one that breaks its promise: a check that cannot fail is none."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from tests.breaks import BREAKS, broken
from tests.complete import SPEC, Complete

from mover.conformance.checks import Check
from mover.conformance.run import Outcome, outcome_of, own_place, room, run_checks
from mover.conformance.suite import ALL
from mover.connectors.registry import spec
from mover.core.connector import Connector
from mover.core.errors import BadOption, MoverError
from mover.core.options import Options

pytestmark = pytest.mark.anyio


async def judged(check: Check, *, honest: bool) -> Outcome:
    connector = Complete()

    @asynccontextmanager
    async def same() -> AsyncGenerator[Connector]:
        yield connector

    def again() -> AbstractAsyncContextManager[Connector]:
        return same()

    async with (
        room(connector) as (folder, path),
        own_place(connector, SPEC, again, folder=folder, path=path, name=check.name) as place,
    ):
        with contextlib.nullcontext() if honest else broken(connector, check.name):
            return await outcome_of(check, place)


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.name)
async def test_honest_passes_and_broken_fails(check: Check) -> None:
    if check.name == "declares_what_it_has":
        return  # the next test
    outcome = await judged(check, honest=True)
    assert (outcome.result, outcome.detail) == ("passed", "")
    outcome = await judged(check, honest=False)
    assert outcome.result == "failed"
    assert outcome.detail


async def test_what_is_declared_and_not_there_is_found_and_the_other_way_round() -> None:
    (check,) = (c for c in ALL if c.name == "declares_what_it_has")
    for connector, of in ((Complete(), spec("memory")), (_Poor(), SPEC)):
        async with room(connector) as (folder, path):
            place = own_place(connector, of, _nowhere, folder=folder, path=path, name="x")
            async with place as own:
                assert (await outcome_of(check, own)).result == "failed"


def test_breaks_are_of_checks_that_there_are() -> None:
    assert set(BREAKS) - {check.name for check in ALL} == set()


async def test_all_checks_over_a_users_connection(tmp_path: Path) -> None:
    heard: list[Outcome] = []
    options = Options(spec("local"), {"path": str(tmp_path)})
    outcomes = await run_checks(options, slow=False, progress=heard.append)
    assert heard == outcomes
    assert [o.check for o in outcomes] == [c for c in ALL if not c.slow]
    assert [o for o in outcomes if o.result == "failed"] == []
    assert {o.result for o in outcomes} == {"passed", "skipped"}
    assert all(o.detail for o in outcomes if o.result == "skipped")
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240  # nothing else runs here


async def test_the_folder_is_removed_also_when_a_check_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lies(*_: object) -> None: ...

    options = Options(spec("local"), {"path": str(tmp_path)})
    monkeypatch.setattr("mover.connectors.local.client.Local.set_modified", lies)
    (outcome,) = await run_checks(options, only=["modified_can_be_set"])
    assert outcome.result == "failed"
    assert "sent was" in outcome.detail
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240  # nothing else runs here


async def test_a_bug_in_a_connector_is_a_finding_and_its_text_stays_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(*_: object) -> None:
        raise KeyError("a password, perhaps")

    monkeypatch.setattr("mover.connectors.local.client.Local.set_modified", breaks)
    (outcome,) = await run_checks(Options(spec("local"), {"path": str(tmp_path)}), only=["modified_can_be_set"])
    assert (outcome.result, outcome.detail) == ("failed", "raised KeyError, which is no error of Mover")


async def test_an_unknown_check_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadOption, match="there is no check nonsense"):
        await run_checks(Options(spec("memory"), {}), only=["nonsense"])


async def test_a_connection_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    with pytest.raises(MoverError):
        await run_checks(Options(spec("local"), {"path": str(tmp_path / "gone")}))


class _Poor(Complete):
    """Declares all and has lost one."""

    find = None  # type: ignore[assignment]  # that is the point


def _nowhere() -> AbstractAsyncContextManager[Connector]:
    raise NotImplementedError
