"""Passkeys: registered and signed in by. A challenge is good once, for five minutes, and for what it was made for.

A passkey is both factors: the authenticator must have verified its user. It is found by what the authenticator says, so nobody names an
account, and nothing tells whether one exists. Source: W3C Web Authentication Level 3 §7.1, §7.2; the library `webauthn`.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    options_to_json_dict,
    parse_attestation_object,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationFormat,
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    RegistrationCredential,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from mover.core.errors import BadOption, NotProved
from mover.service.desk import Desk
from mover.store import signin_passkeys
from mover.store.signin_passkeys import LIFE, NewPasskey, Proof

NAME: Final = "Mover"
REGISTER: Final = "register"
SIGN_IN: Final = "sign in"
_FORMATS: Final = (AttestationFormat.NONE, AttestationFormat.PACKED)
"""What an authenticator may say of itself: we ask for nothing, and parse no certificates of devices that answer all the same."""

_NO_PASSKEY: Final = "the passkey is not known here, or did not answer what it was asked"


@dataclass(frozen=True, slots=True)
class Site:
    """What passkeys are bound to: the host by which the page was opened, and its whole origin."""

    host: str
    origin: str

    def must_be_named(self) -> None:
        """Raises `BadOption` for an IP address: passkeys are for names only (W3C WebAuthn §5.1.3)."""
        try:
            ip_address(self.host.strip("[]"))
        except ValueError:
            return
        raise BadOption("passkeys need a host name, not an IP address", advice="Open the page by the server's name.")


async def ask_to_register(desk: Desk, account: int, name: str, site: Site) -> dict[str, Any]:
    """Options for `navigator.credentials.create`; good for five minutes, once."""
    site.must_be_named()
    challenge = secrets.token_bytes(32)
    async with desk.database.transaction() as connection:
        known = await signin_passkeys.credential_ids(connection, account)
        await signin_passkeys.add_challenge(connection, _hash(challenge), REGISTER, account)
    options = generate_registration_options(
        rp_id=site.host,
        rp_name=NAME,
        user_id=await _handle(desk, account),
        user_name=name,
        challenge=challenge,
        timeout=LIFE * 1000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one) for one in known],
    )
    return options_to_json_dict(options)


async def registered(desk: Desk, account: int, site: Site, answer: Mapping[str, Any]) -> NewPasskey:
    """What the browser answered, looked at. Raises `BadOption`."""
    with _refusing(BadOption, "that is not what a browser answers to the challenge"):
        credential = parse_registration_credential_json(dict(answer))
        challenge = _challenge(credential)
        if parse_attestation_object(credential.response.attestation_object).fmt not in _FORMATS:
            raise WebAuthnException("a format that nobody asked for")
    await _use(
        desk, challenge, REGISTER, account, BadOption("the challenge was used, or is too old", item="credential")
    )
    with _refusing(BadOption, "the passkey did not answer what it was asked"):
        found = verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    return NewPasskey(found.credential_id, found.credential_public_key, found.sign_count)


async def ask_to_sign_in(desk: Desk, site: Site) -> dict[str, Any]:
    """Options for `navigator.credentials.get`; the same whoever asks; good for five minutes, once."""
    site.must_be_named()
    challenge = secrets.token_bytes(32)
    async with desk.database.transaction() as connection:
        await signin_passkeys.add_challenge(connection, _hash(challenge), SIGN_IN, None)
    options = generate_authentication_options(
        rp_id=site.host,
        challenge=challenge,
        timeout=LIFE * 1000,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


async def proved(desk: Desk, site: Site, answer: Mapping[str, Any]) -> tuple[Proof, int]:
    """Whose passkey answered the challenge, and the authenticator's new count. Raises `NotProved`."""
    with _refusing(NotProved, _NO_PASSKEY):
        credential = parse_authentication_credential_json(dict(answer))
        challenge = _challenge(credential)
    await _use(desk, challenge, SIGN_IN, None, NotProved(_NO_PASSKEY))
    async with desk.database.read() as connection:
        known = await signin_passkeys.find(connection, credential.raw_id)
    if known is None or not await _own(desk, known.account, credential.response.user_handle):
        raise NotProved(_NO_PASSKEY)
    with _refusing(NotProved, _NO_PASSKEY):
        found = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=known.public_key,
            credential_current_sign_count=known.sign_count,
            require_user_verification=True,
        )
    return known, found.new_sign_count


@contextmanager
def _refusing(kind: type[BadOption | NotProved], words: str) -> Generator[None]:
    """What the library raises for an answer that is none leaves as one error of ours, without what was sent."""
    try:
        yield
    except (WebAuthnException, ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError):
        raise kind(words, item="credential", advice="Begin again with a new challenge.") from None


def _challenge(credential: RegistrationCredential | AuthenticationCredential) -> bytes:
    return parse_client_data_json(credential.response.client_data_json).challenge


async def _use(desk: Desk, challenge: bytes, purpose: str, account: int | None, refusal: Exception) -> None:
    """Used up whatever comes after: a challenge that was answered wrongly is not answered again."""
    async with desk.database.transaction() as connection:
        good = await signin_passkeys.use_challenge(connection, _hash(challenge), purpose, account)
    if not good:
        raise refusal


async def _handle(desk: Desk, account: int) -> bytes:
    """What authenticators call the account: it tells nobody else anything (W3C WebAuthn §14.6.1)."""
    return hmac.digest(await desk.secrets.pepper(), f"passkey handle {account}".encode(), hashlib.sha256)


async def _own(desk: Desk, account: int, handle: bytes | None) -> bool:
    return handle is None or hmac.compare_digest(handle, await _handle(desk, account))


def _hash(challenge: bytes) -> bytes:
    return hashlib.sha256(challenge).digest()
