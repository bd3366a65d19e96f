"""Certificates with one fault each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = Any


def pem_of(key: Key, password: bytes | None = None) -> bytes:
    how = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)


def p256() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def weak_keys() -> dict[str, Key]:
    return {
        "RSA-1024": rsa.generate_private_key(65537, 1024),  # noqa: S505  # to be refused
        "P-521": ec.generate_private_key(ec.SECP521R1()),
        "Ed25519": ed25519.Ed25519PrivateKey.generate(),
    }


def certificate(
    key: Key,
    *,
    issuer: tuple[str, Key] | None = None,
    name: str = "localhost",
    names: tuple[str, ...] = ("localhost",),
    uses: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.SERVER_AUTH,),
    begins: timedelta = timedelta(days=-1),
    ends: timedelta = timedelta(days=30),
    ca: bool = False,
) -> bytes:
    """PEM; self-signed without an issuer."""
    issued_by, signer = issuer or (name, key)
    now = datetime.now(UTC)

    def called(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    draft = x509.CertificateBuilder().subject_name(called(name)).issuer_name(called(issued_by))
    draft = draft.public_key(key.public_key()).serial_number(x509.random_serial_number())
    draft = draft.not_valid_before(now + begins).not_valid_after(now + ends)
    draft = draft.add_extension(x509.BasicConstraints(ca, None), critical=True)
    if names:
        draft = draft.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    if uses:
        draft = draft.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
    algorithm = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return draft.sign(signer, algorithm).public_bytes(Encoding.PEM)


def store(folder: Path, chain: bytes, key: bytes, mode: int = 0o600) -> tuple[Path, Path]:
    """Both as files: the paths of the chain and of the key."""
    files = folder / "fullchain.pem", folder / "privkey.pem"
    files[0].write_bytes(chain)
    files[1].write_bytes(key)
    files[1].chmod(mode)
    return files
