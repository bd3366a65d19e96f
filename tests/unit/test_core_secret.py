"""A secret cannot end up where it should not, however it is handled."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback

import pytest

from mover.core.secret import Secret

TEXT = "correct horse battery staple"


@pytest.fixture
def secret() -> Secret:
    return Secret(TEXT)


def test_no_way_of_printing_shows_it(secret: Secret) -> None:
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r:>40}", f"{secret:s}", "%s %r" % (secret, secret)]  # noqa: UP031
    shown += ["{}".format(secret), repr([secret]), repr({"password": secret}), ascii(secret)]  # noqa: UP032
    assert [text for text in shown if TEXT in text or "Secret(***)" not in text] == []


def test_no_log_shows_it(secret: Secret, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").warning("the password is %s", secret, extra={"password": secret})
    assert TEXT not in caplog.text
    assert TEXT not in repr(caplog.records[0].__dict__)


def int_of(secret: Secret) -> int:
    return int(str(secret))


def test_no_traceback_shows_it(secret: Secret) -> None:
    with pytest.raises(ValueError, match=r"Secret\(\*\*\*\)") as caught:
        int_of(secret)
    told = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert TEXT not in told


@pytest.mark.parametrize("use", [pickle.dumps, json.dumps, hash, copy.copy, copy.deepcopy, vars, lambda s: {s}])
def test_it_cannot_be_carried_off(secret: Secret, use: object) -> None:
    assert callable(use)
    with pytest.raises(TypeError) as caught:
        use(secret)
    assert TEXT not in str(caught.value)


def test_it_is_compared_only_by_name(secret: Secret) -> None:
    for compare in (lambda: secret == TEXT, lambda: secret != Secret(TEXT), lambda: secret in [1, Secret(TEXT)]):
        with pytest.raises(TypeError):
            compare()
    assert secret.matches(Secret(TEXT))
    assert not secret.matches(Secret(TEXT + "r"))
    assert Secret("ü").matches(Secret("ü"))


def test_it_can_be_asked_for_and_whether_it_is_empty(secret: Secret) -> None:
    assert secret.reveal() == TEXT
    assert secret
    assert not Secret("")
