"""How people sign in: sessions, second factors, passkeys, invitations, and how often somebody tried.

No row here lets whoever reads it sign in: tokens, challenges and codes are hashes, and what must be read again (the secret of one-time
codes) is sealed by `vault` into `credential`.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text, text

from mover.store.tables.base import METADATA, OPERATOR, identity, moment, of

session: Final = Table(
    "session",
    METADATA,
    identity(),
    of("account", "account", index=True),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("method", Text, nullable=False, info=OPERATOR),
    moment("created", now=True),
    moment("seen", now=True),
    moment("expires"),
    moment("authenticated_at", now=True),
    Column("address", Text),
    Column("agent", Text),
)
"""`hash` is SHA-256 of the token in the cookie (256 random bits); `agent` is the beginning of what the browser calls itself."""

totp: Final = Table(
    "totp",
    METADATA,
    identity(),
    of("account", "account", index=True),
    moment("created", now=True),
    moment("confirmed", nullable=True),
    Column("last_step", BigInteger, nullable=False, server_default=text("0")),
    Index("totp_in_use", "account", unique=True, postgresql_where=text("confirmed IS NOT NULL")),
)
"""One-time codes of an account; the sealed secret is the credential of the purpose `totp` and this row's id. `last_step` is the last
time step whose code was taken: none is taken twice (RFC 6238 §5.2)."""

recovery_code: Final = Table(
    "recovery_code",
    METADATA,
    identity(),
    of("account", "account", index=True),
    Column("hash", LargeBinary, nullable=False),
    moment("used", nullable=True),
)
"""`hash` is an HMAC-SHA256 of account and code under the service's pepper."""

passkey: Final = Table(
    "passkey",
    METADATA,
    identity(),
    of("account", "account", index=True),
    Column("name", Text, nullable=False),
    Column("credential_id", LargeBinary, nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    moment("created", now=True),
    moment("used", nullable=True),
)
"""`public_key` is COSE (RFC 9052), as the authenticator gave it."""

passkey_challenge: Final = Table(
    "passkey_challenge",
    METADATA,
    Column("hash", LargeBinary, primary_key=True),
    Column("purpose", Text, nullable=False),
    of("account", "account", nullable=True, index=True),
    moment("expires"),
    Index("passkey_challenge_expires_index", "expires"),
)
"""A challenge that was given out and not used; whoever uses it deletes it."""

invitation: Final = Table(
    "invitation",
    METADATA,
    identity(),
    of("account", "account", index=True),
    of("made_by", "account", nullable=True, on_delete="SET NULL"),
    Column("hash", LargeBinary, nullable=False, unique=True),
    moment("created", now=True),
    moment("expires"),
    moment("used", nullable=True),
)
"""A link by which a person sets the password of an account, once."""

sign_in_counter: Final = Table(
    "sign_in_counter",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("subject", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    moment("until", info={"operator": False}),
    moment("touched", now=True, info={"operator": False}),
    Index("sign_in_counter_touched_index", "touched"),
)
"""Attempts by `kind` (account, address) and the hash of which; nobody may try before `until`."""
