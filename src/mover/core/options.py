"""What a user said when they made a connection, checked against the connector's spec."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Final

from mover.core.errors import BadOption, NotEncrypted
from mover.core.secret import Secret
from mover.core.spec import Channel, Option, Spec

Value = str | int | bool | Secret

CONSENT: Final = "allow_unencrypted"
"""The option by which a user accepts that a connection is not encrypted. Connectors that can be so have it."""


class Options:
    """The checked options of one connection: defaults filled in, nothing unknown, nothing of the wrong kind."""

    def __init__(self, spec: Spec, given: Mapping[str, Value]) -> None:
        """Check `given` against `spec`.

        Raises:
            BadOption: an option is unknown, missing or of the wrong kind; the text says which and what would fit.
            NotEncrypted: the connection would not be encrypted and nobody said that this is accepted.
        """
        self.spec = spec
        _refuse_unknown(spec, given)
        self._values: dict[str, Value] = {}
        for option in spec.options:
            value = given.get(option.name, option.default)
            if value is None or _absent(value):
                if option.required:
                    raise BadOption(f"{spec.title} needs the option {option.name}: {option.help}", item=option.name)
                continue
            self._values[option.name] = _checked(spec, option, value)
        if self.channel is Channel.NONE and not self.switch(CONSENT):
            raise NotEncrypted(f"this {spec.title} connection would not be encrypted")

    @property
    def channel(self) -> Channel:
        """How this very connection is protected: the spec's channel, or none if the options switch it off."""
        unless = self.spec.unencrypted_when
        if unless and all(self._values.get(name) == value for name, value in unless.items()):
            return Channel.NONE
        return self.spec.channel

    def text(self, name: str) -> str | None:
        """The text of an option or a choice, or `None` if it was not given."""
        value = self._values.get(name)
        return None if value is None else str(value)

    def must(self, name: str) -> str:
        """The text of an option that the spec requires or gives a default."""
        value = self.text(name)
        if value is None:
            raise BadOption(f"{self.spec.title} needs the option {name} here", item=name)
        return value

    def number(self, name: str) -> int | None:
        """The number of an option."""
        value = self._values.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def switch(self, name: str) -> bool:
        """Whether a switch is on."""
        return self._values.get(name) is True

    def secret(self, name: str) -> Secret | None:
        """The secret of an option."""
        value = self._values.get(name)
        return value if isinstance(value, Secret) else None

    def items(self) -> tuple[tuple[str, Value], ...]:
        """Every option that has a value, in the spec's order."""
        return tuple(self._values.items())


def _absent(value: Value) -> bool:
    """An empty text or secret is the same as none: forms and environment variables send those."""
    return isinstance(value, str | Secret) and not value


def _refuse_unknown(spec: Spec, given: Mapping[str, Value]) -> None:
    known = [o.name for o in spec.options]
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; it has: {', '.join(known) or 'none'}"
            raise BadOption(f"{spec.title} has no option {name}{hint}", item=name)


def _checked(spec: Spec, option: Option, value: Value) -> Value:
    if option.kind == "secret":
        return value if isinstance(value, Secret) else Secret(str(value))
    if isinstance(value, Secret):
        raise BadOption(f"{spec.title}: the option {option.name} is no secret", item=option.name)
    if option.kind == "number":
        return _number(spec, option, value)
    if option.kind == "switch":
        return _switch(spec, option, value)
    text = str(value)
    if option.kind == "choice" and text not in option.choices:
        raise BadOption(
            f"{spec.title}: {option.name} is one of {', '.join(option.choices)}, not {text}", item=option.name
        )
    return text


def _number(spec: Spec, option: Option, value: str | int) -> int:
    try:
        return int(str(value))  # not int(value): a switch is no number
    except ValueError:
        raise BadOption(f"{spec.title}: {option.name} is a whole number, not {value}", item=option.name) from None


def _switch(spec: Spec, option: Option, value: str | int) -> bool:
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    known = words.get(str(value).lower())
    if known is None:
        raise BadOption(f"{spec.title}: {option.name} is on or off, not {value}", item=option.name)
    return known
