"""The database's roles and what each may do, made from what tables declare. Everything here may be run again at any time.

A table, and a column for itself, says in `info` who may do what; what is not declared is not granted:

| `info` of     | key        | value        | grants                                                                    |
|---------------|------------|--------------|---------------------------------------------------------------------------|
| a table       | `api`      | a set of verbs | those to `mover_api`; without it all four verbs, in the schema `mover`  |
| a table       | `keys`     | a set of verbs | those to `mover_keys`; without it none                                  |
| a table       | `auditor`  | `True`       | `mover_auditor` reads all of it                                           |
| a column      | `operator` | `True`       | `mover_operator` reads it                                                 |
| a column      | `auditor`  | `True`       | `mover_auditor` reads it                                                  |
| a column      | `api`      | `"write"`    | `mover_api` writes it and never reads it                                  |
| a column      | `keys`     | `"write"`    | `mover_keys` may change it                                                |

The schema `keys` is entered by `mover_keys` only, whatever is declared.

Source: https://www.postgresql.org/docs/current/ddl-priv.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from sqlalchemy import Column, MetaData, Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from mover.store.tables.base import SCHEMA
from mover.store.vault_tables import KEYS_SCHEMA

OWNER: Final = "mover_owner"
"""Owns the schemas and all in them; migrations run as it."""

API: Final = "mover_api"
"""The control plane: reads and writes all but secrets, which it may write and never read."""

KEYS: Final = "mover_keys"
"""Seals and opens: the only role that sees users' keys, and that reads sealed credentials."""

OPERATOR: Final = "mover_operator"
"""People who keep the service going: names, paths, sizes and states, read only."""

AUDITOR: Final = "mover_auditor"
"""People who check: the audit log, read only."""

ROLES: Final = (OWNER, API, KEYS, OPERATOR, AUDITOR)

_VERBS: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")
_READERS: Final = (OPERATOR, AUDITOR)


async def make_roles(connection: AsyncConnection) -> None:
    """Have every role there; passwords are set elsewhere. Needs a superuser, or a role that may create roles."""
    for role in ROLES:
        await connection.execute(text(_MAKE_ROLE.format(role=role)))
    for role in _READERS:
        await connection.execute(text(f"ALTER ROLE {role} SET default_transaction_read_only = on"))
        await connection.execute(text(f"ALTER ROLE {role} SET statement_timeout = '60s'"))


async def make_schemas(connection: AsyncConnection, database: str) -> None:
    """Have both schemas there, owned by `OWNER`; nobody but our roles connects to the database or makes anything in it.

    Run it as the database's owner, if that is `OWNER`, or as a superuser.
    """
    for statement in _fences(_quoted(database)):
        await connection.execute(text(statement))


async def grant(connection: AsyncConnection, metadata: MetaData) -> None:
    """Give each role what the tables of `metadata` declare and take everything else away, in the caller's transaction.

    Run it as `OWNER` after each migration.

    Raises:
        ValueError: a declaration contradicts itself, or would show a secret.
    """
    for statement in statements(metadata):
        await connection.execute(text(statement))


async def grant_partitions(connection: AsyncConnection) -> None:
    """Let the API make and drop the partitions of items, and nothing else of the kind. Run it as `OWNER`, after `grant`."""
    for function in ("add_item_partition", "drop_item_partition"):
        await connection.execute(text(f"GRANT EXECUTE ON FUNCTION {SCHEMA}.{function}(bigint) TO {API}"))


def statements(metadata: MetaData) -> list[str]:
    """What `grant` carries out, in order."""
    tables = sorted(metadata.tables.values(), key=lambda table: table.fullname)
    for table in tables:
        _check(table)
    return [*_revocations(), *(grant for table in tables for grant in _grants(table))]


_MAKE_ROLE: Final = """
    DO $$ BEGIN
        CREATE ROLE {role} LOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END $$;
    ALTER ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT
"""


def _fences(database: str) -> Iterator[str]:
    everybody = ", ".join(ROLES)
    yield f"REVOKE ALL ON DATABASE {database} FROM PUBLIC"
    yield f"GRANT CONNECT ON DATABASE {database} TO {everybody}"
    yield f"GRANT CREATE, TEMPORARY ON DATABASE {database} TO {OWNER}"
    yield "REVOKE ALL ON SCHEMA public FROM PUBLIC"
    for schema in (SCHEMA, KEYS_SCHEMA):
        yield f"CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {OWNER}"
        yield f"ALTER SCHEMA {schema} OWNER TO {OWNER}"


def _revocations() -> Iterator[str]:
    """Revoking from a whole table revokes from its columns too."""
    others = ", ".join(("PUBLIC", *(role for role in ROLES if role != OWNER)))
    for schema in (SCHEMA, KEYS_SCHEMA):
        yield f"REVOKE ALL ON SCHEMA {schema} FROM {others}"
        for kind in ("TABLES", "SEQUENCES", "ROUTINES"):
            yield f"REVOKE ALL ON ALL {kind} IN SCHEMA {schema} FROM {others}"
    yield f"GRANT USAGE ON SCHEMA {SCHEMA} TO {API}, {KEYS}, {OPERATOR}, {AUDITOR}"
    yield f"GRANT USAGE ON SCHEMA {KEYS_SCHEMA} TO {KEYS}"


def _grants(table: Table) -> Iterator[str]:
    if table.schema == SCHEMA:
        yield from _for_api(table)
        yield from _for_readers(table)
    keys = _verbs(table, "keys", frozenset())
    if keys:
        yield f"GRANT {_listed(keys)} ON {_named(table)} TO {KEYS}"
    changed = [column for column in table.columns if column.info.get("keys") == "write"]
    if changed:
        yield f"GRANT UPDATE ({_columns(changed)}) ON {_named(table)} TO {KEYS}"


def _for_api(table: Table) -> Iterator[str]:
    verbs = _verbs(table, "api", frozenset(_VERBS))
    hidden = [column for column in table.columns if column.info.get("api") == "write"]
    whole = verbs - {"SELECT"} if hidden else verbs
    if whole:
        yield f"GRANT {_listed(whole)} ON {_named(table)} TO {API}"
    if hidden and "SELECT" in verbs:
        shown = [column for column in table.columns if column not in hidden]
        yield f"GRANT SELECT ({_columns(shown)}) ON {_named(table)} TO {API}"


def _for_readers(table: Table) -> Iterator[str]:
    for role, key in ((OPERATOR, "operator"), (AUDITOR, "auditor")):
        if key == "auditor" and table.info.get(key) is True:
            yield f"GRANT SELECT ON {_named(table)} TO {role}"
        elif shown := [column for column in table.columns if column.info.get(key) is True]:
            yield f"GRANT SELECT ({_columns(shown)}) ON {_named(table)} TO {role}"


def _check(table: Table) -> None:
    if table.schema not in {SCHEMA, KEYS_SCHEMA}:
        raise ValueError(f"the table {table.fullname} is in neither of the schemas {SCHEMA} and {KEYS_SCHEMA}")
    if "operator" in table.info:
        raise ValueError(f"{table.fullname}: what an operator may read is declared column by column")
    for column in table.columns:
        shown = [key for key in ("operator", "auditor") if column.info.get(key) is True or table.info.get(key) is True]
        if shown and (table.schema == KEYS_SCHEMA or column.info.get("api") == "write"):
            raise ValueError(f"{table.fullname}.{column.name} is secret and is declared for the {shown[0]} as well")


def _verbs(table: Table, key: str, otherwise: frozenset[str]) -> frozenset[str]:
    verbs = frozenset(str(verb).upper() for verb in table.info.get(key, otherwise))
    if not verbs <= set(_VERBS):
        raise ValueError(f"{table.fullname}: {key} knows the verbs {', '.join(_VERBS)}, not {', '.join(sorted(verbs))}")
    return verbs


def _listed(verbs: Iterable[str]) -> str:
    return ", ".join(verb for verb in _VERBS if verb in set(verbs))


def _columns(columns: Iterable[Column[Any]]) -> str:
    return ", ".join(_quoted(column.name) for column in columns)


def _named(table: Table) -> str:
    return f"{_quoted(str(table.schema))}.{_quoted(table.name)}"


def _quoted(name: str) -> str:
    """An SQL identifier; colons are doubled away from SQLAlchemy's parameters."""
    return '"' + name.replace('"', '""').replace(":", "\\:") + '"'
