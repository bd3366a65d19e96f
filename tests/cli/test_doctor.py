"""Every verdict of `mover doctor`."""

from __future__ import annotations

import errno
import os
from importlib import import_module
from importlib.metadata import requires
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from tests.cli.command import Command

from mover.boot import doctor
from mover.boot.doctor import Finding, examined
from mover.boot.home import Home
from mover.connectors.registry import specs

ADDED = ("--host", "h", "--user", "u", "--password-file", "-", "--name", "a1")


def verdicts(mover: Command, **environment: str) -> tuple[int, dict[str, Finding]]:
    done = mover("doctor", "--format", "json", **environment)
    found = {f["what"]: Finding(f["what"], f["verdict"], f["finding"], f["advice"]) for f in done.json}
    assert done.code == int(any(f.verdict == "wrong" for f in found.values())), "1 if something is wrong"
    assert all(f.advice for f in found.values() if f.verdict != "fine")
    return done.code, found


@pytest.fixture
def used(mover: Command, tmp_path: Path) -> Command:
    """A home with a connection, a key and a run, all as Mover makes them."""
    (tmp_path / "from").mkdir()
    assert mover("connection", "add", "sftp", *ADDED, stdin="x").code == 0
    assert mover("copy", tmp_path / "from", tmp_path / "to").code == 0
    return mover


def test_a_machine_that_is_fit(used: Command):
    code, found = verdicts(used, MOVER_SPOOL_QUOTA="1048576")
    assert code == 0 and not [f for f in found.values() if f.verdict == "wrong"]
    home = used.home
    for what in (home / "keys", home / "keys/global", home / "keys/users", home / "connections.json", home / "runs"):
        assert found[str(what)].verdict == "fine"
    assert found["spool: room"].verdict == "fine"
    assert {spec.key for spec in specs().values()} - {"memory"} <= found.keys()


def test_a_global_key_that_is_gone_or_another(used: Command, tmp_path: Path):
    key = used.home / "keys/global/key.json"
    assert verdicts(used)[1]["keys"].verdict == "fine"
    kept = key.read_bytes()
    key.unlink()
    code, found = verdicts(used)
    assert (code, found["keys"].verdict) == (1, "wrong") and str(key) in found["keys"].finding
    assert not key.exists(), "doctor changes nothing"
    other = Command(tmp_path / "other")
    assert other("connection", "add", "sftp", *ADDED, stdin="x").code == 0
    key.write_bytes((other.home / "keys/global/key.json").read_bytes())
    key.chmod(0o600)
    assert verdicts(used)[1]["keys"].verdict == "wrong"
    key.write_bytes(kept)
    assert verdicts(used)[1]["keys"].verdict == "fine"


def test_a_home_that_was_never_used(mover: Command):
    code, found = verdicts(mover, MOVER_SPOOL_QUOTA="1048576")
    assert code == 0 and str(mover.home / "keys") not in found


@pytest.mark.parametrize("what", ["keys", "keys/global", "keys/users", "connections.json", "runs"])
def test_others_may_read_what_is_private(used: Command, what: str):
    path = used.home / what
    path.chmod(path.stat().st_mode | 0o040)
    code, found = verdicts(used)
    wrong = found[str(path)]
    assert (code, wrong.verdict, wrong.advice) == (1, "wrong", f"chmod go= {path}")
    assert "others may use it" in wrong.finding
    path.chmod(path.stat().st_mode & ~0o077)
    assert verdicts(used, MOVER_SPOOL_QUOTA="1048576")[0] == 0


def test_something_belongs_to_another_user(used: Command, monkeypatch: pytest.MonkeyPatch):
    path = used.home / "connections.json"
    if os.geteuid() == 0:
        os.chown(path, 12345, -1)
        code, found = verdicts(used)
        assert code == 1
    else:
        monkeypatch.setattr(doctor.os, "geteuid", lambda: 12345)
        found = {f.what: f for f in examined(Home(used.home, used.home / "spool"))}
    assert (found[str(path)].verdict, found[str(path)].advice) == ("wrong", "Give it to the user who runs Mover.")


def test_no_room_for_the_spool(mover: Command):
    code, found = verdicts(mover, MOVER_SPOOL_QUOTA=str(1 << 60))
    assert code == 1 and "MOVER_SPOOL_QUOTA" in found["spool: room"].advice
    assert found["spool: room"].verdict == "wrong"


def test_a_quota_that_is_no_number(mover: Command):
    done = mover("doctor", MOVER_SPOOL_QUOTA="1G")
    assert done.code == 2 and "MOVER_SPOOL_QUOTA is a number of bytes" in done.err


def test_a_spool_in_memory(mover: Command):
    code, found = verdicts(mover, MOVER_SPOOL="/dev/shm/mover-is-not-there/spool", MOVER_SPOOL_QUOTA="4096")
    below = found["spool: file system"]
    assert (below.verdict, below.finding) == ("note", "tmpfs: in memory") and code == 0
    assert not Path("/dev/shm/mover-is-not-there").exists()  # the doctor makes nothing


@pytest.mark.parametrize(
    ("uuid", "below", "finding"),
    [
        ("CRYPT-LUKS2-0123\n", False, "ext4 on an encrypted disk"),
        ("CRYPT-LUKS2-0123\n", True, "ext4 on an encrypted disk"),
        ("LVM-0123\n", False, "ext4; files in the spool are encrypted by Mover itself"),
    ],
)
def test_what_lies_below_the_spool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uuid: str, finding: str, *, below: bool
):
    """A device-mapper device as sysfs shows one; `below`: a volume on it."""
    number = tmp_path.stat().st_dev
    device = f"{os.major(number)}:{os.minor(number)}"
    (tmp_path / "mounts").write_text(f"29 1 {device} / /x rw,relatime shared:1 - ext4 /dev/mapper/x rw\n")
    place = tmp_path / "block" / device / ("slaves/dm-0" if below else "")
    (place / "dm").mkdir(parents=True)
    (place / "dm/uuid").write_text(uuid)
    monkeypatch.setattr(doctor, "MOUNTS", tmp_path / "mounts")
    monkeypatch.setattr(doctor, "SYSTEM", tmp_path / "block")
    found = {f.what: f for f in examined(Home(tmp_path / "home", tmp_path / "spool"))}
    assert found["spool: file system"] == Finding("spool: file system", "fine", finding)


def test_core_dumps_are_taken_by_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pattern = tmp_path / "core_pattern"
    monkeypatch.setattr(doctor, "PATTERN", pattern)
    home = Home(tmp_path / "home", tmp_path / "spool")
    for text, verdict in (("core\n", "fine"), ("|/usr/lib/handler %p\n", "note")):
        pattern.write_text(text)
        (dumps,) = [f for f in examined(home) if f.what == "core dumps"]
        assert dumps.verdict == verdict
    assert "/usr/lib/handler" in dumps.finding
    assert dumps.advice


def test_a_package_or_a_connector_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def lacking(module: str) -> object:
        if module == "mover.connectors.swift.client":
            raise ImportError("no module named x")
        return import_module(module)

    monkeypatch.setattr(doctor, "requires", lambda name: [*(requires(name) or ()), "is-not-there>=1"])
    monkeypatch.setattr(doctor, "import_module", lacking)
    found = {f.what: f for f in examined(Home(tmp_path / "home", tmp_path / "spool"))}
    assert {f.what for f in found.values() if f.verdict == "wrong"} <= {"is-not-there", "swift", "spool: room"}
    assert found["is-not-there"].finding == "not installed"
    assert found["swift"] == Finding("swift", "wrong", "cannot be loaded: no module named x", "Install Mover again.")


def test_a_connector_of_others_is_looked_at_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from dataclasses import replace

    alien = replace(specs()["local"], key="alien", client="is_not_there.client:connect")
    monkeypatch.setattr(doctor, "specs", lambda: MappingProxyType({"alien": alien}))
    found = {f.what: f for f in examined(Home(tmp_path / "home", tmp_path / "spool"))}
    assert found["alien"].verdict == "wrong"


def test_a_folder_that_its_owner_may_not_use_is_a_row(used: Command):
    keys = used.home / "keys"
    keys.chmod(0o000)
    code, found = verdicts(used)
    keys.chmod(0o700)
    assert (code, found[str(keys)].verdict, found[str(keys)].advice) == (1, "wrong", f"chmod u+rwX {keys}")
    assert "python" in found and "core dumps" in found


def test_a_folder_that_cannot_be_looked_into_is_a_row_and_the_rest_is_looked_at(
    used: Command, monkeypatch: pytest.MonkeyPatch
):
    """What a plain user meets below a folder of mode 000; for root the system refuses nothing."""
    ask = os.stat

    def refusing(path: str | Path, **how: Any) -> os.stat_result:
        if Path(path).is_relative_to(used.home / "keys/global") or Path(path).is_relative_to(used.home / "keys/users"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return ask(path, **how)

    monkeypatch.setattr(os, "stat", refusing)
    monkeypatch.setattr(os, "lstat", lambda path, **how: refusing(path, follow_symlinks=False, **how))
    found = {f.what: f for f in examined(Home(used.home, used.home / "spool", 1 << 20))}
    wrong = {f.what for f in found.values() if f.verdict == "wrong"}
    assert wrong == {str(used.home / "keys/global"), str(used.home / "keys/users"), "keys"}
    assert all(f.advice and "Permission denied" in f.finding for f in found.values() if f.what in wrong)
    assert found[str(used.home / "runs")].verdict == "fine" and "core dumps" in found


def test_a_file_stands_where_the_keys_belong(mover: Command):
    mover.home.mkdir(mode=0o700)
    (mover.home / "keys").touch(mode=0o600)
    code, found = verdicts(mover)
    assert code == 1 and found[str(mover.home / "keys/global")].verdict == "wrong"
    assert "core dumps" in found


def test_a_key_file_that_others_may_read_is_a_row(used: Command):
    (used.home / "keys/global/key.json").chmod(0o644)
    code, found = verdicts(used)
    assert (code, found["keys"].verdict) == (1, "wrong") and "key.json" in found["keys"].finding


def test_a_place_for_the_spool_that_cannot_be_asked_is_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def broken(_path: Path) -> None:
        raise OSError(errno.EIO, "Input/output error", str(tmp_path))

    monkeypatch.setattr(doctor.shutil, "disk_usage", broken)
    found = {f.what: f for f in examined(Home(tmp_path / "home", tmp_path / "spool"))}
    room = found["spool: room"]
    assert room.verdict == "wrong" and room.finding == f"Input/output error: {tmp_path}" and room.advice
    assert "core dumps" in found
