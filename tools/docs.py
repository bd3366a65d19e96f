"""Writes the reference pages that are made from the code; with --check says which are not up to date.

In `docs/reference`: `cli.md` from the commands, `connectors.md` from the specs, `errors.md` from the error tree, `conformance.md`
from the checks.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from mover.cli.main import cli
from mover.conformance import page as conformance
from mover.connectors.registry import specs
from mover.core import errors
from mover.core.errors import MoverError
from mover.core.reasons import REASONS
from mover.core.spec import Cap, Option, Spec

REFERENCE: Final = Path(__file__).parents[1] / "docs" / "reference"
MADE: Final = "This page is made by `make docs`.\n"


def pages() -> dict[str, str]:
    """Every generated page by its file's name."""
    return {
        "cli.md": "\n".join(["# The command line", "", MADE, *_commands(cli, "mover")]),
        "connectors.md": "\n".join(["# Connectors", "", MADE, *_table(), *_connectors()]),
        "errors.md": "\n".join(["# Errors", "", MADE, *_errors(), *_reasons()]),
        "conformance.md": conformance.page(),
    }


def _commands(command: click.Command, name: str) -> Iterator[str]:
    """Each command's own help, in the order of the help."""
    context = click.Context(command, info_name=name, terminal_width=100, max_content_width=100)
    yield f"## `{name}`\n\n```\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if found is not None:
                yield from _commands(found, f"{name} {below}")


def _shown() -> list[Spec]:
    return [spec for spec in specs().values() if spec.key != "memory"]


def _table() -> Iterator[str]:
    yield "| Connector | What it is | Channel | Addresses | Digests it may report |\n|---|---|---|---|---|"
    for spec in _shown():
        schemes = ", ".join(f"`{scheme}://`" for scheme in (spec.url.schemes if spec.url else ()))
        digests = ", ".join(sorted(spec.digests)) or "none: files are read back"
        yield f"| [{spec.key}](#{spec.key}) | {spec.title} | {spec.channel.value} | {schemes or 'a path'} | {digests} |"
    yield ""


def _connectors() -> Iterator[str]:
    for spec in _shown():
        yield f"## {spec.key}\n\n{spec.summary} Channel: **{spec.channel.value}**.\n"
        if spec.unencrypted_when:
            when = " and ".join(f"`{name}` is `{_text(value)}`" for name, value in spec.unencrypted_when.items())
            yield f"Not encrypted when {when}; then `allow_unencrypted` must be said.\n"
        can = [cap.name.lower().replace("_", " ") for cap in Cap if cap.value and cap in spec.caps and cap.name]
        yield f"Can: {', '.join(can)}.\n"
        yield "| Option | Kind | Default | Meaning |\n|---|---|---|---|"
        yield from (_option(option) for option in spec.options)
        yield ""


def _option(option: Option) -> str:
    kind = " \\| ".join(option.choices) if option.kind == "choice" else option.kind
    needed = "required" if option.required else _text(option.default)
    more = f" Variable: `{option.environment}`." if option.environment else ""
    return f"| `{option.name}` | {kind} | {needed} | {option.help.replace('|', '/')}{more} |"


def _text(value: str | int | bool | None) -> str:  # noqa: FBT001  # an option's value
    if isinstance(value, bool):
        return "on" if value else "off"
    return "" if value is None else str(value)


def _errors() -> Iterator[str]:
    yield "| Code | What happened | Exit code | HTTP | Again? | What to do |\n|---|---|---|---|---|---|"
    for error in _below(MoverError):
        said = (error.__doc__ or "").partition("\n")[0]
        own = vars(error).get("code", "internal") if error is not MoverError else "internal"
        if own == "internal" and error is not MoverError:
            continue
        yield f"| `{error.code}` | {said} | {error.exit_code} | {error.http_status} | {error.retry.value} | {error.advice} |"
    yield ""


def _reasons() -> Iterator[str]:
    yield "## Reasons\n\nItems that a run leaves out though nothing failed have one of these codes in its report.\n"
    yield "| Code | What it means |\n|---|---|"
    yield from (f"| `{code}` | {meaning} |" for code, meaning in REASONS.items())
    yield ""


def _below(error: type[MoverError]) -> Iterator[type[MoverError]]:
    """The tree of `core.errors`, as it stands there."""
    if error.__module__.startswith(f"{errors.__name__}."):
        yield error
    for child in error.__subclasses__():
        yield from _below(child)


def main() -> int:
    """Write the pages, or check them."""
    check = "--check" in sys.argv[1:]
    REFERENCE.mkdir(parents=True, exist_ok=True)
    stale = 0
    for name, page in pages().items():
        file, text = REFERENCE / name, page.rstrip("\n") + "\n"
        if file.exists() and file.read_text() == text:
            continue
        stale += 1
        if check:
            print(f"docs/reference/{name} is not up to date: run `make docs`")
        else:
            file.write_text(text)
            print(f"wrote docs/reference/{name}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
