"""Whether a certificate that somebody brought can serve: told before the server uses it, in words that help.

A client would see no more than "handshake failure". The rules are those of Mover's promise (RSA of 2048 bits or more, P-256 or P-384) and
of clients (RFC 5280 §6, RFC 9525: only names in subjectAltName count).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from mover.core.errors import BadOption
from mover.crypto.certificates import fingerprint, kind_of, names_of

SMALLEST_RSA: Final = 2048
CURVES: Final = ("secp256r1", "secp384r1")
MOST_CERTIFICATES: Final = 10
"""In a chain; real ones have two to four."""


@dataclass(frozen=True, slots=True)
class Served:
    """What a server shows: the fingerprint of its certificate, the kind of its key, its names, and the end of its life (UTC)."""

    fingerprint: str
    kind: str
    names: frozenset[str]
    expires: datetime


def checked(chain: bytes, key: bytes, now: datetime | None = None) -> Served:
    """What the chain (PEM, the server's certificate first) says, if it can serve with this private key (PEM, without password).

    Raises:
        BadOption: it cannot; `item` is `certificate` or `private key`, the words say why and what to do.
    """
    certificates = _read(chain)
    leaf = certificates[0]
    _refuse_weak(leaf)
    _refuse_other_key(leaf, key)
    for certificate in certificates:
        _refuse_out_of_time(certificate, now or datetime.now(UTC))
    _refuse_wrong_purpose(leaf)
    _refuse_gaps(certificates)
    return Served(fingerprint(chain), kind_of(chain), names_of(chain), leaf.not_valid_after_utc)


def _read(chain: bytes) -> list[x509.Certificate]:
    try:
        certificates = x509.load_pem_x509_certificates(chain)
    except ValueError as error:
        raise _unfit("the certificate's file holds no certificate in PEM form, or a damaged one", _FULL) from error
    if len(certificates) > MOST_CERTIFICATES:
        raise _unfit(f"the certificate's file holds {len(certificates)} certificates", _FULL)
    return certificates


def _refuse_weak(leaf: x509.Certificate) -> None:
    try:
        key = leaf.public_key()
    except (UnsupportedAlgorithm, ValueError) as error:
        raise _unfit("the certificate's key is of a kind that Mover does not know", _KINDS) from error
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < SMALLEST_RSA:
            raise _unfit(f"the certificate's RSA key has {key.key_size} bits, too few", _KINDS)
    elif not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in CURVES:
        raise _unfit("the certificate's key is neither RSA nor on the curves P-256 or P-384", _KINDS)


def _refuse_other_key(leaf: x509.Certificate, key: bytes) -> None:
    try:
        private = load_pem_private_key(key, None)
    except TypeError as error:
        raise _unfit_key(
            "the private key is locked by a password", "Store it without one, readable by Mover's user only."
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _unfit_key("the private key's file holds no private key in PEM form, or a damaged one", _PEM) from error
    if private.public_key() != leaf.public_key():
        raise _unfit_key(
            "the private key does not belong to the certificate",
            "Give the key that the certificate was asked for with; the server's certificate must be the first in its file.",
        )


def _refuse_out_of_time(certificate: x509.Certificate, now: datetime) -> None:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    who = f"the certificate of {certificate.subject.rfc4514_string() or 'the server'}"
    if now > ends:
        raise _unfit(f"{who} expired at {ends:%Y-%m-%d %H:%M} UTC", "Renew it, or set this machine's clock.")
    if now < begins:
        raise _unfit(f"{who} begins at {begins:%Y-%m-%d %H:%M} UTC", "Wait until then, or set this machine's clock.")


def _refuse_wrong_purpose(leaf: x509.Certificate) -> None:
    extensions = _extensions(leaf)
    try:
        uses = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        uses = None
    if uses is not None and ExtendedKeyUsageOID.SERVER_AUTH not in uses:
        raise _unfit("the certificate is not meant for servers", "Ask for one with the use `serverAuth`.")
    if not names_of(leaf.public_bytes(Encoding.PEM)):
        raise _unfit("the certificate names no host", "Ask for one with the host's name as subjectAltName (DNS or IP).")


def _refuse_gaps(certificates: list[x509.Certificate]) -> None:
    for one, issuer in pairwise(certificates):
        if not _issued(one, issuer):
            name = one.subject.rfc4514_string()
            raise _unfit(f"the certificate after {name} in the file is not its issuer's", _FULL)
    last = certificates[-1]
    if len(certificates) == 1 and not _issued(last, last):
        issuer_name = last.issuer.rfc4514_string()
        raise _unfit(
            f"the chain is not complete: the certificate of {issuer_name}, who signed the server's, is missing", _FULL
        )


def _issued(one: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        one.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def _extensions(leaf: x509.Certificate) -> x509.Extensions:
    try:
        return leaf.extensions
    except ValueError as error:
        raise _unfit("the certificate is damaged: its extensions cannot be read", _FULL) from error


def _unfit(detail: str, advice: str) -> BadOption:
    return BadOption(detail, item="certificate", advice=advice)


def _unfit_key(detail: str, advice: str) -> BadOption:
    return BadOption(detail, item="private key", advice=advice)


_PEM: Final = "Give a file with a line `-----BEGIN PRIVATE KEY-----`; `openssl pkey -in FILE` converts other forms."
_FULL: Final = (
    "Give a PEM file with the server's certificate first and that of each issuer after it; "
    "certificate services call it `fullchain.pem`."
)
_KINDS: Final = "Ask for one with an RSA key of 2048 bits or more, or one on the curve P-256 or P-384."
