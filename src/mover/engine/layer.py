"""The user's own layer of encryption: a connector around a connector.

What a run writes through `Encrypted` is sealed, content and on request names, with a key that only the user holds; what it reads through
it is opened. The provider, its administrators and whoever takes a copy there see ciphertext. The form is rclone's crypt
(docs/decisions/0040): `rclone` opens it too.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Final, cast

from mover.core.connector import NOTHING, Connector, Describes, Finds, ImpliesFolders, SetsModified, TellsQuota
from mover.core.errors import Damaged, Unsupported, Untranslatable
from mover.core.model import Algorithm, Attributes, Body, Cursor, Digest, Download, Entry, ItemId, Kind, Page, Quota
from mover.core.spec import Cap, Spec
from mover.crypto.digests import Hashers
from mover.crypto.rclone_crypt import HEADER, CryptKey, decrypted_size, encrypted_name_size, encrypted_size

SUFFIX: Final = ".bin"
"""What rclone's crypt puts behind a file's name where names are not encrypted."""

_KEPT: Final = Cap.KEEPS_MODIFIED | Cap.KEEPS_METADATA | Cap.EMPTY_FOLDERS | Cap.EMPTY_FILES
_PASSED: Final = _KEPT | Cap.FIND | Cap.DESCRIBE | Cap.IMPLIED_FOLDERS | Cap.SET_MODIFIED | Cap.QUOTA | Cap.LINKS


class Encrypted:
    """The plain view of a folder whose content is encrypted by rclone's crypt."""

    def __init__(self, inner: Connector, key: CryptKey, *, names: bool) -> None:
        self._inner = inner
        self._key = key
        self._names = names
        self.caps: Cap = inner.caps & _PASSED
        self.foreign = 0
        """Items that were listed and that nobody encrypted with this key."""

    async def root(self) -> Entry:
        return await self._inner.root()

    async def list(self, folder: ItemId, after: Cursor | None = None) -> Page:
        page = await self._inner.list(folder, after)
        entries = tuple(self._plain(entry) for entry in page.entries)
        self.foreign += sum(entry.kind is Kind.FOREIGN for entry in entries)
        return Page(entries, page.next)

    @asynccontextmanager
    async def read(self, item: Entry, *, start: int = 0, end: int | None = None) -> AsyncGenerator[Download]:
        """As `Connector.read`, from the beginning to the end only."""
        if start or end is not None:
            raise Unsupported("an encrypted file is read from its beginning")
        sealed = replace(item, size=None if item.size is None else encrypted_size(item.size))
        async with self._inner.read(sealed) as body:
            yield _Opened(body, self._key, replace(self._plain(body.entry), name=item.name))

    async def write(self, folder: ItemId, name: str, body: Body, attributes: Attributes = NOTHING) -> Entry:
        """As `Connector.write`.

        What the provider reports of the ciphertext is held against what was sent; if that is right, the answer carries the SHA-256 of
        the plain bytes that this ciphertext was made from.
        """
        size = None if body.size is None else encrypted_size(body.size)
        sealed = _Sealed(body, self._key, size, self._inner.algorithms(size))
        written = await self._inner.write(folder, self._sealed_name(name, Kind.FILE), sealed, attributes)
        told = sealed.confirmed_by(written)
        plain = replace(self._plain(written), name=name)
        return replace(plain, digests=(sealed.plain_digest,)) if told else plain

    async def make_folder(self, folder: ItemId, name: str) -> Entry:
        return replace(await self._inner.make_folder(folder, self._sealed_name(name, Kind.FOLDER)), name=name)

    async def remove(self, item: ItemId) -> None:
        await self._inner.remove(item)

    def algorithms(self, size: int | None) -> frozenset[Algorithm]:
        sealed = None if size is None else encrypted_size(size)
        return frozenset({"sha256"}) if self._inner.algorithms(sealed) else frozenset()

    async def find(self, path: str) -> Entry:
        """The item at a path of the provider's, as ids and links have it.

        Only such a path says where something is both above and below the folder in which the encryption begins.
        """
        return self._plain(await cast("Finds", self._inner).find(path))

    async def describe(self, item: Entry) -> Entry:
        sealed = replace(item, size=None if item.size is None else encrypted_size(item.size))
        return replace(self._plain(await cast("Describes", self._inner).describe(sealed)), name=item.name)

    def folder_at(self, folder: ItemId, name: str) -> ItemId | None:
        return cast("ImpliesFolders", self._inner).folder_at(folder, self._sealed_name(name, Kind.FOLDER))

    async def set_modified(self, item: ItemId, modified: datetime) -> None:
        await cast("SetsModified", self._inner).set_modified(item, modified)

    async def quota(self) -> Quota:
        return await cast("TellsQuota", self._inner).quota()

    def _sealed_name(self, name: str, kind: Kind) -> str:
        if self._names:
            return self._key.encrypt_name(name)
        return name + SUFFIX if kind is Kind.FILE else name

    def _plain(self, entry: Entry) -> Entry:
        """The entry as it is inside; one that nobody encrypted with this key is shown as what cannot be copied."""
        try:
            name = self._plain_name(entry)
            size = None if entry.size is None or entry.kind is not Kind.FILE else decrypted_size(entry.size)
        except Untranslatable:
            return replace(entry, kind=Kind.FOREIGN)
        return replace(entry, name=name, size=size, digests=())

    def _plain_name(self, entry: Entry) -> str:
        if self._names:
            return self._key.decrypt_name(entry.name)
        if entry.kind is Kind.FILE and not entry.name.endswith(SUFFIX):
            raise Untranslatable("not a file that was encrypted here", item=entry.name)
        return entry.name.removesuffix(SUFFIX) if entry.kind in (Kind.FILE, Kind.LINK) else entry.name


def layered(spec: Spec, *, names: bool) -> Spec:
    """The spec of a provider as it is behind the layer: names grow, and so do files."""
    limits = spec.limits
    most = limits.name_bytes or limits.name_chars
    if most is not None:
        most = max(n for n in range(most) if encrypted_name_size(n) <= most) if names else most - len(SUFFIX)
    size = (
        None if limits.file_size is None else limits.file_size - (encrypted_size(limits.file_size) - limits.file_size)
    )
    return replace(spec, limits=replace(limits, name_bytes=most, name_chars=None, file_size=size))


class _Sealed:
    """A body on its way out, encrypted as it passes; each reading makes a fresh nonce."""

    def __init__(self, body: Body, key: CryptKey, size: int | None, algorithms: frozenset[Algorithm]) -> None:
        self._body = body
        self._key = key
        self._algorithms = algorithms
        self._outside = Hashers(algorithms)
        self._inside = hashlib.sha256()
        self.size = size
        self.whole: bytes | None = None
        self.digests: tuple[Digest, ...] = ()
        if body.whole is not None:
            self.whole = b"".join(self._encrypted_whole(body.whole))
            self.digests = self._outside.digests()

    @property
    def plain_digest(self) -> Digest:
        """The SHA-256 of the plain bytes."""
        return Digest("sha256", self._inside.digest())

    def confirmed_by(self, written: Entry) -> bool:
        """Whether the provider told a digest of the ciphertext, and it is the right one.

        Raises:
            Damaged: it is another one.
        """
        told = [(d, theirs) for d in self._outside.digests() if (theirs := written.digest(d.algorithm)) is not None]
        for mine, theirs in told:
            if mine.value != theirs.value:
                raise Damaged(
                    f"we sent {mine.algorithm} {mine.hex}, but the destination has {theirs.hex}", item=written.name
                )
        return bool(told)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The ciphertext."""
        if self.whole is not None:
            yield self.whole
            return
        self._outside, self._inside = Hashers(self._algorithms), hashlib.sha256()
        encryptor = self._key.encryptor()
        yield self._counted(encryptor.header)
        async for chunk in self._body.chunks():
            self._inside.update(chunk)
            if sealed := encryptor.update(chunk):
                yield self._counted(sealed)
        if rest := encryptor.finish():
            yield self._counted(rest)

    def _encrypted_whole(self, data: bytes) -> list[bytes]:
        encryptor = self._key.encryptor()
        self._inside.update(data)
        return [self._counted(part) for part in (encryptor.header, encryptor.update(data), encryptor.finish())]

    def _counted(self, sealed: bytes) -> bytes:
        self._outside.update(sealed)
        return sealed


class _Opened:
    """A body on its way in, decrypted as it passes."""

    whole: bytes | None = None

    def __init__(self, body: Download, key: CryptKey, entry: Entry) -> None:
        self._body = body
        self._key = key
        self.entry = entry
        self.digests: tuple[Digest, ...] = ()
        self.size: int | None = None if body.size is None else decrypted_size(body.size)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The plain bytes.

        Raises:
            Untranslatable: another key, or the file was changed or cut.
        """
        decryptor = None
        header = b""
        async for chunk in _pieces(self._body):
            data = chunk
            if decryptor is None:
                header += data
                if len(header) < HEADER:
                    continue
                header, data = header[:HEADER], header[HEADER:]
                decryptor = self._key.decryptor(header)
            if plain := decryptor.update(data):
                yield plain
        if decryptor is None:
            raise Untranslatable("the file is shorter than the head of an encrypted one", item=self.entry.name)
        if rest := decryptor.finish():
            yield rest


async def _pieces(body: Body) -> AsyncIterator[bytes]:
    if body.whole is not None:
        yield body.whole
        return
    async for chunk in body.chunks():
        yield chunk
