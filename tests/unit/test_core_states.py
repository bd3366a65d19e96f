"""Whatever happens to an item, it moves by the rules and is accounted for in the end."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mover.core.states import FINAL, NEXT, State


@st.composite
def histories(draw: st.DrawFn) -> list[State]:
    """States an item went through, each allowed after the one before, for as long as it goes on."""
    state: State | None = None
    history: list[State] = []
    for _ in range(draw(st.integers(1, 12))):
        allowed = sorted(NEXT[state], key=lambda s: s.value)
        if not allowed:
            break
        state = draw(st.sampled_from(allowed))
        history.append(state)
    return history


@given(histories())
def test_nothing_follows_copied(history: list[State]) -> None:
    assert State.COPIED not in history[:-1]


@given(histories())
def test_an_item_is_planned_or_left_alone_before_it_is_copied_or_fails_again(history: list[State]) -> None:
    for before, after in pairwise(history):
        if after in (State.COPIED, State.FAILED):
            assert before in (State.PLANNED, State.FAILED)


@given(st.lists(histories(), max_size=20))
def test_counts_of_final_states_add_up_to_what_was_found(items: list[list[State]]) -> None:
    last = Counter(history[-1] for history in items)
    assert sum(last[state] for state in FINAL) == len(items) - last[State.PLANNED]


def test_every_state_is_known_reachable_and_has_a_way_to_an_end() -> None:
    assert set(NEXT) == {None, *State}
    assert _reached(None) >= set(State)
    assert [s for s in State if s not in FINAL and not _reached(s) & FINAL] == []
    assert {State.PLANNED} == set(State) - FINAL


def test_only_copied_is_for_good() -> None:
    assert [state for state in State if not NEXT[state]] == [State.COPIED]


def _reached(start: State | None) -> set[State]:
    seen: set[State] = set()
    todo = [start]
    while todo:
        new = NEXT[todo.pop()] - seen
        seen |= new
        todo += new
    return seen
