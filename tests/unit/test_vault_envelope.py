"""The form of a sealed secret: what binds it, and that not one bit of it can be changed."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mover.core.errors import Sealed
from mover.crypto.aead import new_key, open_sealed, seal
from mover.vault import envelope
from mover.vault.envelope import Envelope, GlobalKey, Place, UserKey, open_secret, rewrap_secret, seal_secret

PLACE = Place("connection", "ada", "sftp:home/password")
USER = UserKey(1, new_key())
SECRET = b"correct horse"


class HeldKey:
    """A global key that lives in this object."""

    def __init__(self) -> None:
        self._keys: list[bytes] = []
        self.rotate()

    def wrap(self, message: bytes, context: bytes) -> tuple[str, bytes]:
        key_id = f"g{len(self._keys)}"
        return key_id, seal(self._keys[-1], message, key_id.encode() + context)

    def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        number = key_id.removeprefix("g")
        if not number.isdecimal() or not 0 < int(number) <= len(self._keys):
            raise Sealed("no such key")
        return open_sealed(self._keys[int(number) - 1], wrapped, key_id.encode() + context)

    def rotate(self) -> str:
        self._keys.append(new_key())
        return f"g{len(self._keys)}"


GLOBAL: GlobalKey = HeldKey()
TEXT = st.text(max_size=20)


@given(st.binary(max_size=300), TEXT, TEXT, TEXT)
@settings(deadline=None)
def test_it_opens_in_its_place(message: bytes, purpose: str, owner: str, record: str) -> None:
    place = Place(purpose, owner, record)
    assert open_secret(seal_secret(message, place, USER, GLOBAL), place, USER, GLOBAL) == message


@given(st.data())
@settings(deadline=None)
def test_one_changed_bit_anywhere_is_refused(data: st.DataObject) -> None:
    sealed = bytearray(seal_secret(SECRET, PLACE, USER, GLOBAL))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Sealed):
        open_secret(bytes(sealed), PLACE, USER, GLOBAL)


def test_every_single_bit_once() -> None:
    sealed = seal_secret(SECRET, PLACE, USER, GLOBAL)
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Sealed):
            open_secret(bytes(changed), PLACE, USER, GLOBAL)


def test_every_cut_and_every_addition_is_refused() -> None:
    sealed = seal_secret(SECRET, PLACE, USER, GLOBAL)
    for length in range(len(sealed)):
        with pytest.raises(Sealed):
            open_secret(sealed[:length], PLACE, USER, GLOBAL)
    with pytest.raises(Sealed):
        open_secret(sealed + b"\0", PLACE, USER, GLOBAL)


@given(st.binary(max_size=400))
@settings(deadline=None)
def test_rubbish_is_refused(data: bytes) -> None:
    with pytest.raises(Sealed):
        open_secret(data, PLACE, USER, GLOBAL)


@pytest.mark.parametrize(
    "other",
    [
        dataclasses.replace(PLACE, purpose="journal"),
        dataclasses.replace(PLACE, owner="bob"),
        dataclasses.replace(PLACE, record="sftp:home/key"),
        Place("connectionada", "", "sftp:home/password"),
        Place("connection", "adasftp:home/", "password"),
    ],
)
def test_it_opens_nowhere_else(other: Place) -> None:
    with pytest.raises(Sealed):
        open_secret(seal_secret(SECRET, PLACE, USER, GLOBAL), other, USER, GLOBAL)


def test_both_keys_are_needed() -> None:
    sealed = seal_secret(SECRET, PLACE, USER, GLOBAL)
    with pytest.raises(Sealed):
        open_secret(sealed, PLACE, UserKey(1, new_key()), GLOBAL)
    with pytest.raises(Sealed):
        open_secret(sealed, PLACE, UserKey(2, USER.key), GLOBAL)
    with pytest.raises(Sealed):
        open_secret(sealed, PLACE, USER, HeldKey())


@pytest.mark.parametrize("layer", ["wrapped", "commitment", "ciphertext"])
def test_layers_of_two_secrets_cannot_be_mixed(layer: str) -> None:
    """Even of two secrets of the very same place, as an old value put back in parts."""
    one, other = (Envelope.unpacked(seal_secret(SECRET, PLACE, USER, GLOBAL)) for _ in range(2))
    mixed = dataclasses.replace(one, **{layer: getattr(other, layer)})
    with pytest.raises(Sealed):
        open_secret(mixed.packed(), PLACE, USER, GLOBAL)


@pytest.mark.parametrize("version", [0, 2, 255])
def test_another_version_is_refused_before_anything_is_tried(version: int) -> None:
    sealed = bytes((version,)) + seal_secret(SECRET, PLACE, USER, GLOBAL)[1:]
    with pytest.raises(Sealed, match="version"):
        open_secret(sealed, PLACE, USER, GLOBAL)


def test_the_version_is_bound_into_every_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret of a later format that is passed off as one of this."""
    monkeypatch.setattr(envelope, "VERSION", 2)
    later = seal_secret(SECRET, PLACE, USER, GLOBAL)
    monkeypatch.undo()
    with pytest.raises(Sealed, match="cannot be opened"):
        open_secret(bytes((envelope.VERSION,)) + later[1:], PLACE, USER, GLOBAL)


def test_rotation_leaves_the_ciphertext_alone() -> None:
    keys, old, new = HeldKey(), UserKey(1, new_key()), UserKey(2, new_key())
    sealed = seal_secret(SECRET, PLACE, old, keys)
    keys.rotate()
    again = rewrap_secret(sealed, PLACE, old, new, keys)
    before, after = Envelope.unpacked(sealed), Envelope.unpacked(again)
    assert after.ciphertext == before.ciphertext
    assert after.commitment == before.commitment
    assert (before.key_id, before.user_version, after.key_id, after.user_version) == ("g1", 1, "g2", 2)
    assert open_secret(again, PLACE, new, keys) == SECRET
    with pytest.raises(Sealed):
        rewrap_secret(sealed, dataclasses.replace(PLACE, owner="bob"), old, new, keys)


def test_a_user_key_is_not_printed() -> None:
    assert USER.key.hex() not in repr(USER)
    assert repr(USER.key) not in repr(USER)
