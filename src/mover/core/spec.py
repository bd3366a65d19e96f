"""What a connector says of itself, as plain data.

The CLI's options, the API's schema, the console's form and the reference page are all made from this, so a connector is
described once. A spec loads without any SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, Flag, auto
from typing import Literal

from mover.core.model import Algorithm


class Cap(Flag):
    """What a connector can do beyond the verbs every connector has."""

    NONE = 0
    RANGED_READ = auto()  # `read` may begin and end anywhere
    RENAME = auto()  # Renames
    COPY_INSIDE = auto()  # CopiesInside
    SET_MODIFIED = auto()  # SetsModified
    KEEPS_MODIFIED = auto()  # `write` keeps `Attributes.modified`
    KEEPS_METADATA = auto()  # `write` keeps `Attributes.metadata`
    EMPTY_FOLDERS = auto()
    EMPTY_FILES = auto()
    DEEP_LISTING = auto()  # ListsDeep
    PARTS = auto()  # WritesParts
    FIND = auto()  # Finds
    QUOTA = auto()  # TellsQuota
    DESCRIBE = auto()  # Describes
    IMPLIED_FOLDERS = auto()  # ImpliesFolders
    LINKS = auto()  # the provider has symbolic links
    EXECUTES = auto()  # what is written is carried out (SQL) and need not be readable afterwards
    ACCOUNTS = auto()
    READ_SHARES = auto()
    WRITE_SHARES = auto()
    CHANGES = auto()


class Channel(Enum):
    """How bytes are protected between us and the provider; shown wherever one connects."""

    TLS = "TLS 1.2 or newer"
    SSH = "SSH"
    LOCAL = "stays on this machine"
    NONE = "not encrypted"


@dataclass(frozen=True, slots=True)
class Option:
    """One thing a user says when they make a connection.

    `name` is its key in saved connections (`snake_case`); the CLI shows it as `--kebab-case`. A secret is given by file,
    prompt or standard input, never as an argument. `environment` names a variable read when nothing else was given.
    """

    name: str
    label: str
    help: str
    kind: Literal["text", "secret", "number", "switch", "choice"] = "text"
    required: bool = False
    default: str | int | bool | None = None
    choices: tuple[str, ...] = ()
    advanced: bool = False
    environment: str | None = None


@dataclass(frozen=True, slots=True)
class OAuth:
    """Where and how a user grants access."""

    authorize_url: str
    token_url: str
    revoke_url: str | None
    scopes: tuple[str, ...]
    pkce: bool = True


@dataclass(frozen=True, slots=True)
class Limits:
    """What the provider can hold; the plan checks it before anything is written.

    `name_bytes`/`path_bytes` count UTF-8, `name_chars`/`path_chars` count characters. `forbidden` are characters no name
    may contain; `reserved` are whole names (compared without case) it refuses, in which `*` stands for anything
    (`CON.*`); `bad_endings` are characters a name may not end with. `time_step` is the precision of kept times in
    seconds; `times` are the earliest and the latest that it keeps, in seconds since 1970 UTC: a file from before or after shows
    when it was received. `file_size` is in bytes.
    """

    name_bytes: int | None = 255
    name_chars: int | None = None
    path_bytes: int | None = None
    path_chars: int | None = None
    forbidden: frozenset[str] = frozenset("/\x00")
    reserved: frozenset[str] = frozenset({".", ".."})
    bad_endings: frozenset[str] = frozenset()
    bad_starts: frozenset[str] = frozenset()
    file_size: int | None = None
    case_sensitive: bool = True
    normalizes: bool = False  # NFC and NFD forms of a name are one name there
    any_bytes: bool = False  # names need not be UTF-8
    time_step: float = 1.0
    times: tuple[float, float] | None = None

    def keeps_time(self, moment: datetime) -> bool:
        """Whether a time is one that the provider can keep at all."""
        return self.times is None or self.times[0] <= moment.timestamp() <= self.times[1]


@dataclass(frozen=True, slots=True)
class Url:
    """How a one-off address becomes options: `sftp://user@host:22/path`.

    Each field names the option that the part of the URL fills; `None` means the URL may not have that part. With `first_segment`
    the first part of the path fills that option (a bucket). A password in a URL is always refused. `implied` are options that
    the scheme itself sets.
    """

    schemes: tuple[str, ...]
    host: str | None = None
    port: str | None = None
    user: str | None = None
    first_segment: str | None = None
    path: str | None = None
    implied: Mapping[str, Mapping[str, str | bool]] = field(default_factory=dict[str, Mapping[str, str | bool]])


@dataclass(frozen=True, slots=True)
class Rclone:
    """How rclone's configuration of the same provider becomes ours: `mover connection import rclone.conf`.

    `type` is rclone's backend; `options` maps its keys to our option names; `obscured` are the keys that rclone obscures.
    """

    type: str
    options: Mapping[str, str]
    obscured: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Spec:
    """All a connector says of itself.

    `digests` are the algorithms that the provider may report for a file it holds. `consent_unless` names the switch or the
    condition under which the channel is encrypted; see `Channel`.
    """

    key: str
    title: str
    summary: str
    channel: Channel
    hosts: tuple[str, ...]  # what the point firewall must let through; "{option}" stands for the option's value
    caps: Cap
    limits: Limits
    options: tuple[Option, ...] = ()
    digests: frozenset[Algorithm] = frozenset()
    oauth: OAuth | None = None
    url: Url | None = None
    rclone: tuple[Rclone, ...] = ()
    unencrypted_when: Mapping[str, str | bool] = field(default_factory=dict[str, str | bool])
    """If every option here has the value given, the channel is `Channel.NONE` whatever `channel` says."""
    client: str = "client:connect"  # module:function beside the spec, imported on runners only

    def option(self, name: str) -> Option | None:
        """The option of that name, if there is one."""
        return next((o for o in self.options if o.name == name), None)
