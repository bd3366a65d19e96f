"""Where things are: ids to containers and names of objects, and back."""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

from mover.core.errors import BadOption, NotEncrypted, Unfit
from mover.core.model import ItemId
from mover.core.options import Options

MOST_BYTES: Final = 1024
"""Bytes of an object's name: https://docs.openstack.org/swift/latest/api/object_api_v1_overview.html"""


class Object(NamedTuple):
    """A container and a name in it. A name that is empty or ends in "/" is a prefix; no container means the list of containers."""

    container: str
    name: str

    @property
    def path(self) -> str:
        """The percent-encoded path below the account's address."""
        if not self.container:
            return ""
        inner = f"/{_quoted(self.name)}" if self.name else ""
        return f"/{quote(self.container, safe='', errors='surrogateescape')}{inner}"


class Place(NamedTuple):
    """How ids become objects.

    Ids are names below `base`: "a/b" is a file, "a/b/" a folder, "" the root. `base` is "", or begins with the container and
    ends in "/". Without a container in it, the first part of an id is the container.
    """

    base: str

    def of(self, item: str) -> Object:
        """The container and name that an id stands for."""
        container, _, name = (self.base + item).partition("/")
        return Object(container, name)

    def id(self, where: Object) -> ItemId:
        """The id that stands for an object below `base`."""
        return ItemId(f"{where.container}/{where.name}"[len(self.base) :])


def place_of(options: Options) -> Place:
    """The folder that the options container and path name together."""
    container, path = options.text("container") or "", (options.text("path") or "").strip("/")
    if "/" in container:
        raise BadOption("a container's name has no slash; folders belong into the option path", item="container")
    if path and not container:
        raise BadOption("a path needs a container", item="path")
    base = "/".join(filter(None, (container, path)))
    return Place(f"{base}/" if base else "")


def checked_url(url: str, options: Options, option: str) -> str:
    """An address without a slash at its end.

    Raises:
        BadOption: it is no address, or contradicts plain_http.
        NotEncrypted: it is a plain http one and plain_http is off.
    """
    plain = options.switch("plain_http")
    given = url if "://" in url else f"http{'' if plain else 's'}://{url}"
    try:
        parts = urlsplit(given)
    except ValueError as problem:
        raise BadOption(f"{url} is no address: {problem}", item=option) from problem
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise BadOption(f"{url} is no address such as https://swift.example.org/v1", item=option)
    if parts.scheme == "http" and not plain:
        raise NotEncrypted(f"{option} begins with http://; this is accepted only with plain_http and allow_unencrypted")
    if parts.scheme == "https" and plain:
        raise BadOption(f"plain_http is on, and {option} begins with https://", item="plain_http")
    return given.rstrip("/")


def file_in(place: Place, folder: ItemId, name: str) -> ItemId:
    """The id of a file.

    Raises:
        Unfit: the name is empty, `.` or `..`, holds a slash or a zero byte, or makes the object's name too long.
    """
    if name in ("", ".", "..") or "/" in name or "\x00" in name:
        raise Unfit(f"{name!r} is no name of a file or folder", item=name)
    item = ItemId(folder + name)
    try:
        length = len(place.of(item).name.encode())
    except UnicodeEncodeError as problem:
        raise Unfit("a name in Swift is UTF-8", item=item) from problem
    if length > MOST_BYTES:
        raise Unfit(f"the object's name has {length} bytes, at most {MOST_BYTES} fit", item=item)
    return item


def split(item: str) -> tuple[ItemId, str]:
    """The folder that an id lies in, and its name there."""
    cut = item.rfind("/", 0, len(item) - 1) + 1
    return ItemId(item[:cut]), item[cut:].removesuffix("/")


def is_path(item: str) -> bool:
    """Whether an id can be walked to: no part of it is empty, `.` or `..`."""
    if "//" in item or item.startswith("/"):
        return False
    dotted = "./" in item or item.endswith(".")
    return not (dotted and {".", ".."} & set(item.split("/")))


def _quoted(name: str) -> str:
    return quote(name, safe="/~", errors="surrogateescape")
