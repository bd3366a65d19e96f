"""A runner's requests: signed, fresh, each once. Whatever else is said in a runner's name is refused."""

from __future__ import annotations

import time
from base64 import b64encode
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from mover.core.clock import SystemClock
from mover.core.errors import BadOption, NotProved, Replayed
from mover.crypto.boxes import new_box_key
from mover.crypto.signatures import SigningKey
from mover.service.runners import Enrolments, _hash
from mover.store import runners
from mover.store.database import Database
from mover.wire.messages import VERSION, EnrolRequest
from mover.wire.signing import COUNT, RUNNER, SIGNATURE, signed_part

pytestmark = pytest.mark.anyio

PATH = "/runner/v1/journal"


class Joined:
    """A runner that joined, and how it signs."""

    def __init__(self, enrolments: Enrolments, key: SigningKey, runner: str) -> None:
        self.enrolments = enrolments
        self.key = key
        self.runner = runner

    def headers(self, body: bytes, count: int | None = None, path: str = PATH, method: str = "POST") -> dict[str, str]:
        number = time.time_ns() if count is None else count
        signature = self.key.sign(signed_part(method, path, self.runner, number, body))
        return {RUNNER: self.runner, COUNT: str(number), SIGNATURE: b64encode(signature).decode()}

    async def says(self, headers: dict[str, str], body: bytes, *, path: str = PATH, method: str = "POST") -> str:
        return (await self.enrolments.prove("journal", method, path, headers, body)).id


async def token(database: Database, word: str = "mve_word", seconds: float = 60) -> str:
    async with database.transaction() as connection:
        account = await connection.execute(
            text("INSERT INTO mover.account (name, role) VALUES (:name, 'owner') RETURNING id"), {"name": f"of {word}"}
        )
        await runners.add_token(connection, account.scalar_one(), _hash(word), pool=None, seconds=seconds)
    return word


def request(word: str, key: SigningKey | None = None, **more: object) -> EnrolRequest:
    given = {
        "name": "one",
        "signing_key": (key or SigningKey.new()).public.raw,
        "box_key": new_box_key()[1],
        "version": VERSION,
    }
    return EnrolRequest(word, **{**given, **more})  # type: ignore[arg-type]


@pytest.fixture
async def joined(fresh_database: Database) -> Joined:
    enrolments, key = Enrolments(fresh_database, SystemClock()), SigningKey.new()
    answer = await enrolments.enrol(request(await token(fresh_database), key))
    return Joined(enrolments, key, answer.runner)


async def test_a_signed_request_is_the_runners(joined: Joined) -> None:
    assert await joined.says(joined.headers(b"body"), b"body") == joined.runner


async def test_a_request_that_came_before_is_refused(joined: Joined) -> None:
    headers = joined.headers(b"body")
    assert await joined.says(headers, b"body") == joined.runner
    with pytest.raises(Replayed):
        await joined.says(headers, b"body")
    with pytest.raises(Replayed):
        await joined.says(joined.headers(b"body", int(headers[COUNT]) - 1), b"body")
    assert await joined.says(joined.headers(b"body", int(headers[COUNT]) + 1), b"body") == joined.runner


async def test_a_request_that_was_changed_is_refused(joined: Joined) -> None:
    other = Joined(joined.enrolments, SigningKey.new(), joined.runner)
    later = str(time.time_ns() + 10**9)
    changed = [
        (joined.headers(b"body"), b"Body", PATH, "POST"),
        (joined.headers(b"body"), b"body", "/runner/v1/lease", "POST"),
        (joined.headers(b"body"), b"body", PATH, "PUT"),
        ({**joined.headers(b"body"), COUNT: later}, b"body", PATH, "POST"),
        ({**joined.headers(b"body"), RUNNER: "runner-of-another"}, b"body", PATH, "POST"),
        (other.headers(b"body"), b"body", PATH, "POST"),
        ({**joined.headers(b"body"), SIGNATURE: "no base64!"}, b"body", PATH, "POST"),
        ({**joined.headers(b"body"), COUNT: "-1"}, b"body", PATH, "POST"),
        ({**joined.headers(b"body"), COUNT: "9" * 40}, b"body", PATH, "POST"),
        ({RUNNER: joined.runner}, b"body", PATH, "POST"),
        ({}, b"body", PATH, "POST"),
    ]
    for headers, body, path, method in changed:
        with pytest.raises(NotProved):
            await joined.says(headers, body, path=path, method=method)
    assert await joined.says(joined.headers(b"body"), b"body") == joined.runner


@pytest.mark.parametrize("seconds", [-3600, 3600])
async def test_a_clock_that_is_out_of_reach_is_told(joined: Joined, seconds: int) -> None:
    with pytest.raises(NotProved, match="clock"):
        await joined.says(joined.headers(b"", time.time_ns() + seconds * 10**9), b"")


async def test_a_removed_runner_is_nobody(joined: Joined, fresh_database: Database) -> None:
    async with fresh_database.transaction() as connection:
        assert await runners.remove(connection, joined.runner)
    with pytest.raises(NotProved):
        await joined.says(joined.headers(b""), b"")


async def test_a_token_is_good_once_and_for_a_while(fresh_database: Database) -> None:
    enrolments = Enrolments(fresh_database, SystemClock())
    word = await token(fresh_database)
    assert (await enrolments.enrol(request(word))).runner.startswith("runner-")
    late = await token(fresh_database, "mve_late", -1)
    for bad in (word, late, "", "mve_never"):
        with pytest.raises(NotProved):
            await enrolments.enrol(request(bad))


async def test_what_does_not_fit_uses_no_token_up(fresh_database: Database) -> None:
    enrolments = Enrolments(fresh_database, SystemClock())
    word = await token(fresh_database)
    for bad in (
        {"version": VERSION + 1},
        {"name": "  "},
        {"name": "x" * 101},
        {"name": "a\nb"},
        {"signing_key": bytes(32)},
        {"signing_key": b"short"},
        {"box_key": b"short"},
        {"box_key": bytes(32)},
    ):
        with pytest.raises(BadOption):
            await enrolments.enrol(request(word, **bad))
    assert (await enrolments.enrol(request(word))).runner


async def test_the_time_of_a_request_is_kept(joined: Joined, fresh_database: Database) -> None:
    await joined.says(joined.headers(b""), b"")
    async with fresh_database.read() as connection:
        found = await runners.get(connection, joined.runner)
    assert found is not None and found.seen is not None
    assert (datetime.now(UTC) - found.seen).total_seconds() < 60
