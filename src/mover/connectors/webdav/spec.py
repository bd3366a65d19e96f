"""What the WebDAV connector says of itself."""

from typing import Final

from mover.connectors._kit.options import ca_file, consent, plain_http
from mover.core.spec import Cap, Channel, Limits, Option, Rclone, Spec, Url

FORBIDDEN: Final = frozenset("/\x7f" + "".join(map(chr, range(32))))
"""XML cannot hold control characters, and servers change or drop them."""

SPEC = Spec(
    key="webdav",
    title="WebDAV",
    summary="Files on a WebDAV server: Nextcloud, ownCloud, Apache, nginx and others.",
    channel=Channel.TLS,
    hosts=("{url}",),
    caps=Cap.RANGED_READ
    | Cap.RENAME
    | Cap.COPY_INSIDE
    | Cap.SET_MODIFIED
    | Cap.KEEPS_MODIFIED
    | Cap.EMPTY_FOLDERS
    | Cap.EMPTY_FILES
    | Cap.PARTS
    | Cap.FIND
    | Cap.QUOTA,
    limits=Limits(name_bytes=255, path_bytes=4096, forbidden=FORBIDDEN),
    options=(
        Option(
            "url",
            "Address",
            "The address of the folder to use, such as https://cloud.example.org/remote.php/dav/files/anna/.",
            required=True,
        ),
        Option("port", "Port", "The port, if the address does not hold it.", kind="number", advanced=True),
        Option("path", "Path", "A folder below the address, such as dav/photos.", advanced=True),
        Option("user", "User", "The user to sign in as. Leave empty if the server asks for none."),
        Option(
            "password", "Password", "The password. Nextcloud with a second factor needs an app password.", kind="secret"
        ),
        Option("token", "Token", "A bearer token, instead of user and password.", kind="secret", advanced=True),
        Option(
            "auth",
            "Sign-in method",
            "How to sign in. With auto the server's own choice is followed, the strongest first.",
            kind="choice",
            default="auto",
            choices=("auto", "basic", "digest", "bearer"),
            advanced=True,
        ),
        Option(
            "vendor",
            "Kind of server",
            "What the server is. With auto it is asked.",
            kind="choice",
            default="auto",
            choices=("auto", "generic", "nextcloud", "owncloud"),
            advanced=True,
        ),
        Option(
            "atomic_put",
            "Trust PUT",
            "Whether the server shows a file only when all of it has arrived. With no (and with auto, on servers not known"
            " to) a file is sent under another name and moved.",
            kind="choice",
            default="auto",
            choices=("auto", "yes", "no"),
            advanced=True,
        ),
        Option(
            "times",
            "Times",
            "How modification times are kept: by the X-OC-Mtime header, as a property of the file, or not at all.",
            kind="choice",
            default="auto",
            choices=("auto", "header", "property", "no"),
            advanced=True,
        ),
        ca_file(),
        plain_http(),
        consent("Accept that files and the password cross the network unencrypted."),
    ),
    digests=frozenset({"md5", "sha1", "sha256"}),
    url=Url(
        schemes=("webdavs", "webdav"),
        host="url",
        port="port",
        user="user",
        path="path",
        implied={"webdav": {"plain_http": True}},
    ),
    rclone=(
        Rclone(
            "webdav",
            {"url": "url", "user": "user", "pass": "password", "bearer_token": "token"},
            obscured=frozenset({"pass"}),
        ),
    ),
    unencrypted_when={"plain_http": True},
)
