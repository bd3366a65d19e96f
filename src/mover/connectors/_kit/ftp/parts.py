"""Large files in parts, strictly one after the other, that go on where they stopped. What is done, the server knows: its SIZE."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Final

from mover.connectors._kit.ftp import folders
from mover.connectors._kit.ftp.errors import Unclear
from mover.connectors._kit.ftp.files import discard, publish, write_whole
from mover.connectors._kit.ftp.session import Session
from mover.connectors._kit.ftp.transfer import Outgoing
from mover.core.connector import Part, Upload
from mover.core.errors import Damaged, ItemError, NotFound
from mover.core.model import Attributes, Entry, ItemId

PART: Final = 16 << 20
"""Bytes of a part. Each costs a data connection and two questions."""

MOST_PARTS: Final = 10_000
SMALLEST: Final = 64 << 20
"""Smaller files are sent in one go: starting them again costs little."""


@dataclass(frozen=True, slots=True)
class State:
    """All that is needed to go on; kept by the caller as text."""

    temporary: str
    item: str
    size: int
    part_size: int
    modified: float | None

    @staticmethod
    def of(text: str) -> State:
        """Read it back. Raises `NotFound` if it is none of ours."""
        try:
            return State(**json.loads(text))
        except (ValueError, TypeError) as problem:
            raise NotFound("the state of this upload cannot be read") from problem

    @property
    def text(self) -> str:
        """As text."""
        return json.dumps(asdict(self))

    @property
    def when(self) -> datetime | None:
        """The time that the file is to have."""
        return None if self.modified is None else datetime.fromtimestamp(self.modified, UTC)


def part_size(size: int) -> int | None:
    """The size of parts, in whole MiB; `None` for files that are sent in one go."""
    if size < SMALLEST:
        return None
    return PART * -(-size // (PART * MOST_PARTS))


def begin(session: Session, item: ItemId, size: int, wanted: int, attributes: Attributes) -> Upload:
    """Make a temporary file. Where the server refuses to go on with a file (ProFTPD's default), there is one single part."""
    temporary, modified = folders.beside(session.path(item), attributes.mark), attributes.modified
    several = wanted < size
    write_whole(session, temporary, b"\0" if several else b"")
    step = wanted if several and _goes_on(session, temporary) else max(size, 1)
    state = State(temporary, item, size, step, None if modified is None else modified.timestamp())
    return Upload(state.text, size, step, 1)


def resume(session: Session, text: str) -> Upload:
    """What the server has of it: whole parts count."""
    state = State.of(text)
    held = min(_held(session, state.temporary), state.size)
    count = -(-state.size // state.part_size) if held == state.size else held // state.part_size
    sizes = (min(state.part_size, state.size - number * state.part_size) for number in range(count))
    done = tuple(Part(number, size, str(number)) for number, size in enumerate(sizes))
    return Upload(text, state.size, state.part_size, 1, done)


def open_part(session: Session, upload: Upload, number: int) -> Outgoing:
    """Begin to write a part at its place. What is left there of an earlier attempt is written over.

    Raises:
        NotFound: the temporary file is gone.
        Damaged: the server has lost bytes before this part.
    """
    state, start = State.of(upload.state), number * upload.part_size
    held = _held(session, state.temporary)
    if held < start:
        raise Damaged(f"the server has {held} bytes of the {start} before this part", item=state.item)
    if start == 0:
        return Outgoing(session, "STOR", state.temporary)
    if session.features.restarts:
        return Outgoing(session, "STOR", state.temporary, start)
    if held > start:
        raise Damaged(
            f"the server has {held - start} bytes of a broken part, and cannot write over them", item=state.item
        )
    return Outgoing(session, "APPE", state.temporary)


def finish(session: Session, upload: Upload) -> Entry:
    """Make the file visible under its name. Raises `Damaged` if it is not whole."""
    state = State.of(upload.state)
    return publish(session, state.temporary, ItemId(state.item), state.size, state.when)


def abandon(session: Session, upload: Upload) -> None:
    """Remove what was sent."""
    discard(session, State.of(upload.state).temporary)


def _goes_on(session: Session, temporary: str) -> bool:
    """Whether the server lets us write on in a file that is there and has one byte."""
    try:
        if session.features.restarts:
            Outgoing(session, "STOR", temporary, 1).finish()
        else:
            Outgoing(session, "APPE", temporary).finish()
    except ItemError:
        return False
    return True


def _held(session: Session, temporary: str) -> int:
    try:
        return folders.size(session, temporary)
    except Unclear as refusal:
        raise NotFound("the server has nothing of this upload", item=temporary) from refusal
