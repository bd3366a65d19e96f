"""What key services answer over HTTP, taken apart with suspicion: no text of theirs gets into our messages."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Final, cast

from mover.core.errors import KeysRefused, KeysUnreachable, NotEncrypted, Unreachable, Untrusted
from mover.net.http import Answer, Http
from mover.net.retry_after import retry_after

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,79}")


async def asked(
    http: Http, method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, who: str
) -> Answer:
    """One request to a key service.

    Raises:
        KeysUnreachable: the service is not there.
        KeysRefused: it cannot prove who it is, or its address is not encrypted.
    """
    try:
        return await http.send(method, url, headers, body)
    except Unreachable as error:
        raise KeysUnreachable(f"{who} does not answer: {error.detail}") from error
    except (Untrusted, NotEncrypted) as error:
        raise KeysRefused(f"{who} is not to be trusted: {error.detail}", advice=error.advice) from error


def down(answer: Answer, who: str, *, now: float) -> KeysUnreachable:
    """The service fails, or asks to wait; `now` is in seconds since 1970 UTC."""
    after = retry_after(answer.header("retry-after"), now=now)
    return KeysUnreachable(f"{who} is not at work now: HTTP {answer.status}", after=after)


def document(answer: Answer, who: str) -> Mapping[str, object]:
    """The JSON object that was answered. Raises `KeysUnreachable` if there is none: something else answered in the service's place."""
    try:
        found: object = json.loads(answer.body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise KeysUnreachable(f"{who} answers HTTP {answer.status} with something that is no JSON object")
    return cast("Mapping[str, object]", found)


def inner(found: Mapping[str, object], name: str, who: str) -> Mapping[str, object]:
    """The object of that name in another. Raises `KeysUnreachable`."""
    value = found.get(name)
    if not isinstance(value, dict):
        raise KeysUnreachable(f"{who} answers without {name}")
    return cast("Mapping[str, object]", value)


def text(found: Mapping[str, object], name: str, who: str) -> str:
    """The text of that name. Raises `KeysUnreachable`."""
    value = found.get(name)
    if not isinstance(value, str):
        raise KeysUnreachable(f"{who} answers without {name}")
    return value


def bytes_of(found: Mapping[str, object], name: str, who: str) -> bytes:
    """The bytes of that name, sent as Base64. Raises `KeysUnreachable`."""
    try:
        return base64.b64decode(text(found, name, who), validate=True)
    except (binascii.Error, ValueError) as error:
        raise KeysUnreachable(f"{who} answers with {name} that cannot be read") from error


def named(value: object) -> str:
    """The name of an error, if it is a plain one."""
    return value if isinstance(value, str) and _NAME.fullmatch(value) else "an error without a name"
