"""Secrets of a test, and a look at everything that was said in it: none of them may be there."""

from __future__ import annotations

import logging
import secrets
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest

from mover.core.errors import MoverError
from mover.core.secret import Secret
from mover.oauth.tokens import TokenSet

KNOWN: set[str] = set()
"""All secrets of this process; those of one test are looked for in all others too."""

SAID: list[str] = []
"""All that was logged, and all texts of errors."""


def canary(kind: str = "token") -> str:
    """A fresh secret that is looked for."""
    made = f"{kind}-{secrets.token_hex(12)}"
    KNOWN.add(made)
    return made


def known(*found: Secret | TokenSet | str | None) -> None:
    """Look for these too."""
    for one in found:
        if isinstance(one, TokenSet):
            known(one.access, one.refresh, one.previous)
        elif one:
            KNOWN.add(one if isinstance(one, str) else one.reveal())


def leaks(texts: list[str]) -> list[str]:
    """The texts that hold a secret."""
    return [text for text in texts if any(one in text for one in KNOWN)]


@contextmanager
def refused(kind: type[MoverError], match: str | None = None) -> Generator[pytest.ExceptionInfo[MoverError]]:
    """The block raises this error, and nothing of it, nor of what it came of, shows a secret."""
    with pytest.raises(kind, match=match) as found:
        yield found
    SAID.extend(_texts(found.value))
    assert leaks(_texts(found.value)) == []


class Listener(logging.Handler):
    """Keeps every record as it would be written, and its arguments."""

    def emit(self, record: logging.LogRecord) -> None:
        SAID.append(f"{record.getMessage()} {record.args!r}")
        if record.exc_info and record.exc_info[1]:
            SAID.extend(_texts(record.exc_info[1]))


def _texts(error: BaseException | None) -> list[str]:
    seen: list[Any] = []
    texts: list[str] = []
    while error is not None and error not in seen:
        seen.append(error)
        texts += [
            str(error),
            repr(error),
            repr(error.args),
            repr(vars(error)),
            "".join(traceback.format_exception(error)),
        ]
        # attributes that printing does not show, such as the text that a JSON parser stopped at
        texts += [repr(getattr(error, name, None)) for name in ("doc", "object", "detail", "advice", "item")]
        error = error.__cause__ or error.__context__
    return texts
