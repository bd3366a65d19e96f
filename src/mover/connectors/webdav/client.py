"""Opening a connection: signing in, seeing which server stands there, choosing the client it needs."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from mover.connectors._kit.paths import ROOT
from mover.connectors.webdav.address import Address, address_of
from mover.connectors.webdav.extras import CopiesThere, SetsTimes, TellsRoom, WritesChunks, uploads_of
from mover.connectors.webdav.files import WebDav
from mover.connectors.webdav.multistatus import Resource
from mover.connectors.webdav.servers import (
    GENERIC,
    NEXTCLOUD,
    OWNCLOUD_10,
    Traits,
    cloud_path,
    from_headers,
    from_status,
    overruled,
)
from mover.connectors.webdav.session import OK, Session
from mover.connectors.webdav.signin import SignIn
from mover.connectors.webdav.spec import SPEC
from mover.core.errors import BadOption, Denied, ItemError, LinkError
from mover.core.options import Options
from mover.core.spec import Cap
from mover.net.http import Http, HttpSettings, http

_ROOM = (
    b'<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:prop><D:resourcetype/>'
    b"<D:quota-used-bytes/><D:quota-available-bytes/></D:prop></D:propfind>"
)


@asynccontextmanager
async def connect(options: Options) -> AsyncGenerator[WebDav]:
    """Open the connection: sign in, see what kind of server it is.

    Raises:
        BadOption: there is no WebDAV folder at the address.
        LinkError: it cannot be reached, or does not accept who we say we are.
    """
    address, ca_file = address_of(options), options.text("ca_file")
    settings = HttpSettings(ca_file=Path(ca_file) if ca_file else None, allow_plain=options.switch("plain_http"))
    async with http(settings) as pool:
        yield await _opened(pool, address, options)


async def _opened(http: Http, address: Address, options: Options) -> WebDav:
    """The client for the server at `address`, signed in."""
    session = Session(http, address, SignIn(options))
    root = await _first_look(session)
    traits = overruled(await _recognised(session, options), options)
    uploads = uploads_of(address, options.text("user")) if traits.chunks else None
    caps = SPEC.caps & ~(Cap.PARTS | Cap.QUOTA | Cap.KEEPS_MODIFIED | Cap.SET_MODIFIED | Cap.COPY_INSIDE)
    bases: list[type] = []
    if traits.times != "no":
        caps |= Cap.KEEPS_MODIFIED
    if traits.times != "no" and traits.sets_times:
        caps |= Cap.SET_MODIFIED
        bases.append(SetsTimes)
    if traits.times == "no" or traits.sets_times:
        caps |= Cap.COPY_INSIDE
        bases.append(CopiesThere)
    if root.get("quota-used-bytes") is not None:
        caps |= Cap.QUOTA
        bases.append(TellsRoom)
    if uploads is not None:
        caps |= Cap.PARTS
        bases.append(WritesChunks)
    # what a client can do is told by the methods it has, so its class is put together for the server that was found
    kind = cast("type[WebDav]", type("WebDav", (*bases, WebDav), {"uploads": uploads}))
    return kind(session, traits, caps)


async def _first_look(session: Session) -> Resource:
    url = session.address.of(ROOT.id, folder=True)
    try:
        found = await session.find(url, 0, _ROOM, item="the connection's folder")
    except LinkError:
        raise
    except Denied as problem:
        raise BadOption(f"this user may not use {url}: {problem.detail}", item="url") from problem
    except ItemError as problem:
        raise BadOption(f"there is no WebDAV folder at {url}: {problem.detail}", item="url") from problem
    if not found or not found[0].collection:
        raise BadOption(f"there is no WebDAV folder at {url}", item="url")
    return found[0]


async def _recognised(session: Session, options: Options) -> Traits:
    vendor = options.must("vendor")
    if vendor == "generic":
        return GENERIC
    place = cloud_path(session.address.path)
    if place is not None or vendor in ("nextcloud", "owncloud"):
        before = place.before if place is not None else ""
        answer = await session.send("GET", session.address.beside(f"{before}/status.php"))
        told = from_status(answer.body) if answer.status == OK else None
        if vendor != "auto":
            wanted = NEXTCLOUD if vendor == "nextcloud" else OWNCLOUD_10
            return told if told is not None and told.name == wanted.name else wanted
        if told is not None:
            return told
    answer = await session.send("OPTIONS", session.address.of(ROOT.id, folder=True))
    return from_headers(answer.header("server") or "", answer.headers.getall("dav"), answer.header("allow") or "")
