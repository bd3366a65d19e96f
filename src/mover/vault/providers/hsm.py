"""The global key in a PKCS#11 token: a smart card, a USB key, an HSM. The key is made on the token and never leaves it.

Sources: PKCS #11 v3.1 (OASIS), CKM_AES_GCM; the library is python-pkcs11. Wrapping is AES-256-GCM on the token, with the key's id and
the context as associated data.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, cast

from mover.core.errors import BadOption, KeysRefused, KeysUnreachable, MoverError, Sealed
from mover.core.secret import Secret
from mover.crypto.aead import KEY, NONCE, OVERHEAD
from mover.vault.providers.base import fits, may_be_wrapped

if TYPE_CHECKING:
    from pkcs11 import Attribute, Session, Token

R = TypeVar("R")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}")
_TURN: Final = Lock()
"""Sign-in and start are a process's, not a session's (PKCS #11 §5.6), so all holders in a process take turns."""

_PROBE: Final = b"does this token answer at all"


class _TokenKey(Protocol):
    """What a key on the token can do; the library finds that out at run time."""

    label: str
    id: bytes

    def encrypt(self, data: bytes, **parameters: object) -> bytes: ...

    def decrypt(self, data: bytes, **parameters: object) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Pkcs11Settings:
    """Which token, and how its keys are called.

    `module` is the vendor's library (a .so file). `token` is the token's label. Keys are AES-256 and are labelled `NAME-1`, `NAME-2`, ...:
    the highest is current; `rotate` makes the next, and `wrap` the first if there is none.
    """

    module: Path
    token: str
    pin: Secret
    name: str = "mover-global-key"


class Pkcs11GlobalKey:
    """A `GlobalKey` on a token. Calls block and go one at a time, as many tokens do no better; ask it by `in_threads`."""

    def __init__(self, settings: Pkcs11Settings) -> None:
        self._settings = settings
        self._session: Session | None = None

    def wrap(self, message: bytes, context: bytes) -> tuple[str, bytes]:
        """See `GlobalKey`."""
        fits(message)
        with self._open() as opened:
            session, newest = self._seen(opened)
            key_id = self._id(newest or self._make(session, 1))
            nonce = os.urandom(NONCE)
            sealed = _named(session, key_id)[0].encrypt(message, **_gcm(nonce, _bound(key_id, context)))
        return key_id, nonce + bytes(sealed)

    def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        """See `GlobalKey`."""
        may_be_wrapped(wrapped)
        if len(wrapped) < OVERHEAD or not self._is_ours(key_id):
            raise Sealed(
                f"the global key {key_id!r} is not of the token {self._settings.token!r}, or what it wrapped is cut"
            )
        with self._open() as session:
            parameters = _gcm(wrapped[:NONCE], _bound(key_id, context))
            for key in _named(session, key_id) or self._surely(key_id):
                found = _authentic(key, lambda key=key: bytes(key.decrypt(wrapped[NONCE:], **parameters)))
                if found is not None:
                    return found
        raise Sealed("a wrapped key cannot be opened: another key, another place, or it was changed")

    def rotate(self) -> str:
        """See `GlobalKey`."""
        with self._open() as opened:
            session, newest = self._seen(opened)
            return self._id(self._make(session, newest + 1))

    def close(self) -> None:
        """Sign out of the token."""
        with _TURN:
            self._drop()

    @contextmanager
    def _open(self) -> Generator[Session]:
        """The session, made if there is none. After any failure of the token it is made anew the next time."""
        with _TURN:
            library = _library()
            try:
                if self._session is None:
                    self._session = self._begun(library)
                yield self._session
            except library.exceptions.PKCS11Error as error:
                self._drop()
                raise _translated(library, error, self._settings.token) from error

    def _begun(self, library: ModuleType) -> Session:
        settings = self._settings
        try:
            module = library.lib(str(settings.module))
        except library.exceptions.PKCS11Error as error:
            if (
                type(error) is not library.exceptions.PKCS11Error
            ):  # the token's own; the base class is for a file that is no module
                raise
            raise BadOption(
                f"{settings.module} cannot be loaded as a PKCS#11 module", item="module", advice=_MODULE
            ) from error
        try:
            return self._signed_in(library, module.get_token(token_label=settings.token))
        except (library.exceptions.GeneralError, library.exceptions.DeviceError, library.exceptions.FunctionFailed):
            module.reinitialize()  # some libraries see a token that came back only when they are started anew
            raise

    def _signed_in(self, library: ModuleType, token: Token) -> Session:
        try:
            return token.open(rw=True, user_pin=self._settings.pin.reveal())
        except library.exceptions.UserAlreadyLoggedIn:
            return token.open(rw=True)

    def _seen(self, session: Session) -> tuple[Session, int]:
        """The number of the newest key, 0 if there is none, and the session to go on with."""
        newest = self._newest(session)
        if newest:
            return session, newest
        again = self._again()
        return again, self._newest(again)

    def _again(self) -> Session:
        """Another session. Whoever was signed out meanwhile, by another holder or by the token, is shown no keys, and told nothing."""
        self._drop()
        self._session = self._begun(_library())
        return self._session

    def _surely(self, key_id: str) -> list[_TokenKey]:
        found = _named(self._again(), key_id)
        if not found:
            raise Sealed(f"the global key {key_id!r} is not in the token", advice=_RESTORE)
        return found

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with suppress(_library().exceptions.PKCS11Error):  # it is lost anyhow
                session.close()

    def _newest(self, session: Session) -> int:
        labels = [key.label for key in _keys(session)]
        return max((int(label.rpartition("-")[2]) for label in labels if self._is_ours(self._id_of(label))), default=0)

    def _make(self, session: Session, number: int) -> int:
        """A key that can encrypt and decrypt, and that nobody can read or copy out."""
        library = _library()
        attribute = library.Attribute
        template = {
            attribute.SENSITIVE: True,
            attribute.EXTRACTABLE: False,
            attribute.MODIFIABLE: False,
            attribute.ENCRYPT: True,
            attribute.DECRYPT: True,
            attribute.SIGN: False,
            attribute.VERIFY: False,
            attribute.WRAP: False,
            attribute.UNWRAP: False,
        }
        label = f"{self._settings.name}-{number}"
        session.generate_key(
            library.KeyType.AES, KEY * 8, id=secrets.token_bytes(16), label=label, store=True, template=template
        )
        return number

    def _id(self, number: int) -> str:
        return self._id_of(f"{self._settings.name}-{number}")

    @staticmethod
    def _id_of(label: str) -> str:
        return f"pkcs11:{label}"

    def _is_ours(self, key_id: str) -> bool:
        number = key_id.removeprefix(f"pkcs11:{self._settings.name}-")
        return number != key_id and bool(_NUMBER.fullmatch(number))


_INSTALL: Final = "Install it: `pip install python-pkcs11` (it is part of the extra `openmover[service]`)."
_RESTORE: Final = "Restore the token's keys from the vendor's backup."
_MODULE: Final = (
    "Name the library that came with the token, such as opensc-pkcs11.so or libsofthsm2.so, with its whole path."
)


def _library() -> ModuleType:
    try:
        import pkcs11
    except ImportError as error:
        raise BadOption("PKCS#11 tokens need the library python-pkcs11", item="vault", advice=_INSTALL) from error
    return pkcs11


def _keys(session: Session, label: str | None = None) -> list[_TokenKey]:
    library = _library()
    attributes = library.Attribute
    wanted: dict[Attribute, Any] = {
        attributes.CLASS: library.ObjectClass.SECRET_KEY,
        attributes.KEY_TYPE: library.KeyType.AES,
    }
    if label is not None:
        wanted[attributes.LABEL] = label
    return cast("list[_TokenKey]", list(session.get_objects(wanted)))


def _named(session: Session, key_id: str) -> list[_TokenKey]:
    """The keys of that id: none, one, or a few if several processes made the first key at the same time."""
    return sorted(_keys(session, key_id.removeprefix("pkcs11:")), key=lambda key: key.id)


def _gcm(nonce: bytes, context: bytes) -> dict[str, object]:
    library = _library()
    return {"mechanism": library.Mechanism.AES_GCM, "mechanism_param": library.GCMParams(nonce, context, 128)}


def _bound(key_id: str, context: bytes) -> bytes:
    return bytes((len(key_id),)) + key_id.encode() + context


def _authentic(key: _TokenKey, decrypt: Callable[[], R]) -> R | None:
    """What `decrypt` answers; `None` if the key works and will not open this.

    Tokens refuse a changed message in many ways, some as a general failure: whether the key itself still works tells a forgery
    from a token that fails.
    """
    exceptions = _library().exceptions
    try:
        return decrypt()
    except (
        exceptions.EncryptedDataInvalid,
        exceptions.EncryptedDataLenRange,
        exceptions.DataInvalid,
        exceptions.DataLenRange,
        exceptions.GeneralError,
        exceptions.FunctionFailed,
        exceptions.ArgumentsBad,
    ):
        parameters = _gcm(os.urandom(NONCE), b"probe")
        if bytes(key.decrypt(bytes(key.encrypt(_PROBE, **parameters)), **parameters)) == _PROBE:
            return None
        raise


def _translated(library: ModuleType, error: Exception, token: str) -> MoverError:
    """What a token's failure means. Its own text is left out; the PIN might be in it."""
    exceptions, kind = library.exceptions, type(error).__name__
    if isinstance(error, exceptions.PinIncorrect | exceptions.PinInvalid | exceptions.PinLenRange):
        return KeysRefused(
            f"the token {token!r} does not accept the PIN", advice="Correct it before the token locks itself."
        )
    refused = (
        exceptions.PinLocked,
        exceptions.PinExpired,
        exceptions.UserPinNotInitialized,
        exceptions.FunctionRejected,
        exceptions.TokenWriteProtected,
        exceptions.AttributeReadOnly,
        exceptions.MechanismInvalid,
    )
    if isinstance(error, refused):
        return KeysRefused(
            f"the token {token!r} refuses: {kind}", advice="Unlock the token, or allow Mover's user to use its key."
        )
    if isinstance(error, exceptions.NoSuchToken | exceptions.TokenNotPresent):
        return KeysUnreachable(
            f"there is no token {token!r} now", advice="Insert or connect the token, or correct its label."
        )
    return KeysUnreachable(f"the token {token!r} failed: {kind}")
