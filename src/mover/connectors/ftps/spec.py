"""FTP over TLS (RFC 4217): control and data connections are both encrypted, or nothing is sent."""

from __future__ import annotations

from mover.connectors._kit.ftp.describe import ACCOUNT, ADVANCED, CA_FILE, CAPS, DIGESTS, LIMITS, RCLONE
from mover.core.spec import Channel, Option, Rclone, Spec, Url

SPEC = Spec(
    key="ftps",
    title="FTPS",
    summary="Files on an FTP server, over TLS.",
    channel=Channel.TLS,
    hosts=("{host}",),
    caps=CAPS,
    limits=LIMITS,
    options=(
        *ACCOUNT,
        Option(
            "tls",
            "TLS begins",
            "explicit: after a first word in the clear, usually on port 21. implicit: at once, usually on port 990. "
            "Not given: implicit on port 990, else explicit.",
            kind="choice",
            choices=("explicit", "implicit"),
        ),
        CA_FILE,
        *ADVANCED,
    ),
    digests=DIGESTS,
    url=Url(
        schemes=("ftps", "ftpes"),
        host="host",
        port="port",
        user="user",
        path="folder",
        implied={"ftpes": {"tls": "explicit"}},
    ),
    rclone=(Rclone("ftp", RCLONE, frozenset({"pass"})),),
)
