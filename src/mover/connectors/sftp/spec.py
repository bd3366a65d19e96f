"""SFTP, as a spec."""

from mover.core.spec import Cap, Channel, Limits, Option, Rclone, Spec, Url

_OPTIONS = (
    Option("host", "Host", "Name or address of the server.", required=True),
    Option("port", "Port", "The server's SSH port.", kind="number", default=22),
    Option("user", "User", "Who to sign in as.", required=True),
    Option("password", "Password", "Also answers a keyboard-interactive prompt for it.", kind="secret"),
    Option("key_file", "Private key file", "Path of a private key on the machine that connects."),
    Option("private_key", "Private key", "The text of a private key, in place of a file.", kind="secret"),
    Option("key_passphrase", "Passphrase of the key", "If the private key is encrypted.", kind="secret"),
    Option("use_agent", "Use an SSH agent", "Offer the keys of a running SSH agent.", kind="switch", default=False),
    Option(
        "host_key",
        "Host key",
        "The server's public key (ssh-ed25519 AAAA...) or its fingerprint (SHA256:...), as its administrator tells it; "
        "several with commas between. Without it the known_hosts file decides.",
    ),
    Option(
        "known_hosts",
        "Known hosts file",
        "File of the host keys that are trusted, in OpenSSH's format.",
        default="~/.ssh/known_hosts",
    ),
    Option(
        "path", "Folder", "Where to begin: below the home folder, or with a leading slash from the top.", default=""
    ),
    Option(
        "agent_socket",
        "Agent's socket",
        "Path of the SSH agent's socket.",
        advanced=True,
        environment="SSH_AUTH_SOCK",
    ),
    Option(
        "connections",
        "Connections",
        "How many connections to open at most, from 1 to 16.",
        kind="number",
        default=4,
        advanced=True,
    ),
    Option(
        "flush",
        "Flush to disk",
        "Have the server put each file on its disk before it counts as written (fsync). Safer if the server loses power; slower.",
        kind="switch",
        default=False,
        advanced=True,
    ),
)

SPEC = Spec(
    key="sftp",
    title="SFTP",
    summary="Files on a server that is reached over SSH.",
    channel=Channel.SSH,
    hosts=("{host}:{port}",),
    caps=Cap.RANGED_READ
    | Cap.RENAME
    | Cap.SET_MODIFIED
    | Cap.KEEPS_MODIFIED
    | Cap.EMPTY_FOLDERS
    | Cap.EMPTY_FILES
    | Cap.PARTS
    | Cap.FIND
    | Cap.QUOTA
    | Cap.LINKS,
    limits=Limits(path_bytes=4095, any_bytes=True, time_step=1.0, times=(0, 2**32 - 1)),
    options=_OPTIONS,
    url=Url(schemes=("sftp",), host="host", port="port", user="user", path="path"),
    rclone=(
        Rclone(
            type="sftp",
            options={
                "host": "host",
                "port": "port",
                "user": "user",
                "pass": "password",
                "key_file": "key_file",
                "key_pem": "private_key",
                "key_file_pass": "key_passphrase",
                "key_use_agent": "use_agent",
                "known_hosts_file": "known_hosts",
                "connections": "connections",
            },
            obscured=frozenset({"pass", "key_file_pass"}),
        ),
    ),
)
