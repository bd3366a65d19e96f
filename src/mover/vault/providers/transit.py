"""The global key in HashiCorp Vault or OpenBao: the transit secrets engine wraps and unwraps for us.

Sources: https://openbao.org/api-docs/secret/transit/ and https://developer.hashicorp.com/vault/api-docs/secret/transit. The key must be
derived (`derived=true`): each context then has a key of its own. The context goes in by its SHA-256, as context and as associated data.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from mover.core.errors import BadOption, KeysRefused, KeysUnreachable, MoverError, Sealed
from mover.core.secret import Secret
from mover.net.http import Answer, Http
from mover.vault.providers._answers import asked, bytes_of, document, down, inner, text
from mover.vault.providers.base import LONGEST_WRAPPED, fits, may_be_wrapped

_WHO: Final = "the transit engine"
_AEAD: Final = {"aes256-gcm96", "chacha20-poly1305"}
_SEALED_FORM: Final = re.compile(r"vault:v([1-9][0-9]{0,8}):[A-Za-z0-9+/]+={0,2}")
_PATH: Final = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")


@dataclass(frozen=True, slots=True)
class TransitSettings:
    """Which key, where.

    `token` is called for each request, so that a token that an agent renews in a file is always the newest. `address` is the server's,
    without a path; `mount` is where the engine is mounted.
    """

    address: str
    key: str
    token: Callable[[], Secret]
    mount: str = "transit"
    namespace: str | None = None


class TransitGlobalKey:
    """A `KeyService` at Vault or OpenBao. Many calls may run at once.

    Its token needs `update` on encrypt/KEY and decrypt/KEY and `read` on keys/KEY, and `update` on keys/KEY/rotate to rotate.
    """

    def __init__(self, http: Http, settings: TransitSettings) -> None:
        """Make it; nothing is asked yet.

        Raises:
            BadOption: the name of the key or of the mount is none.
        """
        for item, name in (("key", settings.key), ("mount", settings.mount)):
            if not _PATH.fullmatch(name) or (item == "key" and "/" in name) or {".", ".."} & set(name.split("/")):
                raise BadOption(
                    f"{name!r} is no name of a {item}", item=item, advice="Give it as the server's list shows it."
                )
        self._http = http
        self._settings = settings
        self._proved = False

    async def wrap(self, message: bytes, context: bytes) -> tuple[str, bytes]:
        """See `KeyService`."""
        fits(message)
        await self._prove()
        found = await self._call("encrypt", {"plaintext": _text(message), **_context(context)})
        sealed = text(found, "ciphertext", _WHO)
        if not _SEALED_FORM.fullmatch(sealed) or len(sealed) > LONGEST_WRAPPED:
            raise KeysUnreachable(f"{_WHO} answers with a ciphertext of a form that Mover does not know")
        return self._id(_version(sealed)), sealed.encode()

    async def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        """See `KeyService`."""
        may_be_wrapped(wrapped)
        sealed = wrapped.decode("ascii", "replace")
        if not _SEALED_FORM.fullmatch(sealed) or self._id(_version(sealed)) != key_id:
            raise Sealed(
                f"the global key {key_id!r} is not {self._settings.key!r} of the transit engine, or what it wrapped is damaged"
            )
        found = await self._call("decrypt", {"ciphertext": sealed, **_context(context)})
        return bytes_of(found, "plaintext", _WHO)

    async def rotate(self) -> str:
        """See `KeyService`."""
        await self._ask("POST", f"keys/{self._settings.key}/rotate", {})
        return self._id(await self._prove(again=True))

    async def _prove(self, *, again: bool = False) -> int:
        """Once, and after a rotation: that the key is derived and authenticates, as others would take any context; its newest version."""
        if self._proved and not again:
            return 0
        answer = await self._ask("GET", f"keys/{self._settings.key}", None)
        found = inner(document(answer, _WHO), "data", _WHO)
        if found.get("derived") is not True or found.get("type") not in _AEAD:
            raise BadOption(
                f"the transit key {self._settings.key!r} is not bound to contexts", item="key", advice=_DERIVED
            )
        self._proved = True
        newest = found.get("latest_version")
        return newest if isinstance(newest, int) else 0

    async def _call(self, action: str, body: Mapping[str, object]) -> Mapping[str, object]:
        answer = await self._ask("POST", f"{action}/{self._settings.key}", body)
        return inner(document(answer, _WHO), "data", _WHO)

    async def _ask(self, method: str, path: str, body: Mapping[str, object] | None) -> Answer:
        settings = self._settings
        headers = {"x-vault-token": settings.token().reveal(), "x-vault-request": "true"}
        if settings.namespace is not None:
            headers["x-vault-namespace"] = settings.namespace
        url = f"{settings.address.rstrip('/')}/v1/{settings.mount}/{path}"
        sent = None if body is None else json.dumps(body).encode()
        answer = await asked(self._http, method, url, headers, sent, who=_WHO)
        if answer.status not in _FINE:
            raise _failure(answer, path.partition("/")[0], settings.key)
        return answer

    def _id(self, version: int) -> str:
        return f"transit:{self._settings.mount}/{self._settings.key}:v{version}"


_FINE: Final = {200, 204}
_FAILED: Final = 500
_ELSEWHERE: Final = {307, 412, 429, 472, 473}
"""A standby that names the active node or asks to wait; a replica that has not caught up; too many requests."""

_DERIVED: Final = (
    "Make one that is: `bao write -f transit/keys/NAME type=aes256-gcm96 derived=true` (`vault write ...` likewise)."
)
_RIGHTS: Final = "Give the token `update` on encrypt/KEY, decrypt/KEY and keys/KEY/rotate and `read` on keys/KEY; renew it if it expired."
_MOUNT: Final = "Check the server's address, the mount and the key's name."


def _failure(answer: Answer, action: str, key: str) -> MoverError:
    """What a refusal means. The server's own words may repeat what was sent, so they are read and not shown."""
    if answer.status in _ELSEWHERE or answer.status >= _FAILED:
        return down(answer, _WHO, now=time.time())
    if answer.status in {401, 403}:
        return KeysRefused("the transit engine does not let this token use the key", advice=_RIGHTS)
    if answer.status == 400 and action == "decrypt":  # noqa: PLR2004  # Bad Request
        return Sealed(f"the transit engine cannot open a wrapped key: {_why(answer)}")
    if answer.status in {400, 404}:
        return BadOption(f"the transit engine has no fit key {key!r} there", item="key", advice=_MOUNT)
    return KeysRefused(f"the transit engine refuses with HTTP {answer.status}", advice=_RIGHTS)


def _why(answer: Answer) -> str:
    """Which of the known reasons it is."""
    words = answer.body[:4096]
    if b"key not found" in words:
        return "the key is gone"
    if b"too old" in words:
        return "this version of the key is retired (min_decryption_version)"
    return "another key, another place, or it was changed"


def _version(sealed: str) -> int:
    match = _SEALED_FORM.fullmatch(sealed)
    return int(match[1]) if match else 0


def _context(context: bytes) -> Mapping[str, object]:
    digest = _text(hashlib.sha256(context).digest())
    return {"context": digest, "associated_data": digest}


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
