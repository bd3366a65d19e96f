"""Who we say we are, on every request: nobody, Basic, Digest or Bearer."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

from mover.connectors.webdav.challenge import DigestAnswers, challenges, strongest
from mover.core.errors import BadCredentials, BadOption
from mover.core.options import Options
from mover.core.secret import Secret


class SignIn:
    """Answers a server's challenges. With `auth` = auto nothing is sent until the server has said what it wants."""

    def __init__(self, options: Options) -> None:
        """Read user, password, token and auth.

        Raises:
            BadOption: what the method needs is not there.
        """
        self._user = options.text("user") or ""
        self._password = options.secret("password") or Secret("")
        self._way = options.must("auth")
        self._fixed: str | None = None
        self._digest: DigestAnswers | None = None
        token = options.secret("token")
        if self._way == "bearer" or (self._way == "auto" and token is not None):
            if token is None:
                raise BadOption("signing in by bearer needs the option token", item="token")
            self._fixed = f"Bearer {token.reveal()}"
        elif self._way in ("basic", "digest") and not self._user:
            raise BadOption(f"signing in by {self._way} needs the option user", item="user")
        elif self._way == "basic":
            self._fixed = self._basic()

    @property
    def renews(self) -> bool:
        """Whether the server may refuse a request only because its nonce is too old."""
        return self._digest is not None

    def header(self, method: str, target: str) -> str | None:
        """The `Authorization` of a request, if there is to be one."""
        return self._digest.header(method, target) if self._digest is not None else self._fixed

    def learn(self, offered: Sequence[str], sent: str | None) -> bool:
        """Take what a 401 asks for. True: the request may be sent again, once. `sent` is the `Authorization` it had.

        Raises:
            BadCredentials: the server asks for a method that was not allowed, or that we do not have.
        """
        if self._fixed is not None or not self._user:
            return False
        asked = challenges(offered)
        digest = strongest(asked)
        if digest is not None and self._way in ("auto", "digest"):
            replaced = self._digest is not None and sent is not None and f'nonce="{self._digest.nonce}"' not in sent
            if replaced:
                return True
            if sent is None or digest.parameters.get("stale", "").lower() == "true":
                self._digest = DigestAnswers(digest, self._user, self._password)
                return True
            return False
        if self._way == "auto" and any(c.scheme == "basic" for c in asked):
            self._fixed, self._digest = self._basic(), None
            return sent is None
        known = ", ".join(sorted({c.scheme for c in asked})) or "nothing"
        raise BadCredentials(f"the server offers to sign in by {known}; this connection may use {self._way}")

    def _basic(self) -> str:
        if ":" in self._user:
            raise BadOption("a user name with a colon cannot sign in by basic", item="user")
        return "Basic " + b64encode(f"{self._user}:{self._password.reveal()}".encode()).decode()
