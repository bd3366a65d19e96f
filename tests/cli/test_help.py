"""Help is quick: what takes long to import is imported when a command runs."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "asyncio",
    "asyncssh",
    "cryptography",
    "msgspec",
    "numpy",
    "pyreqwest",
    "rich",
    "sqlite3",
    "uvloop",
}
COMMANDS = [
    [],
    ["copy"],
    ["check"],
    ["ls"],
    ["tree"],
    ["about"],
    ["completion"],
    ["connection"],
    ["connection", "add"],
    ["connection", "add", "s3"],
    ["connection", "import"],
    ["connection", "rename"],
    ["run"],
    ["run", "resume"],
    ["doctor"],
]

TRY = """
import sys
from mover.cli.main import run
code = run([*sys.argv[1:], "--help"])
sys.stderr.write(" ".join(sys.modules))
sys.exit(code)
"""


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_imports_nothing_heavy(command: list[str]):
    done = subprocess.run([sys.executable, "-c", TRY, *command], capture_output=True, check=True, text=True)
    assert done.stdout.startswith("Usage: mover")
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert not loaded & HEAVY


def test_options_come_from_the_spec():
    done = subprocess.run(
        [sys.executable, "-c", TRY, "connection", "add", "s3"], capture_output=True, check=True, text=True
    )
    assert "--secret-access-key-file FILE" in done.stdout
    assert "--secret-access-key " not in done.stdout
    assert "--plain-http / --no-plain-http" in done.stdout
