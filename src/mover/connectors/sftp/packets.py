"""SFTP version 3 on the wire: requests are made here, answers are read here; no I/O.

Source: draft-ietf-secsh-filexfer-02, and OpenSSH's PROTOCOL for the `@openssh.com` extensions.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

U32: Final = struct.Struct(">I")
U64: Final = struct.Struct(">Q")
HEAD: Final = struct.Struct(">IBI")
"""Length, kind and number, with which every packet but the first of each side begins."""
_READ: Final = struct.Struct(">QI")
_TIMES: Final = struct.Struct(">II")
_LATEST: Final = 2**32 - 1

VERSION: Final = 3
NO_ATTRIBUTES: Final = U32.pack(0)
OPEN_READ: Final = U32.pack(0x01) + NO_ATTRIBUTES
OPEN_NEW: Final = U32.pack(0x02 | 0x08 | 0x20) + NO_ATTRIBUTES
"""Write, create, and fail if it is there already."""
OPEN_OLD: Final = U32.pack(0x02) + NO_ATTRIBUTES


class Kind(IntEnum):
    """What a packet is."""

    INIT = 1
    VERSION = 2
    OPEN = 3
    CLOSE = 4
    READ = 5
    WRITE = 6
    LSTAT = 7
    FSTAT = 8
    SETSTAT = 9
    FSETSTAT = 10
    OPENDIR = 11
    READDIR = 12
    REMOVE = 13
    MKDIR = 14
    RMDIR = 15
    REALPATH = 16
    STAT = 17
    RENAME = 18
    READLINK = 19
    STATUS = 101
    HANDLE = 102
    DATA = 103
    NAME = 104
    ATTRS = 105
    EXTENDED = 200
    EXTENDED_REPLY = 201


class Code(IntEnum):
    """What a status says; those above 8 come from later drafts, and some servers send them nevertheless."""

    OK = 0
    EOF = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4
    BAD_MESSAGE = 5
    NO_CONNECTION = 6
    CONNECTION_LOST = 7
    OP_UNSUPPORTED = 8
    INVALID_HANDLE = 9
    NO_SUCH_PATH = 10
    FILE_ALREADY_EXISTS = 11
    WRITE_PROTECT = 12
    NO_MEDIA = 13
    NO_SPACE_ON_FILESYSTEM = 14
    QUOTA_EXCEEDED = 15
    UNKNOWN_PRINCIPAL = 16
    LOCK_CONFLICT = 17
    DIR_NOT_EMPTY = 18
    NOT_A_DIRECTORY = 19
    INVALID_FILENAME = 20
    LINK_LOOP = 21


class Status(Exception):  # an answer of the server, not yet judged
    """The server answered with a status other than OK."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


class Malformed(Exception):  # reads as a sentence where it is caught
    """The server's answer is no SFTP, or not the answer to what was asked."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it came: its kind, and all that follows its number. Of DATA only the data themselves."""

    kind: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Attrs:
    """What a server tells of a file. `size` in bytes, `modified` in seconds since 1970 UTC; `None` where it does not tell."""

    size: int | None
    mode: int | None
    modified: int | None


@dataclass(frozen=True, slots=True)
class Space:
    """A file system's room, in bytes; `files` is how many more files it can hold."""

    total: int
    free: int
    available: int
    files: int


def string(data: bytes) -> bytes:
    """A counted string."""
    return U32.pack(len(data)) + data


def reading(handle: bytes, offset: int, length: int) -> bytes:
    """The rest of a READ."""
    return string(handle) + _READ.pack(offset, length)


def writing(handle: bytes, offset: int, data: bytes | memoryview) -> bytes:
    """The rest of a WRITE."""
    return b"".join((string(handle), U64.pack(offset), U32.pack(len(data)), data))


def times(modified: int) -> bytes:
    """Attributes that set both times, in seconds since 1970; version 3 has 32 bits for them and cannot set one alone."""
    return U32.pack(0x08) + _TIMES.pack(modified, modified)


def holds_time(modified: float) -> bool:
    """Whether version 3 can carry that time."""
    return 0 <= modified <= _LATEST


def done(reply: Reply) -> None:
    """Raise `Status` unless the answer is OK."""
    if reply.kind != Kind.STATUS:
        raise Malformed(f"a packet of kind {reply.kind} where a status was due")
    reader = Reader(reply.body)
    code = reader.u32()
    if code != Code.OK:
        raise Status(code, reader.text() if reader.more() else "")


def handle_of(reply: Reply) -> bytes:
    """The handle that an OPEN or OPENDIR gave."""
    return _expect(reply, Kind.HANDLE).string()


def data_of(reply: Reply) -> bytes:
    """The bytes that a READ gave; none at the end of the file."""
    if reply.kind == Kind.DATA:
        return reply.body
    try:
        done(reply)
    except Status as status:
        if status.code == Code.EOF:
            return b""
        raise
    raise Malformed("OK where data were due")


def attrs_of(reply: Reply) -> Attrs:
    """The attributes that a STAT, LSTAT or FSTAT gave."""
    return _expect(reply, Kind.ATTRS).attrs()


def names_of(reply: Reply) -> list[tuple[bytes, Attrs]]:
    """The names that a READDIR, READLINK or REALPATH gave; none at the end of a folder."""
    if reply.kind == Kind.STATUS and reply.body[:4] == U32.pack(Code.EOF):
        return []
    reader = _expect(reply, Kind.NAME)
    return [reader.name() for _ in range(reader.u32())]


def space_of(reply: Reply) -> Space:
    """What `statvfs@openssh.com` gave."""
    reader = _expect(reply, Kind.EXTENDED_REPLY)
    _, unit, total, free, available, _, _, files = (reader.u64() for _ in range(8))
    return Space(total * unit, free * unit, available * unit, files)


def limits_of(reply: Reply) -> tuple[int, int, int]:
    """The most bytes in a packet, in a READ and in a WRITE, from `limits@openssh.com`; 0 is unlimited."""
    reader = _expect(reply, Kind.EXTENDED_REPLY)
    return reader.u64(), reader.u64(), reader.u64()


def extensions_of(body: bytes) -> dict[bytes, bytes]:
    """The extensions a server names in its VERSION, by name; the body begins behind the kind."""
    reader = Reader(body)
    if reader.u32() < VERSION:
        raise Malformed("the server speaks an SFTP older than version 3")
    found: dict[bytes, bytes] = {}
    while reader.more():
        name = reader.string()
        found[name] = reader.string()
    return found


class Reader:
    """Takes one value after the other off a packet. Raises `Malformed` where it is too short."""

    __slots__ = ("_at", "_body")

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def more(self) -> bool:
        """Whether anything is left."""
        return self._at < len(self._body)

    def u32(self) -> int:
        """A 32-bit number."""
        return int.from_bytes(self._take(4), "big")

    def u64(self) -> int:
        """A 64-bit number."""
        return int.from_bytes(self._take(8), "big")

    def string(self) -> bytes:
        """A counted string."""
        return self._take(self.u32())

    def text(self) -> str:
        """A counted string for people; what is not UTF-8 in it is replaced."""
        return self.string()[:400].decode("utf-8", "replace")

    def name(self) -> tuple[bytes, Attrs]:
        """An entry of a NAME; its long form is left out."""
        name = self.string()
        self.string()
        return name, self.attrs()

    def attrs(self) -> Attrs:
        """An ATTRS structure."""
        flags = self.u32()
        size = self.u64() if flags & 0x01 else None
        if flags & 0x02:
            self._take(8)
        mode = self.u32() if flags & 0x04 else None
        modified = self.u64() & _LATEST if flags & 0x08 else None
        if flags & 0x80000000:
            for _ in range(self.u32()):
                self.string()
                self.string()
        return Attrs(size, mode, modified)

    def _take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._body):
            raise Malformed("a packet is shorter than it says")
        taken = self._body[self._at : end]
        self._at = end
        return taken


def _expect(reply: Reply, kind: Kind) -> Reader:
    if reply.kind == kind:
        return Reader(reply.body)
    done(reply)
    raise Malformed(f"OK where a packet of kind {kind.name} was due")
