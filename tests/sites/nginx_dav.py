"""nginx with its DAV modules over TLS. Also the server of the benchmark: two folders, kept connections, files in memory if it can."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Final

from tests.sites.base import Missing, Site, certificates, free_port, program, running, site

MODULE: Final = Path("/usr/lib/nginx/modules/ngx_http_dav_ext_module.so")
IN_MEMORY: Final = Path("/dev/shm")

CONFIGURATION: Final = """
load_module {module};
{identity}
worker_processes 2;
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  sendfile on;
  types {{ text/plain txt; }}
  default_type application/octet-stream;
  client_body_temp_path {files}/.incoming;
  proxy_temp_path {folder}/t1; fastcgi_temp_path {folder}/t2; uwsgi_temp_path {folder}/t3; scgi_temp_path {folder}/t4;
  client_body_buffer_size 1m;
  client_max_body_size 0;
  keepalive_requests 1000000;
  keepalive_timeout 300;
  ssl_certificate {chain};
  ssl_certificate_key {key};
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_session_cache shared:s:10m;
  dav_ext_lock_zone zone=locks:10m;
  server {{
    listen 127.0.0.1:{port} ssl;
    root {files};
    location / {{
      dav_methods PUT DELETE MKCOL COPY MOVE;
      dav_ext_methods PROPFIND OPTIONS LOCK UNLOCK;
      dav_ext_lock zone=locks;
      dav_access user:rw group:rw all:rw;
    }}
  }}
}}
"""


@site
def nginx_dav(folder: Path) -> Generator[Site]:
    """No authentication. `notes` name a second root beside the first: `second_url` and `second_folder`."""
    nginx = program("nginx", package="nginx")
    if not MODULE.exists():
        raise Missing("nginx's DAV module is not installed: install libnginx-mod-http-dav-ext")
    made = certificates(folder / "tls")
    port = free_port()
    files = Path(tempfile.mkdtemp(prefix="mover-nginx-", dir=IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else folder))
    try:
        for name in ("a", "b", ".incoming"):
            (files / name).mkdir()
        (folder / "nginx.conf").write_text(
            CONFIGURATION.format(
                module=MODULE,
                folder=folder,
                files=files,
                port=port,
                chain=made.chain,
                key=made.key,
                identity="user root;" if os.geteuid() == 0 else "",
            )
        )
        command = [nginx, "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"]
        with running(command, port=port, log=folder / "nginx.log"):
            url = f"https://localhost:{port}"
            yield Site(
                connector="webdav",
                options={"url": f"{url}/a/", "ca_file": str(made.ca)},
                rclone={"type": "webdav", "url": f"{url}/a/", "vendor": "other"},
                folder=files / "a",
                notes={"ca": str(made.ca), "second_url": f"{url}/b/", "second_folder": str(files / "b")},
            )
    finally:
        shutil.rmtree(files, ignore_errors=True)
