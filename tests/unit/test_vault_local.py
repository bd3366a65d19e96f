"""The vault on one machine: files that are private, rotation, shredding, two processes."""

from __future__ import annotations

import base64
import json
import multiprocessing
import os
import shutil
from pathlib import Path

import pytest

from mover.core.errors import BadOption, Sealed
from mover.core.secret import Secret
from mover.vault import files
from mover.vault.envelope import Envelope
from mover.vault.local import LocalVault

SECRET = "pässwörd\udc80"  # a byte that is no UTF-8, as a secret read from a file may hold it


@pytest.fixture
def vault(tmp_path: Path) -> LocalVault:
    return LocalVault(tmp_path / "vault")


def sealed_by(vault: LocalVault, owner: str = "ada") -> bytes:
    return vault.seal(Secret(SECRET), purpose="connection", owner=owner, record="home/password")


def opened_by(vault: LocalVault, sealed: bytes, owner: str = "ada") -> str:
    return vault.open(sealed, purpose="connection", owner=owner, record="home/password").reveal()


def test_a_secret_opens_again_also_in_another_process_of_ours(vault: LocalVault, tmp_path: Path) -> None:
    sealed = sealed_by(vault)
    assert SECRET.encode(errors="surrogatepass") not in sealed
    assert opened_by(LocalVault(tmp_path / "vault"), sealed) == SECRET


def test_every_file_is_private(vault: LocalVault, tmp_path: Path) -> None:
    sealed_by(vault)
    vault.rotate_global_key()
    for path in [tmp_path / "vault", *(tmp_path / "vault").rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
    names = sorted(p.name for p in (tmp_path / "vault").rglob("*") if p.is_file())
    assert len(names) == 4, f"a key file each and their locks, no temporary ones: {names}"


def test_no_key_lies_readable_in_a_users_file(vault: LocalVault, tmp_path: Path) -> None:
    sealed_by(vault)
    key = vault._users.current("ada").key
    for file in (tmp_path / "vault").rglob("*.json"):
        assert base64.b64encode(key) not in file.read_bytes()
        assert key.hex().encode() not in file.read_bytes()


def test_owners_cannot_open_each_others_secrets(vault: LocalVault) -> None:
    sealed = sealed_by(vault, "ada")
    sealed_by(vault, "bob")
    with pytest.raises(Sealed):
        opened_by(vault, sealed, "bob")


def test_exchanging_the_key_files_of_two_users_opens_nothing(vault: LocalVault) -> None:
    ada, bob = sealed_by(vault, "ada"), sealed_by(vault, "bob")
    one, other = vault._users._file("ada"), vault._users._file("bob")
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    for sealed, owner in ((ada, "ada"), (bob, "bob"), (ada, "bob")):
        with pytest.raises(Sealed):
            opened_by(vault, sealed, owner)
    with pytest.raises(Sealed):
        sealed_by(vault, "ada")  # under bob's key it would outlive the shredding of ada's


def test_rotating_the_global_key(vault: LocalVault) -> None:
    sealed = sealed_by(vault)
    vault.rotate_global_key()
    assert opened_by(vault, sealed) == SECRET
    again = vault.rewrap(sealed, purpose="connection", owner="ada", record="home/password")
    assert Envelope.unpacked(again).ciphertext == Envelope.unpacked(sealed).ciphertext
    assert Envelope.unpacked(again).key_id != Envelope.unpacked(sealed).key_id
    vault.retire_global_keys()
    assert opened_by(vault, again) == SECRET
    with pytest.raises(Sealed):
        opened_by(vault, sealed)


def test_rotating_a_users_key(vault: LocalVault) -> None:
    sealed = sealed_by(vault)
    vault.rotate_user_key("ada")
    assert opened_by(vault, sealed) == SECRET
    again = vault.rewrap(sealed, purpose="connection", owner="ada", record="home/password")
    assert Envelope.unpacked(again).ciphertext == Envelope.unpacked(sealed).ciphertext
    vault.retire_user_keys("ada")
    assert opened_by(vault, again) == SECRET
    with pytest.raises(Sealed):
        opened_by(vault, sealed)


def test_shredding_one_user_spares_the_others(vault: LocalVault) -> None:
    ada, bob = sealed_by(vault, "ada"), sealed_by(vault, "bob")
    vault.shred("ada")
    vault.shred("ada")
    with pytest.raises(Sealed, match="shredded"):
        opened_by(vault, ada)
    assert opened_by(vault, bob, "bob") == SECRET
    sealed_by(vault, "ada")
    with pytest.raises(Sealed):
        opened_by(vault, ada)


def test_a_vault_without_its_global_key_opens_nothing(vault: LocalVault, tmp_path: Path) -> None:
    sealed = sealed_by(vault)
    (tmp_path / "vault/global/key.json").unlink()
    with pytest.raises(Sealed):
        opened_by(vault, sealed)
    with pytest.raises(Sealed):
        sealed_by(vault)


def test_a_vault_without_its_users_folder_opens_nothing(vault: LocalVault, tmp_path: Path) -> None:
    sealed = sealed_by(vault)
    shutil.rmtree(tmp_path / "vault/users")
    with pytest.raises(Sealed):
        opened_by(LocalVault(tmp_path / "vault"), sealed)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
@pytest.mark.parametrize("file", ["global/key.json", "users"])
def test_key_files_that_others_may_use_are_refused(vault: LocalVault, tmp_path: Path, file: str, mode: int) -> None:
    sealed = sealed_by(vault)
    path = tmp_path / "vault" / file
    path.chmod(mode | 0o100 if path.is_dir() else mode)
    with pytest.raises(BadOption, match="others may read"):
        opened_by(LocalVault(tmp_path / "vault"), sealed)


def test_a_link_in_place_of_a_key_file_is_refused(vault: LocalVault, tmp_path: Path) -> None:
    sealed = sealed_by(vault)
    key = tmp_path / "vault/global/key.json"
    key.rename(tmp_path / "elsewhere")
    key.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadOption, match="cannot be read"):
        opened_by(vault, sealed)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"null", b'{"format": 1}', b"\xff", b'{"format":1,"current":"a","keys":{"a":"!"}}']
)
def test_damaged_key_files_are_refused(vault: LocalVault, tmp_path: Path, content: bytes) -> None:
    sealed = sealed_by(vault)
    for file in (tmp_path / "vault/global/key.json", vault._users._file("ada")):
        good = file.read_bytes()
        file.write_bytes(content)
        with pytest.raises(Sealed, match="damaged"):
            opened_by(vault, sealed)
        file.write_bytes(good)
    assert opened_by(vault, sealed) == SECRET


def test_a_later_format_of_key_files_is_refused(vault: LocalVault, tmp_path: Path) -> None:
    sealed = sealed_by(vault)
    file = tmp_path / "vault/global/key.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": 2}))
    with pytest.raises(Sealed, match="format"):
        opened_by(vault, sealed)


def test_a_crash_while_writing_leaves_the_old_keys(vault: LocalVault, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = sealed_by(vault)

    def power_cut(_: int) -> None:
        raise OSError(5, "power cut")

    monkeypatch.setattr(files.os, "fsync", power_cut)
    with pytest.raises(OSError, match="power cut"):
        vault.rotate_global_key()
    monkeypatch.undo()
    assert opened_by(vault, sealed) == SECRET
    vault.rotate_global_key()
    assert opened_by(vault, sealed) == SECRET


def test_processes_that_begin_together_make_one_key(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as pool:
        sealed = pool.map(_seal_and_rotate, [str(tmp_path / "vault")] * 8)
    vault = LocalVault(tmp_path / "vault")
    assert [opened_by(vault, s) for s in sealed] == [SECRET] * 8
    ring = json.loads(vault._users._file("ada").read_text())
    assert sorted(map(int, ring["keys"])) == list(range(1, 10)), "no rotation was lost"


def _seal_and_rotate(folder: str) -> bytes:
    os.umask(0)  # private files do not depend on it
    vault = LocalVault(Path(folder))
    sealed = sealed_by(vault)
    vault.rotate_user_key("ada")
    vault.rotate_global_key()
    return sealed
