"""`mover doctor` and `mover version`."""

from __future__ import annotations

import click

from mover.cli.output import Format, format_option, table


@click.command()
@format_option
def doctor(form: Format) -> int:
    """Look whether this machine is fit for Mover. Exit code 1 if something is wrong."""
    from mover.boot.doctor import examined
    from mover.boot.home import home

    found = examined(home())
    table(("what", "verdict", "finding", "advice"), [(f.what, f.verdict, f.finding, f.advice) for f in found], form)
    return 1 if any(f.verdict == "wrong" for f in found) else 0


@click.command()
@format_option
def version(form: Format) -> None:
    """Show the version."""
    import platform
    from importlib.metadata import version as version_of

    from mover.cli.output import data

    found = {"mover": version_of("openmover"), "python": platform.python_version()}
    if form == "json":
        data(found)
    else:
        click.echo(f"mover {found['mover']} (Python {found['python']})")
