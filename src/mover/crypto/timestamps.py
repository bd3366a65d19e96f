"""RFC 3161 timestamps: a time-stamping authority says that some bytes existed at a time.

Source: RFC 3161 §2.4; done by `rfc3161-client`. The nonce makes an old answer useless for a new question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.x509 import Certificate, load_pem_x509_certificates
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from mover.core.errors import BadOption, Sealed


@dataclass(frozen=True, slots=True)
class Question:
    """What is sent to the authority: `body`, DER, as `application/timestamp-query`."""

    body: bytes
    nonce: int


def question(data: bytes) -> Question:
    """Ask for a timestamp of `data` (not empty): its SHA-256, a random nonce, and the authority's certificate in the answer."""
    built = (
        TimestampRequestBuilder()
        .data(data)
        .hash_algorithm(HashAlgorithm.SHA256)
        .cert_request(cert_request=True)
        .build()
    )
    nonce = built.nonce
    if nonce is None:
        raise Sealed(
            "a timestamp was asked for without a nonce", advice="This is a fault of the library rfc3161-client."
        )
    return Question(built.as_bytes(), nonce)


def authorities(pem: bytes) -> Sequence[Certificate]:
    """The root certificates in `pem`.

    Raises:
        BadOption: there are none.
    """
    try:
        return load_pem_x509_certificates(pem)
    except ValueError as error:
        raise BadOption("the time-stamping authority's certificates cannot be read: give a PEM file") from error


def stamped_at(answer: bytes, data: bytes, roots: Sequence[Certificate], nonce: int | None = None) -> datetime:
    """When `data` existed (UTC), by the authority's DER answer; its certificate must lead to one of `roots`.

    `nonce` is that of the question while it is still known; a kept answer is checked without it.

    Raises:
        Sealed: the authority refused, is another one, or stamped other bytes.
    """
    try:
        response: TimeStampResponse = decode_timestamp_response(answer)
        VerifierBuilder(roots=list(roots), nonce=nonce).build().verify_message(response, data)
        at = response.tst_info.gen_time
    except (VerificationError, ValueError) as error:
        raise Sealed(
            f"a timestamp does not hold: {error}",
            advice="Look whether the authority's certificates are the right ones; else the timestamp or what was stamped was changed.",
        ) from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)
