"""`mover connection add CONNECTOR`: one command for each connector, made from its spec."""

from __future__ import annotations

from typing import Any

import click

from mover.cli.output import say
from mover.core.options import CONSENT, Value
from mover.core.spec import Channel, Option, Spec


class Add(click.Group):
    """A command for each connector. Specs are plain data, so this is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # click's
        from mover.connectors.registry import specs

        return [key for key in specs() if key != "memory"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # click's
        from mover.connectors.registry import specs

        spec = specs().get(cmd_name)
        return None if spec is None else command_of(spec)


def command_of(spec: Spec) -> click.Command:
    """The command that saves a connection of this kind."""

    def save(name: str, replace: bool, **said: Any) -> None:  # click's
        _save(spec, name, said, replace=replace)

    protection = spec.channel.value if spec.channel is Channel.LOCAL else f"protection: {spec.channel.value}"
    consent = any(o.name == CONSENT for o in spec.options)
    return click.Command(
        spec.key,
        callback=save,
        short_help=spec.title,
        help=f"{spec.title}: {spec.summary}\n\n{protection[0].upper()}{protection[1:]}"
        + (
            ", unless you accept less with --allow-unencrypted."
            if consent and spec.channel is not Channel.NONE
            else "."
        ),
        params=[
            click.Option(["--name"], required=True, help="What you call this connection."),
            *(_parameter(option) for option in spec.options),
            click.Option(["--replace"], is_flag=True, help="Replace a connection of that name."),
        ],
    )


def _parameter(option: Option) -> click.Option:
    name = f"--{option.name.replace('_', '-')}"
    text = f"{option.label}. {option.help}" if option.label.casefold() not in option.help.casefold() else option.help
    if option.environment:
        text += f" Without it, the variable {option.environment} counts whenever the connection is used."
    if option.kind == "secret":
        return click.Option(
            [f"{name}-file", f"secret_{option.name}"],
            metavar="FILE",
            help=f"{text} A file that holds it; - asks. [MOVER_{option.name.upper()}_FILE]",
        )
    if option.kind == "switch":
        return click.Option(
            [f"{name}/--no-{name[2:]}", f"plain_{option.name}"], default=None, help=_with_default(text, option)
        )
    return click.Option(
        [name, f"plain_{option.name}"],
        type={"number": click.INT, "choice": click.Choice(option.choices)}.get(option.kind, click.STRING),
        required=option.required,
        help=_with_default(text, option),
    )


def _with_default(text: str, option: Option) -> str:
    if option.default in (None, ""):
        return text
    default = ("on" if option.default else "off") if isinstance(option.default, bool) else option.default
    return f"{text} [default: {default}]"


def _save(spec: Spec, name: str, said: dict[str, Any], *, replace: bool) -> None:
    from mover.boot.connections import Connections
    from mover.boot.given import secret_in, secrets_in_environment
    from mover.boot.home import home

    values: dict[str, Value] = {}
    for key, value in said.items():
        if value is None:
            continue
        kind, _, option = key.partition("_")
        values[option] = secret_in(str(value), option) if kind == "secret" else value
    values.update(secrets_in_environment(spec, "MOVER", values))
    kept = Connections(home()).add(name, spec.key, values, replace=replace)
    say(f"{name} is saved: {kept.title}, {kept.channel and kept.channel.value}. Try it: mover connection check {name}")
