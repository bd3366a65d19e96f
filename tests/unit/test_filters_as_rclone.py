"""Filters, with rclone as the judge: the same rules over the same tree must leave the same files and folders."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.unit.filter_cases import Cases
from tests.unit.filter_judge import NOW, Judge, Tree, judging

from mover.core.errors import BadOption
from mover.engine.filter_options import FilterOptions

TREE = (
    "a b ab abc a.txt A.TXT b.jpg b.jpeg a*b a?b a[b a{b a,b a+b .a é É 1 12 x-y a^b a$b a|b (a) a\\b #a #b !a",
    "a/a a/b a/ab a/a.txt a/b.jpg a/b/a a/b/b.jpg a/b/c/a.txt a/b/c/b",
    "b/a b/b/a b/b/b/b.jpg b/a.txt ab/a ab/x.jpg",
    "B/a d.d/a.jpg d.d/x/b 1/2/3/4 1/b x/a/b/x/y x/a.b/c x/y/a",
)
PATHS = [p for line in TREE for p in line.split(" ")]
PLAIN = [p for p in PATHS if f"{p}/" not in "".join(f"{q}/" for q in PATHS if q.startswith(f"{p}/"))]

Said = dict[str, Sequence[str] | bool]


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    with judging(tmp_path_factory.mktemp("judge")) as running:
        yield running


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return Tree(tmp_path_factory.mktemp("tree"), PLAIN)


def by_filter(rules: Sequence[str], *, ignore_case: bool = False) -> tuple[FilterOptions, Said]:
    return FilterOptions(filter=rules, ignore_case=ignore_case), {"FilterRule": rules, "IgnoreCase": ignore_case}


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
    ["+ \\{\\{/**", "- *"],
    ["+ [{][{]/*", "- *"],
    ["+ a/b", "- *"],
    ["+ {**/,}a/b", "- *"],
]
REFUSED = [
    "- ***",
    "- [a",
    "- a]",
    "- {a",
    "- a}",
    "- {{a",
    "-a",
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
def test_takes_what_rclone_takes(judge: Judge, tree: Tree, rules: list[str]) -> None:
    tree.same(judge, *by_filter(rules))
    tree.same(judge, *by_filter(rules, ignore_case=True))


@pytest.mark.parametrize("rule", REFUSED)
def test_refuses_what_rclone_refuses_and_names_the_line(judge: Judge, tree: Tree, rule: str) -> None:
    options, said = by_filter([rule])
    assert judge.lists(tree.root, said) is None
    with pytest.raises(BadOption) as caught:
        options.filter_at(NOW)
    assert rule.strip() in caught.value.detail


BYTES = [
    b"a\xffb",
    b"a\xc3b",
    b"a\xc3\xa9b",
    b"a\xff\xffb",
    b"a\xe6\x97\xa5b",
    b"\xff.tmp",
    b"d\xff/x",
    b"d\xc3\xa9/y",
    b"dd/\xffz",
]
RULES_FOR_BYTES = [
    "a?b",
    "a??b",
    "a*b",
    "a[^x]b",
    "a[x]b",
    "a{{.}}b",
    "a{{\\pL}}b",
    "?.tmp",
    "*.tmp",
    "d?/",
    "d?/*",
    "**/?z",
    "{{.*}}",
]


def test_names_that_are_not_utf8_match_as_in_rclone(judge: Judge, tmp_path: Path) -> None:
    names = Tree(tmp_path, map(os.fsdecode, BYTES))
    for rule in RULES_FOR_BYTES:
        options, said = by_filter([f"- {rule}"])
        mine = {os.fsencode(path).decode(errors="replace") for path in names.taken_by(options.filter_at(NOW))}
        assert mine == judge.lists(tmp_path, said), rule


@pytest.mark.parametrize("seed", range(60))
def test_any_rules_over_any_tree(judge: Judge, tmp_path: Path, seed: int) -> None:
    cases = Cases(seed)
    tree = Tree(tmp_path, cases.paths())
    for number in range(8):
        tree.same(judge, *by_filter(cases.rules(tree.files), ignore_case=number % 4 == 0))


def mixture(aside: Path, patterns: Sequence[Sequence[str]]) -> tuple[FilterOptions, Said]:
    """Includes, excludes and rules, each on the command line and in a file."""
    include, exclude, _ = patterns
    said: Said = {"IncludeRule": include, "ExcludeRule": exclude}
    texts: list[list[str]] = []
    for name, lines in zip(("IncludeFrom", "ExcludeFrom", "FilterFrom"), patterns, strict=True):
        file = aside / name
        file.write_text("# a remark\n\n ; another \r\n" + "".join(f"\t{line} \r\n" for line in lines))
        said[name] = [str(file)] if lines else []
        texts.append([file.read_bytes().decode()] if lines else [])
    froms = dict(zip(("include_from", "exclude_from", "filter_from"), texts, strict=True))
    return FilterOptions(include=include, exclude=exclude, **froms), said


def test_remarks_are_remarks_in_files_only(judge: Judge, tree: Tree, tmp_path: Path) -> None:
    tree.same(judge, *mixture(tmp_path, [[], ["#a"], ["- ;a"]]))
    tree.same(judge, *mixture(tmp_path, [["#b", "a"], [], []]))


@pytest.mark.parametrize("seed", range(40))
def test_any_mixture_of_options(judge: Judge, tmp_path: Path, seed: int) -> None:
    cases = Cases(1000 + seed)
    (tmp_path / "tree").mkdir()
    tree = Tree(tmp_path / "tree", cases.paths())
    for number in range(4):
        include, exclude = ([cases.pattern(tree.files) for _ in range(number >> bit & 1)] for bit in (0, 1))
        tree.same(judge, *mixture(tmp_path, [include, exclude, cases.rules(tree.files)]))


@pytest.mark.parametrize("seed", range(50))
def test_a_folder_left_out_holds_nothing_that_is_taken(seed: int) -> None:
    cases = Cases(2000 + seed)
    paths = cases.paths()
    try:
        filter_ = by_filter(cases.rules(paths))[0].filter_at(NOW)
    except BadOption:
        return
    for path in paths:
        above = [path[:i] for i, c in enumerate(path) if c == "/"]
        if filter_.takes_file(path):
            assert all(filter_.takes_folder(folder) for folder in above)
        assert (filter_.reason(path) == "") == filter_.takes_file(path)
        assert all((filter_.reason_for_folder(f) == "") == filter_.takes_folder(f) for f in above)
