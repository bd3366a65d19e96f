"""Every kind of connection works from a confined process: copies from and to real servers, by their names, with TLS verified."""

from __future__ import annotations

import json
import os
import pwd
import socket
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from tests.postgres import public_folder
from tests.runner.children import HERE, NOBODY, ROOT, environment
from tests.runner.kernels import offered_here
from tests.sites.base import Site
from tests.sites.mariadb import mariadb

BACK_AND_FORTH: Final = (
    "rclone_s3",
    "moto",
    "vsftpd",
    "pyftpdlib_tls",
    "rclone_webdav",
    "nginx_dav",
    "swift",
    "azurite",
)
FILES: Final = {
    "one": b"1" * 70_000,
    "a folder/two": os.urandom(300_000),
    "a folder/below/empty": b"",
    "large": os.urandom(9 << 20),
}
SCHEMA: Final = (
    "CREATE TABLE t (id INT PRIMARY KEY, b LONGBLOB); INSERT INTO t VALUES (1, REPEAT('x', 100000)), (2, NULL);"
)

FULLY: Final = set(offered_here().values()) == {"yes"}
KNOWN: Final = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
RUNS_AS: Final = KNOWN.get("mover", KNOWN.get("nobody", NOBODY)) if ROOT else os.getuid()

Sites = Callable[[str], Site]


def end_of(site: Site, path: str, **more: Any) -> dict[str, Any]:
    """A site as a service names it: what lies in files of the machine comes as text, but for authorities."""
    options = {**site.options, **more}
    if site.connector == "sftp":
        options |= {"private_key": Path(str(options.pop("key_file"))).read_text(), "host_key": site.notes["host_key"]}
        options.pop("known_hosts")
    return {"connector": site.connector, "options": {k: _plain(v) for k, v in options.items()}, "path": path}


def _plain(value: Any) -> Any:
    return value.reveal() if hasattr(value, "reveal") else value


@pytest.fixture
def source(site: Sites) -> tuple[Site, Path]:
    """Files at an SFTP server."""
    found = site("openssh")
    assert found.folder is not None
    top = found.folder / f"confined {os.urandom(4).hex()}"
    for name, data in FILES.items():
        (top / "from" / name).parent.mkdir(parents=True, exist_ok=True)
        (top / "from" / name).write_bytes(data)
    return found, top


@contextmanager
def folder_of_a_runner() -> Generator[Path]:
    with public_folder() as top:
        (top / "runner").mkdir(mode=0o700)
        yield top / "runner"


def copied(*ends: dict[str, Any]) -> dict[str, Any]:
    """Copy by a confined child; what it says."""
    done = child(*ends)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert set(found["measures"].values()) == {"yes"} or not FULLY
    assert found["user"] == RUNS_AS
    assert found["listening"] == [], "a runner waits for nobody"
    return found


def child(*ends: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    authorities = {str(e["options"]["ca_file"]) for e in ends if e["options"].get("ca_file")}
    with folder_of_a_runner() as folder:
        description = folder.parent / "told.json"
        description.write_text(json.dumps({"ends": ends, "local_paths": sorted(authorities), "must_hold": FULLY}))
        command = [sys.executable, str(HERE / "copying.py"), str(folder), str(description)]
        return subprocess.run(command, capture_output=True, text=True, timeout=250, env=environment(), check=False)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("name", BACK_AND_FORTH)
def test_there_and_back(name: str, site: Sites, source: tuple[Site, Path]) -> None:
    other, (sftp, top) = site(name), source
    place = f"confined-{top.name[-8:]}"
    here = f"{top.name}"
    assert copied(end_of(sftp, f"{here}/from"), end_of(other, place))["state"] == "done"
    assert copied(end_of(other, place), end_of(sftp, f"{here}/back"))["state"] == "done"
    assert tree(top / "back") == FILES


def test_a_database(source: tuple[Site, Path]) -> None:
    sftp, top = source
    with ExitStack() as stack:
        server = stack.enter_context(mariadb(stack.enter_context(public_folder()) / "mariadb"))
        server.sql("CREATE DATABASE shop; CREATE DATABASE again;")
        server.sql(SCHEMA, "shop")
        shop, again = (
            {"connector": "mysql", "options": server.options(database=d), "path": ""} for d in ("shop", "again")
        )
        assert copied(shop, end_of(sftp, f"{top.name}/sql"))["state"] == "done"
        assert copied(end_of(sftp, f"{top.name}/sql"), again)["state"] == "done"
        assert (
            server.sql("CHECKSUM TABLE shop.t, again.t EXTENDED").split()[1::2][0]
            == server.sql("CHECKSUM TABLE again.t EXTENDED").split()[1]
        )


def test_certificates_are_still_checked(site: Sites, source: tuple[Site, Path]) -> None:
    other, (sftp, top) = site("rclone_s3"), source
    untrusted = end_of(other, "x")
    del untrusted["options"]["ca_file"]
    done = child(end_of(sftp, f"{top.name}/from"), untrusted)
    assert done.returncode != 0 and "Untrusted" in done.stderr, done.stderr


def test_a_host_by_its_name(site: Sites, source: tuple[Site, Path]) -> None:
    """SFTP and S3 by `localhost`, which the machine's resolver must know."""
    sftp, top = source
    assert socket.getaddrinfo("localhost", 22)
    named = end_of(sftp, f"{top.name}/from", host="localhost")
    assert copied(named, end_of(site("rclone_s3"), f"named-{top.name[-8:]}"))["state"] == "done"


@pytest.mark.skipif(not ROOT, reason="a name server of one's own needs root: port 53 and /etc/resolv.conf")
def test_a_name_server_is_asked() -> None:
    """In a network and a view of the files of its own: nothing of this machine's is changed."""
    with folder_of_a_runner() as folder:
        (folder.parent / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        (folder.parent / "resolv.conf").chmod(0o644)
        script = 'ip link set lo up && mount --bind "$1" /etc/resolv.conf && exec "$2" "$3" "$4"'
        words = [folder.parent / "resolv.conf", sys.executable, HERE / "resolving.py", folder]
        command = ["unshare", "-n", "-m", "sh", "-c", script, "sh", *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment(), check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["peer"][0] == "127.0.0.1" and told["user"] == RUNS_AS
    assert told["files"] == offered_here()["files"]
