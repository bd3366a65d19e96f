"""WsgiDAV on cheroot over TLS: a WebDAV server in Python, with Digest authentication and properties."""

from __future__ import annotations

import json
import secrets
from collections.abc import Generator
from pathlib import Path

from tests.sites.base import Site, certificates, free_port, program, running, site


@site
def wsgidav_server(folder: Path) -> Generator[Site]:
    """Digest authentication, MD5. `getlastmodified` can be set by whoever writes."""
    made = certificates(folder / "tls")
    files, port, password = folder / "files", free_port(), secrets.token_hex(8)
    files.mkdir()
    (folder / "wsgidav.json").write_text(
        json.dumps(
            {
                "host": "127.0.0.1",
                "port": port,
                "provider_mapping": {"/dav": str(files)},
                "ssl_certificate": str(made.chain),
                "ssl_private_key": str(made.key),
                "property_manager": True,
                "mutable_live_props": ["{DAV:}getlastmodified"],
                "http_authenticator": {"accept_basic": False, "accept_digest": True, "default_to_digest": True},
                "simple_dc": {"user_mapping": {"*": {"u": {"password": password}}}},
                "logging": {"enable": True},
            }
        )
    )
    command = [program("wsgidav", package="wsgidav (PyPI)"), "--config", folder / "wsgidav.json"]
    with running(command, port=port, log=folder / "wsgidav.log"):
        yield Site(
            connector="webdav",
            options={
                "url": f"https://localhost:{port}/dav",
                "user": "u",
                "password": password,
                "ca_file": str(made.ca),
            },
            folder=files,
            notes={"ca": str(made.ca)},
        )
