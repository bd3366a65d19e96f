"""Statuses as servers sent them, and packets as a hostile server may send them."""

from __future__ import annotations

import pytest

from mover.connectors.sftp.errors import error_for, translated
from mover.connectors.sftp.frames import LARGEST, Frames
from mover.connectors.sftp.names import below, temporary
from mover.connectors.sftp.packets import (
    HEAD,
    U32,
    Kind,
    Malformed,
    Reply,
    Status,
    attrs_of,
    done,
    handle_of,
    names_of,
    string,
)
from mover.core.errors import Conflict, Denied, Full, LinkError, MoverError, NotFound, Refused, Unfit, Unreachable
from mover.core.model import ItemId

RECORDED: list[tuple[str, int, str, type[MoverError]]] = [
    ("OpenSSH 9.2", 2, "No such file", NotFound),
    ("OpenSSH 9.2", 3, "Permission denied", Denied),
    ("OpenSSH 9.2", 4, "Failure", Refused),
    ("OpenSSH 9.2, a name of 256 bytes", 5, "Bad message", Unfit),
    ("OpenSSH 9.2", 8, "Operation unsupported", Refused),
    ("pkg/sftp", 2, "file does not exist", NotFound),
    ("pkg/sftp", 4, "write /mnt/f: no space left on device", Full),
    ("pkg/sftp", 4, "write /mnt/f: disk quota exceeded", Full),
    ("pkg/sftp", 4, "directory not empty", Conflict),
    ("pkg/sftp", 4, "open /mnt/f: permission denied", Denied),
    ("asyncssh", 4, "File name too long", Unfit),
    ("asyncssh", 14, "No space left on device", Full),
    ("asyncssh", 15, "Disk quota exceeded", Full),
    ("draft -13", 18, "", Conflict),
    ("draft -13", 7, "", Unreachable),
    ("a code nobody knows", 4711, "?", Refused),
]


def status(code: int, text: str) -> Reply:
    return Reply(Kind.STATUS, U32.pack(code) + string(text.encode()) + string(b""))


@pytest.mark.parametrize(("server", "code", "text", "kind"), RECORDED)
def test_statuses(server: str, code: int, text: str, kind: type[MoverError]) -> None:
    with pytest.raises(MoverError) as caught, translated("a/b"):
        done(status(code, text))
    assert type(caught.value) is kind, server
    assert caught.value.item == "a/b"
    assert text in str(caught.value)


def test_a_full_disk_pauses_the_run_rather_than_failing_items() -> None:
    assert isinstance(error_for(Status(14, ""), "f"), LinkError)


def test_a_status_may_lack_its_text() -> None:
    with pytest.raises(Status):
        done(Reply(Kind.STATUS, U32.pack(3)))
    done(Reply(Kind.STATUS, U32.pack(0)))


@pytest.mark.parametrize(
    "reply",
    [
        Reply(Kind.HANDLE, U32.pack(100) + b"short"),
        Reply(Kind.HANDLE, b""),
        Reply(Kind.ATTRS, b""),
        Reply(Kind.STATUS, U32.pack(0)),
        Reply(77, b""),
    ],
)
def test_an_answer_that_is_none(reply: Reply) -> None:
    with pytest.raises(Unreachable, match="makes no sense"), translated("f"):
        handle_of(reply)


def test_a_name_packet_that_promises_more_than_it_holds() -> None:
    with pytest.raises(Malformed):
        names_of(Reply(Kind.NAME, U32.pack(2**32 - 1)))


def test_attributes_with_owners_and_extensions() -> None:
    flags = 0x8000000F
    body = U32.pack(flags) + (12).to_bytes(8, "big") + U32.pack(1) * 2 + U32.pack(0o100644) + U32.pack(5) + U32.pack(6)
    attrs = attrs_of(Reply(Kind.ATTRS, body + U32.pack(1) + string(b"x") + string(b"y")))
    assert (attrs.size, attrs.mode, attrs.modified) == (12, 0o100644, 6)


def packet(kind: int, number: int, body: bytes) -> bytes:
    return HEAD.pack(len(body) + 5, kind, number) + body


@pytest.mark.parametrize("step", [1, 2, 3, 7, 13, 64, 1000, 10**6])
def test_frames_do_not_care_how_the_stream_is_cut(step: int) -> None:
    sent = [(103, 1, string(b"d" * 300)), (101, 2, U32.pack(0)), (103, 3, string(b"")), (102, 4, string(b"handle"))]
    stream = U32.pack(5) + bytes((2,)) + U32.pack(3) + b"".join(packet(*p) for p in sent)
    frames = Frames()
    got = [f for at in range(0, len(stream), step) for f in frames.feed(stream[at : at + step])]
    assert [body for _, _, body in got] == [U32.pack(3), b"d" * 300, U32.pack(0), b"", string(b"handle")]
    assert [number for _, number, _ in got[1:]] == [1, 2, 3, 4]


@pytest.mark.parametrize("length", [LARGEST + 1, 0, 4, 2**32 - 1])
def test_a_packet_of_impossible_length(length: int) -> None:
    with pytest.raises(Malformed):
        list(Frames().feed(HEAD.pack(length, 101, 1) + b"Welcome to this server, have a nice day"))


@pytest.mark.parametrize("item", ["..", "a/..", "/a", "a//b", "a/", "./a", "a\x00"])
def test_no_id_leads_out_of_the_root(item: str) -> None:
    with pytest.raises(Unfit):
        below(b"/home/u", ItemId(item))


@pytest.mark.parametrize("name", ["n", "ä" * 127, "x" * 255, "\udcff" * 255])
def test_a_temporary_name_fits_and_is_hidden(name: str) -> None:
    made = temporary(ItemId("a/b"), name)
    last = made.rpartition("/")[2].encode("utf-8", "surrogateescape")
    assert len(last) <= 255
    assert last.startswith(b".")
    assert last.endswith(b".part")
    assert made != temporary(ItemId("a/b"), name)
