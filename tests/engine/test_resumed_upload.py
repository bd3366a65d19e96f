"""A large file that was begun by a process that is gone: what it sent is held to proof like everything else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

import pytest
from tests.engine.harness import run

from mover.connectors.registry import connect, spec
from mover.core.connector import Connector, Part, Upload
from mover.core.errors import BadCredentials, MoverError, Unreachable
from mover.core.model import Body
from mover.core.options import Options
from mover.core.states import State

pytestmark = pytest.mark.anyio

LOCAL = spec("local")
SIZE = 40 << 20


class Failing:
    """A local folder that takes only so many parts."""

    def __init__(self, inner: Connector, problem: MoverError) -> None:
        self._inner = inner
        self._problem = problem
        self.left = 3
        self.sent = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def write_part(self, upload: Upload, number: int, body: Body) -> Part:
        if not self.left:
            raise self._problem
        self.left -= 1
        self.sent += 1
        return await self._inner.write_part(upload, number, body)  # type: ignore[attr-defined]  # local has it


@pytest.mark.parametrize("damaged", [False, True])
@pytest.mark.parametrize("problem", [BadCredentials("no"), Unreachable("gone for a moment")])
async def test_what_an_earlier_process_sent_is_proved(tmp_path: Path, damaged: bool, problem: MoverError) -> None:  # noqa: FBT001  # a parameter of a test
    source, destination = tmp_path / "source", tmp_path / "destination"
    source.mkdir()
    destination.mkdir()
    (source / "f").write_bytes(data := os.urandom(SIZE))
    async with (
        connect(Options(LOCAL, {"path": str(source)})) as one,
        connect(Options(LOCAL, {"path": str(destination)})) as other,
    ):
        failing = Failing(other, problem)
        there = cast("Connector", failing)
        first = await run(one, there, journal=tmp_path / "journal", specs=(LOCAL, LOCAL))
        assert State.COPIED not in first.counts
        (part,) = destination.iterdir()
        if damaged:
            with part.open("r+b") as file:
                file.seek(1 << 20)
                file.write(bytes(1 << 20))
        failing.left, failing.sent = 100, 0
        done = await run(one, there, journal=tmp_path / "journal", specs=(LOCAL, LOCAL))
    assert (destination / "f").read_bytes() == data
    proof = done.lines["f"].proof
    assert proof is not None
    assert (proof.method, proof.source) == ("read-back", proof.destination)
    assert failing.sent == (2 + 5 if damaged else 2), "it goes on inside the file"


async def test_something_else_in_place_of_what_was_sent(tmp_path: Path) -> None:
    source, destination = tmp_path / "source", tmp_path / "destination"
    source.mkdir()
    destination.mkdir()
    (source / "f").write_bytes(data := os.urandom(SIZE))
    async with (
        connect(Options(LOCAL, {"path": str(source)})) as one,
        connect(Options(LOCAL, {"path": str(destination)})) as other,
    ):
        failing = Failing(other, BadCredentials("no"))
        await run(one, cast("Connector", failing), journal=tmp_path / "journal", specs=(LOCAL, LOCAL))
        (part,) = destination.iterdir()
        part.unlink()
        os.mkfifo(part)
        failing.left = 100
        await run(one, cast("Connector", failing), journal=tmp_path / "journal", specs=(LOCAL, LOCAL))
    assert (destination / "f").read_bytes() == data
