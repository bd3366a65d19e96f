"""The service's vault over a real PostgreSQL: sealing, both keys needed, rotation, shredding, backups."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.vault.databases import Logins

from mover.core.errors import KeysRefused, KeysUnreachable, Sealed
from mover.core.secret import Secret
from mover.store import vault_queries
from mover.vault.envelope import Envelope
from mover.vault.held_keys import HeldKeys
from mover.vault.providers.base import InThreads, KeyService, in_threads
from mover.vault.providers.file import FileGlobalKey
from mover.vault.rotation import Position, Progress, rewrap_all
from mover.vault.sealing import Vault

SECRET = "pässwörd\udc80"

pytestmark = pytest.mark.anyio


class Counting:
    """A key service that counts what it is asked, and fails when a test says so."""

    def __init__(self, inner: KeyService) -> None:
        self._inner = inner
        self.unwrapped: list[str] = []
        self.wrapped = 0
        self.fails: Exception | None = None
        self.fails_after = 0

    async def wrap(self, message: bytes, context: bytes) -> tuple[str, bytes]:
        self.wrapped += 1
        if self.fails and self.wrapped > self.fails_after:
            raise self.fails
        return await self._inner.wrap(message, context)

    async def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        self.unwrapped.append(key_id)
        if self.fails and not self.fails_after:
            raise self.fails
        return await self._inner.unwrap(key_id, wrapped, context)

    async def rotate(self) -> str:
        return await self._inner.rotate()


@dataclass
class Bench:
    roles: Logins
    file: FileGlobalKey
    service: Counting
    vault: Vault

    async def save(self, owner: str, record: str, secret: str = SECRET) -> bytes:
        """As the service does it: sealed over the keys' connection, stored over the API's."""
        async with self.roles["mover_keys"].begin() as keys:
            sealed = await self.vault.seal(keys, Secret(secret), purpose="connection", owner=owner, record=record)
        async with self.roles["mover_api"].begin() as api:
            await vault_queries.save(api, owner, "connection", record, sealed)
        return sealed

    async def stored(self, owner: str, record: str) -> bytes:
        async with self.roles["mover_keys"].connect() as keys:
            row = await vault_queries.credential_at(keys, owner, "connection", record)
        assert row
        return row.sealed

    async def open(self, sealed: bytes, owner: str, record: str, vault: Vault | None = None) -> str:
        async with self.roles["mover_keys"].connect() as keys:
            opened = await (vault or self.vault).open(keys, sealed, purpose="connection", owner=owner, record=record)
        return opened.reveal()


@pytest.fixture
async def bench(roles: Logins, key_file: Path) -> AsyncGenerator[Bench]:
    file = FileGlobalKey(key_file)
    async with in_threads(file) as threads:
        service = Counting(threads)
        yield Bench(roles, file, service, Vault(service))


async def test_a_secret_opens_in_its_place_only(bench: Bench) -> None:
    sealed = await bench.save("ada", "home/password")
    await bench.save("bob", "home/password")
    assert sealed == await bench.stored("ada", "home/password")
    assert SECRET.encode(errors="surrogatepass") not in sealed
    for owner, record in (("bob", "home/password"), ("ada", "home/key"), ("", "home/password")):
        with pytest.raises(Sealed):
            await bench.open(sealed, owner, record)
    assert await bench.open(sealed, "ada", "home/password") == SECRET, "the control"
    async with bench.roles["mover_keys"].connect() as keys:
        with pytest.raises(Sealed):
            await bench.vault.open(keys, sealed, purpose="oauth", owner="ada", record="home/password")


async def test_saving_again_counts_versions_and_a_slow_writer_loses(bench: Bench) -> None:
    first = await bench.save("ada", "box")
    async with bench.roles["mover_api"].begin() as api:
        assert await vault_queries.save(api, "ada", "connection", "box", first) == 2
        assert await vault_queries.replace(api, "ada", "connection", "box", first, before=1) is None
        assert await vault_queries.replace(api, "ada", "connection", "box", first, before=2) == 3
        assert await vault_queries.forget(api, "ada", "connection", "box")
        assert not await vault_queries.forget(api, "ada", "connection", "box")


async def test_processes_that_begin_together_make_one_key(bench: Bench) -> None:
    sealed = await asyncio.gather(*(bench.save("ada", f"r{n}") for n in range(8)))
    assert {Envelope.unpacked(one).user_version for one in sealed} == {1}
    assert [await bench.open(one, "ada", f"r{n}") for n, one in enumerate(sealed)] == [SECRET] * 8
    async with bench.roles["mover_keys"].connect() as keys:
        assert (await keys.execute(text("SELECT count(*) FROM keys.user_key"))).scalar_one() == 1


async def test_rotations_that_meet_lose_none(bench: Bench) -> None:
    sealed = await bench.save("ada", "r")

    async def rotate() -> int:
        async with bench.roles["mover_keys"].begin() as keys:
            return await bench.vault.rotate_user_key(keys, "ada")

    assert sorted(await asyncio.gather(*(rotate() for _ in range(5)))) == [2, 3, 4, 5, 6]
    async with bench.roles["mover_keys"].connect() as keys:
        current = await vault_queries.current_key(keys, "ada")
        assert current and current.version == 6
    assert await bench.open(sealed, "ada", "r") == SECRET


async def test_both_keys_are_needed(bench: Bench, tmp_path: Path) -> None:
    sealed = await bench.save("ada", "r")
    async with in_threads(FileGlobalKey(tmp_path / "other.json")) as other:
        await other.wrap(b"x", b"")
        with pytest.raises(Sealed):
            await bench.open(sealed, "ada", "r", Vault(other))
    async with bench.roles["mover_keys"].begin() as keys:
        await keys.execute(text("DELETE FROM keys.user_key"))
    with pytest.raises(Sealed):
        await bench.open(sealed, "ada", "r")


async def test_a_users_key_cannot_be_put_in_anothers_place(bench: Bench) -> None:
    sealed = await bench.save("ada", "r")
    await bench.save("bob", "r")
    swap = (
        "UPDATE keys.user_key SET wrapped = (SELECT wrapped FROM keys.user_key WHERE owner = 'bob') WHERE owner = 'ada'"
    )
    async with bench.roles["mover_keys"].begin() as keys:
        await keys.execute(text(swap))
    with pytest.raises(Sealed):
        await bench.open(sealed, "ada", "r")
    with pytest.raises(Sealed):
        await bench.save("ada", "s")  # under bob's key it would outlive the shredding of ada's


async def test_shredding_kills_all_of_an_owners_secrets_in_backups_too(bench: Bench) -> None:
    ada = [await bench.save("ada", f"r{n}") for n in range(3)]
    bob = await bench.save("bob", "r")
    other_process = Vault(bench.service)
    assert await bench.open(ada[0], "ada", "r0", other_process) == SECRET, "it holds the key in memory now"
    async with bench.roles["mover_keys"].begin() as keys:
        assert await bench.vault.shred(keys, "ada") == 1
        assert await bench.vault.shred(keys, "ada") == 0
    for vault in (bench.vault, other_process):
        for number, copy in enumerate(ada):  # the bytes are what a backup of mover.credential holds
            with pytest.raises(Sealed, match="shredded"):
                await bench.open(copy, "ada", f"r{number}", vault)
    assert len(other_process.keys._held) == 0
    assert await bench.open(bob, "bob", "r") == SECRET
    await bench.save("ada", "anew")
    with pytest.raises(Sealed):
        await bench.open(ada[0], "ada", "r0")


async def test_a_key_held_elsewhere_is_not_taken_for_the_one_made_after_shredding(bench: Bench) -> None:
    """Both are version 1: what another process sealed by the shredded one would never open, or outlive the next shredding."""
    sealed = await bench.save("ada", "r")
    elsewhere = Vault(bench.service)
    assert await bench.open(sealed, "ada", "r", elsewhere) == SECRET
    async with bench.roles["mover_keys"].begin() as keys:
        await bench.vault.shred(keys, "ada")
        await bench.vault.seal(keys, Secret("x"), purpose="connection", owner="ada", record="s")
        anew = await elsewhere.seal(keys, Secret("new"), purpose="connection", owner="ada", record="r")
    assert await bench.open(anew, "ada", "r", Vault(bench.service)) == "new"


async def test_shredding_that_is_undone_lost_nothing(bench: Bench) -> None:
    sealed = await bench.save("ada", "r")
    async with bench.roles["mover_keys"].connect() as keys:
        await bench.vault.shred(keys, "ada")
        await keys.rollback()
    assert await bench.open(sealed, "ada", "r") == SECRET


async def drive(
    bench: Bench, position: Position | None = None, owner: str | None = None, most: int = 2
) -> tuple[int, list[str]]:
    count, unopened = 0, list[str]()
    async for progress in rewrap_all(bench.roles["mover_keys"].begin, bench.vault, position, owner=owner, most=most):
        count += progress.rewrapped
        unopened += progress.unopened
    return count, unopened


async def test_rotating_the_global_key_leaves_every_ciphertext_as_it_is(bench: Bench) -> None:
    places = [(owner, f"r{n}") for owner in ("ada", "bob", "eve") for n in range(3)]
    before = {place: await bench.save(*place) for place in places}
    old = Envelope.unpacked(before["ada", "r0"]).key_id
    new = await bench.vault.rotate_global_key()
    assert await drive(bench) == (3 + 9, [])
    for place, sealed in before.items():
        now, then = Envelope.unpacked(await bench.stored(*place)), Envelope.unpacked(sealed)
        assert (now.ciphertext, now.commitment) == (then.ciphertext, then.commitment)
        assert (then.key_id, now.key_id) == (old, new)
        assert await bench.open(sealed, *place) == SECRET, "what is in a backup opens until the old key is destroyed"
    async with bench.roles["mover_keys"].connect() as keys:
        assert await vault_queries.global_keys_in_use(keys) == {new: 12}
    bench.file.retire()
    fresh = Vault(bench.service)
    for place, sealed in before.items():
        assert await bench.open(await bench.stored(*place), *place, fresh) == SECRET
        with pytest.raises(Sealed):
            await bench.open(sealed, *place, fresh)


async def test_a_rotation_goes_on_where_it_was_broken_off(bench: Bench) -> None:
    places = [(owner, f"r{n}") for owner in ("ada", "bob") for n in range(4)]
    for place in places:
        await bench.save(*place)
    new = await bench.vault.rotate_global_key()
    bench.service.fails, bench.service.fails_after = KeysUnreachable("pulled out"), bench.service.wrapped + 5
    seen = list[Progress]()

    async def broken_off() -> None:
        async for progress in rewrap_all(bench.roles["mover_keys"].begin, bench.vault, most=2):
            seen.append(progress)

    with pytest.raises(KeysUnreachable):
        await broken_off()
    position, done = seen[-1].position, sum(progress.rewrapped for progress in seen)
    assert 0 < done < 10
    async with bench.roles["mover_keys"].connect() as keys:
        assert (await vault_queries.global_keys_in_use(keys))[new] == done, "a batch that failed changed nothing"
    for place in places:
        bench.service.fails, kept = None, bench.service.fails
        assert await bench.open(await bench.stored(*place), *place) == SECRET
        bench.service.fails = kept
    bench.service.fails = None
    assert await drive(bench, position) == (10 - done, [])
    async with bench.roles["mover_keys"].connect() as keys:
        assert await vault_queries.global_keys_in_use(keys) == {new: 10}


async def test_a_secret_saved_meanwhile_is_not_put_back(bench: Bench) -> None:
    await bench.save("ada", "r", "old")
    await bench.vault.rotate_global_key()

    class Slow(Counting):
        async def wrap(self, message: bytes, context: bytes) -> tuple[str, bytes]:
            if message != b"once" and not self.unwrapped.count("saved"):
                self.unwrapped.append("saved")
                await bench.save("ada", "r", "new")
            return await super().wrap(message, context)

    slow = Vault(Slow(bench.service))
    async for _ in rewrap_all(bench.roles["mover_keys"].begin, slow, Position(keys_done=True)):
        pass
    assert await bench.open(await bench.stored("ada", "r"), "ada", "r") == "new"


async def test_rows_that_do_not_open_are_named_and_stop_nothing(bench: Bench) -> None:
    for owner in ("ada", "bob", "eve"):
        await bench.save(owner, "r")
    async with bench.roles["postgres"].begin() as root:
        await root.execute(text("UPDATE mover.credential SET sealed = '\\x00ff' WHERE owner = 'ada'"))
        cut = "UPDATE mover.credential SET sealed = set_byte(sealed, length(sealed) - 90, 7) WHERE owner = 'bob'"
        await root.execute(text(cut))
        await root.execute(text("UPDATE keys.user_key SET wrapped = '\\x00' WHERE owner = 'bob'"))
    await bench.vault.rotate_global_key()
    count, unopened = await drive(bench, most=1)
    assert count == 2 + 1
    assert [line.split(" ")[0] for line in unopened] == ["key", "credential", "credential"]
    assert unopened[0].endswith("of bob")


async def test_rotating_a_users_key(bench: Bench) -> None:
    sealed = {record: await bench.save("ada", record) for record in ("r0", "r1", "r2")}
    other = await bench.save("bob", "r")
    async with bench.roles["mover_keys"].begin() as keys:
        assert await bench.vault.rotate_user_key(keys, "ada") == 2
        assert await bench.vault.retire_user_keys(keys, "ada", grace=-1) == (), "it is still needed"
    assert await drive(bench, owner="ada") == (3, [])
    assert await bench.stored("bob", "r") == other
    for record, then in sealed.items():
        now = await bench.stored("ada", record)
        assert Envelope.unpacked(now).ciphertext == Envelope.unpacked(then).ciphertext
        assert Envelope.unpacked(now).user_version == 2
        assert await bench.open(then, "ada", record) == SECRET
    async with bench.roles["mover_keys"].begin() as keys:
        assert await bench.vault.retire_user_keys(keys, "ada") == (), "a transaction may still store what it sealed"
        assert await bench.vault.retire_user_keys(keys, "ada", grace=-1) == (1,)
    for record, then in sealed.items():
        assert await bench.open(await bench.stored("ada", record), "ada", record) == SECRET
        with pytest.raises(Sealed):
            await bench.open(then, "ada", record)


async def test_rewrapping_one_secret(bench: Bench) -> None:
    sealed = await bench.save("ada", "r")
    new = await bench.vault.rotate_global_key()
    async with bench.roles["mover_keys"].begin() as keys:
        again = await bench.vault.rewrap(keys, sealed, purpose="connection", owner="ada", record="r")
        with pytest.raises(Sealed):
            await bench.vault.rewrap(keys, sealed, purpose="connection", owner="bob", record="r")
    assert Envelope.unpacked(again).key_id == new
    assert Envelope.unpacked(again).ciphertext == Envelope.unpacked(sealed).ciphertext
    assert await bench.open(again, "ada", "r") == SECRET


@pytest.mark.parametrize("error", [KeysUnreachable("down"), KeysRefused("no")])
async def test_a_holder_that_fails_is_not_taken_for_a_broken_seal(bench: Bench, error: Exception) -> None:
    sealed = await bench.save("ada", "r")
    bench.service.fails = error
    with pytest.raises(type(error)):
        await bench.open(sealed, "ada", "r")
    with pytest.raises(type(error)):
        await bench.save("bob", "r")
    bench.service.fails = None
    assert await bench.open(sealed, "ada", "r") == SECRET
    await bench.save("bob", "r")


async def test_a_holder_that_does_not_give_back_what_it_wrapped_gets_no_users_key(bench: Bench) -> None:
    class Lossy(Counting):
        async def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
            return bytes(len(await super().unwrap(key_id, wrapped, context)))

    lossy = Vault(Lossy(bench.service))
    async with bench.roles["mover_keys"].connect() as keys:
        with pytest.raises(KeysUnreachable, match="give back"):
            await lossy.seal(keys, Secret("x"), purpose="p", owner="zoe", record="r")
        assert await vault_queries.current_key(keys, "zoe") is None


async def test_users_keys_are_held_for_a_moment_only(bench: Bench) -> None:
    now = [0.0]
    held = HeldKeys(most=2, seconds=60, now=lambda: now[0])
    vault = Vault(bench.service, held)
    places = {owner: await bench.save(owner, "r") for owner in ("ada", "bob", "eve")}

    async def asked(owner: str) -> int:
        bench.service.unwrapped.clear()
        await bench.open(places[owner], owner, "r", vault)
        return len(bench.service.unwrapped)

    assert [await asked("ada"), await asked("ada")] == [2, 1]
    now[0] = 61.0
    assert await asked("ada") == 2, "its time is up"
    assert [await asked("bob"), await asked("eve"), await asked("ada")] == [2, 2, 2], "two are held at most"
    assert len(held) == 2
    assert "***" not in repr(held) and repr(held) == "HeldKeys(2)"
    held.drop("ada")
    assert await asked("ada") == 2


async def test_a_holder_that_hangs_stops_neither_the_loop_nor_its_asker(key_file: Path) -> None:
    import threading

    release = threading.Event()

    class Hanging(FileGlobalKey):
        def wrap(self, message: bytes, context: bytes) -> tuple[str, bytes]:
            release.wait(20)
            return super().wrap(message, context)

    async with in_threads(Hanging(key_file), most=1, patience=0.2) as service:
        assert isinstance(service, InThreads)
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        ticking = asyncio.ensure_future(tick())
        with pytest.raises(KeysUnreachable):
            await service.wrap(b"x", b"")
        ticking.cancel()
        assert ticks > 0
        release.set()
        await service.wrap(b"x", b"")


async def test_a_connection_of_the_api_cannot_seal_nor_open(bench: Bench) -> None:
    sealed = await bench.save("ada", "r")
    from sqlalchemy.exc import ProgrammingError

    connection: AsyncConnection
    async with bench.roles["mover_api"].connect() as connection:
        with pytest.raises(ProgrammingError, match="permission denied for schema keys"):
            await bench.vault.open(connection, sealed, purpose="connection", owner="ada", record="r")
