"""Servers that throttle, fail, lose answers and damage bytes: everything arrives, or is said not to have."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from email.utils import formatdate
from pathlib import Path
from typing import Final

import pytest
from tests.faults.hurried import Hurried
from tests.faults.oracle import MAY_FAIL, must_be_finished, must_hold, planted
from tests.sites.base import Site
from tests.sites.fault_proxy import Fault, Message, Script, Seen, chance_of, http_proxy
from tests.witness.moving import Moved, local, move, place

from mover.core.states import State
from mover.engine.settings import RunSettings
from mover.runner.ends import End

pytestmark = pytest.mark.anyio

Sites = Callable[[str], Site]

PASSING: Final = (
    Fault("refuse", 429, (("Retry-After", "7"),)),
    Fault("refuse", 503, (("Retry-After", "11"),)),
    Fault("refuse", 500),
    Fault("refuse", 502),
    Fault("lose", 500),
    Fault("lose", 502),
    Fault("cut"),
    Fault("truncate"),
    Fault("slow"),
)
SEEDS: Final = (1, 2, 3)


def proxied(site: Site, script: Script) -> AbstractAsyncContextManager[Seen]:
    """A bad network before an HTTP site."""
    address = str(site.options["endpoint" if site.connector == "s3" else "url"])
    tls = Path(str(site.options["ca_file"])).parent if "ca_file" in site.options else None
    return http_proxy(address, tls, script, rewrite=site.connector == "webdav")


def through(site: Site, seen: Seen) -> dict[str, str]:
    """The option that leads to the proxy."""
    option = "endpoint" if site.connector == "s3" else "url"
    scheme, _, rest = str(site.options[option]).partition("://")
    path = rest.partition("/")[2]
    return {option: f"{scheme}://localhost:{seen.port}" + (f"/{path}" if site.connector == "webdav" else "")}


def on_files(request: Message) -> bool:
    """Requests about a file's bytes; a fault in signing in or listing may rightly end a run before it begins."""
    return request.method in ("GET", "PUT", "POST", "MOVE") and "list-type" not in request.target


async def resumed(source: End, destination: End, home: Path) -> Moved:
    """Passes until one is done: a server that throttles one file five times makes the run pause, and somebody resumes it."""
    for _ in range(5):
        moved = await move(source, destination, home, clock=Hurried())
        if moved.ending.state == "done":
            break
    return moved


async def downloaded(
    site: Site, script: Script, tmp_path: Path, content_seed: int
) -> tuple[Moved, Seen, dict[str, bytes]]:
    """A run from a site through a bad network to a local folder."""
    assert site.folder is not None
    folder = f"from {secrets.token_hex(4)}"
    content = planted(tmp_path / "plain", content_seed)
    put = await move(local(tmp_path / "plain"), place(site, folder), tmp_path / "put")
    assert put.not_done() == {}
    async with proxied(site, script) as seen:
        source = place(site, folder, **through(site, seen))
        moved = await resumed(source, local(tmp_path / "back"), tmp_path / "home")
    return moved, seen, content


async def uploaded(
    site: Site, script: Script, tmp_path: Path, content_seed: int
) -> tuple[Moved, Seen, dict[str, bytes], Path]:
    """A run from a local folder through a bad network to a site."""
    assert site.folder is not None
    folder = f"to {secrets.token_hex(4)}"
    content = planted(tmp_path / "plain", content_seed)
    async with proxied(site, script) as seen:
        destination = place(site, folder, **through(site, seen))
        moved = await resumed(local(tmp_path / "plain"), destination, tmp_path / "home")
    return moved, seen, content, site.folder / folder


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ["apache_dav", "rclone_s3"])
async def test_a_bad_source_loses_nothing(name: str, seed: int, site: Sites, tmp_path: Path) -> None:
    # Apache tells no digests: a byte that changes behind TLS on the way from there can be found by nobody.
    faults = (*PASSING, Fault("spoil")) if name == "rclone_s3" else PASSING
    script = chance_of(seed, 0.3, faults, of=on_files, most=60)
    moved, seen, content = await downloaded(site(name), script, tmp_path, seed)
    assert sum(seen.struck().values()) >= 20, seen.struck()
    must_hold(moved, content, tmp_path / "back", may_fail=MAY_FAIL)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ["apache_dav", "rclone_s3"])
async def test_a_bad_destination_loses_nothing(name: str, seed: int, site: Sites, tmp_path: Path) -> None:
    script = chance_of(seed, 0.3, (*PASSING, Fault("spoil-request")), of=on_files, most=60)
    moved, seen, content, there = await uploaded(site(name), script, tmp_path, seed)
    assert sum(seen.struck().values()) >= 20, seen.struck()
    must_hold(moved, content, there, may_fail=MAY_FAIL)


async def test_between_two_stores_with_faults_on_both_sides(site: Sites, tmp_path: Path) -> None:
    one, other, folder = site("rclone_s3"), site("moto"), secrets.token_hex(4)
    content = planted(tmp_path / "plain", 4)
    assert (await move(local(tmp_path / "plain"), place(one, folder), tmp_path / "put")).not_done() == {}
    scripts = [chance_of(seed, 0.2, PASSING, of=on_files, most=40) for seed in (5, 6)]
    async with proxied(one, scripts[0]) as first, proxied(other, scripts[1]) as second:
        source = place(one, folder, **through(one, first))
        destination = place(other, folder, **through(other, second))
        moved = await resumed(source, destination, tmp_path / "home")
    back = await move(place(other, folder), local(tmp_path / "back"), tmp_path / "back-home")
    assert set(back.lines) == {path for path, line in moved.lines.items() if line.state is State.COPIED}
    must_hold(moved, content, tmp_path / "back", may_fail=MAY_FAIL)


async def test_from_sftp_to_a_store_that_fails(site: Sites, tmp_path: Path) -> None:
    source, store, folder = site("openssh"), site("rclone_s3"), secrets.token_hex(4)
    assert source.folder is not None and store.folder is not None
    content = planted(source.folder / folder, 7)
    async with proxied(store, chance_of(7, 0.3, PASSING, of=on_files, most=60)) as seen:
        destination = place(store, folder, **through(store, seen))
        moved = await resumed(place(source, folder), destination, tmp_path / "home")
    assert sum(seen.struck().values()) >= 20, seen.struck()
    must_hold(moved, content, store.folder / folder, may_fail=MAY_FAIL)


async def test_an_answer_lost_after_the_commit_is_no_failure(site: Sites, tmp_path: Path) -> None:
    """Each file's first PUT is done by the server, which then says 500."""
    known: set[str] = set()

    def script(request: Message) -> Fault | None:
        if request.method != "PUT" or not request.body or request.target in known:
            return None
        known.add(request.target)
        return Fault("lose", 500)

    moved, seen, content, there = await uploaded(site("rclone_s3"), script, tmp_path, 8)
    assert seen.struck()["lose 500"] >= sum(map(bool, content.values()))
    must_be_finished(moved, content, there)


@pytest.mark.parametrize("name", ["apache_dav", "rclone_s3"])
async def test_a_damaged_byte_is_found_by_digest_or_by_reading_back(name: str, site: Sites, tmp_path: Path) -> None:
    """Every third PUT has one byte changed on its way; none of it stays."""
    count = iter(range(1 << 30))

    def script(request: Message) -> Fault | None:
        return Fault("spoil-request") if request.method == "PUT" and request.body and next(count) % 3 == 0 else None

    moved, seen, content, there = await uploaded(site(name), script, tmp_path, 9)
    assert seen.struck()["spoil-request"] >= 10
    must_hold(moved, content, there, may_fail={"item-damaged"})
    assert moved.counts[State.COPIED][0] >= 0.9 * len(content)


@pytest.mark.parametrize(
    ("status", "header"), [(429, "seconds"), (503, "seconds"), (429, "date"), (503, "date")], ids=str
)
@pytest.mark.parametrize("name", ["apache_dav", "rclone_s3"])
async def test_retry_after_is_respected_in_both_forms(
    name: str, status: int, header: str, site: Sites, tmp_path: Path
) -> None:
    here, clock, folder = site(name), Hurried(), secrets.token_hex(4)
    arrived: list[tuple[float, bool]] = []

    def script(request: Message) -> Fault | None:
        strikes = request.method == "PUT" and sum(struck for _, struck in arrived) < 3
        arrived.append((clock.monotonic(), strikes))
        value = "40" if header == "seconds" else formatdate(time.time() + 40, usegmt=True)
        return Fault("refuse", status, (("Retry-After", value),)) if strikes else None

    content = planted(tmp_path / "plain", 10, files=12)
    assert here.folder is not None
    async with proxied(here, script) as seen:
        destination, alone = (
            place(here, folder, **through(here, seen)),
            RunSettings(transfers=1, large_transfers=1, scanners=1),
        )
        moved = await move(local(tmp_path / "plain"), destination, tmp_path / "home", clock=clock, settings=alone)
    must_be_finished(moved, content, here.folder / folder)
    struck = [at for at, strikes in arrived if strikes]
    assert len(struck) == 3
    for at in struck:
        early = [later - at for later, _ in arrived if at + 2 < later < at + 38]
        assert early == [], "a request was sent before its time"
    assert len([seconds for seconds in clock.slept if seconds >= 38]) >= 3


@pytest.mark.parametrize("name", ["apache_dav", "rclone_s3"])
async def test_expired_credentials_pause_the_run_and_it_goes_on(name: str, site: Sites, tmp_path: Path) -> None:
    here, folder = site(name), secrets.token_hex(4)
    assert here.folder is not None
    content = planted(tmp_path / "plain", 11)
    puts = iter(range(1 << 30))
    expired = [False]

    def script(request: Message) -> Fault | None:
        if request.method == "PUT" and next(puts) > 40:
            expired[0] = True
        return Fault("refuse", 401) if expired[0] else None

    async with proxied(here, script) as seen:
        destination = place(here, folder, **through(here, seen))
        first = await move(local(tmp_path / "plain"), destination, tmp_path / "home", clock=Hurried())
    assert first.ending.state == "paused"
    assert first.ending.problem is not None and first.ending.problem.code == "credentials-refused"
    assert first.ending.problem.exit_code == 7
    done = {path for path, line in first.lines.items() if line.state is State.COPIED}
    assert 40 - RunSettings().transfers <= len(done) < len(content), "all that went through but those in hand"
    second = await move(local(tmp_path / "plain"), place(here, folder), tmp_path / "home")
    must_be_finished(second, content, here.folder / folder)
    assert second.counts[State.COPIED][0] == len(content)
    assert second.progress.bytes_moved < sum(map(len, content.values()))
