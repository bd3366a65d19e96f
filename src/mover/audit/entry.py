"""One entry of the log: an act, where it stands, and when the log took it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Final, cast

from mover.audit.canonical import Json, canonical, write
from mover.audit.events import BY_CODE, Actor, Event
from mover.audit.merkle import leaf_hash
from mover.core.errors import LogDamaged, NotLoggable

LONGEST_ID: Final = 200
"""Characters of an id."""


@dataclass(frozen=True, slots=True)
class Act:
    """Somebody did something to something: what a use-case hands to the log, before the log gives it a place and a time.

    `actor` and `subject` are ids; the subject's kind is the event's. `request` is the id of the request that caused it, `address` the
    IP address it came from; both None for what Mover does by itself. `details` are metadata, never secrets or contents.

    Raises:
        NotLoggable: the details are not those of the event, or something in them may not be logged. Text from outside goes
            through `canonical.tidy` first.
    """

    event: Event
    actor_kind: Actor
    actor: str
    subject: str
    details: Mapping[str, Json] = field(default_factory=dict[str, Json])
    request: str | None = None
    address: str | None = None

    def __post_init__(self) -> None:
        given = set(self.details)
        if missing := self.event.must - given:
            raise NotLoggable(f"{self.event.code}: the audit log needs {', '.join(sorted(missing))} too")
        if strange := given - self.event.must - self.event.may:
            raise NotLoggable(
                f"{self.event.code}: the audit log has no place for {', '.join(sorted(map(repr, strange)))}"
            )
        for name in (self.actor, self.subject, self.request):
            if name is not None and not 0 < len(name) <= LONGEST_ID:
                raise NotLoggable(f"{self.event.code}: an id has 1 to {LONGEST_ID} characters")
        if self.address is not None:
            _check_address(self.address)
        written = canonical(self._plain())
        # A copy of its own: what was looked at is what will be written.
        object.__setattr__(self, "details", json.loads(written)["details"])

    def _plain(self) -> dict[str, Json]:
        return {
            "actor": {"id": self.actor, "kind": self.actor_kind.value},
            "address": self.address,
            "details": self.details if isinstance(self.details, dict) else dict(self.details),
            "event": self.event.code,
            "request": self.request,
            "subject": {"id": self.subject, "kind": self.event.subject.value},
        }

    def at(self, index: int, at: datetime, previous: bytes | None) -> Entry:
        """The entry that this becomes."""
        return Entry(index, at.astimezone(UTC), self, previous)

    def written(self, index: int, at: str, previous: str | None) -> bytes:
        """The canonical line, for `Entry.line`."""
        return write({**self._plain(), "at": at, "index": index, "previous": previous})


@dataclass(frozen=True, slots=True)
class Entry:
    """An act in its place.

    `index` counts from 0 without gaps; `at` is the database's clock, UTC; `previous` is the leaf hash of the entry before (None before
    the first), so that a change is found at its place and not only somewhere.
    """

    index: int
    at: datetime
    act: Act
    previous: bytes | None

    def line(self) -> bytes:
        """The canonical JSON that is hashed, stored and exported; no line end."""
        previous = None if self.previous is None else self.previous.hex()
        return self.act.written(self.index, written_time(self.at), previous)

    def leaf(self) -> bytes:
        """The entry's leaf hash."""
        return leaf_hash(self.line())


def read_entry(line: bytes) -> Entry:
    """The entry in a line.

    Raises:
        LogDamaged: it is no entry, or not written as the log writes them.
    """
    try:
        found = cast("dict[str, object]", json.loads(line))
        entry = _entry(found)
        same = type(entry.index) is int and entry.line() == line  # 0.0 would be written as it was read
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, NotLoggable) as error:
        raise LogDamaged("a line of the audit log is no entry") from error
    if not same:
        raise LogDamaged(f"entry {entry.index} of the audit log is not written as the log writes them")
    return entry


def written_time(at: datetime) -> str:
    """RFC 3339 in UTC, always with microseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _entry(found: dict[str, object]) -> Entry:
    actor, subject = cast("dict[str, str]", found["actor"]), cast("dict[str, str]", found["subject"])
    act = Act(
        event=BY_CODE[cast("str", found["event"])],
        actor_kind=Actor(actor["kind"]),
        actor=actor["id"],
        subject=subject["id"],
        details=cast("dict[str, Json]", found["details"]),
        request=cast("str | None", found["request"]),
        address=cast("str | None", found["address"]),
    )
    previous = cast("str | None", found["previous"])
    at = datetime.fromisoformat(cast("str", found["at"]))
    return Entry(cast("int", found["index"]), at, act, None if previous is None else bytes.fromhex(previous))


def _check_address(address: str) -> None:
    try:
        ip_address(address)
    except ValueError:
        raise NotLoggable("the address of a request is not an IP address") from None
