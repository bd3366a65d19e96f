"""`mover run report` on a run that has items in every state: the same numbers in every form, and they add up."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from tests.cli.command import Command, Done

STATES = ("copied", "same", "filtered", "unfit", "failed")
HEAD = re.compile(
    r"found ([\d,]+) = ([\d,]+) copied \+ ([\d,]+) same \+ ([\d,]+) filtered \+ ([\d,]+) unfit \+ ([\d,]+) failed"
)


@pytest.fixture
def ran(mover: Command, tmp_path: Path) -> Done:
    """A run over encrypted files of which one was tampered with; its `--format json`."""
    key, plain, there, to = tmp_path / "key", tmp_path / "plain", tmp_path / "there", tmp_path / "to"
    key.write_text("a password nobody guesses\n")
    key.chmod(0o600)
    plain.mkdir()
    for number in range(20):
        (plain / f"f{number:02}").write_bytes(bytes([number]) * (1000 + number))
    (plain / "left.out").write_text("x")
    (plain / "=1+1").write_text("formula")
    assert mover("copy", plain, there, "--encrypt-to", key).code == 0
    assert mover("copy", plain, to, "--include", "f0[0-2]").code == 0
    (to / "f03").mkdir()
    bad = there / "f04.bin"
    sealed = bad.read_bytes()
    bad.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    return mover("copy", there, to, "--decrypt-with", key, "--exclude", "*.out", "--format", "json")


def test_the_scene(ran: Done):
    assert ran.code == 3, ran.err
    totals = {name: ran.json["totals"][name]["items"] for name in STATES}
    assert totals == {"copied": 16, "same": 3, "filtered": 1, "unfit": 1, "failed": 1}
    assert ran.advice == "See why with: mover run report 3"


def test_json(mover: Command, ran: Done):
    report = mover("run", "report", 3, "--format", "json").json
    items = report["items"]
    assert report["adds_up"] and report["exit_code"] == 3
    assert report["totals"] == ran.json["totals"]
    found = report["totals"]["found"]
    for unit in ("items", "bytes"):
        assert found[unit] == sum(report["totals"][state][unit] for state in STATES)
    assert len(items) == found["items"] and len({i["path"] for i in items}) == len(items)
    for state in STATES:
        mine = [i for i in items if i["state"] == state]
        assert len(mine) == report["totals"][state]["items"]
        assert sum(i["size"] for i in mine) == report["totals"][state]["bytes"]
    by_path = {i["path"]: i for i in items}
    assert by_path["f04"]["code"] == "item-undecryptable" and by_path["f04"]["failures"]
    assert by_path["f03"]["code"] == "item-unfit" and by_path["left.out"]["code"] == "filtered"
    assert by_path["f05"]["proof"]["source"] == by_path["f05"]["proof"]["destination"]


def test_csv_has_the_items_of_json(mover: Command, ran: Done):
    rows = list(csv.DictReader(io.StringIO(mover("run", "report", 3, "--format", "csv").out)))
    items = mover("run", "report", 3, "--format", "json").json["items"]
    assert [(r["path"].removeprefix("'"), r["state"], int(r["size"]), r["code"]) for r in rows] == [
        (i["path"], i["state"], i["size"], i["code"] or "") for i in items
    ]
    assert "'=1+1" in {r["path"] for r in rows}
    proofs = {i["path"]: i["proof"] or {} for i in items}
    for row in rows:
        proof = proofs[row["path"].removeprefix("'")]
        assert [row[n] for n in ("method", "algorithm", "source", "destination")] == [
            proof.get(n) or "" for n in ("method", "algorithm", "source", "destination")
        ]


def test_the_table_shows_the_same_sums_and_all_that_was_not_copied(mover: Command, ran: Done):
    table = mover("run", "report", 3).out
    numbers = HEAD.search(table)
    assert numbers is not None, table
    whole, *parts = [int(n.replace(",", "")) for n in numbers.groups()]
    assert whole == sum(parts)
    assert parts == [ran.json["totals"][state]["items"] for state in STATES]
    lines = [line.split() for line in table.splitlines()[4:]]
    told = {line[0]: line[3] for line in lines if line[0] in STATES}
    assert told == {"failed": "f04", "unfit": "f03", "filtered": "left.out"}
    assert "attempt failed at" in table and "item-undecryptable" in table


@pytest.mark.parametrize("form", ["json", "csv", "table"])
def test_states_are_chosen_in_every_form(mover: Command, ran: Done, form: str):
    out = mover("run", "report", 3, "--state", "same", "--state", "failed", "--format", form).out
    if form == "json":
        paths = {i["path"] for i in json.loads(out)["items"]}
    elif form == "csv":
        paths = {r["path"] for r in csv.DictReader(io.StringIO(out))}
    else:
        paths = {line.split()[3] for line in out.splitlines()[4:] if not line.startswith(" ")}
    assert paths == {"f00", "f01", "f02", "f04"}


@pytest.mark.parametrize("ending", ["json", "csv", "txt"])
def test_a_report_into_a_file_is_the_one_that_is_printed(mover: Command, ran: Done, tmp_path: Path, ending: str):
    file = tmp_path / f"report.{ending}"
    assert mover("run", "resume", 3, "--report", file).code == 3
    form = {"txt": "table"}.get(ending, ending)
    assert file.read_text() == mover("run", "report", 3, "--format", form).out


def test_counts_that_do_not_add_up_are_told_in_every_form(mover: Command, ran: Done):
    file = mover.home / "runs/3/state.json"
    standing = json.loads(file.read_text())
    assert standing["found"] == standing["settled"] == 22
    file.write_text(json.dumps({**standing, "found": 23}))
    for form in ("json", "csv", "table"):
        done = mover("run", "report", 3, "--format", form)
        assert done.err.startswith("error: the counts of this run do not add up"), form
    assert mover("run", "report", 3, "--format", "json").json["adds_up"] is False


@pytest.mark.parametrize("report", ["to", "no/such/folder.csv", "file/x.json"])
def test_a_report_that_has_no_place_is_found_out_before_the_work(mover: Command, tmp_path: Path, report: str):
    source, destination = tmp_path / "from", tmp_path / "to"
    source.mkdir()
    destination.mkdir()
    (source / "f").write_text("x")
    (tmp_path / "file").write_text("x")
    done = mover("copy", source, destination, "--report", tmp_path / report)
    assert done.code == 2 and "--report" in done.err + done.advice and str(tmp_path / report) in done.err
    assert list(destination.iterdir()) == []
