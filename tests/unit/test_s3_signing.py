"""Our signatures against the examples that Amazon publishes.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html (examples: GET Object, PUT Object, GET Bucket
Lifecycle, Get Bucket). The keys are the ones printed there.
"""

from __future__ import annotations

import hashlib

import pytest

from mover.connectors.s3.signing import EMPTY, Signer
from mover.core.secret import Secret

HOST = "examplebucket.s3.amazonaws.com"
NOW = 1369353600.0  # 2013-05-24T00:00:00Z
SIGNER = Signer("AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), None, "us-east-1")


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "payload", "signature"),
    [
        pytest.param(
            *("GET", "/test.txt", "", {"range": "bytes=0-9"}, EMPTY),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            id="get-object",
        ),
        pytest.param(
            *("PUT", "/test%24file.text", ""),
            {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            hashlib.sha256(b"Welcome to Amazon S3.").hexdigest(),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
            id="put-object",
        ),
        pytest.param(
            *("GET", "/", "lifecycle=", {}, EMPTY),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
            id="get-bucket-lifecycle",
        ),
        pytest.param(
            *("GET", "/", "max-keys=2&prefix=J", {}, EMPTY),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            id="get-bucket",
        ),
    ],
)
def test_published_examples(
    method: str, path: str, query: str, headers: dict[str, str], payload: str, signature: str
) -> None:
    sent = SIGNER.signed(method, HOST, path, query, headers, payload, now=NOW)
    assert sent["authorization"].endswith(f"Signature={signature}")
    assert sent["x-amz-date"] == "20130524T000000Z"


def test_a_new_day_has_a_new_key() -> None:
    days = [SIGNER.signed("GET", HOST, "/", "", {}, EMPTY, now=NOW + day * 86400) for day in (0, 1, 0)]
    assert "/20130525/us-east-1/s3/aws4_request" in days[1]["authorization"]
    assert days[0] == days[2] != days[1]


def test_a_session_token_is_sent_and_signed() -> None:
    signer = Signer("key", Secret("secret"), Secret("the token"), "eu-west-1")
    sent = signer.signed("GET", HOST, "/", "", {}, EMPTY, now=NOW)
    assert sent["x-amz-security-token"] == "the token"
    assert "x-amz-date;x-amz-security-token," in sent["authorization"]
