"""AWS Signature Version 4, by AWS's own library (awscrt), for other services than S3.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final, cast
from urllib.parse import urlsplit

from awscrt import auth
from awscrt.exceptions import AwsCrtError
from awscrt.http import HttpHeaders, HttpRequest

from mover.core.errors import BadOption, KeysRefused, KeysUnreachable
from mover.core.secret import Secret
from mover.vault.providers.base import PATIENCE

_AUTH: Final = cast("Any", auth)  # its own types are unknown to type checkers


@dataclass(frozen=True, slots=True)
class AwsCredentials:
    """An access key; `token` goes with one that is temporary."""

    key_id: str
    secret: Secret
    token: Secret | None = None


class Signer:
    """Signs requests to one service.

    Without credentials it takes those of the machine, as AWS's own tools find them (instance or container role, web identity,
    environment, shared files), and keeps them fresh.
    """

    def __init__(self, credentials: AwsCredentials | None, region: str, service: str, url: str) -> None:
        """Make it; nothing is asked yet. Raises `BadOption` for an access key without an id or a secret."""
        self._provider = _provider(credentials)
        self._region = region
        self._service = service
        parts = urlsplit(url)
        self._host = parts.netloc.removesuffix(":443") if parts.scheme == "https" else parts.netloc

    async def signed(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """`headers` and those that sign the request. `Host` is signed and is not in the answer.

        Raises:
            KeysRefused: there are no credentials, or they cannot sign.
            KeysUnreachable: the machine's credentials did not come in time.
        """
        request = HttpRequest(method, path, HttpHeaders([("host", self._host), *headers.items()]), BytesIO(body))
        config = _AUTH.AwsSigningConfig(
            algorithm=_AUTH.AwsSigningAlgorithm.V4,
            signature_type=_AUTH.AwsSignatureType.HTTP_REQUEST_HEADERS,
            credentials_provider=self._provider,
            region=self._region,
            service=self._service,
        )
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.wrap_future(_AUTH.aws_sign_request(request, config))
        except TimeoutError:
            raise KeysUnreachable("the machine's AWS credentials did not come in time") from None
        except (AwsCrtError, ValueError) as error:
            name = error.name if isinstance(error, AwsCrtError) else "unfit credentials"
            raise KeysRefused(f"a request to AWS cannot be signed: {name}", advice=_CREDENTIALS) from None
        return {name.lower(): value for name, value in request.headers if name.lower() != "host"}


_CREDENTIALS: Final = "Give an access key, or give this machine a role at AWS that may use the key."


def _provider(credentials: AwsCredentials | None) -> object:
    if credentials is None:
        return _AUTH.AwsCredentialsProvider.new_default_chain()
    if not (credentials.key_id and credentials.secret):
        raise BadOption("an AWS access key needs an id and a secret", item="credentials", advice=_CREDENTIALS)
    token = credentials.token.reveal() if credentials.token else None
    return _AUTH.AwsCredentialsProvider.new_static(credentials.key_id, credentials.secret.reveal(), token)
