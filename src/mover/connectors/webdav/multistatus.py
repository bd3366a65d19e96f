"""Reading 207 Multi-Status answers (RFC 4918 §13) piece by piece, however long they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat  # the document type declaration, and with it every entity, is refused below

from mover.core.errors import Refused, Unreachable

DAV: Final = "DAV:"
_FINE: Final = 2
_TEXT_LIMIT: Final = 1 << 16
_DEPTH_LIMIT: Final = 64
_RESPONSE, _FIELD, _IN_PROPSTAT, _PROPERTY = 1, 2, 3, 4
"""How deep elements lie: multistatus / response / href, propstat / prop, status / each property."""


@dataclass(slots=True)
class Resource:
    """One `response`: an address and the properties the server has for it, by "namespace name".

    `collection` tells folders. `status` is that of the whole response, where it has one. A property with elements inside holds
    their texts, joined by spaces.
    """

    href: str = ""
    collection: bool = False
    status: int | None = None
    properties: dict[str, str] = field(default_factory=dict[str, str])

    def get(self, name: str, namespace: str = DAV) -> str | None:
        """The text of a property; `None` if the server has it not, or empty."""
        return self.properties.get(f"{namespace} {name}") or None


class MultiStatus:
    """Feed it bytes; it gives every resource as soon as it is complete.

    Raises (all methods):
        Refused: the answer holds a document type, or is deeper or longer in one place than any listing.
        Unreachable: the answer is no well-formed XML, or ended before its end.
    """

    def __init__(self) -> None:
        self._ready: list[Resource] = []
        self._path: list[str] = []
        self._text: list[str] = []
        self._length = 0
        self._resource = Resource()
        self._found: dict[str, str] = {}
        self._found_status = 200
        self._collection = False
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = _refuse_doctype
        self._parser = parser

    def feed(self, data: bytes) -> list[Resource]:
        """The resources that these bytes complete."""
        return self._parse(data, final=False)

    def close(self) -> list[Resource]:
        """Say that this was all; checks that the document is complete."""
        return self._parse(b"", final=True)

    def _parse(self, data: bytes, *, final: bool) -> list[Resource]:
        try:
            self._parser.Parse(data, final)
        except expat.ExpatError as problem:
            raise Unreachable(f"the server's listing is broken or ended early: {problem}") from problem
        ready, self._ready = self._ready, []
        return ready

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        depth = len(self._path)
        if depth >= _DEPTH_LIMIT:
            raise Refused("the server's listing is nested too deeply")
        self._path.append(name)
        if depth == _RESPONSE:
            self._resource = Resource()
        elif depth == _FIELD and name == "DAV: propstat":
            self._found, self._found_status, self._collection = {}, 200, False
        if depth <= _PROPERTY:
            self._text, self._length = [], 0
        elif name == "DAV: collection" and self._path[_PROPERTY] == "DAV: resourcetype":
            self._collection = True
        else:
            self._characters(" ")

    def _end(self, name: str) -> None:
        self._path.pop()
        depth = len(self._path)
        if depth == _PROPERTY and self._path[_IN_PROPSTAT] == "DAV: prop":
            self._found[name] = "".join(self._text).strip()
        elif depth == _IN_PROPSTAT and name == "DAV: status":
            self._found_status = _status_of("".join(self._text))
        elif depth == _FIELD:
            self._end_of_field(name)
        elif depth == _RESPONSE and name == "DAV: response":
            self._ready.append(self._resource)

    def _end_of_field(self, name: str) -> None:
        if name == "DAV: href" and not self._resource.href:
            self._resource.href = "".join(self._text).strip()
        elif name == "DAV: status":
            self._resource.status = _status_of("".join(self._text))
        elif name == "DAV: propstat" and self._found_status // 100 == _FINE:
            self._resource.properties.update(self._found)
            self._resource.collection = self._resource.collection or self._collection

    def _characters(self, text: str) -> None:
        self._length += len(text)
        if self._length > _TEXT_LIMIT:
            raise Refused("the server's listing holds a text that is too long")
        self._text.append(text)


def _refuse_doctype(*_: object) -> None:
    raise Refused("the server's listing holds a document type, which no WebDAV answer has")


def _status_of(line: str) -> int:
    words = line.split()
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 200
