"""A secret is a type of its own, so that it cannot end up in a log, a message or a comparison by accident."""

from __future__ import annotations

import hmac
from typing import NoReturn


class Secret:
    """A password, key or token that can only be read by asking for it by name.

    It cannot be printed, formatted, logged, pickled or compared with `==`; `reveal` is the one way to its text.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret itself. Called by connectors, net and vault only."""
        return self._text

    def matches(self, other: Secret) -> bool:
        """Whether both are the same secret, compared in constant time."""
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("secrets are compared by Secret.matches, in constant time")

    def __hash__(self) -> NoReturn:
        raise TypeError("a secret is no key of a table")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is never pickled")
