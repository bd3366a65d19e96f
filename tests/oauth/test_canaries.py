"""The listener and the look at errors do find what they look for."""

from __future__ import annotations

import json
import logging

import pytest
from tests.oauth.canaries import SAID, canary, leaks, refused

from mover.core.errors import Unreachable


def test_the_canary_sings() -> None:
    """The listener and the look at errors do find a secret: in a message, an argument, a hidden cause, a hidden attribute."""
    secret, heard = canary(), len(SAID)
    logger = logging.getLogger("mover.test")
    # the suite's own listener hears it as well: it is at the root
    logger.debug("token %s", secret)
    try:
        json.loads(f'{{"token": "{secret}"')
    except ValueError as problem:
        logger.debug("failed", exc_info=problem)
    assert len(leaks(SAID[heard:])) >= 2
    del SAID[heard:]
    for raising in (_raises_from_none, _raises_hidden):
        with pytest.raises(AssertionError), refused(Unreachable):
            raising(secret)
        del SAID[heard:]


def _raises_from_none(secret: str) -> None:
    try:
        json.loads(f'{{"token": "{secret}"')
    except ValueError:
        raise Unreachable("broken") from None


def _raises_hidden(secret: str) -> None:
    raise Unreachable("broken", advice=secret)
