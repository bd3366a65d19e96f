"""AWS Signature Version 4 in the Authorization header.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Final

from mover.core.secret import Secret

UNSIGNED: Final = "UNSIGNED-PAYLOAD"
"""The payload's digest where TLS alone protects it."""

EMPTY: Final = hashlib.sha256(b"").hexdigest()
"""The digest of a payload of no bytes."""


class Signer:
    """Signs requests with one key for one region; keeps the derived key of the day."""

    def __init__(self, key_id: str, secret: Secret, token: Secret | None, region: str) -> None:
        self._key_id = key_id
        self._secret = secret
        self._token = token
        self._region = region
        self._day = ("", b"")

    def signed(
        self, method: str, host: str, path: str, query: str, headers: Mapping[str, str], payload: str, *, now: float
    ) -> dict[str, str]:
        """`headers` (by lower-case name) and those that sign the request, `now` being seconds since 1970 UTC.

        `path` and `query` are as they are sent: percent-encoded, the query's parts sorted. `payload` is the SHA-256 of the
        body in hexadecimal, or `UNSIGNED`. Every header is signed, and so is `host`, which is not part of the answer.
        """
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        sent = {**headers, "x-amz-content-sha256": payload, "x-amz-date": moment}
        if self._token is not None:
            sent["x-amz-security-token"] = self._token.reveal()
        lines = sorted([("host", host), *sent.items()])
        names = ";".join([name for name, _ in lines])
        canonical = "".join([f"{name}:{' '.join(value.split())}\n" for name, value in lines])
        request = f"{method}\n{path}\n{query}\n{canonical}\n{names}\n{payload}"
        scope = f"{moment[:8]}/{self._region}/s3/aws4_request"
        to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        signature = hmac.digest(self._key(moment[:8]), to_sign.encode(), "sha256").hex()
        sent["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self._key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
        )
        return sent

    def _key(self, day: str) -> bytes:
        known, key = self._day
        if known != day:
            key = b"AWS4" + self._secret.reveal().encode()
            for part in (day, self._region, "s3", "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._day = (day, key)
        return key
