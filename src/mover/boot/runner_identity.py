"""Who a runner is: the file that it keeps of its enrolment, mode 0600."""

from __future__ import annotations

import os
import stat
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import msgspec

from mover.core.errors import RecordDamaged, UnknownThing
from mover.core.secret import Secret
from mover.crypto.boxes import new_box_key
from mover.crypto.signatures import SigningKey
from mover.net.http import HttpSettings, http
from mover.runner.http_plane import enrol
from mover.vault.files import private_folder, read_private, write_private
from mover.wire.messages import EnrolRequest

FILE: Final = "runner.json"
PASSED_THROUGH: Final = 0o711
"""Mode of a folder of root's, below which its runner works as another user."""


class _Record(msgspec.Struct, frozen=True):
    server: str
    runner: str
    signing_key: str
    box_key: str
    authorities: str | None


@dataclass(frozen=True, slots=True)
class Identity:
    """A runner that joined. `authorities`: a PEM file that is trusted for the server beside the system's."""

    server: str
    runner: str
    signing_key: SigningKey
    box_key: bytes
    authorities: Path | None

    def __repr__(self) -> str:
        return f"Identity({self.runner} of {self.server})"

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The runner of a folder.

        Raises:
            UnknownThing: none was enrolled there.
            RecordDamaged: its file cannot be read.
        """
        data = read_private(folder / FILE)
        if data is None:
            raise UnknownThing(f"no runner was enrolled in {folder}", advice="Enrol one: `mover runner enroll`.")
        try:
            record = msgspec.json.decode(data, type=_Record)
            signing, box = b64decode(record.signing_key, validate=True), b64decode(record.box_key, validate=True)
        except (msgspec.DecodeError, ValueError) as problem:
            raise RecordDamaged(f"{folder / FILE} is damaged", advice="Enrol the runner again.") from problem
        authorities = None if record.authorities is None else Path(record.authorities)
        return cls(record.server, record.runner, SigningKey(signing), box, authorities)

    def store(self, folder: Path) -> None:
        """Keep it in a folder of the runner's own."""
        record = _Record(
            self.server,
            self.runner,
            b64encode(self.signing_key.reveal()).decode(),
            b64encode(self.box_key).decode(),
            None if self.authorities is None else str(self.authorities),
        )
        write_private(folder / FILE, msgspec.json.encode(record))


async def enrolled(folder: Path, server: str, token: Secret, name: str, authorities: Path | None) -> Identity:
    """Join the service at `server` with fresh keys, which stay in `folder`.

    Raises:
        BadCredentials: the token is none, was used, or has run out.
        Unreachable, Untrusted: the server is away, or is not who it should be.
    """
    _own_folder(folder)
    key, (private, public) = SigningKey.new(), new_box_key()
    async with http(HttpSettings(ca_file=authorities)) as client:
        answer = await enrol(client, server, EnrolRequest(token.reveal(), name, key.public.raw, public))
    identity = Identity(server, answer.runner, key, private, authorities)
    identity.store(folder)
    return identity


def _own_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not (os.geteuid() == found.st_uid == 0 and stat.S_IMODE(found.st_mode) == PASSED_THROUGH):
        private_folder(folder)
