"""Reading the XML of answers. A document type, and with it every entity of its own, is refused."""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from mover.core.errors import Unreachable

_NAMESPACE: Final = re.compile(rb"\sxmlns=[\"'][^\"']*[\"']")

__all__ = ["Element", "parse", "text"]


def parse(body: bytes) -> Element:
    """The root element, names without the store's namespace.

    Raises:
        Unreachable: this is no XML, or declares a document type: something else than the store answered.
    """
    if b"<!DOCTYPE" in body:
        raise Unreachable("the answer is XML with a document type; a store sends none")
    try:
        # The encoding is fixed, so that the line above sees what the parser sees.
        return ET.fromstring(_NAMESPACE.sub(b"", body, 1), ET.XMLParser(encoding="utf-8"))  # noqa: S314  # no entities
    except ET.ParseError as problem:
        raise Unreachable(f"the answer is no XML: {problem}") from None


def text(element: Element, name: str) -> str:
    """The text of a child; "" if there is none."""
    return element.findtext(name) or ""
