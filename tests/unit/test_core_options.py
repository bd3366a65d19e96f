"""What a user said is checked against the spec before anything is connected."""

from __future__ import annotations

import pytest

from mover.core.errors import BadOption, NotEncrypted
from mover.core.options import CONSENT, Options, Value
from mover.core.secret import Secret
from mover.core.spec import Cap, Channel, Limits, Option, Spec

SPEC = Spec(
    key="example",
    title="Example",
    summary="",
    channel=Channel.TLS,
    hosts=("{host}",),
    caps=Cap.NONE,
    limits=Limits(),
    options=(
        Option("host", "Host", "The server's name.", required=True),
        Option("port", "Port", "", kind="number", default=443),
        Option("password", "Password", "", kind="secret"),
        Option("mode", "Mode", "", kind="choice", choices=("tls", "plain"), default="tls"),
        Option("quick", "Quick", "", kind="switch"),
        Option(CONSENT, "Allow unencrypted", "", kind="switch", default=False),
    ),
    unencrypted_when={"mode": "plain"},
)


def options(**given: Value) -> Options:
    return Options(SPEC, {"host": "h", **given})


def test_what_was_given_is_answered_and_the_rest_has_its_default() -> None:
    said = options(port=22, quick=True, password=Secret("x"))
    assert (said.text("host"), said.number("port"), said.switch("quick")) == ("h", 22, True)
    assert said.text("mode") == "tls"
    assert said.secret("password") is not None
    assert said.secret("host") is None
    assert said.number("mode") is None
    assert options().number("port") == 443
    assert [name for name, _ in options().items()] == ["host", "port", "mode", CONSENT]


@pytest.mark.parametrize(("given", "hint"), [("pasword", "did you mean password?"), ("zzz", "it has: host, port")])
def test_an_unknown_option_is_refused_with_the_nearest_or_all(given: str, hint: str) -> None:
    with pytest.raises(BadOption, match=hint.replace("?", r"\?")) as caught:
        options(**{given: "x"})
    assert caught.value.item == given


@pytest.mark.parametrize("given", [{}, {"host": ""}])
def test_a_required_option_may_be_neither_absent_nor_empty(given: dict[str, Value]) -> None:
    with pytest.raises(BadOption, match="needs the option host: The server's name"):
        Options(SPEC, given)


@pytest.mark.parametrize("empty", [Secret(""), ""])
def test_an_empty_secret_is_no_secret(empty: Value) -> None:
    assert options(password=empty).secret("password") is None


@pytest.mark.parametrize("value", ["", None])
def test_an_absent_option_that_must_be_there_is_asked_for_by_name(value: str | None) -> None:
    given = {} if value is None else {"mode": value}
    said = options(**given)
    with pytest.raises(BadOption, match="password"):
        said.must("password")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("port", "many", "whole number"),
        ("port", "1.5", "whole number"),
        ("port", True, "whole number"),
        ("port", Secret("22"), "no secret"),
        ("host", Secret("h"), "no secret"),
        ("mode", "ftp", "one of tls, plain"),
        ("quick", "perhaps", "on or off"),
        ("quick", 2, "on or off"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(name: str, value: Value, told: str) -> None:
    with pytest.raises(BadOption, match=told) as caught:
        options(**{name: value})
    assert caught.value.item == name


@pytest.mark.parametrize(
    ("word", "on"), [("on", True), ("Yes", True), ("1", True), (1, True), ("off", False), (0, False)]
)
def test_a_switch_understands_what_people_write(word: Value, on: bool) -> None:  # noqa: FBT001  # a table's column
    assert options(quick=word).switch("quick") is on


def test_a_password_given_as_text_becomes_a_secret() -> None:
    secret = options(password="hunter2").secret("password")
    assert secret is not None
    assert "hunter2" not in repr(options(password="hunter2").items())
    assert secret.reveal() == "hunter2"


def test_an_unencrypted_connection_needs_consent() -> None:
    with pytest.raises(NotEncrypted):
        options(mode="plain")
    assert options(mode="plain", **{CONSENT: True}).channel is Channel.NONE
    assert options().channel is Channel.TLS
