"""Reading the XML of answers. A document type, and with it every entity of its own, is refused."""

from __future__ import annotations

from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from mover.core.errors import Unreachable

__all__ = ["Element", "parse"]


def parse(body: bytes) -> Element:
    """The root element.

    Raises:
        Unreachable: this is no XML, or declares a document type: something else than the store answered.
    """
    if b"<!DOCTYPE" in body:
        raise Unreachable("the answer is XML with a document type; the store sends none")
    try:
        # The encoding is fixed, so that the line above sees what the parser sees.
        return ET.fromstring(body.removeprefix(b"\xef\xbb\xbf"), ET.XMLParser(encoding="utf-8"))  # noqa: S314  # no entities
    except ET.ParseError as problem:
        raise Unreachable(f"the answer is no XML: {problem}") from None
