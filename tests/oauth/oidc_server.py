"""The certified OpenID provider `oidc-provider` (npm), and a browser that signs a user in at it."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import ssl
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import (
    HTTPCookieProcessor,
    HTTPRedirectHandler,
    HTTPSHandler,
    ProxyHandler,
    Request,
    build_opener,
)

from tests.oauth.canaries import canary
from tests.sites.base import EXTRACTED, Certificates, Missing, free_port, running

VERSION: Final = "9.13.3"
REDIRECT: Final = "https://mover.example/oauth/callback/oidc"


@dataclass(frozen=True)
class Oidc:
    """The running provider; `secret` is that of its clients `post` and `basic`."""

    issuer: str
    secret: str
    ca: Path


@contextmanager
def oidc_provider(
    folder: Path, made: Certificates, keys: Mapping[str, Any], service_key: Mapping[str, Any]
) -> Generator[Oidc]:
    """The provider with the clients `post`, `basic`, `public` and one for each of `keys` (public JWKs), which proves itself by it.

    Raises:
        Missing: it is not here.
    """
    modules, node = EXTRACTED / "node/oidc-provider/node_modules", shutil.which("node")
    if node is None or not (modules / "oidc-provider").exists():
        raise Missing(
            f"oidc-provider is not here: install Node.js and run tools/extract_npm.sh oidc-provider@{VERSION}"
        )
    port = free_port()
    found = Oidc(f"https://127.0.0.1:{port}", f"{canary('secret')} +/&%:-and-more", made.ca)
    settings = {
        "issuer": found.issuer,
        "port": port,
        "key": str(made.key),
        "chain": str(made.chain),
        "modules": str(modules),
        "cookie_keys": [secrets.token_hex(16)],
        "service_key": service_key,
        "clients": _clients(found, keys),
    }
    command = [node, Path(__file__).with_name("oidc.mjs")]
    with running(command, port=port, log=folder / "oidc.log", env={"OIDC": json.dumps(settings), "NODE_OPTIONS": ""}):
        yield found


def signed_in(oidc: Oidc, address: str, *, agrees: bool = True) -> str:
    """What a browser brings back (the query) after its user signed in and agreed, or did not."""
    browser = _Browser(oidc)
    place, body = browser.get(address)
    for _ in range(12):
        if place.startswith(REDIRECT):
            return place.partition("?")[2]
        action = re.search(r'action="([^"]+)"', body)
        prompt = re.search(r'name="prompt" value="([^"]+)"', body)
        if action is None or prompt is None:
            raise AssertionError(f"no form at {place.partition('?')[0]}: {body[:500]}")
        if not agrees:
            abort = re.search(r'href="([^"]+/abort)"', body)
            assert abort is not None
            place, body = browser.get(urljoin(place, abort[1]))
            continue
        form = {"prompt": prompt[1], "login": "alice", "password": "any"}
        place, body = browser.get(urljoin(place, action[1]), form)
    raise AssertionError(f"the sign-in does not end: {place.partition('?')[0]}")


def _clients(found: Oidc, keys: Mapping[str, Any]) -> list[dict[str, Any]]:
    full = {
        "redirect_uris": [REDIRECT],
        "response_types": ["code"],
        "scope": "openid offline_access files.read",
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
    }
    bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    more = {**full, "client_secret": found.secret, "grant_types": [*full["grant_types"], bearer]}
    return [
        {**more, "client_id": "post", "token_endpoint_auth_method": "client_secret_post"},
        {**more, "client_id": "basic", "token_endpoint_auth_method": "client_secret_basic"},
        {
            **full,
            "client_id": "public",
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        },
        *(
            {**full, "client_id": name, "token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [key]}}
            for name, key in keys.items()
        ),
    ]


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *given: Any, **named: Any) -> None:
        return None


class _Browser:
    """Follows redirects, keeps cookies, and stops where Mover would be."""

    def __init__(self, oidc: Oidc) -> None:
        context = ssl.create_default_context(cafile=str(oidc.ca))
        self._opener = build_opener(
            ProxyHandler({}), HTTPSHandler(context=context), HTTPCookieProcessor(CookieJar()), _Stay()
        )

    def get(self, url: str, form: Mapping[str, str] | None = None) -> tuple[str, str]:
        """Where it ends, and the page there."""
        body = None if form is None else urlencode(form).encode()
        while not url.startswith(REDIRECT):
            try:
                with self._opener.open(Request(url, body)) as answer:  # noqa: S310  # https
                    return url, answer.read().decode()
            except HTTPError as problem:
                if problem.code not in {302, 303}:
                    raise AssertionError(f"{problem.code} {problem.read()[:1000]!r}") from None
                url, body = urljoin(url, problem.headers["location"]), None
        return url, ""
