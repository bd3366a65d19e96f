"""What is to be done with each item, decided before anything is written. A dry run ends here; the real run goes on from the same plan."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, cast

from mover.core.connector import Describes
from mover.core.errors import ItemError, NotFound, Unfit, Untranslatable
from mover.core.model import Batch, Entry, Kind
from mover.core.spec import Cap, Limits
from mover.core.states import State
from mover.engine.compare import Verdict, compare
from mover.engine.filters import Filter
from mover.engine.journal import Journal, Key, Known, Line
from mover.engine.names import Collisions, NameRules
from mover.engine.planned import FolderPlan, Place, Planned, Why, line_of
from mover.engine.progress import Progress
from mover.engine.settings import RunSettings
from mover.engine.side import Side


class Planner:
    """Decides, folder by folder. Everything that is not to be copied is journaled here, with its reason."""

    def __init__(
        self,
        source: Side,
        destination: Side,
        settings: RunSettings,
        filters: Filter,
        journal: Journal,
        progress: Progress,
    ) -> None:
        self._source = source
        self._destination = destination
        self._settings = settings
        self._filters = filters
        self._journal = journal
        self._progress = progress
        self._names = NameRules(destination.spec.limits, settings.names)
        self._time_step = max(source.spec.limits.time_step, destination.spec.limits.time_step)

    async def folder(self, place: Place, found: Sequence[Entry], there: Iterable[Entry]) -> FolderPlan:
        """Plan one folder from both sides' listings."""
        names = Collisions(self._destination.spec.limits)
        listed = list(there)
        theirs = {names.form(entry.name): self._as_kept(entry) for entry in listed}
        files: list[tuple[Entry, Key, str]] = []
        folders: list[Place] = []
        for entry, key in self._in_order(place, found, {entry.name for entry in listed}):
            self.count(entry)
            if (name := self._name_for(entry, key[0], key, names)) is None:
                continue
            if entry.kind is Kind.FOLDER:
                folders.append(self._go_into(place, entry, key[0], name, theirs.get(names.form(name))))
            else:
                files.append((entry, key, name))
        known = await self._journal.known([key for _, key, _ in files])
        planned = [await self._file(place, item, theirs.get(names.form(item[2])), known.get(item[1])) for item in files]
        await self._journal.settled()
        return FolderPlan([p for p in planned if p is not None], folders)

    async def one(self, place: Place, entry: Entry, there: Entry | None) -> Planned | None:
        """Plan one file by itself, where no other of its folder can stand in its way."""
        self.count(entry)
        path = place.below(entry.name)
        key = (path, "")
        name = self._name_for(entry, path, key, Collisions(self._destination.spec.limits))
        if name is None:
            return None
        known = await self._journal.known([key])
        await self._journal.settled()
        return await self._file(
            place, (entry, key, name), None if there is None else self._as_kept(there), known.get(key)
        )

    async def same_rows(self, batch: Batch, rows: Sequence[int]) -> None:
        """Account for files that are plainly the same on both sides; many at once, so nothing is made for each."""
        paths, sizes = batch.paths, batch.sizes
        taken = [i for i in rows if sizes[i] or not paths[i].endswith("/")]
        if self._filters.active:
            files, stored = taken, batch.stored
            taken = [i for i in files if self._filters.takes_file(paths[i], sizes[i], _utc(stored[i]))]
            self._filtered_rows(batch, set(files).difference(taken))
        self._progress.found += len(taken)
        self._progress.found_bytes += sum([sizes[i] for i in taken])
        self._progress.items[State.SAME] += len(taken)
        self._journal.write_same([(paths[i], sizes[i]) for i in taken], "content tag")
        await self._journal.settled()

    def _filtered_rows(self, batch: Batch, rows: Collection[int]) -> None:
        for i in sorted(rows):
            path, size = batch.paths[i], batch.sizes[i]
            self._progress.found += 1
            self._progress.found_bytes += size
            self._progress.items[State.FILTERED] += 1
            reason = self._filters.reason(path, size, _utc(batch.stored[i]))
            self._journal.write(Line(path, "", Kind.FILE, State.FILTERED, size, code="filtered", detail=reason))

    def _in_order(self, place: Place, found: Sequence[Entry], there: Collection[str]) -> list[tuple[Entry, Key]]:
        """The entries with their keys, in the order in which they may claim a name at the destination.

        Where two want one name, it belongs to the one that has it there already, then to the one that needs no other name.
        """
        keyed: list[tuple[Entry, Key]] = []
        before: str | None = None
        for entry in sorted(found, key=_by_name):
            keyed.append((entry, (place.below(entry.name), entry.id if entry.name == before else "")))
            before = entry.name
        keyed.sort(key=lambda item: (self._names.needs_change(item[0].name), item[0].name not in there))
        return keyed

    def wants_folder(self, path: str) -> bool:
        """Whether the filters let anything in the folder through."""
        return self._filters.takes_folder(path)

    def drop(self, entry: Entry, key: Key, state: State, code: str, detail: str) -> None:
        """Account for an item that is not copied."""
        self._settle(entry, key, state, code=code, detail=detail)

    def _go_into(self, place: Place, entry: Entry, path: str, name: str, there: Entry | None) -> Place:
        id_ = there.id if there is not None and there.kind is Kind.FOLDER else None
        self._progress.folders += 1
        by_link = entry.parent != place.entry.id
        came_from = (*place.came_from, place.entry.id) if by_link else place.came_from
        return Place(entry, path, place.folder.child(name, id_), came_from)

    def count(self, entry: Entry) -> None:
        """Count an item as found."""
        if entry.kind is not Kind.FOLDER:
            self._progress.found += 1
            self._progress.found_bytes += entry.size or 0

    def _name_for(self, entry: Entry, path: str, key: Key, names: Collisions) -> str | None:
        """The name at the destination, or `None` if the item is not for it; then it is accounted for."""
        if entry.kind is Kind.FOLDER:
            if not self._filters.takes_folder(path):
                return None
        elif not self._filters.takes_file(path, entry.size, entry.modified):
            reason = self._filters.reason(path, entry.size, entry.modified)
            self.drop(entry, key, State.FILTERED, "filtered", reason)
            return None
        if (left_out := _LEFT_OUT.get(entry.kind)) is not None:
            self.drop(entry, key, *left_out)
            return None
        try:
            self._must_fit(entry, self._destination.spec.limits)
            fitted = self._names.settle(entry.name, names)
        except Unfit as problem:
            self.drop(entry, key, State.UNFIT, problem.code, problem.detail)
            return None
        return fitted.name

    def _must_fit(self, entry: Entry, limits: Limits) -> None:
        if entry.kind is not Kind.FILE or entry.size is None:
            return
        if limits.file_size is not None and entry.size > limits.file_size:
            raise Unfit(f"{entry.size} bytes are more than the {limits.file_size} that the destination takes")
        if entry.size == 0 and not self._destination.can(Cap.EMPTY_FILES):
            raise Unfit("the destination cannot keep an empty file")

    async def _file(
        self, place: Place, item: tuple[Entry, Key, str], there: Entry | None, known: Known | None
    ) -> Planned | None:
        entry, key, name = item
        if known is not None and known.state is State.COPIED and known.is_of(entry):
            self._progress.items[State.COPIED] += 1
            self._journal.write_seen(key)
            return None
        again = known is not None and known.state is not State.SAME
        try:
            why, by = await self._why(entry, there, again=again)
        except ItemError as problem:
            self.drop(entry, key, State.UNFIT, problem.code, problem.detail)
            return None
        if why is None:
            self._settle(entry, key, State.SAME, detail=by)
            return None
        if why == "changed" and there is not None and not again and self._keeps(entry, there):
            self.drop(
                entry,
                key,
                State.FILTERED,
                "kept",
                f"the destination's file stays ({by}): --existing {self._settings.existing}",
            )
            return None
        planned = Planned(entry, key[0], key, place.folder, name, why, there)
        if (reason := self._path_unfit(planned)) is not None:
            self.drop(entry, key, State.UNFIT, Unfit.code, reason)
            return None
        self._progress.planned += 1
        self._progress.planned_bytes += entry.size or 0
        self._journal.write(line_of(planned, State.PLANNED, detail=f"{why}: {by}" if by else why))
        return planned

    async def _why(self, entry: Entry, there: Entry | None, *, again: bool) -> tuple[Why | None, str]:
        if there is None:
            return "new", ""
        if there.kind is not Kind.FILE:
            raise Unfit(f"{there.kind.worded} of that name stands at the destination")
        if entry.modified is not None and not self._destination.spec.limits.keeps_time(entry.modified):
            entry, there = replace(entry, modified=None), _received(there)  # neither's time says anything of the other
        finding = compare(entry, there, how=self._settings.compare, time_step=self._time_step, asked=False)
        if finding.verdict is Verdict.ASK:
            full = await self._asked(there)
            finding = compare(entry, full, how=self._settings.compare, time_step=self._time_step, asked=True)
        if finding.verdict is Verdict.CHANGED:
            return "changed", finding.by
        if again and finding.by not in _PROVEN:
            return "again", "an earlier pass was interrupted before it was proved"
        if self._settings.verify == "full":
            return "check", finding.by
        return None, finding.by

    def _keeps(self, entry: Entry, there: Entry) -> bool:
        """Whether the destination's file stays though it differs."""
        if self._settings.existing != "keep-newer":
            return self._settings.existing == "keep"
        mine, theirs = entry.modified or entry.stored, there.modified or there.stored
        return mine is not None and theirs is not None and (theirs - mine).total_seconds() > self._time_step

    async def _asked(self, there: Entry) -> Entry:
        if not self._destination.can(Cap.DESCRIBE):
            return there
        connector = cast("Describes", self._destination.connector)
        try:
            return await self._destination.call(lambda: connector.describe(there))
        except NotFound:
            return there

    def _as_kept(self, entry: Entry) -> Entry:
        """A provider that does not keep times shows when it received the file."""
        if entry.modified is None or self._destination.can(Cap.KEEPS_MODIFIED):
            return entry
        return _received(entry)

    def _path_unfit(self, planned: Planned) -> str | None:
        try:
            self._names.path_fits(planned.target or planned.path)
        except Unfit as problem:
            return problem.detail
        return None

    def _settle(self, entry: Entry, key: Key, state: State, *, code: str | None = None, detail: str = "") -> None:
        if entry.kind is Kind.FOLDER:
            self._progress.found += 1
        self._progress.items[state] += 1
        modified = None if entry.modified is None else entry.modified.timestamp()
        self._journal.write(
            Line(
                key[0], key[1], entry.kind, state, entry.size, modified, entry.version, code=code, detail=detail or None
            )
        )


_PROVEN: Final = frozenset({"md5", "sha1", "sha256", "sha512", "crc32c", "crc64nvme", "quickxor", "dropbox"})

_LEFT_OUT: Final = {
    Kind.LINK: (State.FILTERED, "link-skipped", "a symbolic link; --links follow copies what it points to"),
    Kind.OTHER: (State.FILTERED, "not-a-file", "neither a file nor a folder"),
    Kind.FOREIGN: (State.FAILED, Untranslatable.code, "it was not encrypted with this key, or not at all"),
    Kind.NATIVE: (State.UNFIT, "native-document", "lives only at its provider and cannot be copied as a file"),
}


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _received(entry: Entry) -> Entry:
    """The file as one whose time says only when it was stored."""
    return replace(entry, stored=entry.stored or entry.modified, modified=None)


def _by_name(entry: Entry) -> tuple[str, str]:
    return entry.name, entry.id
