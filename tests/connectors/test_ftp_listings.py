"""Listings of servers, read by tables: recorded from vsftpd and ProFTPD; the others are in forms known from their documentation."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mover.connectors._kit.ftp import facts, lines
from mover.core.errors import Refused
from mover.core.model import Entry, ItemId, Kind

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
FILE, FOLDER, LINK, OTHER = Kind.FILE, Kind.FOLDER, Kind.LINK, Kind.OTHER


def _lines(raw: bytes, encoding: str = "utf-8", now: datetime = NOW) -> list[Entry]:
    return list(lines.entries(raw, ItemId("f"), encoding, now=now))


def _facts(raw: bytes) -> list[Entry]:
    return list(facts.entries(raw, ItemId("f"), "utf-8"))


@pytest.mark.parametrize(
    ("line", "name", "kind", "size", "modified"),
    [
        # vsftpd
        (
            b"-rw-r--r--    1 33       33         100010 Nov 21 11:46 u.bin",
            "u.bin",
            FILE,
            100010,
            (2026, 11, 21, 11, 46),
        ),
        (b"drwxr-xr-x    2 33       33           4096 Nov 21 11:46 d", "d", FOLDER, None, (2026, 11, 21, 11, 46)),
        (b"-rw-r--r--    1 0        0               0 Feb 03  2001 old", "old", FILE, 0, (2001, 2, 3, 0, 0)),
        (
            b"-rw-r--r--    1 0        0               0 Dec 24 08:00 last year",
            "last year",
            FILE,
            0,
            (2025, 12, 24, 8, 0),
        ),
        (b"-rw-r--r--    1 0        0               0 Nov 22 09:00 ahead", "ahead", FILE, 0, (2026, 11, 22, 9, 0)),
        (
            b"-rw-r--r--    1 0        0               0 Nov 21 11:46  two  spaces ",
            " two  spaces ",
            FILE,
            0,
            (2026, 11, 21, 11, 46),
        ),
        (b"-rw-r--r--    1 0        0               0 Nov 21 11:46 -dash", "-dash", FILE, 0, (2026, 11, 21, 11, 46)),
        (
            b"-rw-r--r--    1 0        0               3 Nov 21 11:46 5 Jan 12:00 x",
            "5 Jan 12:00 x",
            FILE,
            3,
            (2026, 11, 21, 11, 46),
        ),
        (b"crw-rw-rw-    1 0        0          1,   3 Nov 21 11:46 null", "null", OTHER, None, (2026, 11, 21, 11, 46)),
        # ProFTPD, pure-ftpd
        (
            b"-rw-r--r--   1 mover    33         100000 Nov 21 11:46 u.bin",
            "u.bin",
            FILE,
            100000,
            (2026, 11, 21, 11, 46),
        ),
        (
            b"-rw-------    1 1000       1000             5368709120 Jan  5 04:07 big",
            "big",
            FILE,
            5368709120,
            (2026, 1, 5, 4, 7),
        ),
        # an owner with a blank, none for the group, a mark for access lists, no count of links
        (b"-rw-r--r--+  1 Domain Users Some Body   12 Mar 01 00:00 acl", "acl", FILE, 12, (2026, 3, 1, 0, 0)),
        (b"-rwxr-xr-x   1 ftp            77 Feb 29 10:00 leap", "leap", FILE, 77, (2024, 2, 29, 10, 0)),
        (b"drwxrwx---   folder        0 Apr 10 09:09 netware", "netware", FOLDER, None, (2026, 4, 10, 9, 9)),
        # busybox and others with --full-time
        (b"-rw-r--r--    1 u g  9 2024-05-06 07:08:09 iso", "iso", FILE, 9, (2024, 5, 6, 7, 8)),
        # IIS and FileZilla in their DOS style
        (b"01-31-24  02:05PM       <DIR>          wwwroot", "wwwroot", FOLDER, None, (2024, 1, 31, 14, 5)),
        (b"01-31-24  02:05PM       <DIR>           leading", " leading", FOLDER, None, (2024, 1, 31, 14, 5)),
        (b"08-22-2018  12:59AM                99710 a b.jpg", "a b.jpg", FILE, 99710, (2018, 8, 22, 0, 59)),
        (b"12-01-99  23:10                      0 empty", "empty", FILE, 0, (1999, 12, 1, 23, 10)),
        (b"01-31-24  12:00PM       <SYMLINKD>     to", "to", LINK, None, (2024, 1, 31, 12, 0)),
    ],
)
def test_lines_of_list(
    line: bytes, name: str, kind: Kind, size: int | None, modified: tuple[int, int, int, int, int]
) -> None:
    now = datetime(2024, 11, 21, tzinfo=UTC) if name == "leap" else NOW
    (entry,) = _lines(line + b"\r\n", now=now)
    assert (entry.name, entry.kind, entry.size) == (name, kind, size)
    assert entry.modified == datetime(*modified, tzinfo=UTC)
    assert (entry.id, entry.parent) == (f"f/{name}", "f")


def test_links_tell_where_to() -> None:
    (entry,) = _lines(b"lrwxrwxrwx    1 0        0               5 Nov 21 11:46 ln -> ../some where\r\n")
    assert (entry.name, entry.kind, entry.target) == ("ln", LINK, "../some where")


def test_list_leaves_out_totals_and_the_folders_dots() -> None:
    raw = b"total 8\r\ndrwxr-xr-x 2 0 0 4096 Nov 21 11:46 .\r\ndrwxr-xr-x 2 0 0 4096 Nov 21 11:46 ..\r\n"
    assert _lines(raw + b"-rw-r--r-- 1 0 0 1 Nov 21 11:46 x\r\n")[0].name == "x"
    assert _lines(raw) == []
    assert _lines(b"") == []


def test_names_with_line_breaks_are_one_name_in_both_forms() -> None:
    listed = _lines(
        b"-rw-r--r-- 1 0 0 1 Nov 21 11:46 a\r\nb\r\n-rw-r--r-- 1 0 0 1 Nov 21 11:46 c\nd\r\n"
        b"-rw-r--r-- 1 0 0 1 Nov 21 11:46 e\r\n"
    )
    assert [e.name for e in listed] == ["a\r\nb", "c\nd", "e"]
    told = _facts(b"type=file;size=1; a\r\nb\r\ntype=file;size=1; c\nd\r\ntype=file;size=1; e\r\n")
    assert [e.name for e in told] == ["a\r\nb", "c\nd", "e"]


def test_names_of_any_bytes_and_of_old_encodings() -> None:
    assert _lines(b"-rw-r--r-- 1 0 0 1 Nov 21 11:46 caf\xe9\r\n")[0].name == "caf\udce9"
    assert _lines(b"-rw-r--r-- 1 0 0 1 Nov 21 11:46 caf\xe9\r\n", "cp1252")[0].name == "café"


def test_what_is_no_listing_is_refused_and_shown() -> None:
    with pytest.raises(Refused, match="SYS\\$DISK"):
        _lines(b"Directory SYS$DISK:[ANONYMOUS]\r\n\r\nREADME.TXT;1  2/4  1-JAN-2020\r\n")
    with pytest.raises(Refused, match="nonsense"):
        _facts(b"nonsense\r\n")


@pytest.mark.parametrize(
    ("line", "name", "kind", "size", "modified"),
    [
        # ProFTPD
        (
            b"modify=20261121114645;perm=adfrw;size=100000;type=file;unique=FE00U20E1AA;UNIX.mode=0644; u.bin",
            "u.bin",
            FILE,
            100000,
            datetime(2026, 11, 21, 11, 46, 45, tzinfo=UTC),
        ),
        (
            b"modify=20261121114645;perm=adfrw;size=5;type=OS.unix=symlink;unique=FE00U20E1AA; ln",
            "ln",
            LINK,
            None,
            datetime(2026, 11, 21, 11, 46, 45, tzinfo=UTC),
        ),
        # pyftpdlib, pure-ftpd, FileZilla, IIS 10
        (
            b"type=dir;size=4096;modify=20200105134600;perm=el; d",
            "d",
            FOLDER,
            None,
            datetime(2020, 1, 5, 13, 46, tzinfo=UTC),
        ),
        (
            b"Type=file;Size=25730;Modify=20000209133140.213; two  spaces ",
            "two  spaces ",
            FILE,
            25730,
            datetime(2000, 2, 9, 13, 31, 40, 213000, tzinfo=UTC),
        ),
        (
            b"type=OS.unix=slink:/a/b c;modify=20200105134600; to",
            "to",
            LINK,
            None,
            datetime(2020, 1, 5, 13, 46, tzinfo=UTC),
        ),
        (b"type=OS.unix=socket;modify=nonsense; s", "s", OTHER, None, None),
        (b"type=file;size=1; a; b=c; d", "a; b=c; d", FILE, 1, None),
        (b"type=file;size=1;  leading", " leading", FILE, 1, None),
        (
            b"type=file;size=1;modify=20161231235960; leap second",
            "leap second",
            FILE,
            1,
            datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC),
        ),
    ],
)
def test_lines_of_mlsd(line: bytes, name: str, kind: Kind, size: int | None, modified: datetime | None) -> None:
    (entry,) = _facts(line + b"\r\n")
    assert (entry.name, entry.kind, entry.size, entry.modified) == (name, kind, size, modified)


def test_mlsd_leaves_out_the_folder_itself() -> None:
    assert _facts(b"type=cdir;modify=20200105134600; .\r\ntype=pdir; ..\r\ntype=dir; ..\r\n") == []
    assert _facts(b"") == []


def test_mlst_describes_one_item() -> None:
    answer = "250-Start of list for /x y\n modify=20200105134600;size=7;type=file; /x y\n250 End of list"
    found = facts.described(answer, ItemId("x y"), ItemId(""), "x y", "utf-8")
    assert found == Entry(ItemId("x y"), ItemId(""), "x y", FILE, 7, datetime(2020, 1, 5, 13, 46, tzinfo=UTC))
    assert facts.described("250 nothing here", ItemId("x"), ItemId(""), "x", "utf-8") is None
