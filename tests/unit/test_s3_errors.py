"""What a store's refusals become: recorded bodies, and statuses without one."""

from __future__ import annotations

import pytest
from pyreqwest.http import HeaderMap

from mover.connectors.s3.errors import failure
from mover.core.errors import (
    BadCredentials,
    BadOption,
    Changed,
    Conflict,
    Damaged,
    Denied,
    Full,
    Locked,
    MoverError,
    NotFound,
    Refused,
    Throttled,
    Unfit,
    Unreachable,
)
from mover.net.http import Answer

RECORDED = """<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>{code}</Code><Message>What the store says.</Message><Resource>/bucket/key</Resource>{more}
<RequestId>4442587FB7D0A2F9</RequestId><HostId>host</HostId></Error>"""


def answer(status: int, code: str | None = None, more: str = "", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, HeaderMap(named), RECORDED.format(code=code, more=more).encode() if code else b"")


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (503, "SlowDown", Throttled),
        (503, "ServiceUnavailable", Throttled),
        (429, "TooManyRequests", Throttled),
        (403, "InvalidAccessKeyId", BadCredentials),
        (403, "SignatureDoesNotMatch", BadCredentials),
        (400, "ExpiredToken", BadCredentials),
        (403, "RequestTimeTooSkewed", BadCredentials),
        (403, "AccessDenied", Denied),
        (404, "NoSuchKey", NotFound),
        (404, "NoSuchBucket", NotFound),
        (404, "NoSuchUpload", NotFound),
        (400, "EntityTooLarge", Unfit),
        (400, "KeyTooLongError", Unfit),
        (400, "MetadataTooLarge", Unfit),
        (400, "BadDigest", Damaged),
        (400, "InvalidPart", Damaged),
        (400, "XAmzContentSHA256Mismatch", Damaged),
        (400, "IncompleteBody", Damaged),
        (412, "PreconditionFailed", Changed),
        (416, "InvalidRange", Changed),
        (500, "InternalError", Unreachable),
        (400, "RequestTimeout", Unreachable),
        (409, "BucketNotEmpty", Conflict),
        (409, "OperationAborted", Locked),
        (403, "QuotaExceeded", Full),
        (507, "XMinioStorageFull", Full),
        (301, "PermanentRedirect", BadOption),
        (403, "InvalidObjectState", Refused),
        (400, "SomethingNew", Refused),
        (599, "SomethingNew", Unreachable),
    ],
)
def test_codes(status: int, code: str, error: type[MoverError]) -> None:
    raised = failure(answer(status, code), "a/b")
    assert type(raised) is error
    assert raised.detail.startswith((f"{code}: What the store says.", "the store sends us elsewhere"))
    assert raised.item == ("region" if error is BadOption else "a/b")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, BadOption),
        (401, BadCredentials),
        (403, Denied),
        (404, NotFound),
        (405, Refused),
        (412, Changed),
        (413, Unfit),
        (429, Throttled),
        (500, Unreachable),
        (503, Throttled),
        (507, Full),
    ],
)
def test_statuses_without_a_body(status: int, error: type[MoverError]) -> None:
    assert type(failure(answer(status), "a")) is error


def test_retry_after_in_both_forms() -> None:
    assert failure(answer(503, "SlowDown", retry_after="7"), "a").after == 7.0
    late = failure(answer(503, "SlowDown", retry_after="Fri, 31 Dec 9999 23:59:59 GMT"), "a").after
    assert late is not None
    assert late > 1e9
    assert failure(answer(503, "SlowDown"), "a").after is None


def test_the_right_region_is_named() -> None:
    body = failure(answer(400, "AuthorizationHeaderMalformed", "<Region>eu-central-1</Region>"), "a")
    head = failure(answer(301, x_amz_bucket_region="eu-west-3"), "a")
    assert "eu-central-1" in body.detail
    assert "eu-west-3" in head.detail


def test_a_proxys_page_is_no_code() -> None:
    page = b'<!DOCTYPE html><html><!ENTITY x "y"><body>Bad gateway</body></html>'
    assert type(failure(Answer(502, HeaderMap({}), page), "a")) is Unreachable
