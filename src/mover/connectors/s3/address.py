"""Where things are: ids to buckets and keys, and these to addresses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

from mover.core.errors import BadOption, NotEncrypted, Unfit
from mover.core.model import ItemId
from mover.core.options import Options

_PLAIN_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
"""A bucket's name that can be one label of a host name (no dots: a wildcard certificate covers one label)."""


class Object(NamedTuple):
    """A bucket and a key in it. A key that is empty or ends in "/" is a prefix; no bucket means the list of buckets."""

    bucket: str
    key: str


@dataclass(frozen=True, slots=True)
class Address:
    """How ids become requests.

    Ids are keys below `base`: "a/b" is a file, "a/b/" a folder, "" the root. `base` is "", or begins with the bucket and ends
    in "/". Without a bucket in it, the first part of an id is the bucket.
    """

    scheme: str
    host: str
    virtual: bool
    base: str

    def of(self, item: str) -> Object:
        """The bucket and key that an id stands for."""
        bucket, _, key = (self.base + item).partition("/")
        return Object(bucket, key)

    def id(self, where: Object) -> ItemId:
        """The id that stands for a bucket and key below `base`."""
        return ItemId(f"{where.bucket}/{where.key}"[len(self.base) :])

    def request(self, where: Object) -> tuple[str, str]:
        """Host and percent-encoded path."""
        key = quote(where.key, safe="/~", errors="surrogateescape")
        if self.virtual and where.bucket:
            return f"{where.bucket}.{self.host}", f"/{key}"
        return self.host, f"/{where.bucket}/{key}" if where.key else f"/{where.bucket}"


def address(options: Options) -> Address:
    """The address that the options describe.

    Raises:
        BadOption: the endpoint is no address, or a folder was given without a bucket.
        NotEncrypted: the endpoint begins with http:// and `plain_http` is off.
    """
    plain = options.switch("plain_http")
    region, given = options.must("region"), options.text("endpoint")
    endpoint = given or f"s3.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"
    if "//" not in endpoint:
        endpoint = f"{'http' if plain else 'https'}://{endpoint}"
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.path.strip("/"):
        raise BadOption("the endpoint is no address such as https://s3.example.org", item="endpoint")
    if parts.scheme == "http" and not plain:
        raise NotEncrypted("the endpoint begins with http://: switch plain_http on to accept that", item="endpoint")
    if parts.scheme == "https" and plain:
        raise BadOption("plain_http is on, and the endpoint begins with https://", item="plain_http")
    bucket, path = options.text("bucket") or "", (options.text("path") or "").strip("/")
    if "/" in bucket:
        raise BadOption("a bucket's name has no slash; folders belong into the option path", item="bucket")
    base = "/".join(filter(None, (bucket, path)))
    style = options.must("addressing")
    virtual = style == "virtual" or (style == "auto" and not given and bool(_PLAIN_NAME.fullmatch(bucket)))
    return Address(parts.scheme, _host(parts.hostname, parts.port, parts.scheme), virtual, f"{base}/" if base else "")


def file_in(folder: ItemId, name: str) -> ItemId:
    """The id of a file.

    Raises:
        Unfit: the name is empty, `.` or `..`, or holds a slash or a zero byte.
    """
    if name in ("", ".", "..") or "/" in name or "\x00" in name:
        raise Unfit(f"{name!r} is no name of a file or folder", item=name)
    return ItemId(folder + name)


def folder_in(folder: ItemId, name: str) -> ItemId:
    """The id of a folder. Raises `Unfit` as `file_in` does."""
    return ItemId(file_in(folder, name) + "/")


def split(item: str) -> tuple[ItemId, str]:
    """The folder that an id lies in, and its name there."""
    cut = item.rfind("/", 0, len(item) - 1) + 1
    return ItemId(item[:cut]), item[cut:].removesuffix("/")


def _host(name: str, port: int | None, scheme: str) -> str:
    shown = f"[{name}]" if ":" in name else name
    return shown if port is None or port == {"http": 80, "https": 443}[scheme] else f"{shown}:{port}"
