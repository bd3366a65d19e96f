"""`EmbeddedPostgres`: a private PostgreSQL below one folder, for as long as Mover runs."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from sqlalchemy.engine import URL

from mover.core.errors import DatabaseFailed, DatabaseFull
from mover.store.embedded import cluster, leftover, passwords, socket
from mover.store.embedded.account import Account, account
from mover.store.embedded.cluster import SUPERUSER
from mover.store.embedded.folder import Folder, checked, held, opened
from mover.store.embedded.process import Process
from mover.store.embedded.programs import Programs, programs, usable
from mover.store.embedded.roles import DATABASE, WrongPassword, answers, ensure, verifier

_SHORT: Final = Path("/tmp")  # noqa: S108  # a folder of our own is made in it (mkdtemp), and only for a path that is too long
_READY_SECONDS: Final = 600.0
_TRIES: Final = 5
_POLL_SECONDS: Final = 0.05


class EmbeddedPostgres:
    """A PostgreSQL of Mover's own, reached by a unix socket only: `async with EmbeddedPostgres(folder) as postgres`.

    Everything lies below `folder`; the first start makes it (some seconds). The server is our child: it is started again when it
    dies and ended when the block ends; one that a killed Mover left behind is ended first. As root it runs as the user
    `mover` if there is one, else as `nobody`. `roles` get a login each and may connect; the first owns the database.
    `settings` are PostgreSQL's, beside or in place of ours. Only tests may be not `durable`: a crash of the machine then
    loses the database. `short` is where the socket goes if the folder's path is too long for one.
    """

    def __init__(
        self,
        folder: Path,
        *,
        roles: Sequence[str] = (DATABASE,),
        settings: Mapping[str, str] | None = None,
        durable: bool = True,
        short: Path = _SHORT,
    ) -> None:
        self._root = folder
        self._roles = tuple(roles)
        self._settings = dict(settings or {})
        self._durable = durable
        self._short = short
        self._held = ExitStack()
        self._passwords: dict[str, str] = {}
        self._process: Process | None = None

    @property
    def url(self) -> URL:
        """How to reach the database as its owner; prints without its password."""
        return self.url_of(self._roles[0])

    def url_of(self, role: str, database: str = DATABASE) -> URL:
        """How to reach a database as one of the roles, or as the superuser `postgres`."""
        return URL.create(
            "postgresql+psycopg",
            username=role,
            password=self._passwords[role],
            database=database,
            query={"host": str(self._socket), "port": "5432"},
        )

    @property
    def pid(self) -> int | None:
        """The number of the server's process; `None` while there is none."""
        return self._process.pid if self._process else None

    @property
    def restarts(self) -> int:
        """How often the server ended although it should run."""
        return self._process.ends if self._process else 0

    async def start(self) -> None:
        """Have the server running, the database and its roles there.

        Raises:
            DatabaseBusy: another Mover has the folder.
            DatabaseUnfit: the folder is another user's, open to others, or of another major version; or there is no PostgreSQL.
            RecordDamaged: the file of passwords is cut, changed or another database's.
            DatabaseFull: the disk is.
            DatabaseFailed: PostgreSQL does not start; the text has the end of its log.
        """
        if self._process is not None:
            raise RuntimeError("this server was started already")
        try:
            await self._start()
        except OSError as error:
            await self.stop()
            kind = DatabaseFull if error.errno == errno.ENOSPC else DatabaseFailed
            raise kind(f"the database folder {self._root}: {error.strerror} ({error.filename})") from error
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End the server and let go of the folder. No harm if it was not started.

        Is this cancelled, the server was told to end all the same; the folder stays ours until `stop` is called again, or we end.
        """
        if self._process:
            await self._process.stop()
            self._process = None
            await asyncio.to_thread(socket.removed, self._folder)
        self._held.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _start(self) -> None:
        self._folder = opened(self._root)
        self._held.enter_context(held(self._folder))
        user = account(self._folder.data)
        checked(self._folder, user)
        found = await asyncio.to_thread(self._programs, user)
        await leftover.end_leftover(self._folder, user)
        await self._prepare(found, user)
        self._socket = socket.made(self._folder, user, self._short)
        command = cluster.command(self._folder, found, self._socket, self._settings, durable=self._durable)
        folder = self._folder
        self._process = Process(command, user, folder.data, folder.log, lambda: _clear(folder, user, self._socket))
        self._process.start()
        await self._ready(self._process)
        await ensure(self._socket, self._passwords, self._roles)

    def _programs(self, user: Account) -> Programs:
        return usable(programs(self._folder.major()), user, self._folder.program)

    async def _prepare(self, found: Programs, user: Account) -> None:
        """Have data and passwords there, and let in whom we let in."""
        folder, file = self._folder, self._folder.passwords
        await asyncio.to_thread(folder.clear)
        known = passwords.loaded(file) or {}
        all_of_them = {**passwords.made([SUPERUSER, *self._roles]), **known}
        if folder.data.exists() and SUPERUSER not in known:
            await cluster.set_password(folder, found, user, verifier(SUPERUSER, all_of_them[SUPERUSER]))
        if all_of_them != known:
            passwords.stored(file, all_of_them)
        if not folder.data.exists():
            await cluster.make(folder, found, user, all_of_them[SUPERUSER])
        cluster.admit(folder, user)
        self._passwords = all_of_them

    async def _ready(self, process: Process) -> None:
        clock = asyncio.get_running_loop().time
        until = clock() + _READY_SECONDS
        while process.ends < _TRIES and clock() < until:
            try:
                if await answers(self._socket, self._passwords[SUPERUSER]):
                    return
            except WrongPassword:
                raise passwords.damaged(self._folder.passwords, "does not fit the database beside it") from None
            await asyncio.sleep(_POLL_SECONDS)
        raise cluster.failed(f"PostgreSQL does not start: {process.last_words()}")


async def _clear(folder: Folder, user: Account, place: Path) -> None:
    """What a server that died left behind does not keep the next one from starting."""
    await leftover.end_leftover(folder, user)
    socket.emptied(place)
