"""A large file that was begun by a process that is gone: what it sent is held to proof like everything else."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from tests.engine.harness import Result, run

from mover.connectors.registry import connect, spec
from mover.core.connector import Connector, Part, Upload, WritesParts
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
        return await cast("WritesParts", self._inner).write_part(upload, number, body)


@dataclass
class Begun:
    """A run that ended while it sent its only file."""

    data: bytes
    failing: Failing
    folder: Path
    source: Connector
    journal: Path

    async def run(self) -> Result:
        return await run(self.source, cast("Connector", self.failing), journal=self.journal, specs=(LOCAL, LOCAL))

    @property
    def part(self) -> Path:
        (part,) = self.folder.iterdir()
        return part

    async def go_on(self) -> Result:
        """Run it once more, to its end."""
        self.failing.left, self.failing.sent = 100, 0
        done = await self.run()
        assert (self.folder / "f").read_bytes() == self.data
        return done


@asynccontextmanager
async def begun(place: Path, problem: MoverError) -> AsyncIterator[Begun]:
    source, destination = place / "source", place / "destination"
    source.mkdir()
    destination.mkdir()
    (source / "f").write_bytes(data := os.urandom(SIZE))
    async with (
        connect(Options(LOCAL, {"path": str(source)})) as one,
        connect(Options(LOCAL, {"path": str(destination)})) as other,
    ):
        upload = Begun(data, Failing(other, problem), destination, one, place / "journal")
        assert State.COPIED not in (await upload.run()).counts
        yield upload


def overwritten(part: Path) -> None:
    with part.open("r+b") as file:
        file.seek(1 << 20)
        file.write(bytes(1 << 20))


@pytest.mark.parametrize("problem", [BadCredentials("no"), Unreachable("gone for a moment")])
async def test_what_an_earlier_process_sent_is_proved(tmp_path: Path, problem: MoverError) -> None:
    async with begun(tmp_path, problem) as upload:
        done = await upload.go_on()
        assert upload.failing.sent == 2, "it goes on inside the file"
    proof = done.lines["f"].proof
    assert proof is not None
    assert (proof.method, proof.source) == ("read-back", proof.destination)


@pytest.mark.parametrize("problem", [BadCredentials("no"), Unreachable("gone for a moment")])
async def test_what_was_damaged_since_is_sent_again(tmp_path: Path, problem: MoverError) -> None:
    async with begun(tmp_path, problem) as upload:
        overwritten(upload.part)
        await upload.go_on()
        assert upload.failing.sent == 2 + 5, "it went on, found the damage, and sent all of it again"


async def test_something_else_in_place_of_what_was_sent(tmp_path: Path) -> None:
    async with begun(tmp_path, BadCredentials("no")) as upload:
        part = upload.part
        part.unlink()
        os.mkfifo(part)
        await upload.go_on()
