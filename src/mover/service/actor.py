"""Who acts, and what they may."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal

from mover.core.errors import NotAllowed, UnknownThing
from mover.core.errors.access import ProveAgain

Role = Literal["owner", "manager", "operator", "auditor"]
"""`owner`: the service and everybody's things. `manager`: their own connections, migrations and runs. `operator`: states of all runs, never
contents or credentials. `auditor`: reads the audit log and reports."""


class Permission(Enum):
    """What can be allowed; also the scopes of API keys."""

    CONNECTIONS_READ = "connections:read"
    CONNECTIONS_WRITE = "connections:write"
    MIGRATIONS_READ = "migrations:read"
    MIGRATIONS_WRITE = "migrations:write"
    RUNS_READ = "runs:read"
    RUNS_WRITE = "runs:write"
    RUNNERS_READ = "runners:read"
    RUNNERS_WRITE = "runners:write"
    ACCOUNTS_READ = "accounts:read"
    ACCOUNTS_WRITE = "accounts:write"
    KEYS_WRITE = "keys:write"
    AUDIT_READ = "audit:read"


_OWN: Final = frozenset(
    {
        Permission.CONNECTIONS_READ,
        Permission.CONNECTIONS_WRITE,
        Permission.MIGRATIONS_READ,
        Permission.MIGRATIONS_WRITE,
        Permission.RUNS_READ,
        Permission.RUNS_WRITE,
        Permission.KEYS_WRITE,
    }
)
MAY: Final[dict[Role, frozenset[Permission]]] = {
    "owner": frozenset(Permission),
    "manager": _OWN,
    "operator": frozenset(
        {Permission.MIGRATIONS_READ, Permission.RUNS_READ, Permission.RUNNERS_READ, Permission.KEYS_WRITE}
    ),
    "auditor": frozenset(
        {Permission.MIGRATIONS_READ, Permission.RUNS_READ, Permission.AUDIT_READ, Permission.KEYS_WRITE}
    ),
}
"""What each role may; a key may less, never more."""

_SEES_ALL: Final = frozenset({"owner", "operator", "auditor"})


MACHINE: Final = "the machine's own administrator"
"""By what whoever has the server's own files in hand acts."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from, for the audit log: its id, and the IP address of whoever sent it."""

    request: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """An account, and by what it acts. `scopes`: what the key allows; `None` is all that the role does.

    `key` or `session` is the number of what it acts by. `recent`: whoever acts proved who they are within the last ten minutes; keys and
    the machine's administrator prove it with every request.
    """

    account: int
    name: str
    role: Role
    by: str
    scopes: frozenset[Permission] | None = None
    origin: Origin = Origin()
    key: int | None = None
    session: int | None = None
    recent: bool = True

    @property
    def may(self) -> AbstractSet[Permission]:
        """All that is allowed."""
        allowed = MAY[self.role]
        return allowed if self.scopes is None else allowed & self.scopes

    @property
    def sees_all(self) -> bool:
        """Whether others' migrations and runs may be looked at."""
        return self.role in _SEES_ALL

    def must(self, permission: Permission) -> None:
        """Raises `NotAllowed` if the actor may not."""
        if permission not in self.may:
            raise NotAllowed(f"{self.name} may not do this: it needs {permission.value}")

    def must_be_recent(self) -> None:
        """Raises `ProveAgain` if whoever acts must prove who they are again first: what follows is dangerous in wrong hands."""
        if not self.recent:
            raise ProveAgain("this needs your password or passkey again")

    def must_cover(self, role: Role) -> None:
        """Raises `NotAllowed` if the role may more than the actor: nobody makes, by a detour, what they are not."""
        if beyond := sorted(permission.value for permission in MAY[role] - self.may):
            raise NotAllowed(f"{self.name} may not do this for an account that may more: it needs {beyond[0]}")

    def must_own(self, owner: int, what: str) -> None:
        """Raises `UnknownThing` for what is another's: whether it exists is nobody else's business."""
        if self.account != owner:
            raise UnknownThing(f"there is no {what} of that number")

    def must_see(self, owner: int, what: str) -> None:
        """As `must_own`, for what some roles may look at though it is another's."""
        if not self.sees_all:
            self.must_own(owner, what)
