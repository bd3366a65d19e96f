"""ProFTPD with mod_tls as it comes: data connections must resume the session of the control connection.

`proftpd` lets uploads go on where they stopped, `proftpd_implicit` does not (its default). `proftpd_for_rclone` is the one that does not
demand resumed sessions: rclone cannot resume them. As root it shuts its user in; a plain user gets it without.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import bcrypt
from tests.sites.base import EXTRACTED, Certificates, Missing, Site, free_port, program, running, site
from tests.sites.ftp_servers import PASSWORD, certified, files_folder, libraries, owner, rclone_section

USER = "mover"


@contextmanager
def serving(
    folder: Path, *, tls: str = "explicit", extra: str = "", versions: str = "TLSv1.2 TLSv1.3"
) -> Generator[Site]:
    """ProFTPD below `folder`; `tls` is explicit or implicit, `extra` are further lines of its configuration."""
    binary, files, certs = program("proftpd", package="proftpd-core"), files_folder(folder), certified(folder)
    port, me = free_port(), owner()
    passwords = folder / "passwords"
    passwords.write_text(f"{USER}:{_hashed(PASSWORD)}:{me.uid}:{me.gid}::{files.parent}:/bin/sh\n")
    passwords.chmod(0o600)
    configuration = folder / "proftpd.conf"
    configuration.write_text(_configuration(folder, port, certs, tls=tls, versions=versions, extra=extra))
    options = {
        "host": "localhost",
        "port": port,
        "user": USER,
        "password": PASSWORD,
        "folder": "files",
        "tls": tls,
        "ca_file": str(certs.ca),
    }
    reuse_demanded = "NoSessionReuseRequired" not in extra
    with running([binary, "-n", "-q", "-c", configuration], port=port, log=folder / "proftpd.log", env=libraries()):
        yield Site(
            "ftps",
            options,
            rclone=None if reuse_demanded else rclone_section(port, USER, tls=tls),
            rclone_path="files",
            folder=files,
            notes={"rclone": "cannot resume TLS sessions"} if reuse_demanded else {},
        )


@site
def proftpd(folder: Path) -> Generator[Site]:
    with serving(folder, extra="AllowStoreRestart on") as here:
        yield here


@site
def proftpd_implicit(folder: Path) -> Generator[Site]:
    with serving(folder, tls="implicit") as here:
        yield here


@site
def proftpd_for_rclone(folder: Path) -> Generator[Site]:
    with serving(folder, extra="TLSOptions NoSessionReuseRequired") as here:
        yield here


def _configuration(folder: Path, port: int, certs: Certificates, *, tls: str, versions: str, extra: str) -> str:
    modules = next((p for p in (EXTRACTED / "usr/lib/proftpd", Path("/usr/lib/proftpd")) if p.is_dir()), None)
    if modules is None or not (modules / "mod_tls.so").exists():
        raise Missing("ProFTPD's mod_tls is not installed: install proftpd-mod-crypto")
    me = owner()
    shut_in = "DefaultRoot ~" if os.geteuid() == 0 else ""
    implicit = "TLSOptions UseImplicitSSL" if tls == "implicit" else ""
    return f"""
ServerName mover
ServerType standalone
ModulePath {modules}
LoadModule mod_tls.c
LoadModule mod_digest.c
LoadModule mod_site_misc.c
DefaultAddress 127.0.0.1
SocketBindTight on
UseIPv6 off
Port {port}
User {me.name}
Group {me.group}
AuthUserFile {folder / "passwords"}
AuthOrder mod_auth_file.c
RequireValidShell off
AllowOverwrite on
{shut_in}
Umask 022
MaxInstances 100
PidFile {folder / "pid"}
ScoreboardFile {folder / "scoreboard"}
DelayTable none
DelayEngine off
TransferLog none
WtmpLog off
SystemLog {folder / "system.log"}
TLSEngine on
TLSRequired on
TLSECCertificateFile {certs.chain}
TLSECCertificateKeyFile {certs.key}
TLSProtocol {versions}
TLSLog {folder / "tls.log"}
{implicit}
{extra}
"""


def _hashed(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
