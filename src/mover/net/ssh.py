"""SSH connections: the host is always proven, only strong algorithms are spoken, nothing is read from the environment.

Failures become `core.errors`: `Untrusted` (host key, algorithms), `BadCredentials`, `Unreachable`. Nothing is retried here.
Algorithms follow RFC 8332, RFC 8731, RFC 9142 and OpenSSH's PROTOCOL; SHA-1, CBC and RC4 are never offered.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import asyncssh
from asyncssh.encryption import get_encryption_algs
from asyncssh.kex import get_kex_algs

from mover.core.errors import BadCredentials, BadOption, MoverError, Unreachable, Untrusted
from mover.core.secret import Secret
from mover.net.ssh_trust import SIGNATURES, HostTrust

CIPHERS: Final = (
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-ctr",
)
"""Fastest first: AES-GCM is done by the processor and needs no separate MAC."""
MACS: Final = (
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
)
KEY_EXCHANGES: Final = (
    "mlkem768x25519-sha256",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group14-sha256",
)
CONNECT_SECONDS: Final = 30
LOGIN_SECONDS: Final = 60
KEEPALIVE_SECONDS: Final = 30
"""A peer that leaves three of these unanswered is taken for gone."""


@dataclass(frozen=True, slots=True)
class SshSettings:
    """How to reach and sign in to one host.

    `private_key` is the text of a key (OpenSSH, PEM or PKCS#8), `passphrase` opens it. `agent_socket` is the path of an SSH agent's
    socket. A `password` also answers keyboard-interactive prompts that hide what is typed.
    """

    host: str
    port: int
    user: str
    trust: HostTrust
    password: Secret | None = None
    private_key: Secret | None = None
    passphrase: Secret | None = None
    agent_socket: str | None = None


async def connect(settings: SshSettings) -> asyncssh.SSHClientConnection:
    """A connection that is signed in; the caller closes it.

    Raises:
        Untrusted: the host's key is unknown or another one, or it speaks no strong algorithm.
        BadCredentials: the host does not accept the user.
        BadOption: the private key cannot be opened.
        Unreachable: the network or the server failed.
    """
    watcher = _Watcher(settings)
    try:
        async with _client_keys(settings) as keys:
            connection, _ = await asyncssh.create_connection(
                lambda: watcher,
                settings.host,
                settings.port,
                config=None,
                username=settings.user,
                client_keys=keys or None,
                password=settings.password.reveal() if settings.password else None,
                agent_path=None,
                gss_host=None,
                known_hosts=settings.trust.known_hosts(),
                server_host_key_algs=settings.trust.algorithms(),
                preferred_auth=_methods(settings),
                kex_algs=[k for k in KEY_EXCHANGES if k.encode() in get_kex_algs()],
                encryption_algs=[c for c in CIPHERS if c.encode() in get_encryption_algs()],
                mac_algs=MACS,
                signature_algs=SIGNATURES,
                compression_algs=None,
                connect_timeout=CONNECT_SECONDS,
                login_timeout=LOGIN_SECONDS,
                keepalive_interval=KEEPALIVE_SECONDS,
            )
    except (asyncssh.Error, OSError) as error:
        raise _translated(error, settings, watcher) from error
    return connection


class _Watcher(asyncssh.SSHClient):
    """Sees the host key that is shown, and answers prompts with the password, once."""

    def __init__(self, settings: SshSettings) -> None:
        self._settings = settings
        self._asked = False
        self.shown: asyncssh.SSHKey | None = None

    def validate_host_public_key(
        self,
        host: str,  # the signature is asyncssh's; HostTrust knows the host already
        addr: str,
        port: int,
        key: asyncssh.SSHKey,
    ) -> bool:
        self.shown = key
        return self._settings.trust.pinned(key)

    def kbdint_auth_requested(self) -> str | None:
        once, self._asked = not self._asked, True
        return "" if self._settings.password and once else None

    def kbdint_challenge_received(
        self,
        name: str,  # the signature is asyncssh's
        instructions: str,
        lang: str,
        prompts: Sequence[tuple[str, bool]],
    ) -> list[str] | None:
        hidden = [prompt for prompt, echo in prompts if not echo]
        if not prompts:
            return []
        if self._settings.password is None or len(hidden) != 1 or len(prompts) != 1:
            return None  # a second factor or a question: nobody is here to answer it
        return [self._settings.password.reveal()]


def _methods(settings: SshSettings) -> list[str]:
    methods = ["publickey"] if settings.private_key or settings.agent_socket else []
    return methods + (["password", "keyboard-interactive"] if settings.password else [])


@asynccontextmanager
async def _client_keys(settings: SshSettings) -> AsyncGenerator[list[asyncssh.SSHKey | asyncssh.SSHKeyPair]]:
    """The keys to offer. Those of an agent need it until the sign-in is over."""
    keys: list[asyncssh.SSHKey | asyncssh.SSHKeyPair] = []
    if settings.private_key:
        keys.append(_opened(settings.private_key, settings.passphrase))
    if settings.agent_socket is None:
        yield keys
        return
    try:
        agent = asyncssh.SSHAgentClient(settings.agent_socket)
        await agent.connect()
    except OSError as error:
        raise BadOption(f"no SSH agent answers at {settings.agent_socket}", item="agent_socket") from error
    async with agent:
        yield keys + list(await agent.get_keys())


def _opened(key: Secret, passphrase: Secret | None) -> asyncssh.SSHKey:
    text = key.reveal()
    if "\n" not in text:
        text = text.replace("\\n", "\n")  # one-line form, as in rclone's `key_pem`
    if not passphrase and _is_encrypted(text):
        raise BadOption("the private key is encrypted: give its passphrase", item="key_passphrase")
    try:
        return asyncssh.import_private_key(text, passphrase.reveal() if passphrase else None)
    except asyncssh.KeyEncryptionError:
        raise BadOption("the passphrase does not open the private key", item="key_passphrase") from None
    except asyncssh.KeyImportError:
        raise BadOption("the private key is in no format that can be read (OpenSSH, PEM, PKCS#8)") from None


def _is_encrypted(text: str) -> bool:
    try:
        asyncssh.import_private_key(text)
    except asyncssh.KeyImportError as error:
        return "passphrase" in str(error).lower() or isinstance(error, asyncssh.KeyEncryptionError)
    return False


def _translated(error: asyncssh.Error | OSError, settings: SshSettings, watcher: _Watcher) -> MoverError:
    where = f"{settings.host}:{settings.port}"
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return Untrusted(settings.trust.refusal(watcher.shown, error.reason), item=where)
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return Untrusted(f"{where} offers no algorithm that is strong enough: {error.reason}", item=where)
    if isinstance(error, asyncssh.PermissionDenied):
        return BadCredentials(f"{where} does not accept the user {settings.user} with what was given", item=where)
    if isinstance(error, TimeoutError):
        return Unreachable(f"{where} did not answer in time", item=where)
    if isinstance(error, asyncssh.Error):
        return Unreachable(f"{where} ended the connection: {error.reason}", item=where)
    return Unreachable(f"{where} cannot be reached: {error.strerror or error}", item=where)
