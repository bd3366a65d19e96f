"""The user's own layer of encryption, with rclone itself as the witness, in both directions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mover.core.errors import BadOption, Unfit, Untranslatable
from mover.core.secret import Secret
from mover.crypto.eme import Eme
from mover.crypto.rclone_crypt import (
    BLOCK,
    HEADER,
    SEALED_BLOCK,
    CryptKey,
    decrypted_size,
    encrypted_name_size,
    encrypted_size,
    encrypted_start,
)
from mover.crypto.rclone_key import new_key_text, obscure, parse_key, read_key, reveal

RCLONE = Path(sys.executable).with_name("rclone")
PASSWORD, SALT = Secret("correct horse"), Secret("battery stäple")
KEY = CryptKey(PASSWORD, SALT)
SIZES = [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 777]
NAMES = [
    "a",
    "file.txt",
    "fünfzehn bytes",
    "x" * 15,
    "x" * 16,
    "日本語のファイル",
    " space ",
    "a%b?c*d",
    "dots...",
    "n" * 80,
    "e\u0301",
]


def encrypted(key: CryptKey, plain: bytes, step: int = 50_000) -> bytes:
    machine = key.encryptor()
    pieces = [machine.update(plain[at : at + step]) for at in range(0, len(plain), step)]
    return b"".join([machine.header, *pieces, machine.finish()])


def decrypted(key: CryptKey, data: bytes, start: int = 0, step: int = 50_000) -> bytes:
    machine = key.decryptor(data[:HEADER], start)
    begin = encrypted_start(start)
    return b"".join([*(machine.update(data[at : at + step]) for at in range(begin, len(data), step)), machine.finish()])


def rclone(*arguments: str | Path, folder: Path, salt: Secret | None = SALT) -> str:
    """Run rclone with the remote `c:`, a crypt over `folder`."""
    settings = {"TYPE": "crypt", "REMOTE": str(folder), "PASSWORD": obscure(PASSWORD)}
    if salt:
        settings["PASSWORD2"] = obscure(salt)
    env = {**os.environ, "RCLONE_CONFIG": os.devnull, **{f"RCLONE_CONFIG_C_{k}": v for k, v in settings.items()}}
    return subprocess.run([RCLONE, *arguments], env=env, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("salt", [SALT, None])
def test_rclone_reads_what_we_wrote(tmp_path: Path, salt: Secret | None) -> None:
    key, store, out = CryptKey(PASSWORD, salt), tmp_path / "store", tmp_path / "out"
    contents = {f"{i}-{size}": os.urandom(size) for i, size in enumerate(SIZES)} | {n: n.encode() for n in NAMES}
    inside = store / key.encrypt_name("a folder") / key.encrypt_name("zwei")
    inside.mkdir(parents=True)
    for name, data in contents.items():
        (inside / key.encrypt_name(name)).write_bytes(encrypted(key, data))
    rclone("copy", "c:", out, folder=store, salt=salt)
    assert {p.name: p.read_bytes() for p in (out / "a folder/zwei").iterdir()} == contents


@pytest.mark.parametrize("salt", [SALT, None])
def test_we_read_what_rclone_wrote(tmp_path: Path, salt: Secret | None) -> None:
    key, source, store = CryptKey(PASSWORD, salt), tmp_path / "source", tmp_path / "store"
    contents = {f"{i}-{size}": os.urandom(size) for i, size in enumerate(SIZES)} | {n: n.encode() for n in NAMES}
    (source / "a folder").mkdir(parents=True)
    for name, data in contents.items():
        (source / "a folder" / name).write_bytes(data)
    rclone("copy", source, "c:", folder=store, salt=salt)
    (folder,) = store.iterdir()
    assert key.decrypt_name(folder.name) == "a folder"
    found = {key.decrypt_name(p.name): decrypted(key, p.read_bytes()) for p in folder.iterdir()}
    assert found == contents
    for file in folder.iterdir():
        name = key.decrypt_name(file.name)
        assert key.encrypt_name(name) == file.name
        assert len(file.name) == encrypted_name_size(len(name.encode()))
        assert file.stat().st_size == encrypted_size(len(contents[name]))


def test_rclone_hashes_what_we_would_upload(tmp_path: Path) -> None:
    """`rclone cryptcheck` compares the encrypted file's own hash with one it computes from the plain file."""
    (tmp_path / "plain").mkdir()
    (tmp_path / "store").mkdir()
    data = os.urandom(3 * BLOCK + 5)
    (tmp_path / "plain/file").write_bytes(data)
    (tmp_path / "store" / KEY.encrypt_name("file")).write_bytes(encrypted(KEY, data))
    rclone("cryptcheck", tmp_path / "plain", "c:", folder=tmp_path / "store")


@pytest.mark.parametrize("start", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 5, 3 * BLOCK])
def test_reading_from_the_middle(start: int) -> None:
    plain = os.urandom(3 * BLOCK + 777)
    data = encrypted(KEY, plain)
    for step in (1 << 20, 40_000):
        assert decrypted(KEY, data, start, step) == plain[start:]


@given(st.integers(0, 1 << 50))
@settings(deadline=None)
def test_sizes_go_both_ways(size: int) -> None:
    assert decrypted_size(encrypted_size(size)) == size


@pytest.mark.parametrize("size", [0, HEADER - 1, HEADER + 1, HEADER + 16, HEADER + SEALED_BLOCK + 16])
def test_impossible_sizes_are_refused(size: int) -> None:
    with pytest.raises(Untranslatable):
        decrypted_size(size)


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=80))
@settings(deadline=None, max_examples=200)
def test_names_go_both_ways(name: str) -> None:
    sealed = KEY.encrypt_name(name)
    assert KEY.decrypt_name(sealed) == KEY.decrypt_name(sealed.upper()) == name
    assert len(sealed) == encrypted_name_size(len(name.encode()))
    assert set(sealed) <= set("0123456789abcdefghijklmnopqrstuv")


def test_names_that_are_not_utf8_survive() -> None:
    assert KEY.decrypt_name(KEY.encrypt_name("caf\udce9")) == "caf\udce9"


@given(st.text(max_size=60))
@settings(deadline=None)
def test_no_other_name_is_taken_for_an_encrypted_one(name: str) -> None:
    assume(name)
    try:
        plain = KEY.decrypt_name(name)
    except Untranslatable:
        return
    assert KEY.encrypt_name(plain) == name.lower(), "only what we could have made"


def test_names_of_another_key_are_refused() -> None:
    other = CryptKey(Secret("another"))
    refused = 0
    for number in range(300):
        try:
            other.decrypt_name(KEY.encrypt_name(f"file {number}"))
        except Untranslatable:
            refused += 1
    assert refused > 280, "padding tells them apart; one in 256 slips through in this format"


def test_a_name_that_is_too_long_is_refused() -> None:
    assert KEY.decrypt_name(KEY.encrypt_name("x" * 2047)) == "x" * 2047
    with pytest.raises(Unfit):
        KEY.encrypt_name("x" * 2048)


@pytest.mark.parametrize("attack", ["bit", "swap", "cut", "key", "magic", "header"])
def test_changed_content_is_refused(attack: str) -> None:
    data, key = bytearray(encrypted(KEY, os.urandom(2 * BLOCK + 10))), KEY
    if attack == "bit":
        data[HEADER + 5] ^= 1
    elif attack == "swap":
        one, two = slice(HEADER, HEADER + SEALED_BLOCK), slice(HEADER + SEALED_BLOCK, HEADER + 2 * SEALED_BLOCK)
        data[one], data[two] = data[two], data[one]
    elif attack == "cut":
        del data[-1]
    elif attack == "key":
        key = CryptKey(PASSWORD)
    else:
        data[0 if attack == "magic" else 12] ^= 1
    with pytest.raises(Untranslatable):
        decrypted(key, bytes(data))


def test_a_given_nonce_makes_the_same_bytes_again() -> None:
    nonce = os.urandom(24)
    one, other = (KEY.encryptor(nonce) for _ in range(2))
    assert one.update(bytes(BLOCK)) + one.finish() == other.update(bytes(BLOCK)) + other.finish()
    assert encrypted(KEY, b"x") != encrypted(KEY, b"x")


def test_the_counter_carries_over_the_whole_nonce() -> None:
    machine = KEY.encryptor(b"\xff" * 24)
    data = machine.header + machine.update(bytes(2 * BLOCK)) + machine.finish()
    assert decrypted(KEY, data) == bytes(2 * BLOCK)
    assert decrypted(KEY, data, BLOCK) == bytes(BLOCK)


@given(st.integers(1, 128).flatmap(lambda n: st.binary(min_size=16 * n, max_size=16 * n)))
@settings(deadline=None)
def test_eme_goes_both_ways_and_every_bit_counts(message: bytes) -> None:
    eme = Eme(bytes(range(32)), bytes(16))
    sealed = eme.encrypt(message)
    assert eme.decrypt(sealed) == message
    changed = bytes([message[0] ^ 1]) + message[1:]
    other = eme.encrypt(changed)
    assert not [i for i in range(0, len(sealed), 16) if sealed[i : i + 16] == other[i : i + 16]]


@pytest.mark.parametrize("size", [0, 15, 17, 129 * 16])
def test_eme_refuses_other_lengths(size: int) -> None:
    with pytest.raises(ValueError, match="blocks"):
        Eme(bytes(32), bytes(16)).encrypt(bytes(size))


def test_obscured_passwords_are_rclones(tmp_path: Path) -> None:
    text = subprocess.run(
        [RCLONE, "--config", "", "obscure", "pässword"], check=True, capture_output=True, text=True
    ).stdout.strip()
    assert reveal(text).reveal() == "pässword"
    said = subprocess.run(
        [RCLONE, "--config", "", "reveal", obscure(Secret("pässword"))], check=True, capture_output=True, text=True
    )
    assert said.stdout.strip() == "pässword"
    with pytest.raises(BadOption):
        reveal("not obscured!")


@pytest.mark.parametrize(
    "text",
    [
        "correct horse\nbattery stäple\n",
        f"[my]\ntype = crypt\nremote = x:\npassword = {obscure(PASSWORD)}\npassword2 = {obscure(SALT)}\n",
        f"\n[x]\ntype = sftp\n[y]\ntype = crypt\npassword = {obscure(PASSWORD)}\npassword2 = {obscure(SALT)}",
    ],
)
def test_key_files_of_both_forms(tmp_path: Path, text: str) -> None:
    file = tmp_path / "key"
    file.write_text(text)
    file.chmod(0o600)
    assert read_key(file).encrypt_name("name") == KEY.encrypt_name("name")


def test_a_key_file_without_a_salt() -> None:
    assert parse_key("correct horse").encrypt_name("name") == CryptKey(PASSWORD).encrypt_name("name")


@pytest.mark.parametrize(
    "text", ["", "\n", "\nsalt", "a\nb\nc\n", "[x]\n", "[x]\ntype = crypt\n", "[x\n", "[x]\ntype = crypt\npassword = ?"]
)
def test_what_is_no_key_file_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(BadOption) as caught:
        parse_key(text.replace("salt", "VERYSECRET"))
    assert "VERYSECRET" not in str(caught.value)


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(new_key_text())
    file.chmod(0o644)
    with pytest.raises(BadOption, match="chmod 600"):
        read_key(file)
    file.chmod(0o600)
    read_key(file)
    with pytest.raises(BadOption, match="cannot be read"):
        read_key(tmp_path / "none")
