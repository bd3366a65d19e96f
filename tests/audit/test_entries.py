"""What the log takes and how it writes it: RFC 8785 by a library somebody else wrote, and hostile input."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import rfc8785
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.audit.making import act

from mover.audit.canonical import DEEPEST, LONGEST_TEXT, MOST_VALUES, canonical, tidy
from mover.audit.entry import Act, read_entry
from mover.audit.events import BY_CODE, Actor, Event
from mover.core.errors import LogDamaged, NotLoggable
from mover.core.secret import Secret

NOW = datetime(2026, 11, 21, 9, 8, 7, 6, tzinfo=UTC)
TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=40)
NAMES = st.text(st.characters(max_codepoint=126, exclude_characters="\0"), max_size=10)
PLAIN = TEXT | st.integers(-(2**53) + 1, 2**53 - 1) | st.booleans() | st.none()
JSON = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)


@given(st.dictionaries(NAMES, JSON, max_size=5))
def test_the_canonical_form_is_that_of_rfc_8785(value: dict[str, object]) -> None:
    assume(_levels(value) <= DEEPEST)
    written = canonical(value)  # type: ignore[arg-type]
    assert written == rfc8785.dumps(value)  # type: ignore[arg-type]
    assert b"\n" not in written
    assert json.loads(written) == value


def _levels(value: object) -> int:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inside is None else 1 + max(map(_levels, inside), default=0)


def _deep(levels: int) -> object:
    value: object = "x"
    for _ in range(levels):
        value = [value]
    return value


class Text(str):
    """A kind of text that could write itself otherwise."""

    __slots__ = ()


HOSTILE: Mapping[str, object] = {
    "a secret": Secret("hunter2"),
    "a secret in a list": [{"x": Secret("hunter2")}],
    "a float": 1.5,
    "not a number": float("nan"),
    "infinity": float("inf"),
    "bytes": b"x",
    "a time": NOW,
    "a set": {1},
    "an enum": Event.RUN_ENDED,
    "text of another kind": Text("x"),
    "half a character": "\ud800",
    "the other half": "x\udfff",
    "zero": "a\0b",
    "too large a number": 2**53,
    "too small a number": -(2**53),
    "huge number": 10**5000,
    "long text": "x" * (LONGEST_TEXT + 1),
    "many values": list(range(MOST_VALUES + 1)),
    "many values in parts": [list(range(100))] * 3,
    "much in all": ["x" * 1000] * 10,
    "deep": _deep(DEEPEST),
    "deeper than the stack": _deep(100_000),
    "a name that is no text": {1: 2},
    "a name beyond ASCII": {"ключ": 1},
    "a name that is half a character": {"\ud800": 1},
    "a secret as a name": {b"hunter2": 1},
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_details_are_refused(what: str) -> None:
    with pytest.raises(NotLoggable) as raised:
        act(cause=HOSTILE[what])
    assert "hunter2" not in str(raised.value)
    assert len(str(raised.value)) < 300


def test_a_list_in_itself_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(NotLoggable, match="deep"):
        act(cause=endless)


def test_what_was_looked_at_is_what_is_written() -> None:
    details: dict[str, object] = {"migration": "m", "cause": ["a"]}
    made = Act(Event.RUN_STARTED, Actor.SYSTEM, "schedule", "1", details)  # type: ignore[arg-type]
    details["cause"] = Secret("hunter2")
    assert b'"cause":["a"]' in made.at(0, NOW, None).line()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"details": {}}, "needs migration"),
        ({"details": {"migration": "m", "password": "x"}}, "no place for 'password'"),
        ({"actor": ""}, "an id has"),
        ({"subject": "x" * 201}, "an id has"),
        ({"request": ""}, "an id has"),
        ({"subject": "\ud800"}, "surrogate"),
        ({"address": "localhost"}, "not an IP address"),
        ({"address": "::1%" + "x" * 2000}, "too long"),
    ],
)
def test_an_act_that_is_not_whole_is_refused(change: dict[str, object], message: str) -> None:
    whole: dict[str, object] = {
        "event": Event.RUN_STARTED,
        "actor_kind": Actor.ACCOUNT,
        "actor": "1",
        "subject": "2",
        "details": {"migration": "m"},
    }
    Act(**whole)  # type: ignore[arg-type]
    with pytest.raises(NotLoggable, match=message):
        Act(**{**whole, **change})  # type: ignore[arg-type]


@given(st.text(max_size=3000))
def test_tidy_makes_any_text_loggable(text: str) -> None:
    tidied = tidy(text)
    act(cause=tidied)
    assert len(tidied) <= LONGEST_TEXT
    if text.isprintable() and len(text) <= LONGEST_TEXT:
        assert tidied == text


def test_tidy_shows_what_it_changed() -> None:
    assert tidy("a\0b\x1b[31m\ud800\u202e") == "a\ufffdb\ufffd[31m\ufffd\ufffd"
    assert tidy("abcdef", 4) == "abc…"


def test_an_entry_reads_as_it_was_written() -> None:
    entry = act(7, cause="x").at(3, NOW.astimezone(timezone(timedelta(hours=2))), b"\x01" * 32)
    line = entry.line()
    assert line == (
        b'{"actor":{"id":"account-1","kind":"account"},"address":"192.0.2.1","at":"2026-11-21T09:08:07.000006Z",'
        b'"details":{"cause":"x","migration":"m-7"},"event":"run-started","index":3,"previous":"' + b"01" * 32 + b'",'
        b'"request":"request-7","subject":{"id":"run-7","kind":"run"}}'
    )
    assert read_entry(line) == entry
    assert read_entry(act().at(0, NOW, None).line()).previous is None


@pytest.mark.parametrize(
    "line",
    [b"", b"{}", b"[]", b"null", b"\xff", b'{"a":' * 5000, b'{"index": 1e400}'],
)
def test_what_is_no_entry_is_said_to_be_none(line: bytes) -> None:
    with pytest.raises(LogDamaged):
        read_entry(line)


def test_another_form_of_the_same_entry_is_refused() -> None:
    line = act().at(0, NOW, None).line()
    for other in (line.replace(b":", b": ", 1), line[:-1] + b',"index":0}', line.replace(b'"index":0', b'"index":0.0')):
        assert other != line
        with pytest.raises(LogDamaged):
            read_entry(other)


def test_events_are_named_once_and_carry_no_secrets() -> None:
    assert len(BY_CODE) == len(Event) == len({event.code for event in Event})
    for event in Event:
        assert event.says.endswith(".")
        assert not event.must & event.may
        assert event.code == event.name.lower().replace("_", "-")
        for name in event.must | event.may:
            assert not any(word in name for word in ("password", "secret", "token", "credential", "content")), (
                event,
                name,
            )


def test_the_documentation_lists_every_event_and_what_it_carries() -> None:
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text()
    for event in Event:
        must, may = (", ".join(sorted(names)) or "-" for names in (event.must, event.may))
        assert f"| `{event.code}` | {event.says} | {event.subject.value} | {must} | {may} |" in page
