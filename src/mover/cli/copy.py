"""`mover copy`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mover.cli.completing import addresses
from mover.cli.filtering import filter_options
from mover.cli.output import format_option
from mover.cli.places import key_options, option_options


@click.command(short_help="Copy what is new or changed; nothing is removed.")
@click.argument("source", shell_complete=addresses)
@click.argument("destination", shell_complete=addresses)
@click.option("-n", "--dry-run", is_flag=True, help="Show what a copy would do; write nothing.")
@click.option(
    "--verify",
    type=click.Choice(["full", "changed", "none"]),
    default="changed",
    show_default=True,
    help="What is proved: all files, those that are copied, or only their length.",
)
@click.option(
    "--compare",
    type=click.Choice(["auto", "size", "digest", "stored"]),
    default="auto",
    show_default=True,
    help="How a file that is there already is found the same.",
)
@click.option(
    "--existing",
    type=click.Choice(["replace", "keep", "keep-newer"]),
    default="replace",
    show_default=True,
    help="A file that is there and differs: replace it, keep it, or keep it if it is newer than the source's.",
)
@click.option(
    "--names",
    type=click.Choice(["fail", "replace"]),
    default="fail",
    show_default=True,
    help="A name that the destination cannot hold: refuse the item, or replace what does not fit (reversible).",
)
@click.option(
    "--links",
    type=click.Choice(["skip", "follow"]),
    default="skip",
    show_default=True,
    help="Symbolic links: leave them out, or copy what they point to.",
)
@filter_options
@click.option(
    "--transfers", type=click.IntRange(1, 512), default=32, show_default=True, help="Files on their way at once."
)
@click.option("--bwlimit", metavar="RATE", help="Bytes a second at most, such as 20M.")
@option_options("source")
@option_options("destination")
@key_options(
    "destination",
    "Encrypt everything to the key in this file (rclone's crypt): the destination sees ciphertext only.",
)
@key_options("source", "Decrypt the source with the key in this file.")
@click.option("-P", "--progress", is_flag=True, help="Show what goes on, on standard error.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors and results.")
@click.option(
    "-v",
    "--verbose",
    count=True,
    help="Name every item as it is settled; -vv: every failed attempt and HTTP request too.",
)
@click.option(
    "--report", type=click.Path(path_type=Path), metavar="FILE", help="Write the report there (.json, .csv or text)."
)
@click.option("--error-on-nothing", is_flag=True, help="Exit with 9 if nothing had to be copied.")
@format_option
def copy(**said: Any) -> int:
    """Copy SOURCE to the folder DESTINATION, verified.

    Files that are there already and the same are left alone; nothing is ever deleted. The same command goes on where it stopped.
    Ctrl-C once finishes the files in hand and pauses; twice stops at once. Both can be resumed.

    Exit codes: 0 done, 1 stopped, 2 usage, 3 items failed, 4 not found, 5 may work later, 6 items unfit, 7 not allowed, 8 limit
    reached, 9 nothing to do (--error-on-nothing), 70 a fault of ours, 130 interrupted.
    """
    from mover.cli.copying import run_copy

    return run_copy(said)
