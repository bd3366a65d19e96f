"""Keys that sign assertions: which are taken, and what an assertion looks like."""

from __future__ import annotations

import base64
import json
import pickle
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from tests.oauth.canaries import canary, refused
from tests.oauth.signing import KEYS, Key

from mover.core.errors import BadOption
from mover.core.secret import Secret
from mover.crypto.assertions import AssertionKey


def test_the_certificate_is_named_in_the_assertion() -> None:
    key = KEYS["ps"]
    certificate = key.certificate
    signed = AssertionKey(key.pem, algorithm="PS256", certificate=certificate, key_id="one").sign({"iss": "a"})
    head = json.loads(base64.urlsafe_b64decode(signed.reveal().split(".")[0] + "=="))
    der = x509.load_pem_x509_certificate(certificate.encode())
    thumb = base64.urlsafe_b64encode(der.fingerprint(hashes.SHA256())).decode().rstrip("=")
    assert head == {"alg": "PS256", "kid": "one", "x5t#S256": thumb, "typ": "JWT"}


def test_a_key_behind_a_passphrase() -> None:
    passphrase, private = canary("passphrase"), KEYS["rs"].private
    pem = Secret(
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase.encode())).decode()
    )
    AssertionKey(pem, passphrase=Secret(passphrase)).sign({})
    for wrong in (None, Secret(canary("passphrase"))):
        with refused(BadOption, "cannot be read"):
            AssertionKey(pem, passphrase=wrong)


@pytest.mark.parametrize(("name", "algorithm"), [("es", "RS256"), ("rs", "ES256")])
def test_a_key_of_another_kind(name: str, algorithm: Any) -> None:
    with refused(BadOption):
        AssertionKey(KEYS[name].pem, algorithm=algorithm)


def test_a_key_that_is_too_weak_or_a_certificate_of_another() -> None:
    weak = Key(rsa.generate_private_key(65537, 1024), "RS256")  # noqa: S505  # too weak is the point
    with refused(BadOption, "1024 bits"):
        AssertionKey(weak.pem)
    with refused(BadOption, "not the private key's"):
        AssertionKey(KEYS["rs"].pem, certificate=KEYS["ps"].certificate)
    with refused(BadOption, "certificate cannot be read"):
        AssertionKey(KEYS["rs"].pem, certificate="none")
    with refused(BadOption, "cannot be read"):
        AssertionKey(Secret(canary("no-key")))


def test_a_key_cannot_be_shown() -> None:
    key = AssertionKey(KEYS["rs"].pem)
    assert repr(key) == "AssertionKey(*** RS256)"
    with pytest.raises(TypeError):
        pickle.dumps(key)
