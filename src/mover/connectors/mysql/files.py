"""The text of every file but the rows: which definition stands where in the tree."""

from __future__ import annotations

from mover.connectors.mysql import definitions, names
from mover.connectors.mysql.catalog import Contents, contents
from mover.connectors.mysql.names import decoded
from mover.connectors.mysql.session import Session
from mover.core.errors import NotFound


async def file_text(session: Session, database: str, parts: list[str]) -> str:
    """The file at `parts` below the folder of the database. Raises `NotFound` if the database has no such file."""
    match parts:
        case [names.TABLES, table, names.TABLE]:
            return await definitions.table_text(session, decoded(table))
        case [names.DATABASE]:
            return definitions.header("database") + await definitions.database_text(session, database)
        case [file]:
            return await _of_contents(session, database, await contents(session, database), file)
        case _:
            raise NotFound("there is no such file", item="/".join(parts))


async def _of_contents(session: Session, database: str, there: Contents, file: str) -> str:
    if file == names.SEQUENCES and there.sequences:
        return await definitions.sequences_text(session, there.sequences)
    if file == names.ROUTINES and there.routines:
        return await definitions.routines_text(session, database, there.routines)
    if file == names.VIEWS and there.views:
        return await definitions.views_text(session, database, there.views)
    if file == names.TRIGGERS and there.triggers:
        return await definitions.triggers_text(session, database, there)
    if file == names.EVENTS and there.events:
        return await definitions.events_text(session, database, there)
    raise NotFound("there is no such file", item=file)
