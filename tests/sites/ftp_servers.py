"""What the sites of FTP servers share: programs that were unpacked beside the system, their libraries, who they run as."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.sites.base import EXTRACTED, Certificates, Missing, certificates, program

PASSWORD = "correct horse"


@dataclass(frozen=True)
class Owner:
    """Whom the files belong to: another user if we are root, else ourselves."""

    name: str
    group: str
    uid: int
    gid: int


def owner() -> Owner:
    """An account without rights for root (servers rightly refuse to serve as root), else ourselves. vsftpd asks that its home is there."""
    if os.geteuid() != 0:
        entry = pwd.getpwuid(os.geteuid())
    else:
        known = (pwd.getpwnam(name) for name in ("nobody", "www-data", "daemon"))
        entry = next((e for e in known if Path(e.pw_dir).is_dir()), pwd.getpwuid(0))
    return Owner(entry.pw_name, grp.getgrgid(entry.pw_gid).gr_name, entry.pw_uid, entry.pw_gid)


def files_folder(folder: Path) -> Path:
    """The folder that the server shows, in one that its user cannot write (vsftpd asks for that): `jail/files`."""
    reachable(folder)
    jail = folder / "jail"
    files = jail / "files"
    files.mkdir(parents=True)
    jail.chmod(0o755)
    shutil.chown(files, owner().uid, owner().gid)
    return files


def reachable(folder: Path) -> None:
    """Let other users pass to it: pytest makes its folders for their owner only."""
    for place in (folder, *folder.parents):
        if place.stat().st_uid == os.geteuid() and place not in (Path("/"), Path("/tmp")):
            place.chmod(place.stat().st_mode | 0o711)


def certified(folder: Path) -> Certificates:
    """Certificates whose key only its owner may read."""
    made = certificates(folder / "tls")
    made.key.chmod(0o600)
    return made


def libraries() -> Mapping[str, str]:
    """The environment in which unpacked programs find their libraries."""
    places = [str(place) for root in ("usr/lib", "lib") for place in (EXTRACTED / root).glob("*-linux-gnu*")]
    return {"LD_LIBRARY_PATH": ":".join(places)} if places else {}


def rclone_section(port: int, user: str, *, tls: str | None) -> dict[str, str] | None:
    """How rclone reaches such a server; `None` where there is no rclone. `tls` is explicit, implicit or none."""
    try:
        rclone = program("rclone", package="rclone")
    except Missing:
        return None
    shown = subprocess.run(
        [rclone, "--config", "", "obscure", "-"], input=PASSWORD.encode(), capture_output=True, check=True
    )
    how = {"explicit": {"explicit_tls": "true"}, "implicit": {"tls": "true"}, None: {}}[tls]
    section = {
        "type": "ftp",
        "host": "localhost",
        "port": str(port),
        "user": user,
        "pass": shown.stdout.decode().strip(),
    }
    return {**section, **how, **({"no_check_certificate": "true"} if tls else {})}
