"""`mover check`."""

from __future__ import annotations

from typing import Any

import click

from mover.cli.completing import addresses
from mover.cli.filtering import filter_options
from mover.cli.output import format_option
from mover.cli.places import key_options, option_options
from mover.cli.wire import wire_option


@click.command()
@click.argument("source", shell_complete=addresses)
@click.argument("destination", shell_complete=addresses)
@click.option(
    "--compare",
    type=click.Choice(["auto", "size", "digest", "stored"]),
    default="auto",
    show_default=True,
    help="With --quick: what makes two files the same; as for copy.",
)
@click.option("--names", type=click.Choice(["fail", "replace"]), default="fail", help="As the copy was made.")
@click.option("--links", type=click.Choice(["skip", "follow"]), default="skip", help="As the copy was made.")
@filter_options
@option_options("source")
@option_options("destination")
@key_options("destination", "The destination is encrypted to the key in this file; as the copy was made.")
@key_options("source", "The source is encrypted with the key in this file.")
@click.option("--quick", is_flag=True, help="Read no files: compare listings as --compare says, times too.")
@click.option("--one-way", is_flag=True, help="Do not look for what only the destination has.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors and results.")
@wire_option
@format_option
def check(**said: Any) -> int:
    """Compare the contents of the folders SOURCE and DESTINATION; nothing is written.

    Files of equal size are read on both sides, every byte; other times alone are no difference. Shows what is missing, what differs,
    and what only the destination has. Exit code 3 if there is any.
    """
    from mover.cli.comparing import run_check

    return run_check(said)
