"""The key file of the user's own layer, and rclone's way of obscuring passwords in configuration files."""

from __future__ import annotations

import base64
import binascii
import configparser
import os
import secrets
import stat
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from mover.core.errors import BadOption
from mover.core.secret import Secret
from mover.crypto.rclone_crypt import CryptKey

_OBSCURING: Final = bytes.fromhex("9c935b48730a554d6bfd7c63c886a92bd390198eb8128afbf4de162b8b95f638")
"""The key that every rclone has (fs/config/obscure): obscured is not encrypted, only not readable over a shoulder."""
_IV: Final = 16
_MOST: Final = 64 << 10  # bytes of a key file


def reveal(obscured: str) -> Secret:
    """The password that rclone obscured.

    Raises:
        BadOption: it was not obscured by rclone.
    """
    try:
        data = base64.urlsafe_b64decode(obscured + "=" * (-len(obscured) % 4))
        return Secret(_keystream(data[:_IV], data[_IV:]).decode())
    except (ValueError, binascii.Error) as error:
        raise BadOption("a password is not in the form that `rclone obscure` makes", item="password") from error


def obscure(secret: Secret) -> str:
    """The password as rclone writes it into its configuration."""
    iv = os.urandom(_IV)
    return base64.urlsafe_b64encode(iv + _keystream(iv, secret.reveal().encode())).decode().rstrip("=")


def read_key(file: Path) -> CryptKey:
    """The key in a file; see `parse_key` for its form.

    Raises:
        BadOption: the file cannot be read, others may read it, or it holds no key.
    """
    try:
        with file.open("rb") as opened:
            if os.fstat(opened.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise BadOption(
                    f"others may read the key file {file}: take that away with `chmod 600`", item="encrypt-to"
                )
            text = opened.read(_MOST).decode()
    except OSError as error:
        raise BadOption(
            f"the key file {file} cannot be read: {error.strerror}",
            item="encrypt-to",
            advice="Check the path of that file, and that you may read it.",
        ) from error
    except UnicodeDecodeError as error:
        raise BadOption(f"the key file {file} is no text in UTF-8", item="encrypt-to") from error
    return parse_key(text)


def parse_key(text: str) -> CryptKey:
    """The key in the text of a key file, which has one of two forms.

    * Plain: the password on the first line; on the second, if there is one, the salt (rclone's `password2`).
    * If the first character is `[`: a section of an rclone configuration of type `crypt`, passwords obscured as rclone does.

    Raises:
        BadOption: it has neither form.
    """
    if text.lstrip().startswith("["):
        return _from_section(text)
    lines = text.splitlines()
    if not lines or not lines[0] or len(lines) > len(("password", "salt")):
        raise BadOption(
            "a key file holds a password on its first line and, if need be, a salt on its second", item="encrypt-to"
        )
    return CryptKey(Secret(lines[0]), Secret(lines[1]) if lines[1:] and lines[1] else None)


def new_key_text() -> str:
    """The text of a new key file: a password and a salt of 256 random bits each."""
    return "".join(f"{secrets.token_urlsafe(32)}\n" for _ in ("password", "salt"))


def _from_section(text: str) -> CryptKey:
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    try:
        parser.read_string(text)
    except configparser.Error:
        # the parser's own text would show a line of the file
        raise BadOption("the key file begins with `[`, but is no rclone configuration", item="encrypt-to") from None
    found = [parser[name] for name in parser.sections() if parser[name].get("type") == "crypt"]
    if len(found) != 1 or not found[0].get("password"):
        raise BadOption("the key file must hold one section with `type = crypt` and a password", item="encrypt-to")
    salt = found[0].get("password2")
    return CryptKey(reveal(found[0]["password"]), reveal(salt) if salt else None)


def _keystream(iv: bytes, data: bytes) -> bytes:
    return Cipher(algorithms.AES(_OBSCURING), modes.CTR(iv)).encryptor().update(data)
