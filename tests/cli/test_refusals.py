"""What is refused, with which exit code, and what the user is told to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.cli.command import Command, filled

from mover.boot.addresses import Asked, absolute, end_of
from mover.boot.connections import Connections
from mover.boot.home import Home
from mover.core.errors import BadAddress, BadOption, NotEncrypted, UnknownConnection
from mover.core.secret import Secret


@pytest.fixture
def connections(tmp_path: Path) -> Connections:
    return Connections(Home(tmp_path / "home", tmp_path / "spool"))


def end(connections: Connections, address: str, **more):
    return end_of(Asked("source", address, **more), connections)


def test_a_password_in_a_url_is_refused_and_not_repeated(mover: Command, tmp_path: Path):
    done = mover("copy", "sftp://me:canary@127.0.0.1/x", tmp_path / "to")
    assert done.code == 2
    assert "canary" not in done.out + done.err
    assert done.advice.startswith("Leave it out, change it")


def test_a_missing_source_is_not_found_and_leaves_no_run(mover: Command, tmp_path: Path):
    done = mover("copy", tmp_path / "nothing", tmp_path / "to")
    assert done.code == 4
    assert str(tmp_path / "nothing") in done.err
    assert mover("run", "list", "--format", "json").json == []


def test_an_unknown_connection_names_the_nearest(connections: Connections, tmp_path: Path):
    connections.add("photos", "local", {"path": str(tmp_path)})
    with pytest.raises(UnknownConnection, match="did you mean photos"):
        end(connections, "fotos:2026")
    assert end(connections, "photos:2026/").path == "2026"


def test_ftp_needs_consent(connections: Connections):
    with pytest.raises(NotEncrypted):
        end(connections, "ftp://h/x")
    assert end(connections, "ftp://h/x", options={"allow_unencrypted": "true"}).path == "x"


def test_urls(connections: Connections):
    sftp = end(connections, "sftp://me@h:2222/srv/a%20b")
    assert (sftp.options.text("host"), sftp.options.number("port"), sftp.options.text("user")) == ("h", 2222, "me")
    assert (sftp.options.text("path"), sftp.path) == ("/", "srv/a b")
    assert end(connections, "sftp://me@h/~/docs").path == "docs"
    assert end(connections, "sftp://me@[::1]:22/").options.text("host") == "::1"
    s3 = end(connections, "s3://Bucket/prefix/x", secrets={"secret_access_key": Secret("s")})
    assert (s3.options.text("bucket"), s3.path) == ("Bucket", "prefix/x")
    dav = end(connections, "webdavs://h/remote.php/dav")
    assert (dav.options.text("url"), dav.options.text("path")) == ("h", "/remote.php/dav")


@pytest.mark.parametrize("address", ["gopher://x/y", "s3://user@bucket/x", ""])
def test_addresses_that_cannot_be_read(connections: Connections, address: str):
    with pytest.raises(BadAddress):
        end(connections, address)


def test_paths_of_this_machine(connections: Connections, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a:b").mkdir()
    assert end(connections, "./a:b").options.text("path") == str(tmp_path / "a:b")
    assert end(connections, "c:x").path == "c:x"
    missing = end(connections, "new/deep")
    assert (missing.options.text("path"), missing.path) == (str(tmp_path), "new/deep")
    assert absolute("new/") == f"{tmp_path}/new/"
    assert absolute("name:x") == "name:x"


def test_options_go_with_urls_only(connections: Connections, tmp_path: Path):
    connections.add("photos", "local", {"path": str(tmp_path)})
    with pytest.raises(BadOption, match="saved connection"):
        end(connections, "photos:", options={"path": "/"})
    with pytest.raises(BadOption, match="twice"):
        end(connections, "sftp://me@h/x", options={"user": "you"})


def test_a_folder_is_not_copied_into_itself(mover: Command, tmp_path: Path):
    filled(tmp_path / "from", files=1)
    done = mover("copy", tmp_path / "from", tmp_path / "from/d0/inner")
    assert done.code == 2 and "would find what it writes" in done.err
    assert not (tmp_path / "from/d0/inner").exists()


def test_usage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    from mover.cli.main import cli

    monkeypatch.setenv("MOVER_HOME", str(tmp_path))
    runner = CliRunner()
    assert runner.invoke(cli, ["copy", "x"]).exit_code == 2
    assert runner.invoke(cli, ["copy", "x", "y", "--verify", "perhaps"]).exit_code == 2
    assert runner.invoke(cli, ["run", "resume", "x"]).exit_code == 2
    for command in (["run", "show", "9"], ["run", "report", "9"]):
        problem = runner.invoke(cli, command).exception
        assert getattr(problem, "exit_code", None) == 4
