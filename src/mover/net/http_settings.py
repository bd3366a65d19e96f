"""How a pool of HTTP connections is set up: TLS, trust, proxy, times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.proxy import ProxyBuilder

from mover.core.errors import BadOption
from mover.net._http_faults import short, why
from mover.net.tls import authorities


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How to speak to one provider. Times are in seconds.

    `ca_file` is a PEM file of certificate authorities to trust beside the system's. `proxy` is an URL; the environment's
    proxies never count. `idle` ends a request on which no byte moved for that long; there is no limit on a whole request,
    which may carry terabytes. `allow_plain` lets `http://` addresses through.
    """

    ca_file: Path | None = None
    proxy: str | None = None
    connect: float = 30.0
    idle: float = 120.0
    connections: int = 64
    allow_plain: bool = False
    user_agent: str = "mover"


def client(settings: HttpSettings) -> Client:
    """A client for small requests: they end when nothing is read for `idle` seconds after they began.

    Raises:
        BadOption: `ca_file` or `proxy` cannot be used.
    """
    try:
        return _builder(settings).read_timeout(timedelta(seconds=settings.idle)).build()
    except (PyreqwestError, ValueError) as problem:
        raise BadOption(f"these settings cannot be used: {short(why(problem))}", item="ca_file") from None


def _builder(settings: HttpSettings) -> ClientBuilder:
    builder = (
        ClientBuilder()
        .http1_only()
        .follow_redirects(False)
        .referer(False)
        .gzip(False)
        .brotli(False)
        .zstd(False)
        .deflate(False)
        .min_tls_version("TLSv1.2")
        .connect_timeout(timedelta(seconds=settings.connect))
        .max_connections(settings.connections)
        .https_only(not settings.allow_plain)
        .user_agent(settings.user_agent)
        .no_proxy()
    )
    if settings.proxy is not None:
        builder = builder.proxy(_proxy(settings.proxy))
    for pem in authorities(settings.ca_file) if settings.ca_file else ():
        builder = builder.add_root_certificate_pem(pem)
    return builder


def _proxy(url: str) -> ProxyBuilder:
    try:
        return ProxyBuilder.all(url)
    except (PyreqwestError, ValueError):
        raise BadOption("the proxy is no URL such as http://proxy.example:3128", item="proxy") from None
