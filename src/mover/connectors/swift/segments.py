"""The segments that large objects are made of: whose they are, and how they go.

Source: https://docs.openstack.org/swift/latest/overview_large_objects.html
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Final, cast

from mover.connectors.swift.address import Object
from mover.connectors.swift.session import Session
from mover.core.errors import NotFound

_ABREAST: Final = 8
_MANIFEST: Final = {"multipart-manifest": "get", "format": "raw"}


async def of_object(session: Session, where: Object) -> list[Object]:
    """The segments of a static large object; none for any other object, and where there is none.

    Those of a dynamic large object are whatever lies below its prefix, maybe for other objects too: they are nobody's to remove.
    """
    try:
        answer = await session.ask("HEAD", where)
        if (answer.header("x-static-large-object") or "").lower() != "true":
            return []
        manifest = await session.ask("GET", where, _MANIFEST)
    except NotFound:
        return []
    told: object = json.loads(manifest.body)
    rows = cast("list[object]", told) if isinstance(told, list) else []
    paths = [str(cast("dict[str, object]", row).get("path")) for row in rows if isinstance(row, dict)]
    found = [path.removeprefix("/").partition("/") for path in paths]
    return [Object(container, name) for container, _, name in found if container and name]


async def drop(session: Session, gone: Sequence[Object]) -> None:
    """Remove segments; those that are gone are no error."""
    for start in range(0, len(gone), _ABREAST):
        await asyncio.gather(*[_remove(session, where) for where in gone[start : start + _ABREAST]])


async def _remove(session: Session, where: Object) -> None:
    try:
        await session.ask("DELETE", where)
    except NotFound:
        return
