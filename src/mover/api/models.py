"""What goes in and out of the public API. Sizes in bytes, times in UTC (RFC 3339)."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from mover.core.secret import Secret
from mover.service.actor import Permission
from mover.service.keys import NewKey
from mover.service.runs import Standing
from mover.store.accounts import Account
from mover.store.connections import Connection
from mover.store.keys import Key
from mover.store.migration_rows import Migration, Pair
from mover.store.runners import Runner
from mover.store.runs import Run

Name = Annotated[str, Field(min_length=1, max_length=100, examples=["Office files"])]
Path = Annotated[str, Field(max_length=4096, examples=["Team/Reports"])]
Limit = Annotated[int, Field(ge=1, le=1000)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class ConnectionIn(_In):
    """A connection to be saved. `secrets` are sealed at once and never shown again."""

    name: Name
    connector: Annotated[str, Field(examples=["sftp"])]
    options: dict[str, str | int | bool] = Field(
        default_factory=dict, examples=[{"host": "files.example.com", "user": "mover"}]
    )
    secrets: dict[str, SecretStr] = Field(default_factory=dict, examples=[{"password": "…"}])
    pool: Annotated[str, Field(max_length=100)] | None = None

    def values(self) -> dict[str, str | int | bool | Secret]:
        """Options and secrets as a connector's spec takes them."""
        secrets = {name: Secret(value.get_secret_value()) for name, value in self.secrets.items()}
        return {**self.options, **secrets}


class ConnectionOut(_Out):
    """A saved connection, without its secrets."""

    id: int
    name: str
    connector: str
    options: dict[str, Any]
    pool: str | None
    created: datetime

    @classmethod
    def of(cls, found: Connection) -> Self:
        return cls.model_validate(found)


class PairIn(_In):
    """A folder of the source, and where it goes; "" is the connection's root."""

    source: Path = ""
    destination: Path = ""


class MigrationIn(_In):
    """A migration: pairs of folders between two connections, and how its runs go about it."""

    name: Name
    source: int
    destination: int
    pairs: Annotated[list[PairIn], Field(min_length=1, max_length=10_000)]
    settings: dict[str, str | int | bool] = Field(default_factory=dict, examples=[{"verify": "changed"}])
    filters: dict[str, str | bool | list[str]] = Field(default_factory=dict, examples=[{"exclude": ["*.tmp"]}])


class PairsIn(_In):
    """More pairs for a migration."""

    pairs: Annotated[list[PairIn], Field(min_length=1, max_length=10_000)]


class MigrationOut(_Out):
    """A migration."""

    id: int
    name: str
    source: int
    destination: int
    settings: dict[str, Any]
    filters: dict[str, Any]
    created: datetime

    @classmethod
    def of(cls, found: Migration) -> Self:
        return cls.model_validate(found)


class PairOut(_Out):
    """A pair of a migration."""

    id: int
    source: str
    destination: str

    @classmethod
    def of(cls, found: Pair) -> Self:
        return cls(id=found.id, source=found.source_path, destination=found.destination_path)


class RunIn(_In):
    """How a run goes. `dry_run`: only find out what would be done."""

    dry_run: bool = False
    bytes_per_second: Annotated[int, Field(gt=0)] | None = None


class Count(_Out):
    """Items, and their bytes."""

    items: int
    bytes: int


class RunOut(_Out):
    """A run and where it stands. `counts` by state are exact once the run has ended."""

    id: int
    migration: int
    number: int
    state: Literal["running", "pausing", "paused", "stopping", "stopped", "done", "failed"]
    dry_run: bool
    asked: datetime
    ended: datetime | None
    code: str | None
    reason: str | None
    advice: str | None
    found: int | None = None
    counts: dict[str, Count] | None = None
    scanned: bool | None = None
    bytes_moved: int | None = None

    @classmethod
    def of(cls, run: Run) -> Self:
        return cls.model_validate(run)

    @classmethod
    def standing(cls, standing: Standing) -> Self:
        out = cls.of(standing.run)
        out.counts = {state: Count(items=n, bytes=size) for state, (n, size) in standing.counts.items()}
        out.found = standing.found
        scan, copy = standing.live.get("scan"), standing.live.get("copy")
        out.scanned = scan is not None and scan.batches == scan.done
        out.bytes_moved = 0 if copy is None else copy.moved
        return out


class ItemOut(_Out):
    """An item of a run. `path` is text; where its name is no UTF-8, `raw_path` has the bytes in base64."""

    pair: int
    path: str
    raw_path: str | None = None
    kind: str
    state: str
    size: int | None
    modified: float | None
    target: str | None
    code: str | None
    detail: str | None
    attempts: int
    proof: dict[str, Any] | None

    @classmethod
    def of(cls, row: Any) -> Self:
        path, raw = _shown(row.path)
        return cls(
            pair=row.pair,
            path=path,
            raw_path=raw,
            kind=row.kind,
            state=row.state,
            size=row.size,
            modified=row.modified,
            target=None if row.target is None else _shown(row.target)[0],
            code=row.code,
            detail=row.detail,
            attempts=row.attempts,
            proof=row.proof,
        )


class KeyIn(_In):
    """A key to be made: it may what its scopes say, and no more than its account."""

    name: Name
    scopes: list[Annotated[Permission, Field(strict=False)]]
    expires: Annotated[datetime, Field(strict=False)] | None = None


class KeyOut(_Out):
    """An API key, of which only the beginning is known."""

    id: int
    name: str
    prefix: str
    scopes: list[str]
    created: datetime
    expires: datetime | None
    used: datetime | None

    @classmethod
    def of(cls, found: Key) -> Self:
        return cls.model_validate(found)


class NewKeyOut(KeyOut):
    """A key that was just made: `secret` is shown this once."""

    secret: str

    @classmethod
    def made(cls, new: NewKey) -> Self:
        return cls(**KeyOut.of(new.key).model_dump(), secret=new.secret.reveal())


class AccountIn(_In):
    """An account to be made."""

    name: Name
    role: Literal["owner", "manager", "operator", "auditor"]


class AccountOut(_Out):
    """An account."""

    id: int
    name: str
    role: str
    created: datetime
    disabled: datetime | None

    @classmethod
    def of(cls, found: Account) -> Self:
        return cls.model_validate(found)


class TokenIn(_In):
    """What the runner that will use the token belongs to."""

    pool: Annotated[str, Field(max_length=100)] | None = None


class TokenOut(_Out):
    """A one-time token for a runner: shown this once."""

    token: str
    expires: datetime


class RunnerOut(_Out):
    """A runner that joined; `seen` is its last request."""

    id: str
    name: str
    pool: str | None
    enrolled: datetime
    seen: datetime | None

    @classmethod
    def of(cls, found: Runner) -> Self:
        return cls.model_validate(found)


def _shown(raw: bytes) -> tuple[str, str | None]:
    try:
        return raw.decode(), None
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace"), base64.b64encode(raw).decode()
