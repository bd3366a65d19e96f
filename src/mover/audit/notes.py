"""Signed notes: a text and below it who signed it, in a form that Go's checksum database, Sigstore and witnesses know.

Source: https://c2sp.org/signed-note (Ed25519 signatures, type 0x01).
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from mover.core.errors import BadOption, CheckpointRefused, Sealed
from mover.crypto.signatures import SigningKey, VerifyKey

LONGEST: Final = 64 * 1024
"""Bytes of a note; the standard wants at least 16 signatures to be read, and one may have 5 kB."""

_DASH: Final = "\u2014 "
_ED25519: Final = b"\x01"


@dataclass(frozen=True, slots=True)
class Verifier:
    """Whose signature counts: the key's name and its public half. `str()` is the form to hand to an auditor.

    Raises:
        BadOption: the name is empty, or has a space or a plus in it.
    """

    name: str
    key: VerifyKey

    def __post_init__(self) -> None:
        if not self.name or "+" in self.name or any(letter.isspace() or letter < "!" for letter in self.name):
            raise BadOption("the name of a log is like a web address without https://: no spaces, no plus, not empty")

    @property
    def id(self) -> bytes:
        """The four bytes by which a signature names its key."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.key.raw).digest()[:4]

    def __str__(self) -> str:
        """`name+id+key`, as Go's `note` writes verifier keys."""
        return f"{self.name}+{self.id.hex()}+{b64encode(_ED25519 + self.key.raw).decode()}"


def read_verifier(text: str) -> Verifier:
    """The verifier in `name+id+key`.

    Raises:
        BadOption: it is none, or was changed on the way.
    """
    name, _, rest = text.strip().partition("+")
    key_id, _, key = rest.partition("+")
    try:
        raw = b64decode(key, validate=True)
        found = Verifier(name, VerifyKey(raw[1:]))
        if raw[:1] == _ED25519 and found.id.hex() == key_id:
            return found
    except (binascii.Error, ValueError):
        pass
    raise BadOption(
        "that is no verification key of an audit log",
        advice="Copy it whole; it has the form name+8 hexadecimal digits+key.",
    )


def sign_note(text: str, name: str, key: SigningKey) -> str:
    """The note of `text`, which ends in a line end, signed by `key` under `name`.

    Raises:
        BadOption: the name is no name of a key.
        CheckpointRefused: the text is none that a note can hold.
    """
    verifier = Verifier(name, key.public)
    _check_text(text)
    return f"{text}\n{_DASH}{name} {b64encode(verifier.id + key.sign(text.encode())).decode()}\n"


def open_note(note: str, verifiers: Sequence[Verifier]) -> str:
    """The text of the note, if one of `verifiers` signed it. Signatures by others are passed over, as the standard wants.

    Raises:
        CheckpointRefused: none of them did, one of their signatures does not hold, or it is no note.
    """
    if len(note) > LONGEST:
        raise CheckpointRefused("a checkpoint is too long to be one")
    text, gap, below = note.rpartition("\n\n")
    text += "\n"
    if not gap or not below.endswith("\n"):
        raise CheckpointRefused("a checkpoint is no signed note: text, an empty line and signatures are expected")
    _check_text(text)
    signed = [_holds(line, text, verifiers) for line in below[:-1].split("\n")]
    if not any(signed):
        raise CheckpointRefused("a checkpoint is not signed by the key of this audit log")
    return text


def _holds(line: str, text: str, verifiers: Sequence[Verifier]) -> bool:
    """Whether this line is a good signature by one we know; False if it is somebody else's."""
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    try:
        raw = b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not line.startswith(_DASH) or not name or len(raw) <= len(_ED25519) + 3:
        raise CheckpointRefused("a checkpoint has a line among its signatures that is none")
    known = next((each for each in verifiers if each.name == name and each.id == raw[:4]), None)
    if known is None:
        return False
    try:
        known.key.verify(raw[4:], text.encode())
    except Sealed as error:
        raise CheckpointRefused("a checkpoint's signature does not hold: it was changed after it was signed") from error
    return True


def _check_text(text: str) -> None:
    odd = any((letter < " " and letter != "\n") or "\ud800" <= letter <= "\udfff" for letter in text)
    if odd or not text.endswith("\n") or text == "\n":
        raise CheckpointRefused(
            "the text of a checkpoint holds characters that it cannot have, or does not end in a line end"
        )
