"""A certificate authority of this installation's own, and the server certificates that it signs.

Certificates are X.509 v3 (RFC 5280). The authority's key is P-384; it may sign for the names it was made for and for no others
(RFC 5280 §4.2.1.10), so that whoever steals it cannot pose as any other site to those who trust it. A server's certificate lives 89 days,
within the limit of 398 that clients set (CA/Browser Forum, Baseline Requirements §6.3.2). Everything here is PEM text (RFC 7468) as bytes.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mover.core.errors import BadOption, RecordDamaged

LIFE: Final = timedelta(days=89)
"""Of a server's certificate."""

AUTHORITY_LIFE: Final = timedelta(days=1825)
"""Of an authority. Clients must be told to trust a new one, so it is long; what it may sign for is little."""

MOST_NAMES: Final = 100

Kind = Literal["P-256", "RSA-2048"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate, or a chain that begins with it, and the private key that belongs to it (PKCS #8). Both are PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


def new_authority(names: Sequence[str], now: datetime | None = None) -> Pair:
    """An authority that may sign for these host names (and what is below them) and IP addresses only.

    Raises:
        BadOption: a name is neither, or there are none, or more than `MOST_NAMES`.
    """
    return _authority(ec.generate_private_key(ec.SECP384R1()), names, now)


def renewed_authority(old: Pair, names: Sequence[str], now: datetime | None = None) -> Pair:
    """The same authority (name, key) with a new life: whoever trusts the old certificate accepts its work until that one expires.

    Raises:
        RecordDamaged: `old` is no authority's.
        BadOption: as `new_authority`.
    """
    return _authority(_signing_key(old), names, now)


def new_certificate(authority: Pair, names: Sequence[str], kind: Kind = "P-256", now: datetime | None = None) -> Pair:
    """A server's certificate with a fresh key, for these names; its chain ends with the authority's.

    Raises:
        RecordDamaged: `authority` is none.
        BadOption: as `new_authority`.
    """
    signer = _signing_key(authority)
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    key = ec.generate_private_key(ec.SECP256R1()) if kind == "P-256" else rsa.generate_private_key(65537, 2048)
    draft = _draft(_named("Mover server"), issuer.subject, key.public_key(), LIFE, now)
    draft = draft.add_extension(x509.SubjectAlternativeName(_general_names(names)), critical=False)
    draft = draft.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    draft = draft.add_extension(_usage(encipherment=kind == "RSA-2048"), critical=True)
    draft = draft.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    draft = draft.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    draft = draft.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    leaf = draft.sign(signer, hashes.SHA384())
    return Pair(leaf.public_bytes(Encoding.PEM) + issuer.public_bytes(Encoding.PEM), _pem(key))


def is_due(certificate: bytes, now: datetime | None = None) -> bool:
    """Whether less than a third of the certificate's life is left, or its life has not begun. Raises as `fingerprint`."""
    read, moment = _read(certificate), now or datetime.now(UTC)
    life = read.not_valid_after_utc - read.not_valid_before_utc
    return moment < read.not_valid_before_utc or read.not_valid_after_utc - moment < life / 3


def names_of(certificate: bytes) -> frozenset[str]:
    """The host names and IP addresses that a server's certificate is for. Raises as `fingerprint`."""
    try:
        found = _read(certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return frozenset()
    return frozenset(_text(name) for name in found if isinstance(name, x509.DNSName | x509.IPAddress))


def permitted_names(authority: bytes) -> frozenset[str]:
    """The names that an authority of ours was made for. Raises as `fingerprint`."""
    try:
        found = _read(authority).extensions.get_extension_for_class(x509.NameConstraints).value
    except (x509.ExtensionNotFound, ValueError):
        return frozenset()
    return frozenset(_text(name) for name in found.permitted_subtrees or ())


def tidy_names(names: Sequence[str]) -> frozenset[str]:
    """The names as certificates hold them: small letters, addresses in their short form. Raises `BadOption` as `new_authority`."""
    return frozenset(_text(name) for name in _general_names(names))


def kind_of(certificate: bytes) -> str:
    """The kind of its key: `P-256`, `RSA-2048`, or whatever else it is. Raises as `fingerprint`."""
    key = _read(certificate).public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return {"secp256r1": "P-256", "secp384r1": "P-384"}.get(key.curve.name, key.curve.name)
    return f"RSA-{key.key_size}" if isinstance(key, rsa.RSAPublicKey) else type(key).__name__


def fingerprint(certificate: bytes) -> str:
    """SHA-256 of the (first) certificate, as browsers show it: `AB:CD:...`, 32 bytes.

    Raises:
        RecordDamaged: it is no certificate.
    """
    return _read(certificate).fingerprint(hashes.SHA256()).hex(":").upper()


def _authority(key: ec.EllipticCurvePrivateKey, names: Sequence[str], now: datetime | None) -> Pair:
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    # authorities of several installations in one trust store must not be mistaken for one another
    name = _named(f"Mover local authority {identifier.digest[:4].hex()}")
    draft = _draft(name, name, key.public_key(), AUTHORITY_LIFE, now)
    draft = draft.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    draft = draft.add_extension(_usage(signs=True), critical=True)
    draft = draft.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    draft = draft.add_extension(_constraints(_general_names(names)), critical=True)
    made = draft.add_extension(identifier, critical=False).sign(key, hashes.SHA384())
    return Pair(made.public_bytes(Encoding.PEM), _pem(key))


def _constraints(names: list[x509.DNSName | x509.IPAddress]) -> x509.NameConstraints:
    """A kind of which nothing is permitted is unbound (RFC 5280 §4.2.1.10), so it must be excluded as a whole."""
    hosts = [name for name in names if isinstance(name, x509.DNSName)]
    addresses = [_as_network(name) for name in names if isinstance(name, x509.IPAddress)]
    excluded: list[x509.GeneralName] = []
    if not hosts:
        excluded.append(x509.DNSName(""))
    if not addresses:
        excluded += [x509.IPAddress(ipaddress.ip_network(every)) for every in ("0.0.0.0/0", "::/0")]
    return x509.NameConstraints([*hosts, *addresses], excluded or None)


def _as_network(name: x509.IPAddress) -> x509.IPAddress:
    return x509.IPAddress(ipaddress.ip_network(str(name.value)))


def _draft(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    life: timedelta,
    now: datetime | None,
) -> x509.CertificateBuilder:
    moment = now or datetime.now(UTC)
    draft = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    # clocks of clients may be late
    begun = draft.serial_number(x509.random_serial_number()).not_valid_before(moment - timedelta(hours=1))
    return begun.not_valid_after(moment + life)


def _usage(*, signs: bool = False, encipherment: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        key_encipherment=encipherment,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_names(names: Sequence[str]) -> list[x509.DNSName | x509.IPAddress]:
    if not 0 < len(names) <= MOST_NAMES:
        raise BadOption(f"a certificate is for 1 to {MOST_NAMES} names, not {len(names)}", item="names", advice=_ADVICE)
    return [_general_name(name) for name in sorted(set(names))]


def _general_name(name: str) -> x509.DNSName | x509.IPAddress:
    try:
        # the zone of an address (RFC 4007 §11) has no place in a certificate
        return x509.IPAddress(ipaddress.ip_address(name.replace("%", " ")))
    except ValueError:
        host = name.lower().rstrip(".")
        if len(host) > _LONGEST_HOST or not _HOST.fullmatch(host) or host.rsplit(".", 1)[-1].isdecimal():
            detail = f"{name!r} is neither a host name nor an IP address"
            raise BadOption(detail, item="names", advice=_ADVICE) from None
        return x509.DNSName(host)


def _text(name: x509.GeneralName) -> str:
    value = name.value
    if isinstance(value, ipaddress.IPv4Network | ipaddress.IPv6Network):
        return str(value.network_address)
    return str(value)


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _signing_key(pair: Pair) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(pair.key, None)
    except (ValueError, TypeError) as error:
        raise RecordDamaged("the local authority's private key cannot be read", item="authority") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != _read(pair.certificate).public_key():
        raise RecordDamaged("the local authority's private key does not belong to its certificate", item="authority")
    return key


def _read(pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise RecordDamaged(
            "a certificate cannot be read: it is not in PEM form, or damaged", item="certificate"
        ) from error


_HOST: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
_LONGEST_HOST: Final = 253
_ADVICE: Final = "Give host names such as mover.example.org (other scripts in their xn-- form) or IP addresses, without port or brackets."
