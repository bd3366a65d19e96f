"""Remotes of an rclone configuration become saved connections (https://rclone.org/docs/#config-file)."""

from __future__ import annotations

import configparser
import getpass
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from mover.boot.connections import NAME, Connections
from mover.boot.given import text_in
from mover.connectors.registry import specs
from mover.core.errors import BadOption, MoverError
from mover.core.options import CONSENT, Options, Value
from mover.core.secret import Secret
from mover.core.spec import Rclone, Spec
from mover.crypto.rclone_key import reveal

Result = Literal["imported", "would be imported", "not imported", "not supported"]


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one remote, and what its owner should know."""

    name: str
    result: Result
    reason: str


def import_remotes(
    file: Path,
    connections: Connections,
    only: frozenset[str] | None,
    *,
    dry_run: bool = False,
    replace: bool = False,
    allow_unencrypted: bool = False,
) -> list[Imported]:
    """Import every remote, or those named in `only`. One that cannot be imported does not stop the others.

    Raises:
        BadOption: the file cannot be read or is encrypted, or a remote in `only` is not in it.
    """
    remotes = _parsed(text_in(str(file), "rclone.conf"))
    if only is not None and (strange := sorted(only - remotes.keys())):
        raise BadOption(f"there is no remote {strange[0]} in {file}; it has: {', '.join(remotes)}", item="only")
    found: list[Imported] = []
    for name, section in remotes.items():
        if only is None or name in only:
            found.append(
                _imported(
                    name,
                    section,
                    connections,
                    dry_run=dry_run,
                    replace=replace,
                    allow_unencrypted=allow_unencrypted,
                )
            )
    return found


def _parsed(text: str) -> dict[str, Mapping[str, str]]:
    if any(line.startswith("RCLONE_ENCRYPT_V") for line in text.splitlines()[:20]):
        raise EncryptedConfiguration("this rclone configuration is encrypted", item="rclone.conf")
    parser = configparser.ConfigParser(
        interpolation=None, delimiters=("=",), strict=False, default_section="", comment_prefixes=("#", ";")
    )
    try:
        parser.read_string(text)
    except configparser.Error:
        # the parser's own text would show a line of the file
        raise BadOption(
            "the file is no rclone configuration",
            item="rclone.conf",
            advice="`rclone config file` says where rclone keeps its configuration.",
        ) from None
    return {name: parser[name] for name in parser.sections()}


def _imported(
    remote: str,
    section: Mapping[str, str],
    connections: Connections,
    *,
    dry_run: bool,
    replace: bool,
    allow_unencrypted: bool,
) -> Imported:
    kind = section.get("type", "")
    matched = _matched(kind, section)
    if matched is None:
        reason = _WRAPPERS.get(kind, f"Mover has no connector for rclone's {kind or 'remotes without a type'}")
        return Imported(remote, "not supported", reason)
    spec, rclone = matched
    name = remote if NAME.fullmatch(remote) else re.sub(r"[^A-Za-z0-9_-]+", "-", f"rclone-{remote}").strip("-")
    try:
        values, notes = _values(spec, rclone, section, allow_unencrypted=allow_unencrypted)
        if dry_run:
            Options(spec, values)
        else:
            connections.add(name, spec.key, values, replace=replace)
    except MoverError as problem:
        return Imported(remote, "not imported", f"{problem.detail}. {problem.advice}")
    if name != remote:
        notes.insert(0, f"as {name}")
    return Imported(remote, "would be imported" if dry_run else "imported", "; ".join([spec.title, *notes]))


def _matched(kind: str, section: Mapping[str, str]) -> tuple[Spec, Rclone] | None:
    """The connector of a remote's type; rclone's `ftp` is two of ours."""
    over_tls = _on(section.get("tls")) or _on(section.get("explicit_tls"))
    for spec in specs().values():
        for rclone in spec.rclone:
            if rclone.type == kind and (kind != "ftp" or (spec.key == "ftps") == over_tls):
                return spec, rclone
    return None


def _values(
    spec: Spec, rclone: Rclone, section: Mapping[str, str], *, allow_unencrypted: bool
) -> tuple[dict[str, Value], list[str]]:
    values: dict[str, Value] = {}
    left_out: list[str] = []
    for key, text in section.items():
        ours = rclone.options.get(key)
        option = None if ours is None else spec.option(ours)
        if option is None:
            if key not in _HARMLESS and text not in ("", "false", "off"):
                left_out.append(key)
        elif text:
            plain = reveal(text) if key in rclone.obscured else text
            if option.kind == "secret" and isinstance(plain, str):
                plain = Secret(plain.replace("\\n", "\n") if key == "key_pem" else plain)
            values[option.name] = plain.reveal() if isinstance(plain, Secret) and option.kind != "secret" else plain
    notes = _filled_in(spec, section, values)
    if any(isinstance(value, str) and value.startswith("http://") for value in values.values()) and spec.option(
        "plain_http"
    ):
        values["plain_http"] = True
    if allow_unencrypted and spec.option(CONSENT):
        values[CONSENT] = True
    if left_out:
        notes.append(f"left out: {', '.join(sorted(left_out))}")
    return values, notes


def _filled_in(spec: Spec, section: Mapping[str, str], values: dict[str, Value]) -> list[str]:
    """What rclone takes for granted and we want said."""
    notes: list[str] = []
    if spec.key == "sftp":
        values.setdefault("user", getpass.getuser())
        if not values.keys() & {"password", "key_file", "private_key"}:
            values["use_agent"] = True
        if "known_hosts" not in values:
            notes.append("the server's key must be in ~/.ssh/known_hosts (rclone did not check it)")
    if spec.key == "ftps" and not _on(section.get("explicit_tls")):
        values["tls"] = "implicit"
    elif spec.key == "ftps":
        values["tls"] = "explicit"
    if spec.key == "local":
        values["path"] = "/"
    if _on(section.get("no_check_certificate")):
        notes.append("certificates are always checked here: name the authority with ca_file")
    return notes


def _on(text: str | None) -> bool:
    return (text or "").lower() in ("true", "1", "yes", "on")


class EncryptedConfiguration(BadOption):
    """The configuration is sealed with a password that only rclone asks for."""

    advice = "Write it out first, to a file only you can read: (umask 077; rclone config show > plain.conf); import it, then erase it."


_HARMLESS: Final = frozenset(
    {
        "type",
        "tls",
        "explicit_tls",
        "no_check_certificate",
        "provider",
        "env_auth",
        "vendor",
        "shell_type",
        "md5sum_command",
        "sha1sum_command",
        "description",
        "acl",
        "nounc",
        "domain",
    }
)
"""Keys of rclone that need no counterpart here."""

_WRAPPERS: Final = {
    "crypt": "not a provider of its own: put this section into a key file and use --encrypt-to or --decrypt-with FILE",
    "alias": "an alias of another remote: import that one, and name the folder in the address",
    **dict.fromkeys(
        ("union", "combine", "chunker", "compress", "hasher", "cache"),
        "a layer of rclone's over other remotes: import those",
    ),
}
