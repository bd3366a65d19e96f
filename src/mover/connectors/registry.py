"""All connectors, by key. Listing them imports their specs only; a client is imported when one connects."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Final, cast

from mover.core.connector import Connector
from mover.core.errors import BadOption
from mover.core.options import Options
from mover.core.spec import Spec

OURS: Final = ("azureblob", "ftp", "ftps", "local", "memory", "mysql", "s3", "sftp", "swift", "webdav")


@cache
def specs() -> MappingProxyType[str, Spec]:
    """Every spec by its key: ours, and those that other distributions bring (entry point group `mover.connectors`)."""
    from importlib import metadata  # it reads the whole environment's: only who lists all connectors pays for it

    found: list[object] = [_ours(key) for key in OURS]
    found += [point.load() for point in metadata.entry_points(group="mover.connectors")]
    by_key: dict[str, Spec] = {}
    for spec in found:
        if not isinstance(spec, Spec) or by_key.setdefault(spec.key, spec) is not spec:
            raise ValueError(f"two connectors, or none, under one key: {spec!r}")
    return MappingProxyType(by_key)


def spec(key: str) -> Spec:
    """The spec of one connector.

    Raises:
        BadOption: there is none of that key; the text lists those there are.
    """
    if key in OURS:
        return _ours(key)
    try:
        return specs()[key]
    except KeyError:
        raise BadOption(f"there is no connector {key}; there are: {', '.join(sorted(specs()))}", item=key) from None


@cache
def _ours(key: str) -> Spec:
    return cast("Spec", import_module(f"mover.connectors.{key}.spec").SPEC)


def connect(options: Options) -> AbstractAsyncContextManager[Connector]:
    """Open a connection; leaving the context closes it. Failures are `LinkError` or `UsageError`."""
    module, function = options.spec.client.split(":")
    home = module if "." in module else f"mover.connectors.{options.spec.key}.{module}"
    opener = getattr(import_module(home), function)
    return cast("AbstractAsyncContextManager[Connector]", opener(options))
