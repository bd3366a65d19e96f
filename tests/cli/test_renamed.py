"""`mover connection rename`: secrets open under the new name, and runs go on."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from tests.cli.command import Command, ended, filled, found, until

from mover.boot import renaming
from mover.boot.addresses import connection_of
from mover.boot.connections import Connections
from mover.boot.home import Home
from mover.core.errors import Sealed, UnknownConnection


def saved(mover: Command, name: str, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    assert mover("connection", "add", "local", "--name", name, "--path", folder).code == 0


def addresses(mover: Command) -> list[tuple[str, str]]:
    return [(r["source"], r["destination"]) for r in mover("run", "list", "--format", "json").json]


def test_secrets_are_sealed_for_the_new_name(mover: Command, tmp_path: Path):
    add = ("connection", "add", "sftp", "--host", "h", "--user", "me", "--password-file", "-", "--name", "old")
    assert mover(*add, stdin="first").code == 0
    done = mover("connection", "rename", "old", "new")
    assert (done.code, done.err.strip()) == (0, "old is new now")
    connections = Connections(Home(mover.home, mover.home / "spool"))
    secret = connections.options("new").secret("password")
    assert secret is not None and secret.reveal() == "first"
    with pytest.raises(UnknownConnection):
        connections.options("old")
    kept = json.loads((mover.home / "connections.json").read_text())["connections"]
    assert list(kept) == ["new"]
    kept["old"] = kept["new"]
    (mover.home / "connections.json").write_text(json.dumps({"connections": kept, "format": 1}))
    with pytest.raises(Sealed):
        connections.options("old")


def test_what_is_refused_changes_nothing(mover: Command, tmp_path: Path):
    saved(mover, "one", tmp_path / "a")
    saved(mover, "two", tmp_path / "b")
    before = (mover.home / "connections.json").read_bytes()
    taken = mover("connection", "rename", "one", "two")
    assert taken.code == 2 and "there is a connection two already" in taken.err
    assert mover("connection", "rename", "one", "x").code == 2
    assert mover("connection", "rename", "on", "three").code == 4
    assert mover("connection", "rename", "one", "one").code == 2
    assert (mover.home / "connections.json").read_bytes() == before


def test_an_unfinished_run_goes_on_under_the_new_name(mover: Command, tmp_path: Path):
    saved(mover, "old", tmp_path / "there")
    files = filled(tmp_path / "from")
    process = mover.begin("copy", tmp_path / "from", "old:in", "--bwlimit", "400K", "--transfers", "4")
    until(lambda: len(found(tmp_path / "there")) > 4, process)
    busy = mover("connection", "rename", "old", "new")
    assert busy.code == 5 and "another process works on run 1" in busy.err
    assert addresses(mover) == [(str(tmp_path / "from"), "old:in")]
    assert ended(process, signal.SIGINT).code == 130
    done = mover("connection", "rename", "old", "new")
    assert (done.code, done.err.strip()) == (0, "old is new now, in 1 run too")
    assert addresses(mover) == [(str(tmp_path / "from"), "new:in")]
    again = mover("copy", tmp_path / "from", "new:in")
    assert again.code == 0 and "run 1 goes on" in again.err, again.err
    assert found(tmp_path / "there/in") == files


def test_runs_of_other_places_stay_as_they_are(mover: Command, tmp_path: Path):
    saved(mover, "old", tmp_path / "a")
    saved(mover, "older", tmp_path / "b")
    filled(tmp_path / "a", files=2)
    (tmp_path / "old:x").mkdir()
    mover("copy", "old:d0", "older:")
    mover("copy", "./old:x", "older:x", cwd=tmp_path)
    assert mover("connection", "rename", "old", "new").code == 0
    assert sorted(addresses(mover)) == [(str(tmp_path / "old:x"), "older:x"), ("new:d0", "older:")]
    assert mover("run", "resume", 1).code == 0


@pytest.mark.parametrize(
    ("address", "name"),
    [("sftp:x", "sftp"), ("sftp://host/x", None), ("/old:x", None), ("c:x", None), ("a-b_1:", "a-b_1"), ("old", None)],
)
def test_only_a_saved_connection_is_renamed_in_an_address(address: str, name: str | None):
    assert connection_of(address) == name


def test_a_crash_half_way_loses_nothing(mover: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    saved(mover, "old", tmp_path / "there")
    filled(tmp_path / "from", files=2)
    mover("copy", tmp_path / "from", "old:")

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(renaming, "_renamed", crash)
    with pytest.raises(KeyboardInterrupt):
        renaming.rename(Home(mover.home, mover.home / "spool"), "old", "new")
    names = [c["name"] for c in mover("connection", "list", "--format", "json").json]
    assert names == ["new", "old"]
    assert mover("run", "resume", 1).code == 0
