"""Keys that are made for a run of the tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey, RSAKey
from tests.oauth.canaries import known

from mover.core.secret import Secret


@dataclass(frozen=True)
class Key:
    """A key made for this run."""

    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    algorithm: Any

    @property
    def pem(self) -> Secret:
        made = Secret(self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
        known(made)
        return made

    @property
    def certificate(self) -> str:
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mover")])
        now = datetime.now(UTC)
        draft = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.private.public_key())
        draft = draft.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
        return draft.sign(self.private, hashes.SHA256()).public_bytes(Encoding.PEM).decode()

    def public(self, **more: str) -> Mapping[str, Any]:
        kind = RSAKey if isinstance(self.private, rsa.RSAPrivateKey) else ECKey
        return {**kind.import_key(self.private).as_dict(private=False), "alg": self.algorithm, "use": "sig", **more}


KEYS = {
    "rs": Key(rsa.generate_private_key(65537, 2048), "RS256"),
    "ps": Key(rsa.generate_private_key(65537, 3072), "PS256"),
    "es": Key(ec.generate_private_key(ec.SECP256R1()), "ES256"),
    "service": Key(rsa.generate_private_key(65537, 2048), "RS256"),
}
