"""Where the server's certificate comes from: files that somebody brings, or an authority of this installation's own."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mover.core.errors import BadOption, RecordDamaged
from mover.crypto.certificate_checks import checked
from mover.crypto.certificates import (
    Kind,
    Pair,
    fingerprint,
    is_due,
    kind_of,
    names_of,
    new_authority,
    new_certificate,
    permitted_names,
    renewed_authority,
    tidy_names,
)
from mover.net.server_tls import Certificates
from mover.vault.files import locked, private_folder, read_private, write_private

LARGEST: int = 1 << 20
"""Bytes in a file of certificates or of a key."""


def from_files(chain: Path, key: Path, *, strict: bool = True) -> Certificates:
    """The certificate in two PEM files that others keep new, such as an ACME client. `chain` holds the server's certificate first.

    Raises:
        BadOption: a file cannot be read, the certificate cannot serve, or users beside the owner and the group may read the key.
    """

    def read() -> tuple[bytes, bytes]:
        pair = _read(chain, "certificate"), _read(key, "private key", private=True)
        checked(*pair)
        return pair

    return Certificates(read, strict=strict)


@dataclass(frozen=True, slots=True)
class LocalAuthority:
    """An authority and a server's certificate signed by it, kept in a folder; made when missing and renewed when due.

    `names` are the host names and IP addresses under which users reach the server.
    """

    folder: Path
    names: Sequence[str]
    kind: Kind = "P-256"

    @property
    def public(self) -> Path:
        """The authority's certificate (PEM), for users to trust. It holds no secret."""
        return self.folder / "authority.pem"

    def fingerprint(self) -> str:
        """SHA-256 of the authority's certificate. Raises as `pair`."""
        self.pair()
        return fingerprint(self.public.read_bytes())

    def certificates(self, *, strict: bool = True) -> Certificates:
        """For the server: renews while it is watched. Raises as `pair`."""
        return Certificates(self.pair, strict=strict)

    def pair(self) -> tuple[bytes, bytes]:
        """The chain and the key (PEM), made or renewed if that is due: less than a third of its life left, other names, other authority.

        An authority that may not sign for the names is replaced, and users must trust the new one.

        Raises:
            RecordDamaged: a file of the folder is damaged.
            BadOption: others may use the folder or its files; a name is neither a host's nor an address.
        """
        private_folder(self.folder)
        with locked(self.folder / "lock"):
            authority = self._authority()
            server = _load(self.folder / "server.private.pem")
            if server is None or not self._fits(server, authority):
                server = new_certificate(authority, self.names, self.kind)
                _store(self.folder / "server.private.pem", server)
        return server.certificate, server.key

    def _authority(self) -> Pair:
        file = self.folder / "authority.private.pem"
        found = _load(file)
        if found is None or not tidy_names(self.names) <= permitted_names(found.certificate):
            found = _stored(file, new_authority(self.names))
        elif is_due(found.certificate):
            found = _stored(file, renewed_authority(found, sorted(permitted_names(found.certificate))))
        if not self.public.exists() or self.public.read_bytes() != found.certificate:
            write_private(self.public, found.certificate)
            self.public.chmod(0o644)
        return found

    def _fits(self, server: Pair, authority: Pair) -> bool:
        same = names_of(server.certificate) == tidy_names(self.names) and kind_of(server.certificate) == self.kind
        return same and not is_due(server.certificate) and authority.certificate in server.certificate


def _read(file: Path, what: str, *, private: bool = False) -> bytes:
    try:
        with file.open("rb") as opened:
            if private and Path(f"/proc/self/fd/{opened.fileno()}").stat().st_mode & stat.S_IRWXO:
                raise BadOption(
                    f"everybody on this machine may use the {what} in {file}",
                    item=what,
                    advice=f"Take that away with `chmod 600 {file}`, or 640 if a group needs it.",
                )
            data = opened.read(LARGEST + 1)
    except OSError as error:
        raise BadOption(
            f"the {what} in {file} cannot be read: {error.strerror}",
            item=what,
            advice="Correct the path, or let the user who runs Mover read the file.",
        ) from error
    if len(data) > LARGEST:
        raise BadOption(f"{file} is too large to hold a {what}", item=what, advice="Correct the path.")
    return data


def _load(file: Path) -> Pair | None:
    data = read_private(file)
    if data is None:
        return None
    key, mark, certificate = data.partition(_BEGIN)
    pair = Pair(mark + certificate, key)
    try:
        fingerprint(pair.certificate)
    except RecordDamaged as error:
        raise RecordDamaged(f"{file} is damaged", item=str(file), advice=_RENEW) from error
    return pair


def _stored(file: Path, pair: Pair) -> Pair:
    _store(file, pair)
    return pair


def _store(file: Path, pair: Pair) -> None:
    """Key and certificates are one file, so that a crash cannot part them."""
    write_private(file, pair.key + pair.certificate)


_BEGIN = b"-----BEGIN CERTIFICATE-----"
_RENEW = "Restore it from a backup, or move it away: Mover makes a new one (users must trust a new authority)."
