"""Going from one holder of the global key to another, with the service's vault in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from mover.core.errors import KeysRefused, KeysUnreachable, Sealed
from mover.vault.providers.base import KeyService, in_threads
from mover.vault.providers.credentials import CredentialsGlobalKey
from mover.vault.providers.file import FileGlobalKey
from mover.vault.providers.succession import Succession

pytestmark = pytest.mark.anyio


class Failing:
    """A holder that only fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def wrap(self, message: bytes, context: bytes) -> tuple[str, bytes]:
        raise self._error

    async def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        raise self._error

    async def rotate(self) -> str:
        raise self._error


async def test_the_new_one_wraps_and_the_former_still_opens(tmp_path: Path) -> None:
    (tmp_path / "mover-global-key.1").write_bytes(b"k" * 32)
    (tmp_path / "mover-global-key.1").chmod(0o400)
    async with (
        in_threads(FileGlobalKey(tmp_path / "key.json")) as old,
        in_threads(CredentialsGlobalKey(tmp_path)) as new,
    ):
        old_id, wrapped = await old.wrap(b"message", b"context")
        both: KeyService = Succession(new, [old])
        assert await both.unwrap(old_id, wrapped, b"context") == b"message"
        new_id, again = await both.wrap(b"message", b"context")
        assert new_id == "mover-global-key.1"
        assert await both.unwrap(new_id, again, b"context") == b"message"
        for context, key_id in ((b"other", old_id), (b"context", "g-none"), (b"context", new_id)):
            with pytest.raises(Sealed):
                await both.unwrap(key_id, wrapped, context)
        with pytest.raises(Sealed):
            await Succession(new, []).unwrap(old_id, wrapped, b"context")


@pytest.mark.parametrize("error", [KeysUnreachable("down"), KeysRefused("no")])
async def test_a_holder_that_is_down_is_not_taken_for_a_key_that_is_gone(tmp_path: Path, error: Exception) -> None:
    async with in_threads(FileGlobalKey(tmp_path / "key.json")) as file:
        key_id, wrapped = await file.wrap(b"message", b"context")
        assert await Succession(Failing(error), [file]).unwrap(key_id, wrapped, b"context") == b"message"
        for order in ((Failing(error), [file]), (file, [Failing(error)])):
            with pytest.raises(type(error)):
                await Succession(*order).unwrap("kept-elsewhere", wrapped, b"context")
        with pytest.raises(type(error)):
            await Succession(Failing(error), [file]).wrap(b"x", b"")
