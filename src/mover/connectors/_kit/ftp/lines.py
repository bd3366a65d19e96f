"""Listings made for people: LIST, in the form of `ls -l` and in that of DOS.

No standard describes them. The packages on PyPI that read them (ftpparser and others) have rested for years and take text, not bytes, so
this is ours; docs/decisions/0010-ftp-client.md says more. What cannot be read is never left out in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from mover.connectors._kit.ftp.names import from_wire
from mover.core.errors import Refused
from mover.core.model import Entry, ItemId, Kind

_UNIX: Final = re.compile(
    rb"(?P<kind>[-bcdlpsD])[-a-zA-Z]{9}\S?\s+"
    rb"(?P<owners>.*?)\s+(?P<size>\d+(?:,\s*\d+)?)\s+"
    rb"(?:(?P<month>[A-Z][a-z]{2})\s+(?P<day>\d{1,2})\s+(?:(?P<hour>\d{1,2}):(?P<minute>\d\d)|(?P<year>\d{4}))"
    rb"|(?P<date>\d{4}-\d\d-\d\d)\s+(?P<clock>\d\d:\d\d)\S*)"
    rb" (?P<name>.+)",
    re.DOTALL,
)
_DOS: Final = re.compile(
    rb"(?P<month>\d\d)-(?P<day>\d\d)-(?P<year>\d{4}|\d\d)\s+(?P<hour>\d\d):(?P<minute>\d\d)(?P<half>[AP]M)?\s+"
    rb"(?:(?P<word><DIR>|<JUNCTION>|<SYMLINKD?>) {1,10}|(?P<size>\d+) )(?P<name>.+)",
    re.DOTALL,
)
_TOTAL: Final = re.compile(rb"total \d+\S*\s*", re.IGNORECASE)
_MONTHS: Final = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")
_KINDS: Final = {b"-": Kind.FILE, b"d": Kind.FOLDER, b"l": Kind.LINK}


def entries(listing: bytes, folder: ItemId, encoding: str, *, now: datetime) -> Iterator[Entry]:
    """The entries of a LIST answer, without `.` and `..`.

    Times are read as UTC and are as coarse as the server writes them: minutes, or days for what is older than half a year. `now` tells
    which year a time without one belongs to.

    Raises:
        Refused: the answer has neither form; the text shows its first line.
    """
    for found in _matched(listing):
        made = _entry(found, folder, encoding, now)
        if made.name not in (".", ".."):
            yield made


def _matched(listing: bytes) -> Iterator[dict[str, bytes]]:
    """The parts of each line. A line of no known form goes on with the name before it, which then holds a line break."""
    end = b"\r\n" if b"\r\n" in listing else b"\n"
    pending: dict[str, bytes] | None = None
    for line in listing.removesuffix(end).split(end) if listing else ():
        if found := _UNIX.fullmatch(line) or _DOS.fullmatch(line):
            if pending:
                yield pending
            pending = {name: value for name, value in found.groupdict().items() if value is not None}
        elif pending:
            pending["name"] += end + line
        elif line.strip() and not _TOTAL.fullmatch(line):
            raise Refused(f"the server's listing (LIST) has a form that Mover does not know: {line[:80]!r}")
    if pending:
        yield pending


def _entry(found: dict[str, bytes], folder: ItemId, encoding: str, now: datetime) -> Entry:
    kind, raw, target = _kind(found), found["name"], None
    if kind is Kind.LINK and "kind" in found:
        raw, _, aim = raw.partition(b" -> ")
        target = from_wire(aim, encoding) or None
    name = from_wire(raw, encoding)
    size = int(found["size"]) if kind is Kind.FILE and "size" in found else None
    item = ItemId(f"{folder}/{name}" if folder else name)
    return Entry(item, folder, name, kind, size, _modified(found, now), target=target)


def _kind(found: dict[str, bytes]) -> Kind:
    if "kind" in found:
        return _KINDS.get(found["kind"], Kind.OTHER)
    word = found.get("word")
    if word is None:
        return Kind.FILE
    return Kind.FOLDER if word == b"<DIR>" else Kind.LINK


def _modified(found: dict[str, bytes], now: datetime) -> datetime | None:
    try:
        if "date" in found:
            return datetime.fromisoformat(f"{found['date'].decode()}T{found['clock'].decode()}").replace(tzinfo=UTC)
        if "kind" in found:
            return _unix_time(found, now)
        return _dos_time(found)
    except ValueError:
        return None


def _unix_time(found: dict[str, bytes], now: datetime) -> datetime:
    month, day = _MONTHS.index(found["month"]) + 1, int(found["day"])
    if "year" in found:
        return datetime(int(found["year"]), month, day, tzinfo=UTC)
    # A server's clock, or its zone, may be up to a day ahead of ours.
    for year in (now.year + 1, now.year, now.year - 1):
        if month == 2 and day == 29 and year % 4:  # noqa: PLR2004  # no such day that year
            continue
        made = datetime(year, month, day, int(found["hour"]), int(found["minute"]), tzinfo=UTC)
        if made <= now + timedelta(days=1):
            return made
    raise ValueError("no year fits")


def _dos_time(found: dict[str, bytes]) -> datetime:
    year, hour = int(found["year"]), int(found["hour"])
    if len(found["year"]) == 2:  # noqa: PLR2004  # two digits, as IIS writes by default
        year += 2000 if year < 70 else 1900  # noqa: PLR2004  # POSIX's rule for %y
    if half := found.get("half"):
        hour = hour % 12 + (12 if half == b"PM" else 0)
    return datetime(year, int(found["month"]), int(found["day"]), hour, int(found["minute"]), tzinfo=UTC)
