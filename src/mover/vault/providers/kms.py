"""The global key in AWS KMS: it never leaves the service, which wraps and unwraps for us.

Sources: https://docs.aws.amazon.com/kms/latest/APIReference/ (Encrypt, Decrypt, RotateKeyOnDemand, "Common Errors"). The context goes
in as the encryption context, by its SHA-256: it is written to CloudTrail in the clear, and whose secret it is must not be.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mover.core.errors import BadOption, KeysRefused, KeysUnreachable, MoverError, Sealed
from mover.net.http import Answer, Http
from mover.vault.providers._answers import asked, bytes_of, document, down, named, text
from mover.vault.providers._aws_signing import AwsCredentials, Signer
from mover.vault.providers.base import LONGEST_ID, fits, may_be_wrapped

_WHO: Final = "AWS KMS"
_TARGET: Final = "TrentService."
_KEY_ARN: Final = re.compile(r"arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]+:key/[A-Za-z0-9-]+")


@dataclass(frozen=True, slots=True)
class KmsSettings:
    """Which key, where.

    `keys` are ARNs of symmetric keys: the first wraps, the others are former ones that still unwrap. An alias is refused: whoever moves
    it would choose our key. `endpoint` is the service's address, without a path; `None` is AWS's own for the region.
    """

    region: str
    keys: tuple[str, ...]
    credentials: AwsCredentials | None = None
    endpoint: str | None = None

    @property
    def url(self) -> str:
        """Where requests go."""
        return (self.endpoint or f"https://kms.{self.region}.amazonaws.com").rstrip("/") + "/"


class KmsGlobalKey:
    """A `KeyService` at AWS KMS. Many calls may run at once.

    It needs the rights kms:Encrypt and kms:Decrypt on its keys, and kms:RotateKeyOnDemand to rotate.
    """

    def __init__(self, http: Http, settings: KmsSettings) -> None:
        """Make it; nothing is asked yet.

        Raises:
            BadOption: `keys` are no ARNs of keys.
        """
        if not settings.keys or not all(_is_key_arn(key) for key in settings.keys):
            raise BadOption("AWS KMS needs the ARN of a key", item="keys", advice=_ARN)
        self._http = http
        self._settings = settings
        self._signer = Signer(settings.credentials, settings.region, "kms", settings.url)

    async def wrap(self, message: bytes, context: bytes) -> tuple[str, bytes]:
        """See `KeyService`."""
        fits(message)
        current = self._settings.keys[0]
        found = await self._call("Encrypt", {"KeyId": current, "Plaintext": _text(message), **_context(context)})
        if text(found, "KeyId", _WHO) != current:
            raise KeysUnreachable(f"{_WHO} wrapped by another key than it was asked to")
        return current, bytes_of(found, "CiphertextBlob", _WHO)

    async def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        """See `KeyService`."""
        may_be_wrapped(wrapped)
        if key_id not in self._settings.keys:
            raise Sealed(
                "a secret is wrapped by a key of AWS KMS that is not among the configured ones", advice=_FORMER
            )
        found = await self._call("Decrypt", {"KeyId": key_id, "CiphertextBlob": _text(wrapped), **_context(context)})
        return bytes_of(found, "Plaintext", _WHO)

    async def rotate(self) -> str:
        """See `KeyService`. The key gets new material and keeps its id; what older material wrapped still opens."""
        current = self._settings.keys[0]
        await self._call("RotateKeyOnDemand", {"KeyId": current})
        return current

    async def _call(self, action: str, request: Mapping[str, object]) -> Mapping[str, object]:
        body = json.dumps(request).encode()
        headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": _TARGET + action}
        signed = await self._signer.signed("POST", "/", headers, body)
        answer = await asked(self._http, "POST", self._settings.url, signed, body, who=_WHO)
        if answer.status != 200:  # noqa: PLR2004  # OK
            raise _failure(answer, action)
        return document(answer, _WHO)


_ARN: Final = "Give it as arn:aws:kms:REGION:ACCOUNT:key/ID; an alias will not do."
_FORMER: Final = "Name the key's ARN among the configured keys again (former keys come after the current one)."
_ENABLE: Final = "Enable the key, or cancel its deletion, in AWS KMS: as long as it is not deleted nothing is lost."

_SEALED: Final = {"InvalidCiphertextException", "IncorrectKeyException"}
_OFF: Final = {"DisabledException", "KMSInvalidStateException", "InvalidKeyUsageException"}
_DOWN: Final = {
    "DependencyTimeoutException",
    "InternalFailure",
    "KeyUnavailableException",
    "KMSInternalException",
    "LimitExceededException",
    "RequestExpired",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
_BUSY: Final = 429
_FAILED: Final = 500


def _failure(answer: Answer, action: str) -> MoverError:
    """What a refusal means. Only the error's name is told."""
    try:
        kind = named(str(document(answer, _WHO).get("__type", "")).rpartition("#")[2])
    except KeysUnreachable:
        kind = "an error without a name"
    if kind in _SEALED or (kind == "ValidationException" and action == "Decrypt"):
        return Sealed("AWS KMS cannot open a wrapped key: another key, another place, or it was changed")
    if kind == "NotFoundException":
        if action == "Decrypt":
            return Sealed(
                "the global key is gone from AWS KMS", advice="A deleted key cannot be had back; connect again."
            )
        return BadOption("AWS KMS has no such key", item="keys", advice=_ARN)
    if kind in _OFF:
        return KeysRefused(f"AWS KMS does not use the key now: {kind}", advice=_ENABLE)
    if kind in _DOWN or answer.status == _BUSY or answer.status >= _FAILED:
        return down(answer, f"{_WHO} ({kind})", now=time.time())
    return KeysRefused(f"AWS KMS refuses {action}: {kind}")


def _context(context: bytes) -> Mapping[str, object]:
    return {"EncryptionContext": {"mover": hashlib.sha256(context).hexdigest()}}


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _is_key_arn(key: str) -> bool:
    return len(key) <= LONGEST_ID and bool(_KEY_ARN.fullmatch(key))
