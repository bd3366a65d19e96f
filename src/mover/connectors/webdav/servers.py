"""What kind of server this is, and what follows from it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, cast

from mover.core.model import Algorithm
from mover.core.options import Options

Times = Literal["header", "property", "no"]

OWNCLOUD: Final = "http://owncloud.org/ns"


@dataclass(frozen=True, slots=True)
class Traits:
    """What a server does beyond RFC 4918.

    `atomic`: a PUT shows nothing until all of it has arrived. `times`: how it keeps modification times. `checksums`: it has
    `oc:checksums`. `hashes`: the digest that it makes of what it receives, when asked by `X-Hash`. `claims`: the checksums a PUT
    may carry in `OC-Checksum`, the best first, and whether several may stand together. `chunks`: it has the folder of uploads.
    `silent`: it takes times without saying so. `sets_times`: it can change the time of a file that is there. `hides_dots`: it
    lists no name that begins with a dot.
    """

    name: str = "generic"
    atomic: bool = False
    times: Times = "no"
    checksums: bool = False
    hashes: Algorithm | None = None
    claims: tuple[Algorithm, ...] = ()
    many_claims: bool = False
    chunks: bool = False
    silent: bool = False
    sets_times: bool = True
    hides_dots: bool = False


GENERIC: Final = Traits()
APACHE: Final = Traits("apache", atomic=True, times="property")
NGINX: Final = Traits("nginx", atomic=True, hides_dots=True)
RCLONE: Final = Traits("rclone", times="header", checksums=True, silent=True, sets_times=False)
NEXTCLOUD: Final = Traits(
    "nextcloud",
    atomic=True,
    times="header",
    checksums=True,
    claims=("sha1", "md5", "sha256"),
    many_claims=True,
    chunks=True,
)
OWNCLOUD_10: Final = Traits(
    "owncloud", atomic=True, times="header", checksums=True, claims=("sha1", "md5"), chunks=True
)
INFINITE_SCALE: Final = Traits("infinite-scale", atomic=True, times="header", checksums=True, claims=("sha1", "md5"))

HASHES_SINCE: Final = 25
"""The major version of Nextcloud from which it is trusted to answer `X-Hash`."""

_NGINX_ALLOWS: Final = re.compile(r"GET,HEAD,(?:[A-Z]+,)*(?:PROPFIND|OPTIONS)\b")
_SABRE_PATH: Final = re.compile(
    r"(?P<before>.*)/remote\.php/(?:dav/files/(?P<user>[^/]+)|webdav|dav/spaces)(?P<below>/.*)?$"
)


@dataclass(frozen=True, slots=True)
class CloudPath:
    """The parts of a Nextcloud or ownCloud address, percent-encoded: before `/remote.php`, the user, the folder below."""

    before: str
    user: str | None
    below: str


def cloud_path(path: str) -> CloudPath | None:
    """The parts of such an address; `None` if it is none."""
    found = _SABRE_PATH.match(path)
    return CloudPath(found["before"], found["user"], found["below"] or "") if found else None


def from_headers(server: str, dav: Sequence[str], allow: str) -> Traits:
    """What the answer to OPTIONS tells. The marks are those that a proxy in front of another server would not make itself."""
    if any("<http://apache.org/dav/propset/fs/1>" in value for value in dav):
        return APACHE
    if server.startswith("nginx") and _NGINX_ALLOWS.match(allow):
        return NGINX
    return RCLONE if server.startswith("rclone/") else GENERIC


def from_status(body: bytes) -> Traits | None:
    """What `status.php` of a Nextcloud or ownCloud tells; `None` if it is none.

    Source: https://docs.nextcloud.com/server/latest/developer_manual/ (status.php: productname, version).
    """
    try:
        told: object = json.loads(body)
    except ValueError:
        return None
    if not isinstance(told, dict):
        return None
    fields = cast("dict[str, object]", told)
    product = str(fields.get("productname") or fields.get("product") or "").lower()
    if "infinite scale" in product or "opencloud" in product:
        return INFINITE_SCALE
    if "owncloud" in product:
        return OWNCLOUD_10
    if "nextcloud" not in product and "versionstring" not in fields:
        return None
    return nextcloud(str(fields.get("version", "")))


def nextcloud(version: str = "") -> Traits:
    """A Nextcloud of that version."""
    major = version.split(".", maxsplit=1)[0]
    if not (major.isdigit() and int(major) >= HASHES_SINCE):
        return NEXTCLOUD
    return replace(NEXTCLOUD, hashes="sha256")


def overruled(traits: Traits, options: Options) -> Traits:
    """The traits, as far as the user did not say otherwise."""
    if (atomic := options.must("atomic_put")) != "auto":
        traits = replace(traits, atomic=atomic == "yes")
    if (times := options.must("times")) != "auto":
        traits = replace(traits, times=cast("Times", times))
    return traits
