"""`mover copy` on folders of this machine."""

from __future__ import annotations

import os
from pathlib import Path

from tests.cli.command import Command, filled, found

STATES = ("copied", "same", "filtered", "unfit", "failed", "planned")


def test_a_folder_is_copied_and_a_second_pass_has_nothing_to_do(mover: Command, tmp_path: Path):
    files = filled(tmp_path / "from")
    done = mover("copy", tmp_path / "from", tmp_path / "to", "--format", "json")
    assert done.code == 0, done.err
    assert found(tmp_path / "to") == files
    totals = done.json["totals"]
    assert done.json["adds_up"] and done.json["state"] == "done"
    assert totals["copied"] == totals["found"] == {"items": 40, "bytes": 40 * 50_000}
    again = mover("copy", tmp_path / "from", tmp_path / "to", "--format", "json", "--error-on-nothing")
    assert again.code == 9
    assert again.json["run"] == 2 and again.json["totals"]["same"]["items"] == 40


def test_a_dry_run_is_the_plan_of_the_real_run_and_writes_nothing(mover: Command, tmp_path: Path):
    filled(tmp_path / "from")
    filled(tmp_path / "to", files=10)
    (tmp_path / "from/odd").symlink_to("nowhere")
    before = found(tmp_path / "to")
    plan = mover("copy", tmp_path / "from", tmp_path / "to", "-n", "--format", "json")
    assert plan.code == 0, plan.err
    assert found(tmp_path / "to") == before
    assert mover("run", "list", "--format", "json").json == []
    mover("copy", tmp_path / "from", tmp_path / "to")
    report = mover("run", "report", 1, "--format", "json").json
    planned = sorted(i["path"] for i in plan.json["items"] if i["state"] == "planned")
    assert planned == sorted(i["path"] for i in report["items"] if i["state"] == "copied")
    assert plan.json["totals"]["planned"] == report["totals"]["copied"]


def test_a_dry_run_to_a_folder_that_is_not_there(mover: Command, tmp_path: Path):
    filled(tmp_path / "from", files=3)
    plan = mover("copy", tmp_path / "from", tmp_path / "new/deep", "-n", "--format", "json")
    assert plan.code == 0 and plan.json["totals"]["planned"]["items"] == 3
    assert not (tmp_path / "new").exists()


def test_every_item_is_in_the_report_with_its_reason_or_proof(mover: Command, tmp_path: Path):
    filled(tmp_path / "from", files=3)
    (tmp_path / "from/link").symlink_to("d0")
    (tmp_path / "from/left.out").write_text("x")
    mover("copy", tmp_path / "from", tmp_path / "to", "--exclude", "*.out", "--report", tmp_path / "r.json")
    report = mover("run", "report", 1, "--format", "json").json
    assert report["adds_up"]
    numbers = {name: report["totals"][name]["items"] for name in ("found", *STATES)}
    assert numbers["found"] == sum(numbers[name] for name in STATES) == len(report["items"]) == 5
    for item in report["items"]:
        if item["state"] == "copied":
            assert item["proof"]["source"] == item["proof"]["destination"]
        else:
            assert item["state"] == "filtered" and item["reason"]
    assert (tmp_path / "r.json").stat().st_mode & 0o777 == 0o600
    assert mover("run", "report", 1, "--format", "csv").out.count("\n") == 6
    table = mover("run", "report", 1).out
    assert "found 5 = 3 copied + 0 same + 2 filtered + 0 unfit + 0 failed" in table


def test_verbose_names_each_item_once_when_it_is_settled(mover: Command, tmp_path: Path):
    files = filled(tmp_path / "from", files=3)
    (tmp_path / "from/empty").mkdir()
    (tmp_path / "from/link").symlink_to("d0")
    (tmp_path / "from/left.out").write_text("x")
    (tmp_path / "to/clash").mkdir(parents=True)
    (tmp_path / "from/clash").write_text("x")
    others = {"link": "filtered", "left.out": "filtered", "clash": "unfit"}
    for state in ("copied", "same"):
        done = mover("copy", tmp_path / "from", tmp_path / "to", "-v", "--exclude", "*.out")
        assert done.code == 6, done.err
        first, *lines, last = done.err.splitlines()
        assert (first[:4], last[:8]) == ("run ", "See why ")
        expected = {**dict.fromkeys([*files, "empty"], state), **others}
        assert sorted(line.split(":")[0].split() for line in lines) == sorted([s, p] for p, s in expected.items())


def test_one_file(mover: Command, tmp_path: Path):
    files = filled(tmp_path / "from", files=5)
    done = mover("copy", tmp_path / "from/d1/f001", tmp_path / "to", "--format", "json")
    assert done.code == 0, done.err
    assert found(tmp_path / "to") == {"f001": files["d1/f001"]}
    assert done.json["totals"]["found"]["items"] == 1


def test_encrypted_and_back(mover: Command, tmp_path: Path):
    files = filled(tmp_path / "from", files=4)
    key = tmp_path / "key"
    key.write_text("a password nobody guesses\n")
    key.chmod(0o600)
    there = mover("copy", tmp_path / "from", tmp_path / "sealed", "--encrypt-to", key, "--encrypt-names")
    assert there.code == 0, there.err
    sealed = found(tmp_path / "sealed")
    assert len(sealed) == 4 and not set(sealed) & set(files)
    assert not any(data in b"".join(sealed.values()) for data in files.values())
    back = mover("copy", tmp_path / "sealed", tmp_path / "back", "--decrypt-with", key, "--decrypt-names")
    assert back.code == 0, back.err
    assert found(tmp_path / "back") == files


def test_an_item_that_cannot_be_copied_does_not_stop_the_others(mover: Command, tmp_path: Path):
    files = filled(tmp_path / "from", files=3)
    (tmp_path / "to/d1/f001").mkdir(parents=True)
    done = mover("copy", tmp_path / "from", tmp_path / "to", "--format", "json")
    assert done.code == 6
    assert done.json["totals"]["unfit"]["items"] == 1 and done.json["adds_up"]
    assert found(tmp_path / "to") == {path: data for path, data in files.items() if path != "d1/f001"}
    assert "f001" in mover("run", "report", 1).out


def test_check_tells_what_differs(mover: Command, tmp_path: Path):
    filled(tmp_path / "from", files=4)
    mover("copy", tmp_path / "from", tmp_path / "to")
    assert mover("check", tmp_path / "from", tmp_path / "to").code == 0
    (tmp_path / "to/d0/f000").unlink()
    (tmp_path / "to/d1/f001").write_text("other")
    (tmp_path / "to/extra").write_text("x")
    done = mover("check", tmp_path / "from", tmp_path / "to", "--format", "json")
    assert done.code == 3
    assert {(d["difference"], d["path"]) for d in done.json["differences"]} == {
        ("missing", "d0/f000"),
        ("differs", "d1/f001"),
        ("extra", "extra"),
    }
    one_way = mover("check", tmp_path / "from", tmp_path / "to", "--one-way", "--format", "json")
    assert len(one_way.json["differences"]) == 2


def test_names_cannot_steer_a_terminal(mover: Command, tmp_path: Path):
    (tmp_path / "from").mkdir()
    (tmp_path / "from/a\x1b[31mred\nline").write_text("x")
    (tmp_path / "from").joinpath("=1+1").write_text("x")
    (tmp_path / "from" / os.fsdecode(b"\xff\xfe")).touch()
    done = mover("copy", tmp_path / "from", tmp_path / "to", "-v")
    assert done.code == 0, done.err
    for shown in (done.err, mover("ls", tmp_path / "to").out, mover("run", "report", 1, "--state", "copied").out):
        assert "\x1b" not in shown and "\\x1b[31mred\\nline" in shown and "\\xff\\xfe" in shown
    assert "\n'=1+1," in mover("run", "report", 1, "--format", "csv").out
    paths = [i["path"] for i in mover("run", "report", 1, "--format", "json").json["items"]]
    assert sorted(p.encode("utf-8", "surrogateescape") for p in paths) == [b"=1+1", b"a\x1b[31mred\nline", b"\xff\xfe"]
