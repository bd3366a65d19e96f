"""FTP without encryption (RFC 959, 3659): used only where a user openly accepts that."""

from __future__ import annotations

from mover.connectors._kit.ftp.describe import ACCOUNT, ADVANCED, CAPS, DIGESTS, LIMITS, RCLONE
from mover.core.options import CONSENT
from mover.core.spec import Channel, Option, Rclone, Spec, Url

SPEC = Spec(
    key="ftp",
    title="FTP",
    summary="Files on an FTP server, over a connection that is not encrypted.",
    channel=Channel.NONE,
    hosts=("{host}",),
    caps=CAPS,
    limits=LIMITS,
    options=(
        *ACCOUNT,
        Option(
            CONSENT,
            "Allow an unencrypted connection",
            "The password and all files can be read on the way. Use FTPS if the server has it.",
            kind="switch",
            default=False,
        ),
        *ADVANCED,
    ),
    digests=DIGESTS,
    url=Url(schemes=("ftp",), host="host", port="port", user="user", path="folder"),
    rclone=(Rclone("ftp", RCLONE, frozenset({"pass"})),),
)
