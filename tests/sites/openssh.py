"""OpenSSH's sshd with internal-sftp. As root it lets root in, as a plain user that user; by key only, since passwords need PAM."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Generator, Mapping
from pathlib import Path

from tests.sites.base import Site, free_port, program, running, site

CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
PidFile none
MaxStartups 100
Subsystem sftp internal-sftp
"""


def make_key(path: Path, *, kind: str = "ed25519", passphrase: str = "") -> str:
    """Make a key pair, answer its public half (`ssh-ed25519 AAAA...`)."""
    keygen = program("ssh-keygen", package="openssh-client (Debian)")
    command = [keygen, "-q", "-t", kind, "-N", passphrase, "-C", "", "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path.with_suffix(".pub").read_text().strip()


def rclone_section(options: Mapping[str, object], **more: str) -> dict[str, str]:
    """The same place for rclone, with a key."""
    return {
        "type": "sftp",
        "host": str(options["host"]),
        "port": str(options["port"]),
        "user": str(options["user"]),
        "shell_type": "none",
        **more,
    }


@site
def openssh(folder: Path) -> Generator[Site]:
    """Everything in OpenSSH's SFTP that Mover uses."""
    sshd = program("sshd", package="openssh-server (Debian)")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    files, port = folder / "files", free_port()
    files.mkdir()
    host_key = make_key(folder / "host_key")
    (folder / "authorized_keys").write_text(make_key(folder / "key") + "\n")
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}\n")
    (folder / "sshd_config").write_text(CONFIG.format(port=port, folder=folder))
    with running([sshd, "-D", "-e", "-f", folder / "sshd_config"], port=port, log=folder / "sshd.log") as process:
        options = {
            "host": "127.0.0.1",
            "port": port,
            "user": pwd.getpwuid(os.geteuid()).pw_name,
            "key_file": str(folder / "key"),
            "known_hosts": str(folder / "known_hosts"),
            "path": str(files),
        }
        yield Site(
            connector="sftp",
            options=options,
            rclone=rclone_section(options, key_file=str(folder / "key"), known_hosts_file=str(folder / "known_hosts")),
            rclone_path=str(files),
            folder=files,
            notes={"host_key": host_key, "pid": str(process.pid), "folder": str(folder)},
        )
