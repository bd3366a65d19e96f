"""A stand-in for Nextcloud, which cannot be installed here: only what its developer manual says of WebDAV and chunked upload.

Sources: https://docs.nextcloud.com/server/latest/developer_manual/client_apis/WebDAV/ (basic.html, chunking.html); the answers
to X-OC-Mtime, OC-Checksum and X-Hash as in nextcloud/server, apps/dav. What passes here is proved on a stand-in, not on Nextcloud.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import secrets
import shutil
import ssl
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.sites.base import Site, certificates, site

USER: Final = "anna b"
FILES: Final = f"/remote.php/dav/files/{USER}"
UPLOADS: Final = f"/remote.php/dav/uploads/{USER}"
QUOTA: Final = 1 << 40


@site
def nextcloud_fake(folder: Path) -> Generator[Site]:
    """Basic authentication, as with an app password."""
    made, password = certificates(folder / "tls"), secrets.token_hex(8)
    cloud = Cloud(folder / "cloud", base64.b64encode(f"{USER}:{password}".encode()).decode())
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"cloud": cloud}))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.both)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Site(
            connector="webdav",
            options={
                "url": f"https://localhost:{server.server_port}/remote.php/dav/files/{quote(USER)}/",
                "user": USER,
                "password": password,
                "ca_file": str(made.ca),
            },
            folder=cloud.place(FILES),
            notes={"ca": str(made.ca), "uploads": str(cloud.place(UPLOADS))},
        )
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Cloud:
    """Files below one folder, and what Nextcloud's database holds of them: ETags and checksums, by path."""

    root: Path
    token: str
    tags: dict[Path, str] = field(default_factory=dict[Path, str])
    checksums: dict[Path, str] = field(default_factory=dict[Path, str])
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        for path in (FILES, UPLOADS):
            self.place(path).mkdir(parents=True)

    def place(self, path: str) -> Path:
        """Where a decoded path lies on the disk."""
        return self.root / path.strip("/").removeprefix("remote.php/dav/")

    def changed(self, path: Path, checksum: str = "") -> str:
        """A new ETag; the checksum is what the client said, or nothing."""
        self.tags[path], self.checksums[path] = secrets.token_hex(16), checksum
        return f'"{self.tags[path]}"'

    def tag(self, path: Path) -> str:
        """The ETag of a file or folder, quoted."""
        return f'"{self.tags.setdefault(path, secrets.token_hex(16))}"'


class Handler(BaseHTTPRequestHandler):
    """One request after the other."""

    protocol_version = "HTTP/1.1"
    cloud: Cloud

    def handle_one_request(self) -> None:
        """Whatever the method, through one door: who is it, and where to."""
        try:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            self.path = unquote(urlsplit(self.path).path).rstrip("/")
            self.at = self.cloud.place(self.path)
            if self.path == "/status.php":
                told = {"installed": True, "version": "31.0.4.1", "versionstring": "31.0.4", "productname": "Nextcloud"}
                self.answer(200, json.dumps(told).encode(), {"Content-Type": "application/json"})
            elif self.headers.get("Authorization") != f"Basic {self.cloud.token}":
                self.body()
                self.answer(401, headers={"WWW-Authenticate": 'Basic realm="Nextcloud", charset="UTF-8"'})
            elif not self.path.startswith((FILES, UPLOADS)):
                self.refuse(404, "File not found")
            else:
                getattr(self, f"do_{self.command}")()
        except (OSError, ssl.SSLError):
            self.close_connection = True

    def do_OPTIONS(self) -> None:  # the library's names
        self.answer(200, headers={"DAV": "1, 3, extended-mkcol, nextcloud-checksum-update"})

    def do_PROPFIND(self) -> None:
        self.body()
        if not self.at.exists():
            return self.refuse(404, "File not found")
        shown = [self.at]
        if self.headers.get("Depth") == "1" and self.at.is_dir():
            shown += sorted(self.at.iterdir())
        parts = "".join(self.described(path) for path in shown)
        spaces = 'xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns" xmlns:s="http://sabredav.org/ns"'
        text = f'<?xml version="1.0"?><d:multistatus {spaces}>{parts}</d:multistatus>'
        return self.answer(207, text.encode(), {"Content-Type": "application/xml; charset=utf-8"})

    def described(self, path: Path) -> str:
        """One response."""
        inner = path.relative_to(self.cloud.root).as_posix()
        status = path.stat()
        href = quote(f"/remote.php/dav/{inner}") + ("/" if path.is_dir() else "")
        props = f"<d:getlastmodified>{formatdate(status.st_mtime, usegmt=True)}</d:getlastmodified>"
        props += f"<d:getetag>{escape(self.cloud.tag(path))}</d:getetag>"
        if path.is_dir():
            props += "<d:resourcetype><d:collection/></d:resourcetype><d:quota-used-bytes>123</d:quota-used-bytes>"
            props += f"<d:quota-available-bytes>{QUOTA}</d:quota-available-bytes>"
        else:
            props += f"<d:resourcetype/><d:getcontentlength>{status.st_size}</d:getcontentlength>"
            if checksum := self.cloud.checksums.get(path):
                props += f"<oc:checksums><oc:checksum>{escape(checksum)}</oc:checksum></oc:checksums>"
        found = f"<d:propstat><d:prop>{props}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>"
        return f"<d:response><d:href>{escape(href)}</d:href>{found}</d:response>"

    def do_GET(self) -> None:
        if self.path.startswith(UPLOADS) or self.at.is_dir():
            return self.refuse(405, "Reading intermediate uploads is not allowed")
        if not self.at.is_file():
            return self.refuse(404, "File not found")
        data = self.at.read_bytes()
        headers = {"ETag": self.cloud.tag(self.at), "Content-Type": "application/octet-stream"}
        headers["Last-Modified"] = formatdate(self.at.stat().st_mtime, usegmt=True)
        if checksum := self.cloud.checksums.get(self.at):
            headers["OC-Checksum"] = checksum
        wanted = (self.headers.get("Range") or "").removeprefix("bytes=").partition("-")
        if not wanted[0] or not data:
            return self.answer(200, data, headers)
        first, last = int(wanted[0]), min(int(wanted[2] or len(data)), len(data) - 1)
        if first > last:
            return self.refuse(416, "The start offset was larger than the file")
        headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
        return self.answer(206, data[first : last + 1], headers)

    def do_PUT(self) -> None:
        chunk = self.path.startswith(UPLOADS)
        if chunk and not (self.at.name.isdigit() and 1 <= int(self.at.name) <= 10000 and self.headers["Destination"]):
            self.body()
            return self.refuse(400, "Invalid chunk name, must be numeric between 1 and 10000")
        data = self.body()
        if data is None:
            self.close_connection = True
            return None
        if not self.at.parent.is_dir():
            return self.refuse(409, "Parent node does not exist")
        if self.at.is_dir():
            return self.refuse(409, "PUT is not allowed on non-files.")
        with self.cloud.lock:
            new = not self.at.exists()
            self.at.write_bytes(data)
            tag = self.cloud.changed(self.at, self.headers.get("OC-Checksum") or "")
        headers = {"ETag": tag, "OC-ETag": tag, **self.timed(self.at)}
        asked = self.headers.get("X-Hash") or ""
        for name in ("md5", "sha1", "sha256"):
            if asked in ("all", name):
                headers[f"X-Hash-{name.upper()}"] = hashlib.new(name, data).hexdigest()
        return self.answer(201 if new else 204, headers=headers)

    def timed(self, path: Path) -> dict[str, str]:
        """Set the time that X-OC-Mtime asks for."""
        if not (mtime := self.headers.get("X-OC-Mtime")):
            return {}
        os.utime(path, (int(mtime), int(mtime)))
        return {"X-OC-MTime": "accepted"}

    def do_MKCOL(self) -> None:
        if self.at.exists():
            return self.refuse(405, "The resource you tried to create already exists")
        if not self.at.parent.is_dir():
            return self.refuse(409, "Parent node does not exist")
        self.at.mkdir()
        return self.answer(201)

    def do_DELETE(self) -> None:
        if not self.at.exists():
            return self.refuse(404, "File not found")
        if self.at.is_dir():
            shutil.rmtree(self.at)
        else:
            self.at.unlink()
        return self.answer(204)

    def do_PROPPATCH(self) -> None:
        wanted = re.search(rb"lastmodified>(\d+)<", self.body() or b"")
        if wanted is None or not self.at.exists():
            return self.refuse(404 if wanted is not None else 403, "File not found")
        os.utime(self.at, (int(wanted[1]),) * 2)
        found = "<d:propstat><d:prop><d:lastmodified/></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>"
        text = f'<d:multistatus xmlns:d="DAV:"><d:response><d:href/>{found}</d:response></d:multistatus>'
        return self.answer(207, text.encode())

    def do_COPY(self) -> None:
        self.move(keep=True)

    def do_MOVE(self) -> None:
        if self.path.startswith(UPLOADS):
            self.assemble()
        else:
            self.move(keep=False)

    def move(self, *, keep: bool) -> None:
        """MOVE or COPY of a file or folder."""
        target = self.cloud.place(unquote(urlsplit(self.headers["Destination"]).path))
        if not self.at.exists():
            return self.refuse(404, "File not found")
        if not target.parent.is_dir():
            return self.refuse(409, "The destination node is not found")
        there = target.exists()
        if there and self.headers.get("Overwrite") == "F":
            return self.refuse(412, "The destination node already exists, and the overwrite header is set to false")
        if there and target.is_dir():
            shutil.rmtree(target)
        if keep:
            shutil.copy(self.at, target)
        else:
            self.at.replace(target)
        self.cloud.changed(target, self.cloud.checksums.get(self.at, ""))
        return self.answer(204 if there else 201)

    def assemble(self) -> None:
        """MOVE of `.file`: all chunks, in the order of their names."""
        chunks = self.at.parent
        target = self.cloud.place(unquote(urlsplit(self.headers["Destination"]).path))
        if self.at.name != ".file" or not chunks.is_dir():
            return self.refuse(404, "File not found")
        if not target.parent.is_dir():
            return self.refuse(409, "The destination node is not found")
        data = b"".join(path.read_bytes() for path in sorted(chunks.iterdir(), key=lambda path: int(path.name)))
        expected = int(self.headers.get("OC-Total-Length") or len(data))
        if len(data) != expected:
            return self.refuse(400, f"Chunks on server do not sum up to {expected} but to {len(data)} bytes")
        there = target.exists()
        target.write_bytes(data)
        shutil.rmtree(chunks)
        tag = self.cloud.changed(target)
        return self.answer(204 if there else 201, headers={"OC-ETag": tag, "ETag": tag, **self.timed(target)})

    def body(self) -> bytes | None:
        """The whole body; `None` if the connection ended before it did."""
        if (self.headers.get("Transfer-Encoding") or "").lower() == "chunked":
            data = bytearray()
            while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return bytes(data)
        want = int(self.headers.get("Content-Length") or 0)
        data = bytearray(self.rfile.read(want))
        return bytes(data) if len(data) == want else None

    def refuse(self, status: int, message: str) -> None:
        """An error as sabre/dav writes it."""
        spaces = 'xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns"'
        text = f'<?xml version="1.0"?><d:error {spaces}><s:exception>E</s:exception><s:message>{escape(message)}</s:message></d:error>'
        self.answer(status, text.encode(), {"Content-Type": "application/xml; charset=utf-8"})

    def answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        """Send an answer."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the library's name
        """Nothing: tests speak for themselves."""
