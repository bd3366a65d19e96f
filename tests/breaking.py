"""Ways of breaking a connector: each is the name of a method and what stands in for it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from types import MethodType
from typing import Any, cast

from tests.complete import Complete

from mover.core.model import Entry, ItemId, Page

Wrap = Callable[..., Any]

# One break is: the method it replaces, and what stands in for it; it is called with the honest method first.
Break = tuple[str, Wrap]


def behind(honest: Wrap) -> Complete:
    """The connector whose method this is."""
    return cast("MethodType", honest).__self__  # type: ignore[return-value]  # methods here are bound to one


def listed(change: Callable[[Entry], Entry | None]) -> Break:
    """Listings show changed entries, or leave them out."""

    async def broken(honest: Wrap, *args: Any) -> Page:
        page: Page = await honest(*args)
        return Page(tuple(e for old in page.entries if (e := change(old)) is not None), page.next)

    return "list", broken


def named(change: Callable[[str], str | None]) -> Break:
    """Listings of the checks' own folders show other names."""

    def other(entry: Entry) -> Entry | None:
        name = change(entry.name)
        return None if name is None else replace(entry, name=name)

    return listed(other)


def answered(method: str, change: Callable[[Entry], Entry]) -> Break:
    """A method does its work and answers with another entry."""

    async def broken(honest: Wrap, *args: Any) -> Entry:
        return change(await honest(*args))

    return method, broken


def silent(method: str, result: Any = None) -> Break:
    """A method does nothing and says that all is well."""

    async def broken(honest: Wrap, *args: Any) -> Any:
        return result

    return method, broken


def quiet(method: str, *errors: type[Exception], result: Any = None) -> Break:
    """A method keeps its errors to itself."""

    async def broken(honest: Wrap, *args: Any) -> Any:
        try:
            return await honest(*args)
        except errors:
            return result

    return method, broken


def reading(change: Callable[..., bytes]) -> Break:
    """Reading gives other bytes: `change(data, start, end)`."""

    def broken(honest: Wrap, item: Entry, *, start: int = 0, end: int | None = None) -> Any:
        @asynccontextmanager
        async def read() -> AsyncGenerator[Any]:
            async with honest(item) as body:
                body.whole = change(body.whole, start, end)
                body.size = len(body.whole)
                yield body

        return read()

    return "read", broken


def partial() -> Break:
    """Writing leaves what came before the failure."""

    async def broken(honest: Wrap, folder: ItemId, name: str, body: Any, *rest: Any) -> Entry:
        connector = behind(honest)
        came = b""
        async for chunk in body.chunks():
            came += chunk
            connector.store(folder, name, came)
        return await honest(folder, name, body, *rest)

    return "write", broken
