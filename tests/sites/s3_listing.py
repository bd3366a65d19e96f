"""A bucket of any number of objects that exists only as its listing, in folders of 1,000: answers ListObjectsV2 and nothing else.

No site of the conformance suite: there is nothing to read or write.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import ssl
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import uvloop
from tests.sites.base import Site, certificates, free_port, running

PAGE: Final = 1_000
HEAD: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    "<Name>bucket</Name><Prefix></Prefix><EncodingType>url</EncodingType>"
)
ROW: Final = (
    "<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.500Z</LastModified>"
    "<ETag>&quot;{tag:032x}&quot;</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
)


@contextmanager
def bucket_of(count: int, folder: Path) -> Generator[Site]:
    """A store whose one bucket lists `count` objects, each as `key_of` names it and of `number % 1000` bytes."""
    made, port = certificates(folder / "tls"), free_port()
    command = [sys.executable, __file__, str(count), str(port), made.chain, made.key]
    root = str(Path(__file__).parents[2])
    with running(command, port=port, log=folder / "listing.log", env={"PYTHONPATH": root}):
        yield Site(
            connector="s3",
            options={
                "endpoint": f"https://localhost:{port}",
                "bucket": "bucket",
                "access_key_id": "key",
                "secret_access_key": secrets.token_hex(8),
                "ca_file": str(made.ca),
            },
        )


def key_of(number: int) -> str:
    """The key of an object, url-encoded as the store sends it; the keys are in order."""
    return f"d{number // 1000:05}/file+%C3%A9{number:08}.dat"


def page(start: int, end: int, *, more: bool) -> bytes:
    """The answer that has the objects from `start` up to `end`; with `more`, the next one begins there."""
    rows = "".join([ROW.format(key=key_of(n), tag=n, size=n % 1000) for n in range(start, end)])
    return _whole(rows, end if more else None)


def folders(count: int) -> bytes:
    """The answer that has the bucket's folders, one for a thousand objects."""
    names = [key_of(n).partition("/")[0] for n in range(0, count, 1000)]
    return _whole("".join([f"<CommonPrefixes><Prefix>{name}/</Prefix></CommonPrefixes>" for name in names]), None)


def _whole(inner: str, following: int | None) -> bytes:
    token = "" if following is None else f"<NextContinuationToken>{following}</NextContinuationToken>"
    truncated = str(following is not None).lower()
    return f"{HEAD}<IsTruncated>{truncated}</IsTruncated>{token}{inner}</ListBucketResult>".encode()


class Answers:
    """Every answer is made before the first is asked for: whoever measures a client must not measure this program."""

    def __init__(self, count: int) -> None:
        self._pages = [
            page(start, min(start + PAGE, count), more=start + PAGE < count) for start in range(0, max(count, 1), PAGE)
        ]
        self._folders = folders(count)

    def to(self, query: Mapping[str, str]) -> bytes:
        """The answer to a query: a folder, all folders, or all objects from a token on."""
        if folder := re.fullmatch("d([0-9]{5})/", query.get("prefix", "")):
            return _last(self._pages[int(folder[1])])
        if "delimiter" in query:
            return self._folders
        return self._pages[int(query.get("continuation-token", "0")) // PAGE]


def _last(answer: bytes) -> bytes:
    """The same objects, but no more of them behind."""
    alone = re.sub(rb"<NextContinuationToken>[0-9]*</NextContinuationToken>", b"", answer, count=1)
    return alone.replace(b"<IsTruncated>true<", b"<IsTruncated>false<", 1)


async def _serve(count: int, port: int, chain: str, key: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    answers = Answers(count)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                target = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].decode()
                body = answers.to(dict(parse_qsl(urlsplit(target).query)))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port, ssl=context)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]))
