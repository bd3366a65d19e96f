"""Signing in: what each version asks, and where it answers with the token and the account's address.

Sources: https://docs.openstack.org/swift/latest/api/object_api_v1_overview.html (version 1), Keystone's
https://docs.openstack.org/api-ref/identity/v3/ and its v2.0; Rackspace's https://docs.rackspace.com/docs/cloud-identity (API keys).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast
from urllib.parse import urlsplit

from mover.connectors.swift.address import checked_url
from mover.connectors.swift.errors import failure
from mover.core.errors import BadCredentials, BadOption, Unreachable
from mover.core.options import Options
from mover.core.secret import Secret
from mover.net.http import Answer, Http

Json = Mapping[str, object]
_JSON: Final = {"content-type": "application/json", "accept": "application/json"}
_SERVICE: Final = "object-store"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A token, the account's address, and until when (`time.monotonic`) the token is used: half an hour if nobody says."""

    token: Secret
    storage_url: str
    until: float


async def sign_in(http: Http, options: Options) -> Ticket:
    """A fresh ticket.

    Raises:
        BadCredentials: user or key are not accepted.
        BadOption: something is missing, or there is no storage in that region.
    """
    url = checked_url(options.must("auth_url"), options, "auth_url")
    version = _version(url, options)
    way = _WAYS[version]
    ticket = await way(http, url, options, version)
    given = options.text("storage_url")
    storage = checked_url(given or ticket.storage_url, options, "storage_url")
    return Ticket(ticket.token, storage, ticket.until)


def _version(url: str, options: Options) -> str:
    version = options.must("auth_version")
    rackspace = (urlsplit(url).hostname or "").endswith("rackspacecloud.com")
    if version == "auto":
        version = "3" if "/v3" in url or options.text("application_credential_id") else "2" if "/v2" in url else "1"
    return "rackspace" if version == "2" and rackspace else version


async def _first(http: Http, url: str, options: Options, _: str) -> Ticket:
    headers = {"x-auth-user": options.must("user"), "x-auth-key": _key(options).reveal()}
    answer = await http.send("GET", url, headers)
    _must_be_good(answer)
    token, storage = answer.header("x-auth-token"), answer.header("x-storage-url")
    if not token or not storage:
        raise Unreachable("the sign-in answered without a token; is the address right?")
    seconds = answer.header("x-auth-token-expires") or ""
    return Ticket(Secret(token), storage, _until(float(seconds) if seconds.isdigit() else None))


async def _second(http: Http, url: str, options: Options, version: str) -> Ticket:
    user, key = options.must("user"), _key(options).reveal()
    if version == "rackspace":
        auth: dict[str, object] = {"RAX-KSKEY:apiKeyCredentials": {"username": user, "apiKey": key}}
    else:
        auth = {"passwordCredentials": {"username": user, "password": key}}
    if tenant := options.text("tenant"):
        auth["tenantName"] = tenant
    if tenant_id := options.text("tenant_id"):
        auth["tenantId"] = tenant_id
    answer = await http.send("POST", f"{url}/tokens", _JSON, json.dumps({"auth": auth}).encode())
    access = _object(_told(answer), "access")
    token = _object(access, "token")
    wanted = f"{options.must('endpoint_type')}URL"
    storage = _endpoint(access.get("serviceCatalog"), options, lambda e: e.get(wanted))
    return Ticket(Secret(str(token.get("id"))), storage, _until(_seconds_to(token.get("expires"))))


async def _third(http: Http, url: str, options: Options, _: str) -> Ticket:
    base = url if "/v3" in url else f"{url}/v3"
    answer = await http.send("POST", f"{base}/auth/tokens", _JSON, json.dumps({"auth": _identity(options)}).encode())
    token = _object(_told(answer), "token")
    wanted = options.must("endpoint_type")
    storage = _endpoint(token.get("catalog"), options, lambda e: e.get("url") if e.get("interface") == wanted else None)
    subject = answer.header("x-subject-token")
    if not subject:
        raise Unreachable("the sign-in answered without a token; is the address right?")
    return Ticket(Secret(subject), storage, _until(_seconds_to(token.get("expires_at"))))


_WAYS: Final = {"1": _first, "2": _second, "rackspace": _second, "3": _third}


def _identity(options: Options) -> Json:
    if credential := options.text("application_credential_id"):
        secret = options.secret("application_credential_secret")
        if secret is None:
            raise BadOption("an application credential needs its secret", item="application_credential_secret")
        told = {"id": credential, "secret": secret.reveal()}
        return {"identity": {"methods": ["application_credential"], "application_credential": told}}
    domain = {"name": options.must("domain")}
    user = {"name": options.must("user"), "domain": domain, "password": _key(options).reveal()}
    identity: dict[str, object] = {"identity": {"methods": ["password"], "password": {"user": user}}}
    if project := options.text("tenant_id"):
        identity["scope"] = {"project": {"id": project}}
    elif project := options.text("tenant"):
        above = {"name": options.text("tenant_domain") or options.must("domain")}
        identity["scope"] = {"project": {"name": project, "domain": above}}
    return identity


def _endpoint(catalog: object, options: Options, address: Callable[[Json], object]) -> str:
    if options.text("storage_url"):
        return options.must("storage_url")
    region, found = options.text("region"), dict[str, str]()
    for service in _objects(catalog):
        if service.get("type") == _SERVICE:
            for endpoint in _objects(service.get("endpoints")):
                if url := address(endpoint):
                    found[str(endpoint.get("region") or endpoint.get("region_id") or "")] = str(url)
    fitting = [url for name, url in found.items() if region is None or name.lower() == region.lower()]
    if len(fitting) == 1:
        return fitting[0]
    there = ", ".join(sorted(found)) or "none"
    what = "needs its region" if fitting else f"has no storage in the region {region}"
    raise BadOption(f"this account {what}; there are: {there}", item="region")


def _key(options: Options) -> Secret:
    key = options.secret("key")
    if key is None:
        raise BadOption("signing in needs the option key", item="key")
    return key


def _told(answer: Answer) -> Json:
    _must_be_good(answer)
    try:
        told: object = json.loads(answer.body)
    except ValueError as problem:
        raise Unreachable("the sign-in answered something else than JSON; is the address right?") from problem
    return cast("Json", told) if isinstance(told, dict) else {}


def _must_be_good(answer: Answer) -> None:
    if answer.status in (401, 403):
        raise BadCredentials("the sign-in does not accept this user and key")
    if answer.status // 100 != 2:  # noqa: PLR2004  # a success
        raise failure(answer, "sign-in")


def _object(told: Json, name: str) -> Json:
    found = told.get(name)
    if not isinstance(found, dict):
        raise Unreachable(f"the sign-in answered without {name}; is the address right?")
    return cast("Json", found)


def _objects(told: object) -> list[Json]:
    if not isinstance(told, list):
        return []
    return [cast("Json", one) for one in cast("list[object]", told) if isinstance(one, dict)]


def _seconds_to(moment: object) -> float | None:
    try:
        return datetime.fromisoformat(str(moment)).timestamp() - time.time()
    except ValueError:
        return None


def _until(seconds: float | None) -> float:
    """A token is renewed before it ends, so that no long upload meets its end: after nine tenths of its time."""
    return time.monotonic() + (1800.0 if seconds is None else max(seconds, 0.0)) * 0.9
