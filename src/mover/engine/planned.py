"""What the plan is made of: files to be copied, and the folders they are in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mover.core.model import Entry
from mover.core.states import State
from mover.engine.folders import Folder
from mover.engine.journal import Key, Line, Proof

Why = Literal["new", "changed", "again", "check"]
"""`again`: an earlier pass was interrupted on it. `check`: it is there already and is to be proved (`--verify full`)."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A file to be copied: from where, to which folder, under which name. `there` is what it replaces."""

    source: Entry
    path: str
    key: Key
    folder: Folder
    name: str
    why: Why
    there: Entry | None = None

    @property
    def target(self) -> str | None:
        """The path at the destination, where it is another than at the source."""
        target = f"{self.folder.path}/{self.name}" if self.folder.path else self.name
        return None if target == self.path else target


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of the source on its way through the scan.

    `path` is below the run's source folder; `came_from` are the ids of the folders that were left through a link to come here.
    """

    entry: Entry
    path: str
    folder: Folder
    came_from: tuple[str, ...] = ()

    def below(self, name: str) -> str:
        """The path of something in it."""
        return f"{self.path}/{name}" if self.path else name


@dataclass(frozen=True, slots=True)
class FolderPlan:
    """What one folder asks for: files to copy and folders to go into. `kept` says that the folder itself is to be made."""

    files: Sequence[Planned]
    folders: Sequence[Place]


def line_of(
    planned: Planned,
    state: State,
    *,
    entry: Entry | None = None,
    code: str | None = None,
    detail: str | None = None,
    attempts: int = 0,
    proof: Proof | None = None,
) -> Line:
    """The journal's line of a planned file. `entry` is the source as it was read, where that is fresher than the plan."""
    entry = entry or planned.source
    modified = None if entry.modified is None else entry.modified.timestamp()
    key = planned.key
    kind, size, version = entry.kind, entry.size, planned.source.version
    return Line(key[0], key[1], kind, state, size, modified, version, planned.target, code, detail, attempts, proof)
