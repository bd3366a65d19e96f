"""vsftpd with its own idea of TLS: data connections must resume the session of the control connection.

It knows users only by PAM or as anonymous; so that no account of the machine is touched, it is anonymous with a password
(`secure_email_list_enable`). It has no MLSD. As root it changes to another user and shuts it in; a plain user gets it without
(`run_as_launching_user`).
"""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.sites.base import Site, free_port, program, running, site
from tests.sites.ftp_servers import PASSWORD, certified, files_folder, libraries, owner


@contextmanager
def serving(folder: Path, *, tls: str = "explicit", extra: Mapping[str, str] | None = None) -> Generator[Site]:
    """Vsftpd below `folder`; `tls` is explicit or implicit, `extra` are further lines of its configuration."""
    binary, files, certs = program("vsftpd", package="vsftpd"), files_folder(folder), certified(folder)
    (folder / "empty").mkdir()
    (folder / "passwords").write_text(PASSWORD + "\n")
    port = free_port()
    lines = {
        "listen": "YES",
        "listen_address": "127.0.0.1",
        "listen_port": port,
        "background": "NO",
        "seccomp_sandbox": "NO",
        "anonymous_enable": "YES",
        "local_enable": "NO",
        "write_enable": "YES",
        "anon_upload_enable": "YES",
        "anon_mkdir_write_enable": "YES",
        "anon_other_write_enable": "YES",
        "anon_world_readable_only": "NO",
        "anon_umask": "022",
        "anon_root": files.parent,
        "ftp_username": owner().name,
        "nopriv_user": owner().name,
        "secure_email_list_enable": "YES",
        "email_password_file": folder / "passwords",
        "secure_chroot_dir": folder / "empty",
        "run_as_launching_user": "NO" if os.geteuid() == 0 else "YES",
        "ssl_enable": "YES",
        "implicit_ssl": "YES" if tls == "implicit" else "NO",
        "allow_anon_ssl": "YES",
        "force_anon_logins_ssl": "YES",
        "force_anon_data_ssl": "YES",
        "ssl_ciphers": "HIGH",
        "rsa_cert_file": certs.chain,
        "rsa_private_key_file": certs.key,
        "max_clients": "100",
        **(extra or {}),
    }
    configuration = folder / "vsftpd.conf"
    configuration.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    options = {
        "host": "localhost",
        "port": port,
        "user": "anonymous",
        "password": PASSWORD,
        "folder": "files",
        "tls": tls,
        "ca_file": str(certs.ca),
    }
    with running([binary, configuration], port=port, log=folder / "vsftpd.log", env=libraries()):
        yield Site("ftps", options, folder=files, notes={"rclone": "cannot resume TLS sessions, which vsftpd demands"})


@site
def vsftpd(folder: Path) -> Generator[Site]:
    with serving(folder) as here:
        yield here


@site
def vsftpd_implicit(folder: Path) -> Generator[Site]:
    with serving(folder, tls="implicit") as here:
        yield here
