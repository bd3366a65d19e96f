"""What goes in and out of the application API, beside what the public API has."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from mover.core.secret import Secret
from mover.service.actor import Actor
from mover.service.signin.own_account import Ways
from mover.service.signin.sessions import Opened, cross_site_token
from mover.service.signin.signing_in import Given
from mover.store.signin_passkeys import Passkey
from mover.store.signin_sessions import Session

Password = Annotated[SecretStr, Field(max_length=4000)]
Code = Annotated[SecretStr, Field(max_length=40)]
Name = Annotated[str, Field(min_length=1, max_length=100)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class ProofIn(_In):
    """A password, and a code where one is asked for."""

    password: Password
    code: Code | None = None
    recovery_code: Code | None = None

    def given(self, name: str) -> Given:
        """As the use-case takes it."""
        return Given(name, _secret(self.password), _maybe(self.code), _maybe(self.recovery_code))


class SignInIn(ProofIn):
    """Who signs in, and by what."""

    name: Name


class PasswordIn(_In):
    """A new password: 12 to 1,000 characters, and none that is tried first."""

    password: Password

    def secret(self) -> Secret:
        return _secret(self.password)


class AcceptIn(PasswordIn):
    """An invitation's token, and the password that the account gets."""

    token: Annotated[SecretStr, Field(max_length=200)]

    def invitation(self) -> Secret:
        return _secret(self.token)


class AcceptedOut(_Out):
    """Whose password was set: sign in by it."""

    name: str


class CodeIn(_In):
    """A code from the authenticator app."""

    code: Annotated[str, Field(max_length=40, examples=["123456"])]


class CredentialIn(_In):
    """What the browser's `navigator.credentials` answered, as `toJSON()` writes it."""

    credential: dict[str, Any]


class NewPasskeyIn(CredentialIn):
    """The same for a new passkey, which gets a name."""

    name: Name


class SessionOut(_Out):
    """Who is signed in. `csrf` goes into the header `x-csrf-token` of every change; `recent` says whether dangerous acts are open now."""

    account: int
    name: str
    role: str
    may: list[str]
    session: int
    expires: datetime
    recent: bool
    csrf: str

    @classmethod
    def of(cls, actor: Actor, session: Session, token: Secret, **more: Any) -> Self:
        return cls(
            account=actor.account,
            name=actor.name,
            role=actor.role,
            may=sorted(permission.value for permission in actor.may),
            session=session.id,
            expires=session.expires,
            recent=actor.recent,
            csrf=cross_site_token(token),
            **more,
        )

    @classmethod
    def opened(cls, opened: Opened, **more: Any) -> Self:
        return cls.of(opened.actor, opened.session, opened.token, **more)


class CodesOut(_Out):
    """Recovery codes: shown this once."""

    recovery_codes: list[str]


class SessionWithCodesOut(SessionOut, CodesOut):
    """The session goes on with another token, and there are new recovery codes."""


class OneSessionOut(_Out):
    """A session of one's own."""

    id: int
    method: str
    created: datetime
    seen: datetime
    expires: datetime
    address: str | None
    agent: str | None
    current: bool = False

    @classmethod
    def of(cls, session: Session, current: int | None) -> Self:
        found = cls.model_validate(session)
        found.current = session.id == current
        return found


class EnrolmentOut(_Out):
    """For the authenticator app: shown this once."""

    secret: str
    address: str


class PasskeyOut(_Out):
    """A passkey."""

    id: int
    name: str
    created: datetime
    used: datetime | None

    @classmethod
    def of(cls, found: Passkey) -> Self:
        return cls.model_validate(found)


class WaysOut(_Out):
    """By what an account signs in."""

    password: bool
    one_time_codes: bool
    recovery_codes_left: int
    passkeys: int

    @classmethod
    def of(cls, found: Ways) -> Self:
        return cls.model_validate(found)


def _secret(given: SecretStr) -> Secret:
    return Secret(given.get_secret_value())


def _maybe(given: SecretStr | None) -> Secret | None:
    return None if given is None else _secret(given)
