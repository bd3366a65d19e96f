"""Connections that break after any number of bytes, in TLS and SSH alike: the run goes on, and nothing is partial."""

from __future__ import annotations

import random
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from tests.faults.hurried import Hurried
from tests.faults.oracle import must_be_finished, planted
from tests.sites.base import Site
from tests.sites.fault_proxy import Seen, tcp_proxy
from tests.witness.moving import Moved, local, move, place

from mover.core.states import State
from mover.engine.settings import RunSettings

pytestmark = pytest.mark.anyio

Sites = Callable[[str], Site]

CUTS: Final = 4
"""Connections that are cut before the network is well again: fewer than the attempts that an item has."""

SPARED: Final = 20_000
"""Bytes that every connection carries: signing in itself succeeds, as a run that cannot begin is rightly an error."""


def cutting(seed: int, cuts: int = CUTS) -> Callable[[int], tuple[int, int] | None]:
    """Cut the first `cuts` connections after so many random bytes in either direction."""
    chance = random.Random(seed)

    def cut_after(number: int) -> tuple[int, int] | None:
        spared = SPARED if number else 2 * SPARED
        return (spared + chance.randrange(200_000), spared + chance.randrange(200_000)) if number < cuts else None

    return cut_after


def address(site: Site) -> tuple[str, int]:
    """Where a site listens."""
    if "port" in site.options:
        return "127.0.0.1", int(str(site.options["port"]))
    parts = urlsplit(str(site.options.get("endpoint") or site.options["url"]))
    assert parts.port is not None
    return "127.0.0.1", parts.port


def through(site: Site, seen: Seen, tmp_path: Path) -> dict[str, str | int]:
    """The options that lead to the proxy. An SSH server is known under its address and port."""
    _, port = address(site)
    if site.connector == "sftp":
        known = tmp_path / f"known hosts {seen.port}"
        known.write_text(f"[127.0.0.1]:{seen.port} {site.notes['host_key']}\n")
        return {"port": seen.port, "known_hosts": str(known)}
    if "port" in site.options:
        return {"port": seen.port}
    name = "endpoint" if "endpoint" in site.options else "url"
    return {name: str(site.options[name]).replace(f":{port}", f":{seen.port}")}


async def until_done(run: Callable[[], Awaitable[Moved]]) -> list[Moved]:
    """Passes until one is done: a link that is lost pauses a run, and somebody resumes it."""
    passes: list[Moved] = []
    while not passes or passes[-1].ending.state == "paused":
        assert len(passes) < CUTS + 2, [moved.ending for moved in passes]
        passes.append(await run())
    return passes


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", ["openssh", "rclone_s3", "apache_dav"])
async def test_reading_goes_on_over_cut_connections(name: str, seed: int, site: Sites, tmp_path: Path) -> None:
    here, folder = site(name), f"cut {secrets.token_hex(4)}"
    content = planted(tmp_path / "plain", seed)
    assert (await move(local(tmp_path / "plain"), place(here, folder), tmp_path / "put")).not_done() == {}
    async with tcp_proxy(*address(here), cutting(seed)) as seen:
        source = place(here, folder, **through(here, seen, tmp_path))
        passes = await until_done(
            lambda: move(source, local(tmp_path / "back"), tmp_path / "home", clock=Hurried(), settings=FEW)
        )
    assert any(moved.progress.attempts_failed for moved in passes) or len(passes) > 1, "nothing was cut"
    must_be_finished(passes[-1], content, tmp_path / "back")


@pytest.mark.parametrize("seed", [3, 4])
@pytest.mark.parametrize("name", ["openssh", "rclone_s3", "apache_dav"])
async def test_writing_goes_on_over_cut_connections(name: str, seed: int, site: Sites, tmp_path: Path) -> None:
    here, folder = site(name), f"cut {secrets.token_hex(4)}"
    assert here.folder is not None
    content = planted(tmp_path / "plain", seed)
    async with tcp_proxy(*address(here), cutting(seed)) as seen:
        destination = place(here, folder, **through(here, seen, tmp_path))
        passes = await until_done(
            lambda: move(local(tmp_path / "plain"), destination, tmp_path / "home", clock=Hurried(), settings=FEW)
        )
    assert any(moved.progress.attempts_failed for moved in passes) or len(passes) > 1, "nothing was cut"
    last = passes[-1]
    must_be_finished(last, content, here.folder / folder)
    assert last.counts[State.COPIED][0] == len(content)


FEW: Final = RunSettings(transfers=6, large_transfers=2, scanners=2)
"""Hands; fewer connections, so that more of them carry enough to be cut."""
