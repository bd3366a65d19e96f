"""Signed assertions: JSON Web Tokens by which Mover proves itself to an authorization server.

Sources: RFC 7515 (compact form, `x5t#S256` §4.1.8), RFC 7518 §3.1 (algorithms), RFC 7519, RFC 7523 (what servers take them for).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Final, Literal, NoReturn

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from mover.core.errors import BadOption
from mover.core.secret import Secret

Algorithm = Literal["RS256", "PS256", "ES256"]

SMALLEST_RSA: Final = 2048
"""Bits."""


class AssertionKey:
    """A private key that signs assertions, and by what the server finds its public half. It cannot be printed or pickled."""

    __slots__ = ("_algorithm", "_header", "_key")

    def __init__(
        self,
        key: Secret,
        *,
        algorithm: Algorithm = "RS256",
        certificate: str | None = None,
        key_id: str | None = None,
        passphrase: Secret | None = None,
    ) -> None:
        """Take a private key in PEM form. `certificate` (PEM, the key's own) is named by its SHA-256, `key_id` as `kid`.

        Raises:
            BadOption: the key cannot be read with this passphrase, is too weak or of another kind, or the certificate is another key's.
        """
        private = _private_key(key, passphrase)
        self._key = _fit(private, algorithm)
        self._algorithm: Final = algorithm
        self._header: Final[dict[str, str]] = {"alg": algorithm}
        if key_id is not None:
            self._header["kid"] = key_id
        if certificate is not None:
            self._header["x5t#S256"] = _thumbprint(certificate, private)

    def sign(self, claims: Mapping[str, object]) -> Secret:
        """The assertion: a compact JWT of exactly these claims. Whoever has it can pass for us until it expires."""
        return Secret(jwt.encode(dict(self._header), dict(claims), self._key, algorithms=[self._algorithm]))

    def __repr__(self) -> str:
        return f"AssertionKey(*** {self._algorithm})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signing key is never pickled")


_PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def _private_key(pem: Secret, passphrase: Secret | None) -> _PrivateKey:
    password = None if passphrase is None else passphrase.reveal().encode()
    try:
        key = load_pem_private_key(pem.reveal().encode(), password)
    except (ValueError, TypeError):
        key = None  # the library's words could show what was given
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise BadOption("the private key cannot be read", item="private_key", advice=_KEY)
    return key


def _fit(key: _PrivateKey, algorithm: Algorithm) -> RSAKey | ECKey:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        if algorithm != "ES256" or key.curve.name != "secp256r1":
            raise BadOption(f"a key on {key.curve.name} cannot sign with {algorithm}", item="private_key", advice=_KEY)
        return ECKey.import_key(key)
    if algorithm == "ES256" or key.key_size < SMALLEST_RSA:
        raise BadOption(
            f"an RSA key of {key.key_size} bits cannot sign with {algorithm}", item="private_key", advice=_KEY
        )
    return RSAKey.import_key(key)


def _thumbprint(pem: str, key: _PrivateKey) -> str:
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        same = certificate.public_key() == key.public_key()
    except ValueError as problem:
        raise BadOption(
            "the certificate cannot be read", item="certificate", advice="Give it in PEM form."
        ) from problem
    if not same:
        raise BadOption(
            "the certificate is not the private key's", item="certificate", advice="Give the two that belong together."
        )
    return base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA256())).rstrip(b"=").decode()


_KEY: Final = (
    "Give an RSA key of 2048 bits or more (RS256, PS256), or one on P-256 (ES256), in PEM form with its passphrase."
)
