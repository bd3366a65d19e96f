"""What every holder of the global key keeps to, over all of them: real token, moto's KMS, stand-in for transit, files."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.running import MUST_RUN
from tests.sites.base import Certificates, Missing, Site, certificates
from tests.vault.holders import (
    Holder,
    credentials_holder,
    file_holder,
    kms_holder,
    pkcs11_holder,
    transit_holder,
)
from tests.vault.scripted import scripted
from tests.vault.transit_server import transit

from mover.core.errors import BadOption, KeysUnreachable, MoverError, Retry, Sealed
from mover.vault.providers.base import LONGEST, LONGEST_WRAPPED

ALL = ["file", "credentials", "pkcs11", "kms", "transit"]
REMOTE = ["pkcs11", "kms", "transit"]
"""Those that can be down for a moment."""

MESSAGE, CONTEXT = b"a user's key, or a data key sealed by one", b"\x01purpose, owner, record \xff"

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def holder(
    request: pytest.FixtureRequest, name: str, tmp_path: Path, made: Certificates
) -> AsyncGenerator[Holder]:
    async with AsyncExitStack() as stack:
        if name == "transit":
            kind: Any = transit_holder(stack.enter_context(transit(made)), made)
        elif name == "kms":
            site: Callable[[str], Site] = request.getfixturevalue("site")
            options = site("moto").options
            both = _together(tmp_path / "authorities.pem", Path(str(options["ca_file"])), made.ca)
            kind = kms_holder(str(options["endpoint"]), both, lambda: scripted(made))
        elif name == "pkcs11":
            found = request.getfixturevalue("soft_module")
            if isinstance(found, Missing):
                assert not MUST_RUN & {"softhsm2", "all"}, found
                pytest.skip(str(found))
            kind = pkcs11_holder(found)
        else:
            kind = {"file": file_holder, "credentials": credentials_holder}[name](tmp_path)
        yield await stack.enter_async_context(kind)


def _together(file: Path, *others: Path) -> Path:
    file.write_text("".join(other.read_text() for other in others))
    return file


def shown(error: BaseException) -> str:
    """All that a log could show of it."""
    return "".join(traceback.format_exception(error)) + repr(vars(error))


@pytest.mark.parametrize("name", ALL)
async def test_what_was_wrapped_opens_in_its_context(holder: Holder) -> None:
    for message in (MESSAGE, b"x", b"\x00" * LONGEST):
        key_id, wrapped = await holder.service.wrap(message, CONTEXT)
        assert message not in wrapped or len(message) == 1
        assert key_id.isascii() and 0 < len(key_id) < 256
        assert len(wrapped) <= LONGEST_WRAPPED
        assert await holder.service.unwrap(key_id, wrapped, CONTEXT) == message


@pytest.mark.parametrize("name", ALL)
async def test_equal_messages_are_wrapped_differently(holder: Holder) -> None:
    assert await holder.service.wrap(MESSAGE, CONTEXT) != await holder.service.wrap(MESSAGE, CONTEXT)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("context", [b"", CONTEXT[:-1], CONTEXT + b"\0", b"another"])
async def test_another_context_is_refused(holder: Holder, context: bytes) -> None:
    key_id, wrapped = await holder.service.wrap(MESSAGE, CONTEXT)
    with pytest.raises(Sealed) as refused:
        await holder.service.unwrap(key_id, wrapped, context)
    assert refused.value.retry is Retry.NEVER
    assert await holder.service.unwrap(key_id, wrapped, CONTEXT) == MESSAGE, "the control"


@pytest.mark.parametrize("name", ALL)
async def test_a_changed_bit_or_a_cut_is_refused(holder: Holder) -> None:
    key_id, wrapped = await holder.service.wrap(MESSAGE, CONTEXT)
    for place in {0, 1, 7, 9, len(wrapped) // 2, len(wrapped) - 5, len(wrapped) - 1}:
        changed = bytearray(wrapped)
        changed[place] ^= 1
        with pytest.raises(holder.tampered):
            await holder.service.unwrap(key_id, bytes(changed), CONTEXT)
    for length in (0, 1, 12, len(wrapped) - 1):
        with pytest.raises(holder.tampered):
            await holder.service.unwrap(key_id, wrapped[:length], CONTEXT)
    assert await holder.service.unwrap(key_id, wrapped, CONTEXT) == MESSAGE, "the control"


@pytest.mark.parametrize("name", ALL)
async def test_an_unknown_key_id_is_refused(holder: Holder) -> None:
    key_id, wrapped = await holder.service.wrap(MESSAGE, CONTEXT)
    for other in (holder.unknown, "", key_id + "0", "../" + key_id, "pkcs11:", "transit:transit/x:v1", "\N{SNOWMAN}"):
        with pytest.raises(Sealed):
            await holder.service.unwrap(other, wrapped, CONTEXT)


@pytest.mark.parametrize("name", ALL)
async def test_rotating_keeps_what_older_keys_wrapped(holder: Holder) -> None:
    old_id, old = await holder.service.wrap(MESSAGE, CONTEXT)
    announced = await holder.rotate()
    new_id, new = await holder.service.wrap(MESSAGE, CONTEXT)
    assert new_id == announced
    assert (new_id == old_id) is holder.keeps_id
    assert await holder.service.unwrap(old_id, old, CONTEXT) == MESSAGE
    assert await holder.service.unwrap(new_id, new, CONTEXT) == MESSAGE
    if not holder.keeps_id:
        with pytest.raises(Sealed):
            await holder.service.unwrap(new_id, old, CONTEXT)


@pytest.mark.parametrize("name", ALL)
async def test_a_key_that_is_gone_is_said_to_be_gone_for_good(holder: Holder) -> None:
    key_id, wrapped = await holder.service.wrap(MESSAGE, CONTEXT)
    left = holder.lose(key_id) or holder.service
    with pytest.raises(Sealed) as gone:
        await left.unwrap(key_id, wrapped, CONTEXT)
    assert gone.value.retry is Retry.NEVER


@pytest.mark.parametrize("name", REMOTE)
async def test_down_for_the_moment_is_told_from_gone(holder: Holder) -> None:
    key_id, wrapped = await holder.service.wrap(MESSAGE, CONTEXT)
    assert holder.down
    async with holder.down() as away:
        for call in (away.wrap(MESSAGE, CONTEXT), away.unwrap(key_id, wrapped, CONTEXT), away.rotate()):
            with pytest.raises(KeysUnreachable) as down:
                await call
            assert down.value.retry is Retry.SOON
            assert not isinstance(down.value, Sealed)
    assert await holder.service.unwrap(key_id, wrapped, CONTEXT) == MESSAGE, "it came back by itself"


@pytest.mark.parametrize("name", ALL)
async def test_no_right_to_the_key(holder: Holder) -> None:
    key_id, wrapped = await holder.service.wrap(MESSAGE, CONTEXT)
    with holder.deny() as denied:
        for call in (denied.wrap(MESSAGE, CONTEXT), denied.unwrap(key_id, wrapped, CONTEXT)):
            with pytest.raises(holder.denied) as refused:
                await call
            assert isinstance(refused.value, MoverError)
            assert refused.value.retry is Retry.NEVER
            assert refused.value.advice
    assert await holder.service.unwrap(key_id, wrapped, CONTEXT) == MESSAGE, "nothing was lost"


@pytest.mark.parametrize("name", ALL)
async def test_what_is_too_long_to_be_a_key_is_refused(holder: Holder) -> None:
    with pytest.raises(BadOption, match=str(LONGEST)):
        await holder.service.wrap(b"x" * (LONGEST + 1), CONTEXT)
    key_id, _ = await holder.service.wrap(MESSAGE, CONTEXT)
    with pytest.raises(Sealed, match="longer"):
        await holder.service.unwrap(key_id, b"x" * (LONGEST_WRAPPED + 1), CONTEXT)


@pytest.mark.parametrize("name", ALL)
async def test_many_at_once(holder: Holder) -> None:
    async def there_and_back(number: int) -> bool:
        message, context = b"key %d" % number, b"place %d" % number
        key_id, wrapped = await holder.service.wrap(message, context)
        return await holder.service.unwrap(key_id, wrapped, context) == message

    async with asyncio.timeout(60):
        assert all(await asyncio.gather(*(there_and_back(n) for n in range(40))))


@pytest.mark.parametrize("name", ALL)
async def test_no_error_shows_a_secret(holder: Holder) -> None:
    key_id, wrapped = await holder.service.wrap(MESSAGE, CONTEXT)
    errors: list[BaseException] = []

    async def fails(call: Any) -> None:
        with pytest.raises(MoverError) as failed:
            await call
        errors.append(failed.value)

    await fails(holder.service.unwrap(key_id, wrapped, b"another"))
    await fails(holder.service.unwrap(holder.unknown, wrapped, CONTEXT))
    with holder.deny() as denied:
        await fails(denied.wrap(MESSAGE, CONTEXT))
        await fails(denied.unwrap(key_id, wrapped, CONTEXT))
    if holder.down:
        async with holder.down() as away:
            await fails(away.wrap(MESSAGE, CONTEXT))
    for error in errors:
        for secret in (*holder.secrets, MESSAGE.decode(), CONTEXT.hex()):
            assert secret not in shown(error)
    assert not any(secret in repr(holder.service) for secret in holder.secrets)
