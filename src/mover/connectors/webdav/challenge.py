"""What a server's `WWW-Authenticate` asks for, and the answer to a Digest challenge (RFC 7616)."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mover.core.secret import Secret

_SCHEME: Final = re.compile(
    r"(?:^|,)\s*([A-Za-z][A-Za-z0-9-]*)(?=\s+[A-Za-z0-9_-]+\s*=|\s*(?:,|$)|\s+[A-Za-z0-9+/=]+\s*(?:,|$))"
)
_PAIR: Final = re.compile(r'([A-Za-z0-9_*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')

_HASHES: Final[Mapping[str, Callable[[bytes], str]]] = {
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
}
"""What we can answer, the strongest first."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to sign in that a server offers; `scheme` and the names are lower-case."""

    scheme: str
    parameters: Mapping[str, str]


def challenges(headers: Sequence[str]) -> tuple[Challenge, ...]:
    """Every challenge in these `WWW-Authenticate` values; one value may hold several (RFC 9110 §11.6.1)."""
    found: list[Challenge] = []
    for header in headers:
        # quoted texts may hold commas and words: they are blanked, at equal length, while schemes are looked for
        blank = _QUOTED.sub(lambda m: '"' + "_" * (len(m.group()) - 2) + '"', header)
        starts = list(_SCHEME.finditer(blank))
        for at, start in enumerate(starts):
            end = starts[at + 1].start() if at + 1 < len(starts) else len(header)
            pairs = _PAIR.finditer(header, start.end(), end)
            found.append(Challenge(start.group(1).lower(), {p.group(1).lower(): _value(p) for p in pairs}))
    return tuple(found)


def _value(pair: re.Match[str]) -> str:
    quoted: str | None = pair.group(2)
    return pair.group(3) if quoted is None else re.sub(r"\\(.)", r"\1", quoted)


def strongest(offered: Sequence[Challenge]) -> Challenge | None:
    """The Digest challenge to answer, if there is one that we can: SHA-256 before MD5."""
    for name in _HASHES:
        for challenge in offered:
            if challenge.scheme == "digest" and _algorithm(challenge) == name and _has_auth(challenge):
                return challenge
    return None


class DigestAnswers:
    """Answers to one Digest challenge: the nonce is used again and again, counted, until the server gives another one."""

    def __init__(self, challenge: Challenge, user: str, password: Secret) -> None:
        given = challenge.parameters
        self._given = given
        self._hash = _HASHES[_algorithm(challenge)]
        self._named = given.get("algorithm")
        self.nonce = given.get("nonce", "")
        self._cnonce = secrets.token_hex(16)
        self._count = 0
        self._user = user
        realm = given.get("realm", "")
        secret = self._hash(f"{user}:{realm}:{password.reveal()}".encode())
        if (self._named or "").lower().endswith("-sess"):
            secret = self._hash(f"{secret}:{self.nonce}:{self._cnonce}".encode())
        self._secret = secret
        if given.get("userhash", "").lower() == "true":
            self._user = self._hash(f"{user}:{realm}".encode())

    def header(self, method: str, target: str) -> str:
        """The `Authorization` of a request; `target` is its path (and query) as it is sent."""
        self._count += 1
        given, count = self._given, f"{self._count:08x}"
        asked = self._hash(f"{method}:{target}".encode())
        fields = {"username": self._user, "realm": given.get("realm", ""), "nonce": self.nonce, "uri": target}
        if "qop" in given:
            proof = self._hash(f"{self._secret}:{self.nonce}:{count}:{self._cnonce}:auth:{asked}".encode())
            plain = {"qop": "auth", "nc": count}
            fields["cnonce"] = self._cnonce
        else:
            proof, plain = self._hash(f"{self._secret}:{self.nonce}:{asked}".encode()), {}
        fields["response"] = proof
        if "opaque" in given:
            fields["opaque"] = given["opaque"]
        if self._named:
            plain["algorithm"] = self._named
        if given.get("userhash", "").lower() == "true":
            plain["userhash"] = "true"
        quoted = [f'{name}="{_escaped(value)}"' for name, value in fields.items()]
        return "Digest " + ", ".join(quoted + [f"{name}={value}" for name, value in plain.items()])


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _algorithm(challenge: Challenge) -> str:
    return challenge.parameters.get("algorithm", "MD5").upper().removesuffix("-SESS")


def _has_auth(challenge: Challenge) -> bool:
    qop = challenge.parameters.get("qop")
    return qop is None or "auth" in [word.strip().lower() for word in qop.split(",")]
