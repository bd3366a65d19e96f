"""The command between real servers: SFTP to S3 and back, as saved connections and as URLs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.cli.command import Command, Done, filled, found
from tests.sites.base import Site

from mover.connectors.registry import spec


def save(mover: Command, name: str, site: Site) -> Done:
    """Save a connection to a site as a user would."""
    words: list[str] = []
    for key, value in site.options.items():
        option, flag = spec(site.connector).option(key), f"--{key.replace('_', '-')}"
        assert option is not None
        if option.kind == "secret":
            file = mover.folder / f"{name}-{key}"
            file.write_text(str(value))
            words += [f"{flag}-file", str(file)]
        elif option.kind == "switch":
            words += [flag] if value else []
        else:
            words += [flag, str(value)]
    return mover("connection", "add", site.connector, "--name", name, *words)


def test_sftp_to_s3_and_back_by_url(site: Callable[[str], Site], mover: Command, tmp_path: Path):
    office, archive = site("openssh"), site("moto")
    assert office.folder is not None
    files = filled(office.folder / "cli test", files=12)
    assert save(mover, "office", office).code == save(mover, "archive", archive).code == 0
    there = mover("copy", "office:cli test", "archive:from office", "--format", "json")
    assert there.code == 0, there.err
    assert there.json["totals"]["copied"]["items"] == 12 and there.json["adds_up"]
    again = mover("copy", "office:cli test", "archive:from office", "--format", "json")
    assert again.json["totals"]["same"]["items"] == 12, again.out
    assert mover("check", "office:cli test", "archive:from office").code == 0
    listed = mover("ls", "archive:from office", "-R", "--format", "json").json
    assert sorted(e["name"] for e in listed) == sorted(files)

    options = office.options
    url = f"sftp://{options['user']}@127.0.0.1:{options['port']}{office.folder}/cli%20test/d1/f001"
    said = [f"--source-option=key_file={options['key_file']}", f"--source-option=known_hosts={options['known_hosts']}"]
    one = mover("copy", url, tmp_path / "one", *said)
    assert one.code == 0, one.err
    assert found(tmp_path / "one") == {"f001": files["d1/f001"]}

    (tmp_path / "canary").write_text("canary-77ab")
    bucket = mover(
        "copy",
        "s3://bucket/some folder/in it/from office",
        tmp_path / "back",
        f"--source-option=endpoint={archive.options['endpoint']}",
        f"--source-option=ca_file={archive.options['ca_file']}",
        "--source-option=access_key_id=key",
        f"--source-secret=secret_access_key={tmp_path / 'canary'}",
    )
    assert bucket.code == 0, bucket.err
    assert found(tmp_path / "back") == files
    kept = b"".join(p.read_bytes() for p in mover.home.rglob("*") if p.is_file())
    assert b"canary-77ab" not in kept and "canary-77ab" not in bucket.out + bucket.err


def test_a_server_that_is_gone_pauses_the_run_and_says_how_to_go_on(
    site: Callable[[str], Site], mover: Command, tmp_path: Path
):
    office = site("openssh")
    filled(tmp_path / "from", files=2)
    options = {**office.options, "port": "1"}
    assert save(mover, "gone", Site("sftp", options)).code == 0
    done = mover("copy", tmp_path / "from", "gone:x")
    assert done.code == 5, done.err
    assert done.advice == "Go on with: mover run resume 1"
    (run,) = mover("run", "list", "--format", "json").json
    assert run["state"] == "paused"
