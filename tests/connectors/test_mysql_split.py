"""Cutting a dump into statements, whatever pieces it comes in; literals that no `sql_mode` can misread; file names."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mover.connectors.mysql.chunks import Range, range_of
from mover.connectors.mysql.literals import literal_of
from mover.connectors.mysql.names import data_file, decoded, encoded
from mover.connectors.mysql.restore import Head, head_of
from mover.connectors.mysql.split import Splitter
from mover.core.errors import NotFound

DUMP = rb"""-- a comment; with a 'quote
/*M!999999\- enable the sandbox mode */
/*!40101 SET @a='x;y' */;
# another; one
CREATE TABLE `a;b` (c TEXT DEFAULT 'it''s; \'here\' \\'); -- tail; here
INSERT INTO t VALUES ("a;\"b", 'x--y', `z#`), (1 /* ; ' */ ,2 - -1, 3--1);
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER x BEFORE INSERT ON t FOR EACH ROW BEGIN
  -- it's; fine;;
  SET @x = ';;'; # don't
END */;;
DELIMITER ;

  delimiter //
SELECT 1; SELECT 2//
DELIMITER ;
SELECT /*+ hint; */ 3;
SELECT 'last without delimiter'
"""

STATEMENTS = [
    b"/*M!999999\\- enable the sandbox mode */\n/*!40101 SET @a='x;y' */",
    b"CREATE TABLE `a;b` (c TEXT DEFAULT 'it''s; \\'here\\' \\\\')",
    b"INSERT INTO t VALUES (\"a;\\\"b\", 'x--y', `z#`), (1 /* ; ' */ ,2 - -1, 3--1)",
    (
        b"/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER x BEFORE INSERT ON t FOR EACH ROW BEGIN\n"
        b"  -- it's; fine;;\n  SET @x = ';;'; # don't\nEND */"
    ),
    b"SELECT 1; SELECT 2",
    b"SELECT /*+ hint; */ 3",
    b"SELECT 'last without delimiter'",
]


def _split(dump: bytes, size: int) -> list[bytes]:
    splitter = Splitter()
    found: list[bytes] = []
    for at in range(0, len(dump), size):
        found += splitter.feed(dump[at : at + size])
    return found + list(splitter.feed(b"", last=True))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 11, 64, 10_000])
def test_pieces_make_no_difference(size: int) -> None:
    assert _split(DUMP, size) == STATEMENTS


def test_without_backslash_escapes() -> None:
    splitter = Splitter()
    splitter.backslash = False
    assert list(splitter.feed(b"SELECT 'a\\'; SELECT 2;", last=True)) == [b"SELECT 'a\\'", b"SELECT 2"]


def test_a_quote_that_never_ends_is_one_statement() -> None:
    assert _split(b"SELECT 1; SELECT 'abc; def", 4) == [b"SELECT 1", b"SELECT 'abc; def"]


@given(st.lists(st.tuples(st.binary(max_size=30), st.sampled_from(["char", "blob"])), max_size=5), st.integers(1, 40))
def test_values_come_out_of_the_splitter_as_they_went_in(values: list[tuple[bytes, str]], size: int) -> None:
    for backslash in (True, False):
        written = [literal_of(kind, "latin1" if kind == "char" else None)(value) for value, kind in values]
        statement = b"INSERT INTO t VALUES (" + b",".join(written) + b")"
        splitter = Splitter()
        splitter.backslash = backslash
        script = statement + b";\nSELECT 1;\n"
        found = [s for at in range(0, len(script), size) for s in splitter.feed(script[at : at + size])]
        assert found == [statement, b"SELECT 1"]


@pytest.mark.parametrize("value", [b"1); DROP TABLE x", b"", b"nan", b"0x1"])
def test_a_number_is_a_number(value: bytes) -> None:
    with pytest.raises(ValueError, match="no number"):
        literal_of("int", None)(value)


def test_literals() -> None:
    assert literal_of("varchar", "utf8mb4")("it's ü".encode()) == "'it''s ü'".encode()
    assert literal_of("varchar", "utf8mb4")(b"a\\b") == b"_utf8mb4 x'615c62'"
    assert literal_of("varchar", "latin1")(b"\xe9") == b"_latin1 x'e9'"
    assert literal_of("varchar", "sjis")(b"abc") == b"_sjis x'616263'"
    assert literal_of("longblob", None)(b"") == b"x''"
    assert literal_of("decimal", None)(b"-1.50") == b"-1.50"


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=64))
def test_names_come_back_and_are_safe(name: str) -> None:
    file = encoded(name)
    assert decoded(file) == name
    assert file not in {".", ".."}
    assert re.search(r'[\x00-\x1f/\\:*?"<>|]', file) is None


def test_chunks_sort_by_number() -> None:
    numbers = [1, 2, 10, 999_999, 1_000_000, 9_999_999, 10_000_000]
    assert sorted(map(data_file, numbers)) == [data_file(n) for n in numbers]


@given(st.none() | st.tuples(st.binary(), st.binary()), st.none() | st.tuples(st.binary()))
def test_ranges_come_back(low: tuple[bytes, ...] | None, high: tuple[bytes, ...] | None) -> None:
    assert range_of(Range(low, high).token()) == Range(low, high)


@pytest.mark.parametrize("token", ["", "!", "W10", "bnVsbA==", "WzEsMl0="])
def test_no_range(token: str) -> None:
    with pytest.raises(NotFound):
        range_of(token)


def test_heads() -> None:
    triggers = b"-- Mover 1: triggers\n-- after 12 a%0Ab\n-- after 0 c d\nSET x;\n"
    assert head_of(triggers) == Head("triggers", after=(("a\nb", 12), ("c d", 0)))
    token = Range(None, (b"7",)).token()
    assert head_of(f"-- Mover 1: data c%0Ad\n-- keys {token}\nSET x;\n".encode()) == Head("data", "c\nd", token)
    assert head_of(b"-- MariaDB dump 10.19\n") == Head()
