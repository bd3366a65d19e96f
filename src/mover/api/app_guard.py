"""Who asks, by the session in the cookie, and whether our own pages do the asking.

Two walls against other sites. Browsers say where a request comes from (`Sec-Fetch-Site`, `Origin`), and what does not come from our own
pages is refused, reading too. And each change carries a token made of the session's, which no other site can know. `SameSite=Lax` is a
third. Source: OWASP Cross-Site Request Forgery Prevention; RFC 6265bis §4.1.3 (`__Host-`), https://www.w3.org/TR/fetch-metadata/.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Request, Response

from mover.api.guard import desk_of
from mover.core.errors.access import CrossSite, NotProved, WrongHost
from mover.core.secret import Secret
from mover.service.actor import Actor, Origin
from mover.service.signin import sessions
from mover.service.signin.passkeys import Site
from mover.service.signin.sessions import Opened, Visitor
from mover.store.signin_sessions import LONGEST, Session

COOKIE: Final = "__Host-mover"
TOKEN: Final = "x-csrf-token"  # noqa: S105  # the name of a header
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Ours:
    """Which requests are of our own pages: those under one of these host names, over TLS."""

    names: frozenset[str]

    @classmethod
    def of(cls, names: Collection[str]) -> Ours:
        """For those names and addresses."""
        return cls(frozenset(name.strip("[]").lower() for name in names))

    def admit(self, request: Request) -> None:
        """Let the request in. Raises `WrongHost`, `CrossSite`."""
        site = site_of(request)
        if site.host not in self.names:
            raise WrongHost("this server has another name")
        fetched, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        reads = request.method in _READS
        if fetched is not None and fetched != "same-origin" and not (reads and fetched == "none"):
            raise CrossSite("the request comes from another site")
        if origin is not None and origin != site.origin:
            raise CrossSite("the request comes from another site")
        if not reads and origin is None and fetched is None:
            raise CrossSite("a change must say where it comes from (Origin)")


async def by_session(request: Request, origin: Origin) -> Actor:
    """Whose session the cookie is. Raises `NotProved`; `CrossSite` for a change without the session's token."""
    token = _cookie(request)
    if token is None:
        raise NotProved("nobody is signed in", advice="Sign in.")
    actor, session = await sessions.prove(desk_of(request), token, origin)
    if request.method not in _READS:
        told = request.headers.get(TOKEN, "").encode("latin-1")
        if not hmac.compare_digest(told, sessions.cross_site_token(token).encode()):
            raise CrossSite(f"a change must carry the session's token ({TOKEN})", advice="Take it from GET session.")
    request.state.session, request.state.token = session, token
    return actor


def visitor_of(request: Request) -> Visitor:
    """Whoever signs in."""
    origin: Origin = request.state.origin
    return Visitor(origin, request.headers.get("user-agent"), _cookie(request))


def site_of(request: Request) -> Site:
    """The host of a request, which `Ours.admit` has looked at, and its origin."""
    host = request.headers.get("host", "").lower()
    name, colon, port = host.rpartition(":")
    if not colon or not port.isdecimal():
        name = host
    return Site(name.strip("[]"), f"https://{host}")


def session_of(request: Request) -> tuple[Session, Secret]:
    """The session by which the request was let in."""
    return request.state.session, request.state.token


def keep(response: Response, opened: Opened) -> None:
    """Have the browser keep a session's token."""
    response.set_cookie(COOKIE, opened.token.reveal(), LONGEST, path="/", secure=True, httponly=True, samesite="lax")


def drop(response: Response) -> None:
    """Have the browser forget it."""
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")


def _cookie(request: Request) -> Secret | None:
    found = request.cookies.get(COOKIE)
    return Secret(found) if found else None


Here = Annotated[Site, Depends(site_of)]
Visiting = Annotated[Visitor, Depends(visitor_of)]
