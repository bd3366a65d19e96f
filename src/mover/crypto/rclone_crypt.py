"""rclone's crypt format: the layer of encryption that users may put on their files themselves, with a key only they hold.

Content: `RCLONE`, two zero bytes, a nonce of 24 bytes, then blocks of 64 KiB sealed with XSalsa20-Poly1305, each under the nonce plus its
number. Names: padded (PKCS#7), enciphered with AES-EME, written in base32hex; the same name always gives the same name, in every folder.

Known limits of the format: a file cut at the end of a block is seen by its size only, and lengths of files and names show.

Source: https://rclone.org/crypt/#file-formats
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from nacl.bindings import crypto_secretbox, crypto_secretbox_open
from nacl.exceptions import CryptoError

from mover.core.errors import BadOption, Unfit, Untranslatable
from mover.core.secret import Secret
from mover.crypto.eme import BLOCK as NAME_BLOCK
from mover.crypto.eme import MOST, Eme

HEADER: Final = 32
BLOCK: Final = 64 << 10
OVERHEAD: Final = 16
SEALED_BLOCK: Final = BLOCK + OVERHEAD

_MAGIC: Final = b"RCLONE\x00\x00"
_NONCE: Final = 24
_SALT: Final = bytes.fromhex("a80df43a8fbd0308a7cab83e581f86b1")
"""What rclone uses where the user gave no second password."""


def encrypted_size(size: int) -> int:
    """How many bytes the encrypted form of `size` bytes has."""
    return HEADER + size + OVERHEAD * -(-size // BLOCK)


def decrypted_size(size: int) -> int:
    """How many bytes an encrypted file of `size` bytes holds.

    Raises:
        Untranslatable: no encrypted file has that size.
    """
    whole, rest = divmod(size - HEADER, SEALED_BLOCK)
    if size < HEADER or 0 < rest <= OVERHEAD:
        raise Untranslatable(f"no file encrypted by rclone's crypt is {size} bytes long")
    return whole * BLOCK + max(0, rest - OVERHEAD)


def encrypted_start(start: int) -> int:
    """The offset in the encrypted file from which a `Decryptor` that begins at byte `start` must be fed."""
    return HEADER + start // BLOCK * SEALED_BLOCK


class CryptKey:
    """The keys that a password and its salt make. Making them takes a good tenth of a second, on purpose (scrypt)."""

    __slots__ = ("_content", "_names")

    def __init__(self, password: Secret, salt: Secret | None = None) -> None:
        """Derive the keys; `salt` is rclone's `password2`.

        Raises:
            BadOption: the password is empty.
        """
        if not password:
            raise BadOption("the password to encrypt with is empty", item="encrypt-to")
        bits = Scrypt(salt.reveal().encode() if salt else _SALT, 80, n=16384, r=8, p=1).derive(
            password.reveal().encode()
        )
        self._content = bits[:32]
        self._names = Eme(bits[32:64], bits[64:])

    def encryptor(self, nonce: bytes | None = None) -> Encryptor:
        """To encrypt one file. Give a `nonce` (24 bytes) only to make the same bytes of the same content once more."""
        return Encryptor(self._content, nonce or os.urandom(_NONCE))

    def decryptor(self, header: bytes, start: int = 0) -> Decryptor:
        """To decrypt one file from byte `start`; `header` are the encrypted file's first 32 bytes.

        Raises:
            Untranslatable: the file was not encrypted by rclone's crypt.
        """
        return Decryptor(self._content, header, start)

    def encrypt_name(self, name: str) -> str:
        """The encrypted form of one name (not of a path).

        Raises:
            Unfit: the name is too long: more than 2047 bytes.
        """
        plain = name.encode("utf-8", "surrogateescape")
        if not plain:
            return ""
        fill = NAME_BLOCK - len(plain) % NAME_BLOCK
        if len(plain) + fill > MOST:
            raise Unfit("the name is too long to be encrypted", item=name)
        sealed = self._names.encrypt(plain + bytes((fill,)) * fill)
        return base64.b32hexencode(sealed).decode().rstrip("=").lower()

    def decrypt_name(self, name: str) -> str:
        """The name inside an encrypted one (of either case).

        Raises:
            Untranslatable: it is no encrypted name, or one of another key.
        """
        if not name:
            return ""
        try:
            sealed = base64.b32hexdecode(name.upper() + "=" * (-len(name) % 8))
            plain = self._names.decrypt(sealed)
        except (ValueError, binascii.Error) as error:
            raise Untranslatable("the name is not one that rclone's crypt makes", item=name) from error
        fill = plain[-1]
        if not 0 < fill <= NAME_BLOCK or plain[-fill:] != bytes((fill,)) * fill or len(plain) == fill:
            raise Untranslatable("the name was encrypted with another key", item=name)
        return plain[:-fill].decode("utf-8", "surrogateescape")


def encrypted_name_size(size: int) -> int:
    """How many characters the encrypted form of a name of `size` bytes has."""
    return -(-(size // NAME_BLOCK + 1) * NAME_BLOCK * 8 // 5) if size else 0


class _Blocks:
    """Cuts a stream into blocks and puts each through the box under its own nonce."""

    def __init__(self, key: bytes, nonce: bytes, length: int, box: Callable[[bytes, bytes, bytes], bytes]) -> None:
        self._key = key
        self._nonce = int.from_bytes(nonce, "little")
        self._length = length
        self._box = box
        self._rest = b""

    def update(self, data: bytes) -> bytes:
        data = self._rest + data
        end = len(data) // self._length * self._length
        self._rest = data[end:]
        return b"".join([self._one(data[at : at + self._length]) for at in range(0, end, self._length)])

    def finish(self) -> bytes:
        rest, self._rest = self._rest, b""
        return self._one(rest) if rest else b""

    def _one(self, block: bytes) -> bytes:
        nonce = self._nonce.to_bytes(_NONCE, "little")
        self._nonce = (self._nonce + 1) % (1 << 8 * _NONCE)
        return self._box(block, nonce, self._key)


class Encryptor:
    """Encrypts one file, piece by piece: `header`, then what `update` gives, then what `finish` gives."""

    def __init__(self, key: bytes, nonce: bytes) -> None:
        self.header = _MAGIC + nonce
        self._blocks = _Blocks(key, nonce, BLOCK, crypto_secretbox)

    def update(self, data: bytes) -> bytes:
        """The encrypted bytes that are ready; may be none yet."""
        return self._blocks.update(data)

    def finish(self) -> bytes:
        """The rest."""
        return self._blocks.finish()


class Decryptor:
    """Decrypts one file from some byte on; feed it the encrypted file from `encrypted_start` of that byte."""

    def __init__(self, key: bytes, header: bytes, start: int) -> None:
        if len(header) != HEADER or not header.startswith(_MAGIC):
            raise Untranslatable("the file was not encrypted by rclone's crypt: its first bytes are other ones")
        first, self._skip = divmod(start, BLOCK)
        nonce = (int.from_bytes(header[len(_MAGIC) :], "little") + first) % (1 << 8 * _NONCE)
        self._blocks = _Blocks(key, nonce.to_bytes(_NONCE, "little"), SEALED_BLOCK, crypto_secretbox_open)

    def update(self, data: bytes) -> bytes:
        """The plain bytes that are ready; may be none yet.

        Raises:
            Untranslatable: they were encrypted with another key, or changed.
        """
        return self._opened(lambda: self._blocks.update(data))

    def finish(self) -> bytes:
        """The rest.

        Raises:
            Untranslatable: as `update`, or the file was cut inside a block.
        """
        return self._opened(self._blocks.finish)

    def _opened(self, step: Callable[[], bytes]) -> bytes:
        try:
            plain = step()
        except (CryptoError, ValueError) as error:
            raise Untranslatable("the content was encrypted with another key, or it was changed or cut") from error
        kept = plain[self._skip :]
        self._skip = max(0, self._skip - len(plain))
        return kept
