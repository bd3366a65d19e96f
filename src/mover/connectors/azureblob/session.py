"""One signed request after the other.

Source: https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import Final
from urllib.parse import parse_qsl, quote

from mover.connectors.azureblob.address import Address
from mover.connectors.azureblob.errors import failure
from mover.core.errors import BadOption
from mover.core.options import Options
from mover.net.http import Answer, Headers, Http, StreamedAnswer

VERSION: Final = "2021-12-02"
"""The version of the service's protocol that this connector speaks."""

NONE: Final[Mapping[str, str]] = {}

_SIGNED: Final = (
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
)


class Signer:
    """Signs with the account's key."""

    def __init__(self, account: str, key: bytes) -> None:
        self._account = account
        self._key = key

    def authorization(self, method: str, path: str, query: Mapping[str, str], headers: Headers, size: int) -> str:
        """The `Authorization` of a request. `headers` have lower-case names; `path` is as it is sent."""
        lines = [method, *(headers.get(name, "") for name in _SIGNED)]
        lines[3] = str(size) if size else ""
        lines += [f"{name}:{headers[name]}" for name in sorted(headers) if name.startswith("x-ms-")]
        lines.append(f"/{self._account}{path}")
        lines += [f"{name}:{query[name]}" for name in sorted(query)]
        mac = hmac.digest(self._key, "\n".join(lines).encode(), hashlib.sha256)
        return f"SharedKey {self._account}:{base64.b64encode(mac).decode()}"


class Session:
    """Requests to one container, their failures raised as core errors."""

    def __init__(self, http: Http, where: Address, signer: Signer | None, token: Mapping[str, str]) -> None:
        self._http = http
        self._signer = signer
        self._token = token
        self.where = where

    async def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] = NONE,
        headers: Headers = NONE,
        body: bytes | None = None,
        *,
        item: str | None = None,
    ) -> Answer:
        """The answer to a request that succeeded. Raises what `errors` says otherwise, naming `item`."""
        url, sent = self._prepared(method, path, query, headers, len(body or b""))
        return _fine(await self._http.send(method, url, sent, body), item)

    async def put_stream(
        self, path: str, query: Mapping[str, str], headers: Headers, chunks: AsyncIterator[bytes], size: int, item: str
    ) -> Answer:
        """A PUT of `size` bytes that come in pieces."""
        url, sent = self._prepared("PUT", path, query, headers, size)
        return _fine(await self._http.upload("PUT", url, sent, chunks, size), item)

    @asynccontextmanager
    async def get_stream(self, path: str, headers: Headers, item: str) -> AsyncGenerator[StreamedAnswer]:
        """A GET whose body comes in pieces."""
        url, sent = self._prepared("GET", path, NONE, headers, 0)
        async with self._http.stream("GET", url, sent) as answer:
            if answer.status >= 300:  # noqa: PLR2004  # RFC 9110: no success
                raise failure(answer, await answer.rest(), item)
            yield answer

    def _prepared(
        self, method: str, path: str, query: Mapping[str, str], headers: Headers, size: int
    ) -> tuple[str, Headers]:
        sent = {**headers, "x-ms-version": VERSION, "x-ms-date": formatdate(time.time(), usegmt=True)}
        if self._signer is not None:
            sent["authorization"] = self._signer.authorization(method, path, query, sent, size)
        told = "&".join([f"{name}={quote(value, safe='~')}" for name, value in {**query, **self._token}.items()])
        return f"{self.where.origin}{path}{'?' + told if told else ''}", sent


def credentials(options: Options) -> tuple[Signer | None, Mapping[str, str]]:
    """How requests are authorised: by key, by SAS token, or not at all (containers open to everybody).

    Raises:
        BadOption: both are given, or one cannot be read.
    """
    key, token = options.secret("key"), options.secret("sas_token")
    if key and token:
        raise BadOption("give the account's key or a SAS token, not both", item="sas_token")
    if key:
        try:
            return Signer(options.must("account"), base64.b64decode(key.reveal(), validate=True)), NONE
        except (binascii.Error, ValueError):
            raise BadOption("the account's key is no base64 text", item="key") from None
    if token:
        parts = dict(parse_qsl(token.reveal().removeprefix("?"), keep_blank_values=True))
        if "sig" not in parts:
            raise BadOption("the SAS token has no signature (sig=...)", item="sas_token")
        return None, parts
    return None, NONE


def _fine(answer: Answer, item: str | None) -> Answer:
    if answer.status >= 300:  # noqa: PLR2004  # RFC 9110: no success
        raise failure(answer, answer.body, item)
    return answer
