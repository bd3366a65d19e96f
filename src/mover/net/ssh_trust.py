"""Which key an SSH host may show. There is no way to trust one blindly.

Formats: known_hosts as in sshd(8), SSH_KNOWN_HOSTS FILE FORMAT; fingerprints as `ssh-keygen -l` prints them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import asyncssh

from mover.core.errors import BadOption

SIGNATURES: Final = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
"""Signatures that prove a host or a user; `ssh-rsa` (SHA-1) and `ssh-dss` are not among them."""
_CERTIFICATES: Final = tuple(f"{s}-cert-v01@openssh.com" for s in SIGNATURES)
_SSH_PORT: Final = 22
_KeyLists = tuple[Sequence[asyncssh.SSHKey], ...]


class HostTrust:
    """The keys that one host is known by: pinned ones if there are any, else those of a known_hosts file."""

    def __init__(self, host: str, port: int, *, pins: Sequence[str] = (), known_hosts: str = "") -> None:
        """`pins` are public keys (`ssh-ed25519 AAAA...`) or fingerprints (`SHA256:...`); `known_hosts` is the text of such a file.

        Raises:
            BadOption: a pin or the file cannot be read.
        """
        self._host, self._port = host, port
        self._fingerprints = {p.rstrip("=") for p in pins if p.startswith("SHA256:")}
        self._keys = [_public_key(p) for p in pins if not p.startswith("SHA256:")]
        self._pins = bool(pins)
        self._known = () if pins else _matching(host, port, known_hosts)

    def known_hosts(self) -> _KeyLists:
        """What asyncssh takes for known hosts: trusted keys, authorities, revoked keys and so on."""
        return self._known or ((),) * 7

    def pinned(self, key: asyncssh.SSHKey) -> bool:
        """Whether this very key was pinned."""
        return key in self._keys or key.get_fingerprint() in self._fingerprints

    def algorithms(self) -> tuple[str, ...]:
        """The kinds of key to ask the host for: those it is known by, so that it does not show another one it has as well."""
        keys = self._keys if self._pins else (self._known[0] if self._known else ())
        kinds = {a.decode() for key in keys for a in key.sig_algorithms}
        known = () if self._fingerprints else tuple(s for s in SIGNATURES if s in kinds)
        authorities = _CERTIFICATES if self._known and self._known[1] else ()
        return (*authorities, *known) or SIGNATURES

    def refusal(self, shown: asyncssh.SSHKey | None, reason: str) -> str:
        """Why the host is not trusted, and how to state its key once somebody has checked it."""
        where = f"{self._host}:{self._port}"
        if shown is None:
            return f"the host key of {where} was refused: {reason}"
        key = " ".join(shown.export_public_key().decode().split()[:2])
        seen = f"it shows {key.split()[0]} {shown.get_fingerprint()}"
        if self._pins or (self._known and self._known[0]):
            return (
                f"{where} shows ANOTHER KEY than the one it is known by: {seen}. Somebody may be listening in. If its administrator "
                "confirms that the key was changed, state the new one (host_key, or the known_hosts file)"
            )
        return (
            f"the host key of {where} is not known: {seen}. Compare this with what its administrator says, then give "
            f'host_key="{key}" (or host_key={shown.get_fingerprint()}), or add the key to the known_hosts file'
        )


def _public_key(text: str) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_public_key(text)
    except asyncssh.KeyImportError:
        raise BadOption(
            f"host_key is a public key such as 'ssh-ed25519 AAAA...' or a fingerprint such as 'SHA256:...', not {text[:40]!r}",
            item="host_key",
        ) from None


def _matching(host: str, port: int, known_hosts: str) -> _KeyLists:
    try:
        found = asyncssh.import_known_hosts(known_hosts).match(host, "", None if port == _SSH_PORT else port)
    except ValueError as error:
        raise BadOption(f"the known_hosts file cannot be read: {error}", item="known_hosts") from error
    keys, authorities, revoked = found[:3]
    return (keys, authorities, revoked, (), (), (), ())
