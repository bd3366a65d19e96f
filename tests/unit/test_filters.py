"""Filters: what they say and how they stand hostile rules and names; `test_filters_as_rclone` holds what they mean."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from mover.core.errors import BadOption
from mover.engine import regexps
from mover.engine.filter_options import FilterOptions
from mover.engine.filter_rules import Rule
from mover.engine.filters import EVERYTHING

NOW = datetime(2026, 1, 1, tzinfo=UTC)


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
    with pytest.raises(BadOption, match=r"--filter -: - is no rule: begin it with"):
        FilterOptions(filter=["- "]).rules()
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
    for pattern in (
        "*.tmp",
        "**.tmp",
        "a?b.*",
        "a[^x]b.tmp",
        "{{.*tmp}}",
        "{{(a.b)[.]tmp}}",
    ):  # rclone reads it as one \u240a
        assert not FilterOptions(filter=[f"- {pattern}"]).filter_at(NOW).takes_file("dir/a\nb.tmp"), pattern
    assert FilterOptions(filter=["- a"]).filter_at(NOW).takes_file("a\n")
    assert not FilterOptions(filter=["- /**"]).filter_at(NOW).takes_folder("a\nb")


def test_a_question_mark_is_one_character() -> None:
    filter_ = FilterOptions(filter=["- a?b", "- [é日]", "- {{..}}"]).filter_at(NOW)
    taken = {n for n in ("aéb", "a日b", "a😀b", "aééb", "é", "日", "è", "éé", "日本語") if filter_.takes_file(n)}
    assert taken == {"aééb", "è", "日本語"}


def test_a_byte_that_is_not_utf8_is_one_character_and_itself_alone() -> None:
    names = {
        os.fsdecode(n) for n in (b"a\xffb", b"a\xfeb", b"a\xff\xfeb", b"\xff.tmp", b"d\xff/x", b"d/\xc3", b"d/\xc3\xa9")
    }
    cases = {
        "a?b": {b"a\xffb", b"a\xfeb"},
        "a[^x]b": {b"a\xffb", b"a\xfeb"},
        "a{{.{2}}}b": {b"a\xff\xfeb"},
        "*.tmp": {b"\xff.tmp"},
        "d*/": {b"d\xff/x", b"d/\xc3", b"d/\xc3\xa9"},
        "d?/": {b"d\xff/x"},
        "d/é": {b"d/\xc3\xa9"},
        os.fsdecode(b"a\xff*"): {b"a\xffb", b"a\xff\xfeb"},
        os.fsdecode(b"d/\xc3"): {b"d/\xc3"},
        "a\ufffdb": set[bytes](),
    }
    for pattern, left_out in cases.items():
        filter_ = FilterOptions(filter=[f"- {pattern}"]).filter_at(NOW)
        assert {os.fsencode(n) for n in names if not filter_.takes_file(n)} == left_out, pattern


def test_half_a_surrogate_pair_is_matched() -> None:
    """Windows shares and JSON can hold one."""
    filter_ = FilterOptions(filter=["- a?b"]).filter_at(NOW)
    assert not filter_.takes_file("a\ud83db")
    assert filter_.takes_file("a\ud83d\ud83db")


def test_very_deep_paths_are_matched() -> None:
    filter_ = FilterOptions(filter=["- deep/**/last/", f"+ /{'x/' * 500}a", "- /x/**"]).filter_at(NOW)
    deep = "deep/" + "x/" * 3000
    assert not filter_.takes_file(f"{deep}last/a")
    assert filter_.takes_file(f"{deep}a")
    assert filter_.takes_file(f"{'x/' * 500}a")
    assert filter_.takes_folder("x/x/x")
    assert not filter_.takes_file(f"{'x/' * 499}a")


HOSTILE = [
    "{{(a+)+$}}b",
    "{{(a|aa)+b}}",
    "{{(a|a)*b}}",
    "{{(.*)*b}}",
    "{{(a?){900}a{900}b}}",
    "{{(.*a){12}b}}",
    "*a" * 60 + "b",
    "/" + "**a" * 60 + "b",
    "{a,aa,{a,aa}}" * 60 + "b",
]


@pytest.mark.timeout(20)  # a backtracking engine would take years
@pytest.mark.parametrize("pattern", HOSTILE)
@pytest.mark.parametrize("ignore_case", [False, True])
def test_a_hostile_rule_on_a_hostile_name_ends(pattern: str, ignore_case: bool) -> None:  # noqa: FBT001  # pytest names it
    filter_ = FilterOptions(filter=[f"- {pattern}", f"- {pattern}/**"], ignore_case=ignore_case).filter_at(NOW)
    for name in ("a" * 4000, "a/" * 100 + "a" * 3800, "aA" * 2000 + "!"):
        assert filter_.takes_file(name)
        assert filter_.takes_folder(name)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("{{((\\pL{10}){10}){5}}}", "it is too large: make several rules"),
        ("{{(((a{30}){30}){30}){30}}}", "invalid repetition size"),
        ("a" * 16_385, "it is longer than 16384 characters: make several rules"),
        ("{" * 2, "a {{ lacks its }}"),
        ("{a" * 5_000, "a { lacks its }"),
        ("a\\", "has no character to stand before"),
        ("\\Qa", "are for {{...}} alone"),
        ("{{(?=a)}}", "no look-around"),
        ("{{(a)\\1}}", "no back-references"),
        ("{{a{2,1}}}", "invalid repetition size"),
    ],
)
def test_a_rule_that_is_too_large_or_no_expression_is_refused_in_words(pattern: str, why: str) -> None:
    with pytest.raises(BadOption) as caught:
        FilterOptions(exclude=["x", pattern]).filter_at(NOW)
    assert caught.value.detail.startswith("--exclude ")
    assert why in caught.value.detail
    assert len(caught.value.detail) < 1000


def test_too_many_rules_are_refused() -> None:
    with pytest.raises(BadOption, match="10001 rules are more than a filter can have"):
        FilterOptions(filter_from=["- a\n" * 10_001]).filter_at(NOW)


@pytest.mark.parametrize("memory", [regexps.MEMORY_TOGETHER, 4096], ids=["together", "one by one"])
def test_the_first_of_many_rules_decides(monkeypatch: pytest.MonkeyPatch, memory: int) -> None:
    monkeypatch.setattr(regexps, "MEMORY_TOGETHER", memory)
    lines = [f"{'+' if number % 7 == 0 else '-'} {{{{x{number}[0-9]?}}}}" for number in range(200, 0, -1)]
    filter_ = FilterOptions(filter=[*lines, "- last"]).filter_at(NOW)
    for name in range(1, 2010):
        deciding = next((line for line in lines if re.fullmatch(line[4:-2], f"x{name}")), "+")
        assert filter_.reason(f"a/x{name}") == (
            "" if deciding[0] == "+" else f"left out by the rule {deciding} (--filter {deciding})"
        )
    assert not filter_.takes_file("a/last")
    assert filter_._rules._files._expressions is not None
    found = {group._found.__name__ for group in filter_._rules._files._expressions._groups}
    assert found == ({"_nothing"} if memory == 4096 else {"Match"})


def test_expressions_may_be_added_later() -> None:
    expressions = regexps.Expressions(ignore_case=False)
    assert expressions.first(b"b") is None
    for number in range(130):
        expressions.add(f"^{number}$".encode())
        assert expressions.first(f"{number}".encode()) == number
        assert expressions.first(b"b") is None
    assert all(group._found(b"b") for group in expressions._groups), "one pass is enough"


def test_the_engine_of_expressions_is_loaded_for_rules_alone() -> None:
    """It takes milliseconds, which a copy without rules must not pay."""
    program = """
import sys
import mover.boot.copying, mover.engine.run
from mover.engine.filter_options import FilterOptions
from datetime import UTC, datetime
now = datetime(2026, 1, 1, tzinfo=UTC)
assert FilterOptions(min_size="1k").filter_at(now).takes_folder("a")
print({"re2", "mover.engine.globs", "mover.engine.regexps"} & set(sys.modules))
FilterOptions(exclude=["a"]).filter_at(now)
print("re2" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["set()", "True"]


def test_verdicts_on_many_folders_stay_bounded() -> None:
    filter_ = FilterOptions(filter=["- /x/"]).filter_at(NOW)
    assert all(filter_.takes_file(f"{n}/a") for n in range(20_000))
    assert not filter_.takes_file("x/a")
    assert len(filter_._folders) < 5_000
