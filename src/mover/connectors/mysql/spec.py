"""What the MySQL connector says of itself."""

from __future__ import annotations

from mover.core.options import CONSENT
from mover.core.spec import Cap, Channel, Limits, Option, Spec, Url

SPEC = Spec(
    key="mysql",
    title="MySQL or MariaDB",
    summary="A database as a tree of SQL files that the stock client can restore; and the way back.",
    channel=Channel.TLS,
    hosts=("{host}:{port}",),
    caps=Cap.EXECUTES,
    # A name of 64 characters takes at most 192 bytes and 15 more with its number.
    limits=Limits(name_bytes=255, forbidden=frozenset("/\x00"), case_sensitive=True),
    options=(
        Option("host", "Host", "The database server's name or address.", required=True),
        Option("port", "Port", "The server's TCP port.", kind="number", default=3306),
        Option(
            "user", "User", "The database account; reading needs SELECT, SHOW VIEW, TRIGGER and EVENT.", required=True
        ),
        Option("password", "Password", "The account's password.", kind="secret"),
        Option("database", "Database", "The one database to show. Left empty: all but the server's own."),
        Option(
            "tls",
            "TLS",
            "Required, or off. Off sends everything readable, the password's proof and all data.",
            kind="choice",
            choices=("required", "off"),
            default="required",
            advanced=True,
        ),
        Option(
            CONSENT,
            "Allow no encryption",
            "Accept that this connection is not encrypted.",
            kind="switch",
            default=False,
            advanced=True,
        ),
        Option("ca_file", "Certificate authorities", "A PEM file trusted beside the system's.", advanced=True),
    ),
    url=Url(schemes=("mysql", "mariadb"), host="host", port="port", user="user", first_segment="database"),
    unencrypted_when={"tls": "off"},
)
