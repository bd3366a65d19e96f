"""What stands where on the server: listing, finding, making, removing, renaming. Blocking."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from mover.connectors._kit.ftp import facts, lines
from mover.connectors._kit.ftp.errors import Unclear
from mover.connectors._kit.ftp.session import Session
from mover.connectors._kit.ftp.transfer import listing
from mover.connectors._kit.paths import ROOT, child, name_of, parent_of
from mover.core.errors import Conflict, Denied, ItemError, NotFound, Refused
from mover.core.model import Entry, ItemId, Kind
from mover.core.temporary import temporary_name


def entries(session: Session, folder: ItemId) -> tuple[Entry, ...]:
    """What is in a folder. Raises `NotFound` if there is none."""
    path = session.path(folder)
    if session.features.facts:
        try:
            return tuple(facts.entries(listing(session, "MLSD", path), folder, session.settings.encoding))
        except Refused:
            session.features = session.features.without_facts()
        except Unclear as refusal:
            raise explained(session, path, refusal) from refusal
    return _listed(session, folder, path)


def find(session: Session, item: ItemId) -> Entry:
    """The item as it is now. Raises `NotFound`."""
    if not item:
        return ROOT
    path = session.path(item)
    if session.features.facts:
        try:
            answer = session.command("MLST", path)
        except Unclear as refusal:
            raise NotFound(refusal.detail, item=path) from refusal
        encoding = session.settings.encoding
        if found := facts.described(answer, item, parent_of(item), name_of(item), encoding):
            return found
    kind = kind_at(session, path)
    if kind is None:
        raise NotFound("nothing is there", item=path)
    bare = Entry(item, parent_of(item), name_of(item), kind)
    return replace(bare, size=size(session, path), modified=modified(session, path)) if kind is Kind.FILE else bare


def kind_at(session: Session, path: str) -> Kind | None:
    """Whether a file or a folder is at a path, without MLST: files have a SIZE, folders can be entered."""
    try:
        size(session, path)
    except ItemError:
        return Kind.FOLDER if is_folder(session, path) else None
    return Kind.FILE


def is_folder(session: Session, path: str) -> bool:
    """Whether there is a folder at the path that we may enter."""
    try:
        session.enter(path)
    except ItemError:
        return False
    return True


def size(session: Session, path: str) -> int:
    """A file's size in bytes (RFC 3659 §4)."""
    answer = session.command("SIZE", path)[4:].strip()
    if not answer.isdigit():
        raise Refused(f"the server gave {answer!r} for a size", item=path)
    return int(answer)


def modified(session: Session, path: str) -> datetime | None:
    """When a file was last modified (MDTM, RFC 3659 §3); `None` if the server does not say."""
    if not session.features.has("MDTM"):
        return None
    try:
        return facts.when(session.command("MDTM", path)[4:])
    except ItemError:
        return None


def set_modified(session: Session, path: str, when: datetime) -> bool:
    """Set a time, in whole seconds; whether the server did."""
    form = session.features.sets_times
    if form is None:
        return False
    try:
        session.command(form.partition(" {time}")[0] + f" {when.astimezone(UTC):%Y%m%d%H%M%S}", path)
    except ItemError:
        return False
    return True


def make(session: Session, folder: ItemId, name: str) -> Entry:
    """Make a folder, or find the one that is there. Raises `Conflict` if a file is there."""
    item = child(folder, name)
    path = session.path(item)
    try:
        session.command("MKD", path)
    except ItemError as refusal:
        if not is_folder(session, path):
            if kind_at(session, path) is Kind.FILE:
                raise Conflict("a file stands there", item=path) from refusal
            raise explained(session, session.path(folder), refusal) from refusal
    return Entry(item, folder, name, Kind.FOLDER)


def remove(session: Session, item: ItemId) -> None:
    """Remove a file or an empty folder; it may be gone already."""
    path = session.path(item)
    session.wired(path)
    try:
        session.command("DELE", path)
    except ItemError as refusal:
        _remove_folder(session, item, path, refusal)


def rename(session: Session, old: str, new: str) -> None:
    """Give what is at `old` the path `new`. A file that stands there is replaced.

    If the server will not do that at once, what stands there is moved aside first, and moved back if the rest fails.

    Raises:
        Conflict: a folder stands there.
    """
    # After RNFR only RNTO may follow: both names must be fit before.
    session.wired(old)
    session.wired(new)
    try:
        session.command("RNFR", old)
    except ItemError as refusal:
        raise explained(session, old, refusal) from refusal
    try:
        session.command("RNTO", new)
    except ItemError as refusal:
        if is_folder(session, new):
            raise Conflict("a folder stands there", item=new) from refusal
        if kind_at(session, new) is None:
            raise explained(session, new.rpartition("/")[0] or "/", refusal) from refusal
        _replace(session, old, new)


def explained(session: Session, path: str, refusal: ItemError) -> ItemError:
    """What a refusal without a reason was about: is anything there? Others stay as they are."""
    if not isinstance(refusal, Unclear):
        return refusal
    if session.broken or kind_at(session, path) is None:
        return NotFound(refusal.detail, item=path)
    return Denied(refusal.detail, item=path)


def beside(path: str, mark: str | None = None) -> str:
    """A new name in the same folder, for a file that is not whole yet. What goes aside for a moment gets no mark: it is the user's."""
    return f"{path.rpartition('/')[0]}/{temporary_name(mark)}"


def _listed(session: Session, folder: ItemId, path: str) -> tuple[Entry, ...]:
    """By LIST, in the folder itself: with a path, servers would take stars for patterns and a dash for an option."""
    try:
        session.enter(path)
    except Unclear as refusal:
        raise explained(session, path, refusal) from refusal
    raw = b""
    if session.features.unix:
        try:
            raw = listing(session, "LIST -a", None)
        except Refused:
            raw = b""
    raw = raw or listing(session, "LIST", None)
    found = lines.entries(raw, folder, session.settings.encoding, now=datetime.now(UTC))
    if not session.settings.exact_times or not session.features.has("MDTM"):
        return tuple(found)
    return tuple(_timed(session, entry) for entry in found)


def _timed(session: Session, entry: Entry) -> Entry:
    if entry.kind is not Kind.FILE or not {"\r", "\n", "\0"}.isdisjoint(entry.name):
        return entry
    exact = modified(session, session.path(entry.id))
    return entry if exact is None else replace(entry, modified=exact)


def _remove_folder(session: Session, item: ItemId, path: str, refusal: ItemError) -> None:
    session.forget_place()
    session.enter(session.base)
    try:
        session.command("RMD", path)
    except ItemError as second:
        if session.features.facts:
            try:
                kind = find(session, item).kind
            except NotFound:
                return
        else:
            kind = kind_at(session, path)
            if kind is None:
                return
        problem = second if kind is Kind.FOLDER else refusal
        raise Denied(problem.detail, item=path) if isinstance(problem, Unclear) else problem from refusal


def _move(session: Session, old: str, new: str) -> None:
    session.command("RNFR", old)
    session.command("RNTO", new)


def _replace(session: Session, old: str, new: str) -> None:
    aside = beside(new)
    _move(session, new, aside)
    try:
        _move(session, old, new)
    except ItemError:
        _move(session, aside, new)
        raise
    session.command("DELE", aside)
