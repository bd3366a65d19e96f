"""What a server says it can do (FEAT, RFC 2389; SYST)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

WANTED_FACTS: Final = "type;size;modify;"
"""The facts of RFC 3659 that we read; asking for no others halves a listing."""


@dataclass(frozen=True, slots=True)
class Features:
    """A server's features: each line of its FEAT answer, and what it says of itself."""

    lines: tuple[str, ...] = ()
    greeting: str = ""
    system: str = ""
    status: str = ""

    def has(self, feature: str) -> bool:
        """Whether a line is or begins with this word or these words, whatever their case."""
        wanted = feature.upper()
        return any(line.upper() == wanted or line.upper().startswith(wanted + " ") for line in self.lines)

    def parameters(self, feature: str) -> str:
        """What follows the word in its line."""
        wanted = feature.upper() + " "
        return next((line[len(wanted) :].strip() for line in self.lines if line.upper().startswith(wanted)), "")

    @property
    def facts(self) -> bool:
        """MLST and MLSD: listings made for machines. RFC 3659 §7.8 has one feature line for both."""
        return self.has("MLST") or self.has("MLSD")

    @property
    def asks_facts(self) -> bool:
        """Whether the facts can be limited to those we read."""
        offered = self.parameters("MLST").lower().replace("*", "").split(";")
        return all(fact in offered for fact in ("type", "size", "modify"))

    @property
    def restarts(self) -> bool:
        """REST STREAM: a transfer may begin anywhere."""
        return self.parameters("REST").upper().startswith("STREAM")

    @property
    def unix(self) -> bool:
        """Whether LIST is `ls -l` and understands `-a`."""
        return self.system.upper().startswith("UNIX")

    @property
    def writes_mdtm(self) -> bool:
        """Vsftpd sets times by an MDTM of two arguments, and does not say so; others would take the time for a name."""
        return self.has("MDTM") and "vsftpd" in self.known_as

    @property
    def telnet(self) -> bool:
        """Whether a doubled byte 255 is read as one. RFC 959 says yes; vsftpd and pyftpdlib take it for two."""
        return not any(name in self.known_as for name in ("vsftpd", "pyftpdlib"))

    @property
    def sets_times(self) -> str | None:
        """The command that sets a file's time; a `{time}` and a `{path}` belong in it."""
        if self.has("MFMT"):
            return "MFMT {time} {path}"
        if self.has("SITE UTIME"):
            return "SITE UTIME {time} {path}"
        return "MDTM {time} {path}" if self.writes_mdtm else None

    @property
    def sets_folder_times(self) -> bool:
        """MFMT is for files by its draft; servers with MFF take folders too."""
        return self.has("MFMT") and "modify" in self.parameters("MFF").lower()

    @property
    def known_as(self) -> str:
        """Where a server names its maker, in lower case."""
        return f"{self.greeting} {self.status}".lower()

    def without_facts(self) -> Features:
        """The same without MLSD, for a server that says it has it and then has not."""
        return replace(self, lines=tuple(li for li in self.lines if not li.upper().startswith(("MLST", "MLSD"))))


def parsed(answer: str) -> tuple[str, ...]:
    """The features in an answer to FEAT: the lines between the first and the last."""
    return tuple(line.strip() for line in answer.splitlines()[1:-1] if line.strip())
