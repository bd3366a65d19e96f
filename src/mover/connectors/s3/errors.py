"""What the store's refusals mean: a table of codes, and one of statuses for answers without a code.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; MinIO's and Ceph's own codes where marked.
"""

from __future__ import annotations

import time
from types import MappingProxyType
from typing import Final

from mover.connectors._kit.statuses import Meanings, meaning
from mover.connectors.s3.xml import parse, text
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
from mover.net.retry_after import retry_after

_CODES: Final[tuple[tuple[type[MoverError], str], ...]] = (
    (
        BadCredentials,
        (
            "InvalidAccessKeyId SignatureDoesNotMatch ExpiredToken InvalidToken TokenRefreshRequired RequestExpired"
            " RequestTimeTooSkewed InvalidSecurity MissingSecurityHeader MissingAuthenticationToken NotSignedUp"
            " CredentialsNotSupported InvalidClientTokenId UnauthorizedAccess Unauthorized"
        ),
    ),
    (Denied, "AccessDenied AllAccessDisabled AccountProblem AccountSuspended UserSuspended Forbidden"),
    (Refused, "InvalidObjectState MethodNotAllowed NotImplemented"),
    (NotFound, "NoSuchKey NoSuchBucket NoSuchUpload NoSuchVersion NotFound"),
    (
        Throttled,
        (
            "SlowDown SlowDownRead SlowDownWrite ServiceUnavailable Throttling ThrottlingException RequestLimitExceeded RequestThrottled"
            " TooManyRequests BandwidthLimitExceeded ServerBusy Busy"
        ),
    ),
    (Unreachable, "InternalError InternalFailure RequestTimeout ServiceFailure XMinioServerNotInitialized"),
    (
        Damaged,
        (
            "BadDigest InvalidDigest XAmzContentSHA256Mismatch XAmzContentChecksumMismatch IncompleteBody InvalidPart"
            " RequestBodyLengthMismatch"
        ),
    ),
    (Changed, "PreconditionFailed InvalidRange"),
    (Unfit, "EntityTooLarge EntityTooSmall KeyTooLong KeyTooLongError MetadataTooLarge InvalidBucketName"),
    (Unfit, "InvalidObjectName XMinioInvalidObjectName XMinioObjectExistsAsDirectory XMinioParentIsObject"),
    (Conflict, "BucketAlreadyExists BucketAlreadyOwnedByYou BucketNotEmpty"),
    (Locked, "OperationAborted ConditionalRequestConflict ObjectLocked"),
    (
        Full,
        (
            "QuotaExceeded ServiceQuotaExceeded StorageFull InsufficientStorage XMinioStorageFull XMinioDiskFull"
            " XMinioAdminBucketQuotaExceeded"
        ),
    ),
    (
        BadOption,
        (
            "PermanentRedirect TemporaryRedirect Redirect AuthorizationHeaderMalformed IllegalLocationConstraintException"
            " IncorrectEndpoint"
        ),
    ),
)

CODES: Final = MappingProxyType({code: error for error, codes in _CODES for code in codes.split()})
"""What each code means."""

STATUSES: Final[Meanings] = MappingProxyType({301: BadOption, 302: BadOption, 307: BadOption, 308: BadOption})
"""What a status means here, and elsewhere not; it counts where the answer has no code, as to HEAD, or one that is in no table."""

_TEXT: Final = 300
"""Characters of a store's message that are worth showing."""


def failure(answer: Answer, item: str | None) -> MoverError:
    """The error that an answer stands for; its text is the store's own."""
    code, message, region = _read(answer)
    region = region or answer.header("x-amz-bucket-region") or ""
    kind = CODES.get(code) or meaning(answer.status, STATUSES)
    said = ": ".join(filter(None, (code or f"HTTP {answer.status}", message)))[:_TEXT]
    if kind is BadOption:
        where = f"; the bucket's region is {region}" if region else "; check region and endpoint"
        return BadOption(f"the store sends us elsewhere ({said}){where}", item="region")
    return kind(said, item=item, after=retry_after(answer.header("retry-after"), now=time.time()))


def _read(answer: Answer) -> tuple[str, str, str]:
    """Code, message and region of an error answer, each "" if it is not there."""
    if not answer.body.lstrip().startswith(b"<"):
        return "", "", ""
    try:
        root = parse(answer.body)
    except Unreachable:
        return "", "", ""  # a page of some proxy; the status says what is known
    error = root if root.tag == "Error" else root.find("Error")
    if error is None:
        return "", "", ""
    return text(error, "Code"), text(error, "Message"), text(error, "Region")
