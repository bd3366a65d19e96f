"""Writing files: to a temporary name first, which takes the place of the real one when all bytes are known to be there."""

from __future__ import annotations

from asyncio import Future
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mover.connectors._kit.bodies import measured
from mover.connectors.sftp.channel import Channel
from mover.connectors.sftp.errors import error_for
from mover.connectors.sftp.packets import (
    Attrs,
    Code,
    Kind,
    Reply,
    Status,
    attrs_of,
    done,
    space_of,
    string,
    times,
    writing,
)
from mover.core.errors import Conflict, Damaged, Full, MoverError
from mover.core.model import Body

BEHIND: Final = 8 << 20
"""Bytes sent whose arrival nobody has confirmed yet."""
FSYNC: Final = b"fsync@openssh.com"
REPLACE: Final = b"posix-rename@openssh.com"
STATVFS: Final = b"statvfs@openssh.com"


@dataclass(slots=True)
class Target:
    """A file that is open for writing, under its temporary name."""

    channel: Channel
    path: bytes
    handle: bytes
    flush: bool

    async def fill(self, body: Body, name: str, offset: int = 0) -> int:
        """Write a body from `offset` on; answers how many bytes it had. Raises `Damaged` if they are not `body.size`."""
        due: deque[Future[Reply]] = deque()
        at, step = offset, self.channel.writes
        async for chunk in measured(body, name):
            view = memoryview(chunk)
            for begin in range(0, len(view), step):
                piece = view[begin : begin + step]
                due.append(self.channel.ask(Kind.WRITE, writing(self.handle, at, piece)))
                at += len(piece)
                while len(due) * step >= BEHIND:
                    done(await due.popleft())
        while due:
            done(await due.popleft())
        return at - offset

    def begin_small(self, data: bytes) -> list[Future[Reply]]:
        """Send a small body at once; the answers come later."""
        step = self.channel.writes
        return [
            self.channel.ask(Kind.WRITE, writing(self.handle, at, data[at : at + step]))
            for at in range(0, len(data), step)
        ]

    async def seal(self, modified: int | None, sent: list[Future[Reply]] | None = None) -> Attrs:
        """Set the time, flush if asked to, close; answers what the server then says of the file. All of it leaves together.

        A server that refuses to set the time is no failure: the answer shows the time it has.
        """
        handle, ask = string(self.handle), self.channel.ask
        timed = None if modified is None else ask(Kind.FSETSTAT, handle + times(modified))
        flushed = self.channel.extended(FSYNC, handle) if self.flush and FSYNC in self.channel.extensions else None
        told = ask(Kind.FSTAT, handle)
        closed = ask(Kind.CLOSE, handle)
        for answer in sent or []:
            done(await answer)
        if timed is not None:
            _refused(await timed)
        if flushed is not None:
            done(await flushed)
        attrs = attrs_of(await told)
        done(await closed)
        if modified is not None and attrs.modified != modified:
            # some servers set it by path only, or only once the file is closed
            _refused(await ask(Kind.SETSTAT, string(self.path) + times(modified)))
            attrs = attrs_of(await ask(Kind.LSTAT, string(self.path)))
        return attrs


def _refused(reply: Reply) -> bool:
    try:
        done(reply)
    except Status:
        return True
    return False


def same_length(attrs: Attrs, sent: int, name: str) -> None:
    """Raise `Damaged` unless the server holds as many bytes as were sent."""
    if attrs.size != sent:
        raise Damaged(f"{sent} bytes were sent, the server holds {attrs.size}", item=name)


async def replace(channel: Channel, old: bytes, new: bytes, spare: Callable[[], bytes]) -> None:
    """Give a file another name; what stands there is replaced in one step if the server can do that.

    If it cannot, what stands there goes to the `spare` path first and comes back if the second step fails.

    Raises:
        Status: the server refused.
        Conflict: a folder stands there.
    """
    if REPLACE in channel.extensions:
        try:
            done(await channel.extended(REPLACE, string(old) + string(new)))
        except Status as status:
            await _blame_folder(channel, old, new, status)
            raise
        return
    try:
        done(await channel.ask(Kind.RENAME, string(old) + string(new)))
    except Status as status:
        if status.code in (Code.NO_SUCH_FILE, Code.PERMISSION_DENIED):
            raise
        await _blame_folder(channel, old, new, status)
        await _swap(channel, old, new, spare())


async def _swap(channel: Channel, old: bytes, new: bytes, aside: bytes) -> None:
    done(await channel.ask(Kind.RENAME, string(new) + string(aside)))
    try:
        done(await channel.ask(Kind.RENAME, string(old) + string(new)))
    except BaseException:
        channel.tell(Kind.RENAME, string(aside) + string(new))
        raise
    done(await channel.ask(Kind.REMOVE, string(aside)))


async def _blame_folder(channel: Channel, old: bytes, new: bytes, status: Status) -> None:
    """Raise `Conflict` if the reason is that a folder stands where a file should go."""
    if status.code not in (Code.FAILURE, Code.FILE_ALREADY_EXISTS, Code.BAD_MESSAGE):
        return
    told_new, told_old = channel.ask(Kind.LSTAT, string(new)), channel.ask(Kind.LSTAT, string(old))
    try:
        there, here = attrs_of(await told_new), attrs_of(await told_old)
    except Status:
        return
    if is_folder(there) and not is_folder(here):
        raise Conflict("a folder stands there") from status
    if is_folder(there) or is_folder(here):
        raise Conflict("something stands there that a folder cannot replace") from status


def is_folder(attrs: Attrs) -> bool:
    """Whether these are a folder's attributes."""
    return attrs.mode is not None and attrs.mode & 0o170000 == 0o040000  # noqa: PLR2004  # S_IFMT, S_IFDIR


async def judged(channel: Channel, status: Status, folder: bytes, need: int, item: str) -> MoverError:
    """The error of a failed write. OpenSSH says "Failure" when its disk is full, so the room that is left is asked for."""
    if status.code == Code.FAILURE and STATVFS in channel.extensions:
        try:
            space = space_of(await channel.extended(STATVFS, string(folder)))
        except (Status, MoverError):
            return error_for(status, item)
        if space.available < max(need, 1) or space.files == 0:
            return Full(f"the server's disk has {space.available} bytes left", item=item)
    return error_for(status, item)
