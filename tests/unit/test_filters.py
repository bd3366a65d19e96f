"""Filters, with rclone as the judge: the same rules over the same tree must leave the same files and folders."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from mover.core.errors import BadOption
from mover.engine.filter_options import FilterOptions, moment_of, size_of
from mover.engine.filters import EVERYTHING, Filter, Rule

RCLONE = Path(sys.executable).with_name("rclone")
NOW = datetime(2026, 1, 1, tzinfo=UTC)

TREE = (
    "a b ab abc a.txt A.TXT b.jpg b.jpeg a*b a?b a[b a{b a,b a+b .a é É 1 12 x-y a^b a$b a|b (a) a\\b #a #b !a",
    "a/a a/b a/ab a/a.txt a/b.jpg a/b/a a/b/b.jpg a/b/c/a.txt a/b/c/b",
    "b/a b/b/a b/b/b/b.jpg b/a.txt ab/a ab/x.jpg",
    "B/a d.d/a.jpg d.d/x/b 1/2/3/4 1/b x/a/b/x/y x/a.b/c x/y/a",
)
PATHS = [p for line in TREE for p in line.split(" ")]
PLAIN = [p for p in PATHS if f"{p}/" not in "".join(f"{q}/" for q in PATHS if q.startswith(f"{p}/"))]


def rclone(folder: Path, *arguments: str) -> set[str] | None:
    """What rclone lists below the folder; folders have a closing slash. `None` if it refuses the options."""
    done = subprocess.run(
        [RCLONE, "lsf", "-R", "--config", "", "--absolute", "--separator", "\t", str(folder), *arguments],
        capture_output=True,
        check=False,
        timeout=60,
    )
    if done.returncode:
        return None
    return {p.removeprefix("/") for p in os.fsdecode(done.stdout).split("\n") if p}


def ours(filter_: Filter, files: Iterable[str], folders: Iterable[str]) -> set[str]:
    return {f for f in files if filter_.takes_file(f)} | {f"{d}/" for d in folders if filter_.takes_folder(d)}


class Tree:
    """Files in a folder of the disk, and their folders."""

    def __init__(self, root: Path, paths: Iterable[str]) -> None:
        self.root = root
        for path in paths:
            file = root / path
            if not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()
        below = list(root.rglob("*"))
        self.files = [str(p.relative_to(root)) for p in below if p.is_file()]
        self.folders = [str(p.relative_to(root)) for p in below if p.is_dir()]

    def same(self, options: FilterOptions, *arguments: str) -> None:
        theirs = rclone(self.root, *arguments)
        if theirs is None:
            with pytest.raises(BadOption):
                options.filter_at(NOW)
        else:
            assert ours(options.filter_at(NOW), self.files, self.folders) == theirs


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return Tree(tmp_path_factory.mktemp("tree"), PLAIN)


def by_filter(rules: Sequence[str], *, ignore_case: bool = False) -> tuple[FilterOptions, list[str]]:
    arguments = [a for rule in rules for a in ("--filter", rule)] + ["--ignore-case"] * ignore_case
    return FilterOptions(filter=rules, ignore_case=ignore_case), arguments


EXAMPLES = [
    ["- *.jpg"],
    ["+ *.jpg", "- *"],
    ["+ *.jp{e,}g", "- **"],
    ["- /a/**"],
    ["- a/"],
    ["- /a/", "+ /a/b/**"],
    ["+ /a/b/**", "- /a/"],
    ["+ /a/b/", "- *"],
    ["+ /a/*.txt", "- *"],
    ["+ a/b/", "+ a/b/*", "- *"],
    ["+ {a,b/b}/**", "- *"],
    ["+ {a,{b,ab}}/*", "- *"],
    ["+ **/b/*", "- *"],
    ["+ a**b", "- *"],
    ["- a**"],
    ["- **b"],
    ["- **[^a]"],
    ["+ x[^b]a*", "- *"],
    ["+ /x[^b]a*", "- *"],
    ["- {{a.*}}"],
    ["+ /{{.*\\.jpe?g}}", "- *"],
    ["+ *.{{(?i)txt}}", "- *"],
    ["- {{a|(?i)B|ab}}"],
    ["- {{a(?i)B|B}}"],
    ["- a\\*b", "- a\\?b", "- a\\[b", "- a\\{b", "- a\\\\b"],
    ["- a?b"],
    ["- [ab]"],
    ["- [^a]"],
    ["- [!a]"],
    ["- [[:alpha:]]"],
    ["- [\\d\\-a]*"],
    ["- \\d\\d"],
    ["- \\w"],
    ["- ?"],
    ["- a,b", "- (a)", "- a^b", "- a$b", "- a|b", "- a+b"],
    ["- *", "!", "- *.txt"],
    ["+ a", "- *", "+ b"],
    ["- //a", "- a//b"],
    ["+ /a//b/*", "- *"],
    ["- a/**/"],
    ["- /"],
    ["+ /"],
    ["- /**"],
    ["- */*"],
    ["- */**"],
    ["+ */", "- *.*"],
    ["- {a,b}/"],
    ["- {}"],
    ["- [/]a"],
    ["- a\\/b"],
    ["- {a/b,b}"],
    ["- x{{}}"],
    ["- {{{a}}}"],
    ["- \\x61"],
    ["- a*b"],
    ["- a**b"],
    ["- é"],
]
REFUSED = [
    "- ***",
    "- [a",
    "- a]",
    "- {a",
    "- a}",
    "- {{a",
    "-a",
    "- ",
    "a",
    "# a",
    "- {{(?=a)}}",
    "- {{a++}}",
    "- {{*}}",
]
REFUSED += [
    "- \\p{L}",
    "- \\é",
    "- [b-a]",
    "- [[:nix:]]",
    "- {{a{1001}}}",
    "- {{(a}}",
    "- []",
    "- {x{{a}}}",
    "- []]x",
    "- [\\]]",
]


@pytest.mark.parametrize("rules", EXAMPLES, ids=" ; ".join)
def test_takes_what_rclone_takes(tree: Tree, rules: list[str]) -> None:
    options, arguments = by_filter(rules)
    tree.same(options, *arguments)


@pytest.mark.parametrize("rule", REFUSED)
def test_refuses_what_rclone_refuses_and_names_the_line(tree: Tree, rule: str) -> None:
    options, arguments = by_filter([rule])
    assert rclone(tree.root, *arguments) is None
    with pytest.raises(BadOption) as caught:
        options.filter_at(NOW)
    assert rule.strip() in caught.value.detail


NAMES = st.text("abAB.1*?[{-é", min_size=1, max_size=3).filter(lambda n: n not in {".", ".."})
TREES = st.lists(st.lists(NAMES, min_size=1, max_size=4).map("/".join), min_size=1, max_size=12)
PLAIN_ATOMS = [
    *"abAB.1éaab//**??,",
    "**",
    "[ab]",
    "[^a]",
    "[a-c1]",
    "[[:upper:]]",
    "\\*",
    "\\?",
    "\\[",
    "\\{",
    "\\d",
    "\\w",
]
CHOICES = ["{a,b}", "{a*,}", "{a,{b,1}}", "{a/b,1}", "{**,b}", "{{a|b}}", "{{(?i)a}}", "{{.*b}}", "{{[^/]+}}"]
ATOMS = st.sampled_from([*PLAIN_ATOMS, *CHOICES])
PATTERNS = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "", "/"]),
    st.lists(ATOMS, min_size=1, max_size=6).map("".join),
    st.sampled_from(["", "", "", "/", "/**", "*"]),
)
RULES = st.lists(
    st.builds("{} {}".format, st.sampled_from("+-"), PATTERNS) | st.sampled_from(["- *", "- **", "!"]),
    min_size=1,
    max_size=5,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(paths=TREES, rules=RULES, ignore_case=st.booleans())
def test_any_rules_over_any_tree(paths: list[str], rules: list[str], ignore_case: bool) -> None:  # noqa: FBT001  # hypothesis names it
    assume(not any("***" in r for r in rules))
    paths = [p for p in paths if not any(q.startswith(f"{p}/") or p.startswith(f"{q}/") for q in paths)]
    with tempfile.TemporaryDirectory() as folder:
        options, arguments = by_filter(rules, ignore_case=ignore_case)
        Tree(Path(folder), paths).same(options, *arguments)


@settings(max_examples=15, deadline=None)
@given(paths=TREES, include=st.lists(PATTERNS, max_size=2), exclude=st.lists(PATTERNS, max_size=2), rules=RULES)
@example(paths=["a", "b"], include=[], exclude=["#a"], rules=["- ;a"])
def test_any_mixture_of_options(paths: list[str], include: list[str], exclude: list[str], rules: list[str]) -> None:
    assume(not any("***" in r for r in (*rules, *include, *exclude)))
    paths = [p for p in paths if not any(q.startswith(f"{p}/") or p.startswith(f"{q}/") for q in paths)]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as aside:
        arguments: list[str] = []
        lines = {"include-from": include, "exclude-from": exclude, "filter-from": rules}
        for name, said in lines.items():
            text = Path(aside, name)
            text.write_text("# a remark\n\n ; another \r\n" + "".join(f"\t{line} \r\n" for line in said))
            arguments += [f"--{name}", str(text)] if said else []
        arguments += [a for p in include for a in ("--include", p)] + [a for p in exclude for a in ("--exclude", p)]
        texts = {n: [Path(aside, n).read_bytes().decode()] if said else [] for n, said in lines.items()}
        options = FilterOptions(
            include=include,
            exclude=exclude,
            include_from=texts["include-from"],
            exclude_from=texts["exclude-from"],
            filter_from=texts["filter-from"],
        )
        Tree(Path(folder), paths).same(options, *arguments)


@given(paths=TREES, rules=RULES)
@settings(deadline=None)
def test_a_folder_left_out_holds_nothing_that_is_taken(paths: list[str], rules: list[str]) -> None:
    try:
        filter_ = by_filter(rules)[0].filter_at(NOW)
    except BadOption:
        return
    for path in paths:
        above = [path[:i] for i, c in enumerate(path) if c == "/"]
        if filter_.takes_file(path):
            assert all(filter_.takes_folder(folder) for folder in above)
        assert (filter_.reason(path) == "") == filter_.takes_file(path)
        assert all((filter_.reason_for_folder(f) == "") == filter_.takes_folder(f) for f in above)


SIZES = [
    "0",
    "1",
    "1k",
    "1K",
    "1Ki",
    "1KiB",
    "1.5k",
    "2b",
    "1024B",
    "1025B",
    "off",
    ".5k",
    "+1k",
    "1M",
    "5.",
    "1P",
    "2E",
]


@pytest.fixture(scope="module")
def sized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sized")
    for size in (0, 1, 2, 511, 512, 1023, 1024, 1025, 1536, 1 << 20):
        (folder / str(size)).write_bytes(bytes(size))
    return folder


@pytest.mark.parametrize("text", [*SIZES, "1KB", "-1", "", " 1k", "1kk", "0x10", "inf", "k", "."])
@pytest.mark.parametrize("option", ["min_size", "max_size"])
def test_sizes_mean_what_they_mean_to_rclone(sized: Path, option: str, text: str) -> None:
    theirs = rclone(sized, f"--{option.replace('_', '-')}", text)
    if theirs is None:
        with pytest.raises(BadOption, match=f"--{option.replace('_', '-')}"):
            size_of(text, f"--{option.replace('_', '-')}")
        return
    filter_ = Filter(**{option: size_of(text, option)})
    assert {p.name for p in sized.iterdir() if filter_.takes_file(p.name, p.stat().st_size)} == theirs


@pytest.fixture(scope="module")
def aged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, datetime]:
    folder = tmp_path_factory.mktemp("aged")
    now = datetime.now(UTC)
    days = (0, 0.4, 0.9, 1.1, 1.4, 1.6, 6.9, 7.1, 13.9, 14.1, 29.9, 30.1, 30.9, 31.1, 364.9, 365.1, 366.1, 4000)
    for back in [d * 86400 for d in days] + [3000, 3700, 5300, 5500]:
        file = folder / f"{back:.0f}"
        file.touch()
        os.utime(file, (now.timestamp() - back, now.timestamp() - back))
    return folder, now


AGES = ["1000s", "90m", "1h", "1h30m", "1.5h", "1d", "1.5d", "1w", "2w", "1M", "1y", "86000", "off", ".5d", "3600000ms"]
DATES = [
    "2020-01-02T10:00:00Z",
    "2020-01-02T10:00:00+02:00",
    "2026-01-31",
    "2020-01-02 10:00:00",
    "2020-01-02T10:00:00",
]


@pytest.mark.parametrize("text", [*AGES, *DATES, "1d12h", "1D", "now", "5x", "", "2026-13-01", "2026-"])
@pytest.mark.parametrize("option", ["--min-age", "--max-age"])
def test_ages_mean_what_they_mean_to_rclone(aged: tuple[Path, datetime], option: str, text: str) -> None:
    folder, now = aged
    theirs = rclone(folder, option, text)
    if theirs is None:
        with pytest.raises(BadOption, match=option):
            moment_of(text, option, now)
        return
    moment = moment_of(text, option, now)
    filter_ = Filter(not_after=moment) if option == "--min-age" else Filter(not_before=moment)
    mine = {
        p.name
        for p in folder.iterdir()
        if filter_.takes_file(p.name, 0, datetime.fromtimestamp(p.stat().st_mtime, UTC))
    }
    assert mine == theirs


def test_bounds_take_what_lies_on_them() -> None:
    filter_ = Filter(min_size=10, max_size=20, not_before=NOW, not_after=NOW + timedelta(days=1))
    assert filter_.takes_file("a", 10, NOW)
    assert filter_.takes_file("a", 20, NOW + timedelta(days=1))
    assert filter_.reason("a", 9, NOW) == "smaller than 10 bytes"
    assert filter_.reason("a", 21, NOW) == "larger than 20 bytes"
    assert filter_.reason("a", 10, NOW - timedelta(seconds=1)) == "last changed before 2026-01-01 00:00:00 UTC"
    assert filter_.reason("a", 10, NOW + timedelta(days=2)) == "last changed after 2026-01-02 00:00:00 UTC"


def test_what_is_not_known() -> None:
    assert not Filter(min_size=0).takes_file("a", None), "as in rclone, where such a size is -1"
    assert Filter(max_size=0).takes_file("a", None)
    assert Filter(not_before=NOW, not_after=NOW).takes_file("a", 1, None), "nothing is left out on a guess"


@pytest.mark.parametrize(
    "options",
    [
        FilterOptions(min_size="2k", max_size="1k"),
        FilterOptions(min_age="2d", max_age="1d"),
        FilterOptions(max_age="9999999y"),
    ],
)
def test_bounds_that_leave_nothing_are_refused(options: FilterOptions) -> None:
    with pytest.raises(BadOption):
        options.filter_at(NOW)


def test_the_reason_names_the_rule_and_where_it_stands() -> None:
    options = FilterOptions(exclude=["*.tmp"], filter_from=["# mine\n- /old/\n"], include=["**"])
    filter_ = FilterOptions(exclude=options.exclude, filter_from=options.filter_from).filter_at(NOW)
    assert filter_.reason("x/a.tmp") == "left out by the rule - *.tmp (--exclude *.tmp)"
    assert filter_.reason_for_folder("old") == "left out by the rule - /old/ (--filter-from, line 2)"
    assert filter_.reason("old/x/y") == "left out by the rule - /old/ (--filter-from, line 2)"
    only = FilterOptions(include=["*.jpg"]).filter_at(NOW)
    assert only.reason("a.txt") == "left out by the rule - /** (what no --include names)"


def test_a_line_that_cannot_be_read_is_named() -> None:
    with pytest.raises(BadOption, match=r"--filter-from \(file 2\), line 3: x is no rule"):
        FilterOptions(filter_from=["- a", "+ b\n\nx"]).rules()
    with pytest.raises(BadOption, match=r"--exclude-from, line 2: the pattern \[a cannot be read: a \[ lacks its \]"):
        FilterOptions(exclude_from=["a\n[a\n"]).filter_at(NOW)


def test_a_file_with_a_byte_order_mark_is_read() -> None:
    assert FilterOptions(filter_from=["\ufeff- a\r\n+ b\r\n"]).rules()[0] == Rule(False, "a", "--filter-from, line 1")


def test_an_empty_list_of_includes_leaves_all_out_as_in_rclone() -> None:
    assert not FilterOptions(include_from=["# nothing\n"]).filter_at(NOW).takes_file("a")


def test_the_empty_filter_takes_all() -> None:
    assert not EVERYTHING.active
    assert EVERYTHING.takes_file("any/thing")
    assert EVERYTHING.takes_folder("any")
    assert EVERYTHING.reason("any/thing") == ""
    assert not FilterOptions().filter_at(NOW).active


def test_a_class_that_holds_a_slash_is_read() -> None:
    """Here rclone cuts it into folder rules that it then cannot read."""
    filter_ = FilterOptions(filter=["+ x[/]a", "- *"]).filter_at(NOW)
    assert filter_.takes_folder("x")
    assert filter_.takes_file("x/a")
    assert not filter_.takes_file("x/b")


def test_a_newline_in_a_name_does_not_escape_a_rule() -> None:
    assert not FilterOptions(filter=["- dir/**"]).filter_at(NOW).takes_file("dir/a\nb")
    assert not FilterOptions(filter=["- *.tmp"]).filter_at(NOW).takes_file("dir/a\nb.tmp")
    assert FilterOptions(filter=["- a"]).filter_at(NOW).takes_file("a\n")
    assert not FilterOptions(filter=["- /**"]).filter_at(NOW).takes_folder("a\nb")


def test_names_that_are_not_utf8_and_very_deep_paths_are_matched() -> None:
    filter_ = FilterOptions(filter=["- a?b", "- deep/**/last/"]).filter_at(NOW)
    assert not filter_.takes_file("x/a\udcffb")
    deep = "deep/" + "x/" * 3000
    assert not filter_.takes_file(f"{deep}last/a")
    assert filter_.takes_file(f"{deep}a")


def test_verdicts_on_many_folders_stay_bounded() -> None:
    filter_ = FilterOptions(filter=["- /x/"]).filter_at(NOW)
    assert all(filter_.takes_file(f"{n}/a") for n in range(20_000))
    assert not filter_.takes_file("x/a")
    assert len(filter_._folders) < 5_000
