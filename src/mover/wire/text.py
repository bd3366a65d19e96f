"""Names on the wire are bytes: a provider's name need not be UTF-8, and MessagePack's text must be."""

from __future__ import annotations


def raw(text: str) -> bytes:
    """The bytes of a name; those that are not UTF-8 come back as they were (PEP 383)."""
    return text.encode("utf-8", "surrogateescape")


def text(raw: bytes) -> str:
    """The name that these bytes are."""
    return raw.decode("utf-8", "surrogateescape")


def raw_or_none(value: str | None) -> bytes | None:
    """As `raw`; nothing stays nothing."""
    return None if value is None else raw(value)


def text_or_none(value: bytes | None) -> str | None:
    """As `text`; nothing stays nothing."""
    return None if value is None else text(value)
