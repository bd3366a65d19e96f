"""The files that define things: tables, sequences, routines, views, triggers, events; each runs by itself, and again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mover.connectors.mysql.catalog import Contents
from mover.connectors.mysql.literals import identifier, text
from mover.connectors.mysql.names import encoded
from mover.connectors.mysql.session import Row, Session, said
from mover.core.errors import Denied

SQL_MODE: Final = "STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION"
"""Nothing is cut short or replaced in silence; zero dates, invalid dates and a zero in AUTO_INCREMENT stay what they are."""

SET: Final = f"SET NAMES utf8mb4;\nSET time_zone = '+00:00', foreign_key_checks = 0, sql_mode = '{SQL_MODE}';\n"

_UNICODE: Final = frozenset({"utf8", "utf8mb3", "utf8mb4"})


def header(kind: str, name: str = "", after: Sequence[tuple[str, int]] = (), keys: str = "") -> str:
    """The first lines of every file, which `restore` reads.

    `after`: tables, and the rows each must have before the file may run. `keys`: the range of a chunk, as its id has it.
    """
    lines = f"-- keys {keys}\n" if keys else ""
    lines += "".join(f"-- after {rows} {encoded(table)}\n" for table, rows in after)
    return f"-- Mover 1: {kind} {encoded(name)}".rstrip() + f"\n{lines}{SET}"


async def database_text(session: Session, database: str) -> str:
    """The defaults of a database. It names none, so that the tree restores under any name."""
    row = (
        await session.rows(
            "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA"  # noqa: S608  # quoted
            f" WHERE SCHEMA_NAME = {text(database)}"
        )
    )[0]
    return f"ALTER DATABASE CHARACTER SET {said(row[0])} COLLATE {said(row[1])};\n"


async def table_text(session: Session, name: str) -> str:
    """The statement that makes a table where there is none."""
    made = said((await _shown(session, "TABLE", name, 1))[1])
    return header("table", name) + made.replace("CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", 1) + ";\n"


async def sequences_text(session: Session, names: Sequence[str]) -> str:
    """Sequences and the next value of each."""
    out = [header("sequences")]
    for name in names:
        quoted = identifier(name)
        made = said((await _shown(session, "SEQUENCE", name, 1))[1])
        now = await session.rows(f"SELECT next_not_cached_value FROM {quoted}")  # noqa: S608  # quoted
        out.append(made.replace("CREATE SEQUENCE ", "CREATE OR REPLACE SEQUENCE ", 1) + ";\n")
        out.append(f"DO SETVAL({quoted}, {said(now[0][0])}, 0);\n")
    return "".join(out)


async def routines_text(session: Session, database: str, routines: Sequence[tuple[str, str]]) -> str:
    """Functions, procedures and packages."""
    out = [header("routines"), await database_text(session, database)]
    for kind, name in routines:
        row = await _shown(session, kind, name, 2)
        drop = f"DROP {kind} IF EXISTS {identifier(name)};\n"
        out.append(drop + _code(said(row[2]), said(row[1]), said(row[3]), said(row[4])))
    return "".join(out)


async def views_text(session: Session, database: str, names: Sequence[str]) -> str:
    """Views: first a stand-in with the columns of each, so that they may then refer to one another in any order."""
    out = [header("views"), await database_text(session, database)]
    out += [await _stand_in(session, database, name) for name in names]
    for name in names:
        row = await _shown(session, "VIEW", name, 1)
        made = said(row[1]).replace("CREATE ", "CREATE OR REPLACE ", 1)
        out.append(_client(said(row[2]), said(row[3]), made) + made + ";\n")
    return "".join(out)


async def triggers_text(session: Session, database: str, found: Contents) -> str:
    """Triggers. They wait until the rows of their tables are there: else they would fire on them."""
    after = await _counts(session, sorted({table for _, table in found.triggers}))
    out = [header("triggers", after=after), await database_text(session, database)]
    for name, _ in found.triggers:
        row = await _shown(session, "TRIGGER", name, 2)
        drop = f"DROP TRIGGER IF EXISTS {identifier(name)};\n"
        out.append(drop + _code(said(row[2]), said(row[1]), said(row[3]), said(row[4])))
    return "".join(out)


async def events_text(session: Session, database: str, found: Contents) -> str:
    """Events. They wait until every row is there, and run in the time zone they were made in."""
    out = [header("events", after=await _counts(session, found.tables)), await database_text(session, database)]
    for name in found.events:
        row = await _shown(session, "EVENT", name, 3)
        zone = f"SET time_zone = {text(said(row[2]))};\n"
        drop = f"DROP EVENT IF EXISTS {identifier(name)};\n"
        out.append(zone + drop + _code(said(row[3]), said(row[1]), said(row[4]), said(row[5])))
    return "".join(out)


async def _counts(session: Session, tables: Sequence[str]) -> list[tuple[str, int]]:
    return [
        (name, int((await session.rows(f"SELECT COUNT(*) FROM {identifier(name)}"))[0][0] or 0))  # noqa: S608  # quoted
        for name in tables
    ]


async def _shown(session: Session, kind: str, name: str, statement: int) -> Row:
    """`SHOW CREATE`; `statement` is the column that holds it. The server leaves it NULL where the account may not see it."""
    row = (await session.rows(f"SHOW CREATE {kind} {identifier(name)}"))[0]
    if row[statement] is None:
        raise Denied(f"the account may not see how {kind.lower()} {name} is made", item=name)
    return row


async def _stand_in(session: Session, database: str, name: str) -> str:
    rows = await session.rows(
        "SELECT COLUMN_NAME FROM information_schema.COLUMNS"  # noqa: S608  # quoted
        f" WHERE TABLE_SCHEMA = {text(database)} AND TABLE_NAME = {text(name)} ORDER BY ORDINAL_POSITION"
    )
    columns = ", ".join(f"1 AS {identifier(said(row[0]))}" for row in rows)
    return f"CREATE OR REPLACE VIEW {identifier(name)} AS SELECT {columns or '1'};\n"


def _code(statement: str, sql_mode: str, charset: str, collation: str) -> str:
    """A statement with a body: under its own `sql_mode`, and behind a delimiter that is not in it."""
    delimiter = ";;"
    while delimiter in statement:
        delimiter += ";"
    mode = f"SET sql_mode = {text(sql_mode)};\n"
    return f"{mode}{_client(charset, collation, statement)}DELIMITER {delimiter}\n{statement}{delimiter}\nDELIMITER ;\n"


def _client(charset: str, collation: str, statement: str) -> str:
    """The client's character set that the server notes beside the definition, where the text allows that we claim it."""
    if charset in _UNICODE or statement.isascii():
        return f"SET character_set_client = {charset}, collation_connection = {collation};\n"
    return "SET NAMES utf8mb4;\n"
