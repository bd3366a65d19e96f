"""Large files in parts: appended to a temporary file, whose length tells after a crash which of them are there."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any, Final, cast

from mover.connectors._kit.paths import child
from mover.connectors.local.errors import speaking_of
from mover.connectors.local.tree import Tree, nanoseconds_of, time_of
from mover.connectors.local.writing import NEW, Target, fill, named
from mover.core.connector import Part, Upload
from mover.core.errors import Damaged, NotFound, Refused, Unfit
from mover.core.model import Attributes, Body, Entry, ItemId
from mover.core.temporary import is_temporary, temporary_name

PART: Final = 8 * 1024 * 1024
LARGE: Final = 2 * PART
"""Files above this many bytes go in parts."""

_OPEN: Final = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe in its place must not be waited for


@dataclass(frozen=True, slots=True)
class _State:
    """All that is needed to go on; kept as JSON in `Upload.state`."""

    folder: str
    name: str
    temporary: str
    size: int
    modified: int | None

    @property
    def item(self) -> ItemId:
        return child(ItemId(self.folder), self.name)


def begun(tree: Tree, folder: ItemId, name: str, size: int, attributes: Attributes) -> Upload:
    """An empty temporary file beside the place of the one to come."""
    modified = None if attributes.modified is None else nanoseconds_of(attributes.modified)
    state = _State(folder, name, temporary_name(attributes.mark), size, modified)
    with speaking_of(state.item), tree.folder(folder) as at:
        os.close(os.open(state.temporary, NEW, 0o666, dir_fd=at))
    return _upload(state, 0)


def resumed(tree: Tree, text: str) -> Upload:
    """The upload with the parts that are whole in its temporary file. Raises `NotFound` if that is gone."""
    state = _read(text)
    with _file(tree, state) as (file, _):
        return _upload(state, os.fstat(file).st_size)


async def part_written(tree: Tree, upload: Upload, number: int, body: Body) -> Part:
    """Append a part, or write one again; what came after it is dropped then. Raises `Damaged`, `Refused`."""
    state, start = _read(upload.state), number * PART
    size = min(PART, state.size - start)
    if size <= 0 or (body.size is not None and body.size != size):
        raise Damaged(f"part {number} has {body.size} bytes instead of {max(size, 0)}", item=state.item)
    with _file(tree, state) as (file, _):
        with speaking_of(state.item):
            if os.fstat(file).st_size < start:
                raise Refused(f"part {number} came before the ones it follows", item=state.item)
            os.ftruncate(file, start)
        count = await fill(file, start, body, state.item)
        if count != size:
            raise Damaged(f"part {number} has {count} bytes instead of {size}", item=state.item)
    return _part(state, number)


async def finished(tree: Tree, upload: Upload, parts: Sequence[Part], *, flush: bool) -> Entry:
    """Give the file its name. Raises `Refused` if parts are missing."""
    state = _read(upload.state)
    wanted = {_part(state, n) for n in range(-(-state.size // PART))}
    if missing := wanted - set(parts):
        raise Refused(f"{len(missing)} of {len(wanted)} parts are missing", item=state.item)
    with _file(tree, state) as (file, at):
        with speaking_of(state.item):
            size = os.fstat(file).st_size
        if size != state.size:
            raise Refused(f"{size} of {state.size} bytes are there", item=state.item)
        modified = None if state.modified is None else time_of(state.modified)
        return await named(file, at, state.temporary, Target(ItemId(state.folder), state.name, modified, flush))


def abandoned(tree: Tree, upload: Upload) -> None:
    """Remove the temporary file, if it is there."""
    state = _read(upload.state)
    with speaking_of(state.item), suppress(FileNotFoundError), tree.folder(ItemId(state.folder)) as at:
        os.unlink(state.temporary, dir_fd=at)


@contextmanager
def _file(tree: Tree, state: _State) -> Generator[tuple[int, int]]:
    """The temporary file and its folder, open for writing."""
    with ExitStack() as open_:
        with speaking_of(state.item):
            at = open_.enter_context(tree.folder(ItemId(state.folder)))
            file = os.open(state.temporary, _OPEN, dir_fd=at)
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise NotFound("something else stands where the beginning of the file was", item=state.item)
            yield file, at
        finally:
            os.close(file)


def _upload(state: _State, there: int) -> Upload:
    whole = state.size if there == state.size else there // PART * PART
    done = tuple(_part(state, n) for n in range(-(-whole // PART)))
    return Upload(json.dumps(asdict(state)), state.size, PART, 1, done)


def _part(state: _State, number: int) -> Part:
    return Part(number, min(PART, state.size - number * PART), "")


def _read(text: str) -> _State:
    """Raises `NotFound` if the text is no state that this connector made."""
    try:
        state = _State(**cast("dict[str, Any]", json.loads(text)))
        _expect_ours(state)
    except (TypeError, ValueError, Unfit):
        raise NotFound("that is no upload of this connector") from None
    return state


def _expect_ours(state: _State) -> None:
    child(ItemId(state.folder), state.name)
    if not is_temporary(state.temporary):
        raise ValueError(state.temporary)
