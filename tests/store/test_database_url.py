"""An address of a database is checked before anything is sent to it."""

from __future__ import annotations

import pytest

from mover.core.errors import BadOption
from mover.store._database_url import by_socket, checked, place

PASSWORD = "do-not-show-me"


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("postgresql://me@db.example/mover", "database mover at db.example:5432"),
        ("postgres://me:do-not-show-me@db.example:6543/mover", "database mover at db.example:6543"),
        ("postgresql+psycopg://me@db.example/mover?sslmode=verify-full", "database mover at db.example:5432"),
        ("postgresql:///mover?host=a.example,b.example", "database mover at a.example,b.example:5432"),
        ("postgresql:///mover?host=a.example&host=b.example", "database mover at a.example,b.example:5432"),
        ("postgresql:///mover?host=/run/postgresql", "database mover at /run/postgresql"),
        ("postgresql:///mover", "database mover at the local socket"),
    ],
)
def test_an_address_is_read_and_named_without_its_password(url: str, named: str) -> None:
    found = checked(url)
    assert place(found) == named
    assert PASSWORD not in repr(found)
    assert (found.drivername, found.query["sslmode"], found.query["gssencmode"]) == (
        "postgresql+psycopg",
        "verify-full",
        "disable",
    )
    assert str(found.query["sslrootcert"]).startswith("/")


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require", "verify-ca", "nonsense"])
@pytest.mark.parametrize("host", ["db.example", "127.0.0.1", "localhost"])
def test_weaker_tls_is_refused(mode: str, host: str) -> None:
    with pytest.raises(BadOption, match="somebody on the way") as caught:
        checked(f"postgresql://me:{PASSWORD}@{host}/mover?sslmode={mode}")
    assert "sslrootcert" in caught.value.advice
    assert PASSWORD not in f"{caught.value!r} {caught.value.advice}"


@pytest.mark.parametrize(
    "query",
    [
        "host=/run/postgresql,db.example",
        "host=/run/postgresql&host=db.example",
        "host=/run/postgresql&hostaddr=192.0.2.1",
        "sslmode=verify-full&sslmode=disable&host=db.example",
    ],
)
def test_a_socket_beside_a_host_does_not_weaken_it(query: str) -> None:
    with pytest.raises(BadOption, match="sslmode"):
        checked(f"postgresql:///mover?sslmode=disable&{query}")


@pytest.mark.parametrize(
    "url", ["postgresql:///mover?host=/run/postgresql&sslmode=disable", "postgresql:///m?host=@abstract"]
)
def test_a_socket_needs_no_tls(url: str) -> None:
    assert by_socket(checked(url))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "cannot be read"),
        ("do-not-show-me", "cannot be read"),
        ("postgresql://me:do-not-show-me@host:port/mover", "cannot be read"),
        ("mysql://me:do-not-show-me@db.example/mover", "works on PostgreSQL, not on mysql"),
        ("postgresql+asyncpg://me:do-not-show-me@db.example/mover", "not on postgresql.asyncpg"),
        ("postgresql:///mover?service=mine", "service file"),
    ],
)
def test_what_is_no_address_of_postgresql_is_refused(url: str, said: str) -> None:
    with pytest.raises(BadOption, match=said) as caught:
        checked(url)
    assert PASSWORD not in f"{caught.value!r} {caught.value.advice}"
    assert caught.value.__cause__ is None


def test_an_operators_own_settings_stay() -> None:
    found = checked(
        "postgresql://me@db.example/mover?connect_timeout=3&sslcert=/c.pem&sslkey=/k.pem&sslrootcert=/ca.pem"
    )
    assert {name: found.query[name] for name in ("connect_timeout", "sslcert", "sslkey", "sslrootcert")} == {
        "connect_timeout": "3",
        "sslcert": "/c.pem",
        "sslkey": "/k.pem",
        "sslrootcert": "/ca.pem",
    }
