"""Names of files that are not whole yet: what they look like, and what is never taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mover.core.temporary import PASS, RUN, is_temporary, mark_of, mark_of_pass, temporary_name

MARK = "0123456789abcdef0001"
RUNS = st.text("0123456789abcdef", min_size=RUN, max_size=RUN)


@given(run=RUNS, number=st.integers(0, 10**9), hidden=st.booleans())
def test_a_mark_is_found_again(*, run: str, number: int, hidden: bool) -> None:
    mark = mark_of_pass(run, number)
    name = temporary_name(mark, hidden=hidden)
    assert mark_of(name) == mark
    assert mark.startswith(run)
    assert len(mark) == RUN + PASS
    assert is_temporary(name)
    assert name.startswith(".mover-" if hidden else "mover-")
    assert len(name) < 50
    assert name != temporary_name(mark, hidden=hidden)


@given(RUNS, st.integers(0, 10**6))
def test_passes_that_follow_each_other_have_marks_of_their_own(run: str, number: int) -> None:
    assert len({mark_of_pass(run, number + i) for i in range(100)}) == 100


def test_without_a_mark_there_is_none_to_find() -> None:
    name = temporary_name()
    assert is_temporary(name)
    assert mark_of(name) is None
    assert name != temporary_name()


@pytest.mark.parametrize(
    "name",
    [
        f".mover-{MARK}-0123456.part",
        f".mover-{MARK}-012345678.part",
        f".mover-{MARK}-0123456g.part",
        f".mover-{MARK.upper()}-01234567.part",
        f".mover-{MARK[:-1]}-01234567.part",
        f".mover-{MARK}0-01234567.part",
        f".mover-{MARK}-01234567.part~",
        f".mover-{MARK}-01234567.part\n",
        f"..mover-{MARK}-01234567.part",
        f"a.mover-{MARK}-01234567.part",
        f".mover-{MARK}.part",
        f".mover-{MARK}-01234567.PART",
        ".mover-.part",
        "",
    ],
)
def test_what_only_looks_alike_has_no_mark(name: str) -> None:
    assert mark_of(name) is None
    assert not is_temporary(name)


@pytest.mark.parametrize("mark", ["", "x", MARK + "0", MARK.upper(), "../" + MARK[3:], MARK + "\n"])
def test_what_is_no_mark_gets_into_no_name(mark: str) -> None:
    with pytest.raises(ValueError, match="no mark"):
        temporary_name(mark)
