"""What the store's refusals mean: a table of codes, and one of statuses for answers without a code.

Source: https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes and .../blob-service-error-codes.
"""

from __future__ import annotations

import time
from types import MappingProxyType
from typing import Final

from mover.connectors._kit.statuses import meaning
from mover.connectors.azureblob.xml import parse
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
    Throttled,
    Unfit,
    Unreachable,
)
from mover.net.http import Answer, StreamedAnswer
from mover.net.retry_after import retry_after

_CODES: Final[tuple[tuple[type[MoverError], str], ...]] = (
    (BadCredentials, "AuthenticationFailed InvalidAuthenticationInfo NoAuthenticationInformation AccountIsDisabled"),
    (
        Denied,
        (
            "AuthorizationFailure AuthorizationPermissionMismatch AuthorizationProtocolMismatch AuthorizationResourceTypeMismatch"
            " AuthorizationServiceMismatch AuthorizationSourceIPMismatch InsufficientAccountPermissions PublicAccessNotPermitted"
            " KeyBasedAuthenticationNotPermitted BlobImmutableDueToPolicy BlobImmutableDueToLegalHold"
        ),
    ),
    (NotFound, "BlobNotFound ContainerNotFound ResourceNotFound ContainerDisabled"),
    (Throttled, "ServerBusy TooManyRequests IngressLimitExceeded EgressLimitExceeded OperationRateLimitExceeded"),
    (Unreachable, "InternalError OperationTimedOut"),
    (Damaged, "Md5Mismatch Crc64Mismatch InvalidMd5 InvalidBlockList IncompleteBody"),
    (Changed, "ConditionNotMet TargetConditionNotMet InvalidRange BlobModifiedWhileReading"),
    (
        Locked,
        (
            "LeaseIdMissing LeaseIdMismatchWithBlobOperation LeaseAlreadyPresent LeaseLost ContainerBeingDeleted BlobBeingRehydrated"
            " PendingCopyOperation"
        ),
    ),
    (
        Unfit,
        (
            "RequestBodyTooLarge MetadataTooLarge InvalidMetadata EmptyMetadataKey InvalidResourceName InvalidUri BlockCountExceedsLimit"
            " OutOfRangeInput RequestUrlFailedToParse InvalidHeaderValue"
        ),
    ),
    (Conflict, "InvalidBlobType InvalidBlobOrBlock SnapshotsPresent BlobAlreadyExists ResourceTypeMismatch"),
    (Full, "AccountCapacityExceeded InsufficientStorage"),
    (BadOption, "AccountRequiresHttps InsecureProtocol"),
)

CODES: Final = MappingProxyType({code: error for error, codes in _CODES for code in codes.split()})
"""What each code means."""

_TEXT: Final = 300
"""Characters of the store's message that are worth showing."""


def failure(answer: Answer | StreamedAnswer, body: bytes, item: str | None) -> MoverError:
    """The error that an answer stands for; its text is the store's own, without the lines that quote what was signed."""
    code, message = _read(body)
    code = answer.header("x-ms-error-code") or code
    kind = CODES.get(code) or meaning(answer.status)
    said = ": ".join(filter(None, (code or f"HTTP {answer.status}", message.partition("\n")[0])))[:_TEXT]
    return kind(said, item=item, after=retry_after(answer.header("retry-after"), now=time.time()))


def _read(body: bytes) -> tuple[str, str]:
    if not body.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"<"):
        return "", ""
    try:
        root = parse(body)
    except Unreachable:
        return "", ""  # a page of some proxy; the status says what is known
    return root.findtext("Code") or "", root.findtext("Message") or ""
