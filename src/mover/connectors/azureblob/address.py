"""Where things are: ids to blobs, and these to addresses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from mover.core.errors import BadOption, NotEncrypted, Unfit
from mover.core.model import ItemId
from mover.core.options import Options

_ACCOUNT: Final = re.compile(r"[a-z0-9]{3,24}")
_CONTAINER: Final = re.compile(r"\$root|\$web|\$logs|[a-z0-9](?:-?[a-z0-9]){2,62}")
_BAD: Final = re.compile(r"[/\\\x00-\x1f\x7f-\x9f]|\.$")


@dataclass(frozen=True, slots=True)
class Address:
    """How ids become requests.

    Ids are names of blobs below `base`: "a/b" is a file, "a/b/" a folder, "" the root. `base` is "" or ends in "/".
    `origin` is scheme and host; `path` is the percent-encoded path of the container, with a leading "/".
    """

    account: str
    origin: str
    path: str
    base: str

    @property
    def plain(self) -> bool:
        """Whether requests go unencrypted."""
        return self.origin.startswith("http://")

    def of(self, item: str) -> str:
        """The percent-encoded path of the blob that an id stands for; of the container itself for `None`-like ""."""
        return f"{self.path}/{quote(self.base + item, safe='/~')}"


def address(options: Options) -> Address:
    """The address that the options describe.

    Raises:
        BadOption: account, container or endpoint are none.
        NotEncrypted: the endpoint begins with http:// and `plain_http` is off.
    """
    account, container, plain = options.must("account"), options.must("container"), options.switch("plain_http")
    if not _ACCOUNT.fullmatch(account):
        raise BadOption("an account's name has 3 to 24 small letters and digits", item="account")
    if not _CONTAINER.fullmatch(container):
        raise BadOption("a container's name has 3 to 63 small letters, digits and single hyphens", item="container")
    scheme = "http" if plain else "https"
    endpoint = options.text("endpoint") or f"{scheme}://{account}.blob.core.windows.net"
    parts = urlsplit(endpoint if "//" in endpoint else f"{scheme}://{endpoint}")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise BadOption("the endpoint is no address such as https://blob.example.org", item="endpoint")
    if parts.scheme == "http" and not plain:
        raise NotEncrypted("the endpoint begins with http://: switch plain_http on to accept that", item="endpoint")
    if parts.scheme == "https" and plain:
        raise BadOption("plain_http is on, and the endpoint begins with https://", item="plain_http")
    base = (options.text("path") or "").strip("/")
    above = parts.path.rstrip("/")
    return Address(account, f"{parts.scheme}://{parts.netloc}", f"{above}/{container}", f"{base}/" if base else "")


def file_in(folder: ItemId, name: str) -> ItemId:
    """The id of a file.

    Raises:
        Unfit: the name is empty, ends in a dot, or holds a slash, a backslash or a control character: the store would
            take it for another name, or refuse it.
    """
    if not name or _BAD.search(name):
        raise Unfit(f"Azure cannot keep the name {name!r}", item=name)
    return ItemId(folder + name)


def folder_in(folder: ItemId, name: str) -> ItemId:
    """The id of a folder. Raises `Unfit` as `file_in` does."""
    return ItemId(file_in(folder, name) + "/")


def split(item: str) -> tuple[ItemId, str]:
    """The folder that an id lies in, and its name there."""
    cut = item.rfind("/", 0, len(item) - 1) + 1
    return ItemId(item[:cut]), item[cut:].removesuffix("/")
