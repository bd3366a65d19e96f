"""An address of a database, checked, with all that a connection of ours must have."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from mover.core.errors import BadOption

_DRIVER: Final = "postgresql+psycopg"
_NAMES: Final = frozenset({"postgres", "postgresql", _DRIVER})
_ITEM: Final = "database_url"
_BUNDLES: Final = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
_SHAPE: Final = "Write it as postgresql://user:password@host:5432/database; docs/database.md has more."

_LIVELY: Final = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
"""A server that is gone is noticed within some 25 seconds (postgresql.org/docs/18/libpq-connect.html, LIBPQ-PARAMKEYWORDS)."""


def checked(url: str | URL) -> URL:
    """The address with driver, TLS and signs of life stated. Over TCP the server must prove who it is (`verify-full`).

    Raises:
        BadOption: it cannot be read, is no PostgreSQL's, or asks for weaker TLS. The text has no password.
    """
    try:
        found = make_url(url)
    except (ArgumentError, ValueError):
        raise BadOption("the database's address cannot be read", item=_ITEM, advice=_SHAPE) from None
    if found.drivername not in _NAMES:
        raise BadOption(f"Mover works on PostgreSQL, not on {found.drivername}", item=_ITEM, advice=_SHAPE)
    if "service" in found.query:
        raise BadOption("a service file is not read: name host, user and database", item=_ITEM, advice=_SHAPE)
    found = found.set(drivername=_DRIVER)
    mode = found.query.get("sslmode", "verify-full")
    if mode != "verify-full" and not by_socket(found):
        raise BadOption(
            f"sslmode={mode} would let somebody on the way read and change everything",
            item=_ITEM,
            advice="Leave sslmode away, or write verify-full; name the authority of the server's certificate by sslrootcert=FILE.",
        )
    # Stated for a socket too, which has no use for it: an address without a host may be given one by libpq's own variables.
    given = {**_LIVELY, "sslrootcert": "system", **found.query, "sslmode": "verify-full", "gssencmode": "disable"}
    if given["sslrootcert"] == "system":
        given["sslrootcert"] = _authorities()
    return found.set(query=given)


def by_socket(url: URL) -> bool:
    """Whether every host of the address is a unix socket's folder (or none is named: libpq's default, a socket)."""
    return all(not host or host[0] in "/@" for host in _hosts(url)) and "hostaddr" not in url.query


def place(url: URL) -> str:
    """The address for messages: without user and password."""
    host = ",".join(_hosts(url)) or "the local socket"
    if by_socket(url):
        return f"database {url.database} at {host}"
    return f"database {url.database} at {host}:{url.port or url.query.get('port', '5432')}"


def _hosts(url: URL) -> list[str]:
    """Libpq takes several, by commas; SQLAlchemy too, as values of a repeated `host`."""
    said = url.query.get("host", ())
    named = [said] if isinstance(said, str) else list(said)
    return [host for text in ([url.host] if url.host else []) + named for host in text.split(",")]


def _authorities() -> str:
    """The system's authorities, in one file: the libpq of psycopg's wheel looks for them where no system has them."""
    default = ssl.get_default_verify_paths().cafile
    for file in ([default] if default else []) + list(_BUNDLES):
        if Path(file).exists():
            return file
    # Never read over a socket; over TCP the error names what is missing.
    return _BUNDLES[0]
