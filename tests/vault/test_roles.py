"""What each role of the database may do, by real logins on a real server: every refusal is the server's own, each with a control."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import psycopg
import pytest
from sqlalchemy import BigInteger, Column, Identity, MetaData, Table, Text, text
from sqlalchemy.exc import DBAPIError
from tests.postgres import Postgres
from tests.vault.databases import Logins, logins

from mover.store import audit_log, tables, vault_queries
from mover.store.roles import ROLES, grant, make_roles, make_schemas, statements
from mover.store.vault_tables import credential, user_key

pytestmark = pytest.mark.anyio

SEALED = b"\x01sealed bytes"


def _metadata() -> MetaData:
    """The vault's tables, one that people look at, and a log that is only added to."""
    metadata = MetaData(schema="mover")
    for table in (user_key, credential):
        table.to_metadata(metadata)
    seen = {"operator": True}
    Table(
        "thing",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True, info=seen),
        Column("path", Text, info=seen),
        Column("size", BigInteger, info=seen),
        Column("state", Text, info=seen),
        Column("content", Text),
    )
    Table(
        "log",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("line", Text),
        info={"api": {"SELECT", "INSERT"}, "auditor": True},
    )
    return metadata


@pytest.fixture
async def db(postgres: Postgres) -> AsyncGenerator[Logins]:
    async with logins(postgres, _metadata()) as made:
        async with made["mover_api"].begin() as api:
            await vault_queries.save(api, "ada", "connection", "home", SEALED)
            await api.execute(
                text("INSERT INTO mover.thing (path, size, state, content) VALUES ('/a', 1, 'done', 'CONTENT')")
            )
            await api.execute(text("INSERT INTO mover.log (line) VALUES ('somebody signed in')"))
        async with made["mover_keys"].begin() as keys:
            await keys.execute(text("INSERT INTO keys.user_key VALUES ('ada', 1, 'g-1', '\\x01')"))
        yield made


async def may(db: Logins, role: str, statement: str) -> list[Any]:
    """Carried out and undone; the rows, if there are any. What refuses is a right that is not there, not a default."""
    async with db[role].connect() as connection:
        await connection.execute(text("SET TRANSACTION READ WRITE"))
        found = await connection.execute(text(statement))
        rows = [tuple(row) for row in found] if found.returns_rows else []
        await connection.rollback()
    return rows


async def may_not(db: Logins, role: str, statement: str, what: str) -> None:
    with pytest.raises(DBAPIError) as refused:
        await may(db, role, statement)
    assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege), refused.value
    assert what in str(refused.value.orig)


async def test_the_api_writes_credentials_and_never_reads_them(db: Logins) -> None:
    table, column = "permission denied for table credential", "permission denied for table credential"
    for reading in (
        "SELECT sealed FROM mover.credential",
        "SELECT * FROM mover.credential",
        "SELECT c FROM mover.credential c",
        "SELECT row_to_json(c) FROM mover.credential c",
        "SELECT 1 FROM mover.credential WHERE sealed > '\\x00'",
        "UPDATE mover.credential SET updated = now() RETURNING sealed",
        "UPDATE mover.credential SET record = encode(sealed, 'hex')",
        "DELETE FROM mover.credential WHERE sealed = '\\x01'",
        "INSERT INTO mover.credential (owner, purpose, record, sealed) VALUES ('a', 'b', 'c', '\\x01') RETURNING sealed",
        "COPY mover.credential (sealed) TO STDOUT",
        "CREATE TEMPORARY TABLE t AS SELECT sealed FROM mover.credential",
        "LOCK mover.credential IN ACCESS EXCLUSIVE MODE; SELECT sealed FROM mover.credential",
    ):
        with pytest.raises(DBAPIError) as refused:
            await may(db, "mover_api", reading)
        assert "permission denied" in str(refused.value.orig), reading
    await may_not(db, "mover_api", "SELECT sealed FROM mover.credential", table)
    await may_not(db, "mover_api", "SELECT * FROM mover.credential", column)
    assert await may(db, "mover_api", "SELECT owner, purpose, record, version FROM mover.credential") == [
        ("ada", "connection", "home", 1)
    ]
    async with db["mover_api"].connect() as api:
        assert await vault_queries.save(api, "ada", "connection", "home", b"new") == 2
        assert await vault_queries.replace(api, "ada", "connection", "home", b"newer", before=2) == 3
        assert await vault_queries.save(api, "ada", "connection", "other", b"new") == 1
        assert await vault_queries.forget(api, "ada", "connection", "home")
        assert await vault_queries.forget_owner(api, "ada") == 1
        await api.rollback()


@pytest.mark.parametrize("role", ["mover_api", "mover_operator", "mover_auditor"])
async def test_users_keys_are_seen_by_the_keys_role_only(db: Logins, role: str) -> None:
    for statement in (
        "SELECT owner FROM keys.user_key",
        "SELECT wrapped FROM keys.user_key",
        "DELETE FROM keys.user_key",
        "INSERT INTO keys.user_key VALUES ('eve', 1, 'g', '\\x00')",
        "CREATE TABLE keys.mine (n int)",
    ):
        await may_not(db, role, statement, "permission denied for schema keys")
    assert await may(db, "mover_keys", "SELECT owner, wrapped FROM keys.user_key") == [("ada", b"\x01")]


async def test_the_keys_role_opens_and_wraps_anew_and_nothing_else(db: Logins) -> None:
    assert await may(db, "mover_keys", "SELECT sealed FROM mover.credential") == [(SEALED,)]
    await may(db, "mover_keys", "UPDATE mover.credential SET sealed = '\\x02' WHERE sealed = '\\x01'")
    denied = "permission denied for table credential"
    await may_not(db, "mover_keys", "UPDATE mover.credential SET owner = 'eve'", denied)
    await may_not(db, "mover_keys", "DELETE FROM mover.credential", denied)
    await may_not(
        db,
        "mover_keys",
        "INSERT INTO mover.credential (owner, purpose, record, sealed) VALUES ('a','b','c','')",
        denied,
    )
    await may_not(db, "mover_keys", "SELECT path FROM mover.thing", "permission denied for table thing")
    await may_not(db, "mover_keys", "SELECT line FROM mover.log", "permission denied for table log")


async def test_an_operator_sees_names_paths_sizes_and_states_and_nothing_else(db: Logins) -> None:
    assert await may(db, "mover_operator", "SELECT path, size, state FROM mover.thing") == [("/a", 1, "done")]
    assert await may(db, "mover_operator", "SELECT count(*) FROM mover.thing WHERE path LIKE '/%'") == [(1,)]
    denied = "permission denied for table thing"
    await may_not(db, "mover_operator", "SELECT content FROM mover.thing", denied)
    await may_not(db, "mover_operator", "SELECT * FROM mover.thing", denied)
    await may_not(db, "mover_operator", "SELECT path FROM mover.thing WHERE content LIKE 'C%'", denied)
    for reading in ("SELECT sealed", "SELECT owner", "SELECT record", "SELECT count(*)"):
        await may_not(
            db, "mover_operator", f"{reading} FROM mover.credential", "permission denied for table credential"
        )
    await may_not(db, "mover_operator", "SELECT line FROM mover.log", "permission denied for table log")
    for change in (
        "UPDATE mover.thing SET path = ''",
        "DELETE FROM mover.thing",
        "INSERT INTO mover.thing (path) VALUES ('')",
    ):
        await may_not(db, "mover_operator", change, denied)


async def test_the_servers_statistics_show_an_operator_no_content(db: Logins) -> None:
    async with db["mover_owner"].begin() as owner:
        await owner.execute(
            text("INSERT INTO mover.thing (path, content) SELECT '/b', 'CONTENT' FROM generate_series(1, 100)")
        )
        await owner.execute(text("ANALYZE mover.thing"))
    shown = "SELECT attname, most_common_vals::text FROM pg_stats WHERE schemaname = 'mover' AND tablename = 'thing'"
    assert "CONTENT" in str(await may(db, "mover_owner", shown)), "the control"
    found = await may(db, "mover_operator", shown)
    assert "/b" in str(found)
    assert "CONTENT" not in str(found)


async def test_an_auditor_reads_the_log_and_changes_nothing(db: Logins) -> None:
    assert await may(db, "mover_auditor", "SELECT line FROM mover.log") == [("somebody signed in",)]
    for change in ("UPDATE mover.log SET line = ''", "DELETE FROM mover.log", "TRUNCATE mover.log"):
        await may_not(db, "mover_auditor", change, "permission denied for table log")
    await may_not(db, "mover_auditor", "SELECT path FROM mover.thing", "permission denied for table thing")
    await may_not(db, "mover_auditor", "SELECT sealed FROM mover.credential", "permission denied for table credential")


async def test_the_api_adds_to_the_log_and_never_changes_it(db: Logins) -> None:
    await may(db, "mover_api", "INSERT INTO mover.log (line) VALUES ('x')")
    for change in ("UPDATE mover.log SET line = ''", "DELETE FROM mover.log", "TRUNCATE mover.log"):
        await may_not(db, "mover_api", change, "permission denied for table log")


@pytest.mark.parametrize("role", [role for role in ROLES if role != "mover_owner"])
async def test_nobody_but_the_owner_makes_or_drops_anything(db: Logins, role: str) -> None:
    for statement, what in (
        ("CREATE TABLE mover.mine (n int)", "permission denied for schema mover"),
        ("CREATE TABLE public.mine (n int)", "permission denied for schema public"),
        ("CREATE SCHEMA mine", "permission denied for database"),
        ("CREATE TEMPORARY TABLE mine (n int)", "permission denied to create temporary tables"),
        ("DROP TABLE mover.thing", "must be owner of table thing"),
        ("ALTER TABLE mover.thing ADD COLUMN more text", "must be owner of table thing"),
        ("SET ROLE mover_owner", "permission denied to set role"),
        ("SET ROLE postgres", "permission denied to set role"),
        ("CREATE ROLE mine", "permission denied to create role"),
        ("SELECT pg_read_file('/etc/hostname')", "permission denied for function pg_read_file"),
        ("COPY mover.thing (path) TO PROGRAM 'true'", "permission denied to COPY to or from an external program"),
        ("SELECT rolpassword FROM pg_authid", "permission denied for table pg_authid"),
    ):
        await may_not(db, role, statement, what)
    await may(db, "mover_owner", "CREATE TABLE mover.mine (n int)")


async def test_no_right_is_passed_on(db: Logins) -> None:
    """PostgreSQL only warns whoever grants a right that it may not pass on."""
    for role in ("mover_api", "mover_keys"):
        async with db[role].begin() as connection:
            await connection.execute(text("GRANT UPDATE (sealed) ON mover.credential TO mover_operator"))
    change = "UPDATE mover.credential SET sealed = '\\x00'"
    await may_not(db, "mover_operator", change, "permission denied for table credential")
    async with db["mover_owner"].begin() as owner:
        await owner.execute(text("GRANT UPDATE (sealed) ON mover.credential TO mover_operator"))
    await may(db, "mover_operator", change)


async def test_people_who_look_begin_read_only_transactions(db: Logins) -> None:
    for role, readonly in (("mover_operator", "on"), ("mover_auditor", "on"), ("mover_api", "off")):
        async with db[role].connect() as connection:
            assert (await connection.execute(text("SHOW transaction_read_only"))).scalar_one() == readonly


async def test_everything_may_be_run_again_and_takes_back_what_was_granted_by_hand(db: Logins) -> None:
    async with db["mover_owner"].begin() as owner:
        await owner.execute(text("GRANT SELECT, UPDATE ON mover.credential TO mover_operator"))
        await owner.execute(text("GRANT SELECT (sealed) ON mover.credential TO mover_api"))
        await owner.execute(text("GRANT USAGE ON SCHEMA keys TO mover_api"))
        await owner.execute(text("GRANT SELECT ON keys.user_key TO PUBLIC"))
    assert await may(db, "mover_operator", "SELECT sealed FROM mover.credential") == [(SEALED,)], "the control"
    assert await may(db, "mover_api", "SELECT owner FROM keys.user_key") == [("ada",)], "the control"
    async with db["postgres"].begin() as root:
        name = (await root.execute(text("SELECT current_database()"))).scalar_one()
        await make_roles(root)
        await make_schemas(root, name)
    async with db["mover_owner"].begin() as owner:
        await grant(owner, _metadata())
    await may_not(db, "mover_operator", "SELECT sealed FROM mover.credential", "permission denied for table credential")
    await may_not(db, "mover_api", "SELECT sealed FROM mover.credential", "permission denied for table credential")
    await may_not(db, "mover_api", "SELECT owner FROM keys.user_key", "permission denied for schema keys")
    assert await may(db, "mover_operator", "SELECT path FROM mover.thing") == [("/a",)]


async def test_a_role_that_was_given_more_power_loses_it(db: Logins) -> None:
    async with db["postgres"].begin() as root:
        await root.execute(text("ALTER ROLE mover_api CREATEROLE BYPASSRLS"))
        await make_roles(root)
        found = await root.execute(
            text("SELECT rolcreaterole, rolbypassrls, rolsuper FROM pg_roles WHERE rolname LIKE 'mover\\_%'")
        )
        assert {tuple(row) for row in found} == {(False, False, False)}


async def test_others_may_not_even_connect(db: Logins, postgres: Postgres) -> None:
    async with db["postgres"].begin() as root:
        name = (await root.execute(text("SELECT current_database()"))).scalar_one()
        await root.execute(text(f"ALTER DATABASE {name} OWNER TO mover_owner"))
    url = postgres.url_of("mover", name)  # the server's other role
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(host=str(url.query["host"]), user="mover", password=url.password, dbname=name)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (Table("t", MetaData(), Column("n", Text), schema="public"), "in neither of the schemas"),
        (Table("t", MetaData(), Column("n", Text, info={"operator": True}), schema="keys"), "is secret"),
        (Table("t", MetaData(), Column("n", Text), schema="keys", info={"auditor": True}), "is secret"),
        (
            Table("t", MetaData(), Column("n", Text, info={"api": "write", "operator": True}), schema="mover"),
            "is secret",
        ),
        (Table("t", MetaData(), Column("n", Text), schema="mover", info={"operator": True}), "column by column"),
        (Table("t", MetaData(), Column("n", Text), schema="mover", info={"api": {"TRUNCATE"}}), "verbs"),
    ],
)
def test_a_declaration_that_would_show_a_secret_is_refused(table: Table, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        statements(table.metadata)


def test_no_real_table_shows_an_operator_secrets() -> None:
    assert audit_log.audit_entry.metadata is tables.METADATA
    statements(tables.METADATA)
    shown = [c for t in tables.METADATA.tables.values() for c in t.columns if c.info.get("operator") is True]
    assert len(shown) > 10
    for column in shown:
        assert not {"password", "hash", "secret", "token", "sealed", "wrapped", "options", "content"} & set(
            column.name.split("_")
        ), column
