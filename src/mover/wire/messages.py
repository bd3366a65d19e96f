"""The two verbs of a runner, *lease* and *journal*, and how it enrols. All bodies are MessagePack.

A lease is a piece of work for some seconds. The runner's journal requests keep it; when they stay away the piece is leased to another
runner with a higher fence, and whatever the first still says of it is refused.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from msgspec import Struct

from mover.wire.items import WireAttempt, WireKey, WireKnown, WireLine, WirePart, WirePlanned, WireSame, WireUpload

VERSION: Final = 1
"""Of this page. A control plane refuses runners that speak another, with advice."""

TYPE: Final = "application/msgpack"
MOST: Final = 32 << 20
"""Bytes of a body, either way."""

LEASE: Final = 20.0
"""Seconds that a lease lives after the last journal request that named it."""

BEAT: Final = 2.0
"""Seconds after which a runner says something of its leases, even if nothing happened."""

WAIT: Final = 20.0
"""Seconds that a request for a lease may wait for work."""

BATCH_ITEMS: Final = 200
BATCH_BYTES: Final = 256 << 20
"""A piece of copying is no larger than this, unless it is one file."""

Work = Literal["scan", "copy", "tidy"]


class WireEnd(Struct, frozen=True):
    """One side of a run. `secrets` opens with the runner's own key only, for this lease."""

    connector: str
    options: dict[str, str | int | bool]
    secrets: bytes
    path: str
    connection: str

    def __repr__(self) -> str:
        return f"WireEnd({self.connector}, {self.connection}, {self.path!r})"


class Lease(Struct, frozen=True):
    """A piece of work. `run` is bound to all that the runner spools for it; `mark` is in the names of files that are not whole yet."""

    batch: int
    fence: int
    work: Work
    run: str
    pair: str
    mark: str
    source: WireEnd
    destination: WireEnd
    settings: dict[str, Any]
    filters: dict[str, Any]
    asked: float
    first: bool = False
    """Scan: no earlier pass left anything in the journal."""

    items: list[WirePlanned] = []
    uploads: list[WireUpload] = []


def lease_context(batch: int, fence: int, connection: str) -> bytes:
    """What the secrets of a lease are bound to."""
    return f"lease|{batch}|{fence}|{connection}".encode()


class LeaseRequest(Struct, frozen=True):
    """How much more the runner can take, and how long it waits for it (seconds)."""

    scans: int
    copies: int
    wait: float = WAIT


class LeaseAnswer(Struct, frozen=True):
    """What it gets; nothing is an answer too."""

    leases: list[Lease] = []


class Counts(Struct, frozen=True):
    """Where a scan stands. Sizes in bytes; `items` by state."""

    found: int = 0
    found_bytes: int = 0
    folders: int = 0
    items: dict[str, int] = {}


class Moving(Struct, frozen=True, array_like=True):
    """A file on its way, for whoever watches."""

    path: bytes
    size: int | None
    moved: int


class UploadNews(Struct, frozen=True):
    """What changed about uploads, in this order: `kept` replace what was there, `parts` are added, `forgotten` are dropped."""

    kept: list[WireUpload] = []
    parts: list[tuple[WireKey, WirePart]] = []
    forgotten: list[WireKey] = []


class Ended(Struct, frozen=True):
    """How the work on a lease ended. `lost`: a connection does not work any more; `given-up`: the runner stops, or was told to."""

    state: Literal["done", "lost", "failed", "given-up"]
    code: str | None = None
    detail: str | None = None
    advice: str | None = None
    again: bool = False
    """`lost`: it may work later by itself."""

    after: float | None = None
    """Seconds that the provider asked to be left alone."""


class Report(Struct, frozen=True):
    """What happened under one lease since the last report. `number` counts from 1: a report that came already is not taken twice."""

    batch: int
    fence: int
    number: int
    lines: list[WireLine] = []
    same: list[WireSame] = []
    seen: list[WireKey] = []
    """Items that an earlier pass copied and that are still the same."""

    attempts: list[WireAttempt] = []
    offers: list[list[WirePlanned]] = []
    uploads: UploadNews = UploadNews()
    asks: list[WireKey] = []
    counts: Counts | None = None
    moving: list[Moving] = []
    bytes_moved: int = 0
    ended: Ended | None = None


class JournalRequest(Struct, frozen=True):
    """Reports of all leases that the runner holds: each named one lives on."""

    reports: list[Report]


class Verdict(Struct, frozen=True):
    """What the control plane says to a report.

    `go`: go on. `pause`: finish what is in hand, then end. `stop`: end at once. `lost`: the lease is another's now, and nothing of the
    report was taken.
    """

    batch: int
    state: Literal["go", "pause", "stop", "lost"]
    known: list[WireKnown] = []
    bytes_per_second: int | None = None


class JournalAnswer(Struct, frozen=True):
    """One verdict for each report."""

    verdicts: list[Verdict]


class EnrolRequest(Struct, frozen=True):
    """A runner joins: its one-time token, its public keys (raw, 32 bytes each) and what it calls itself."""

    token: str
    name: str
    signing_key: bytes
    box_key: bytes
    version: int = VERSION

    def __repr__(self) -> str:
        return f"EnrolRequest({self.name!r})"


class EnrolAnswer(Struct, frozen=True):
    """What the control plane calls it from now on."""

    runner: str
