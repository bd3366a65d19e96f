"""moto's server: Amazon S3 as botocore's authors' users imitate it, by TLS. It checks no signatures."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Generator
from pathlib import Path

from tests.sites.base import Site, certificates, free_port, running, site
from tests.sites.rclone_s3 import installed, rclone_section

BUCKET = "bucket"


@site
def moto(folder: Path) -> Generator[Site]:
    """The bucket is named in the options, and a folder in it."""
    server = installed("moto_server", package="moto[server,s3]")
    made, port = certificates(folder / "tls"), free_port()
    command = [server, "-H", "127.0.0.1", "-p", str(port), "-c", made.chain, "-k", made.key]
    with running(command, port=port, log=folder / "moto.log"):
        _make_bucket(port, made.ca)
        endpoint = f"https://localhost:{port}"
        yield Site(
            connector="s3",
            options={
                "endpoint": endpoint,
                "bucket": BUCKET,
                "path": "some folder/in it",
                "access_key_id": "key",
                "secret_access_key": "secret",
                "ca_file": str(made.ca),
            },
            rclone=rclone_section(endpoint, "key", "secret"),
            rclone_path=f"{BUCKET}/some folder/in it",
        )


def _make_bucket(port: int, ca: Path) -> None:
    context = ssl.create_default_context(cafile=str(ca))
    connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=30)
    connection.request("PUT", f"/{BUCKET}")
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    connection.close()
