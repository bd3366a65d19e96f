"""The rules of a filter, compiled: which of them is the first that matches a path.

Folders have rules of their own, made from the same patterns, so that a folder in which nothing can match is not even listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mover.core.errors import BadOption

if TYPE_CHECKING:
    from mover.engine.regexps import Expressions

MOST: Final = 10_000
"""Rules of one filter: each is tried on each path."""

SHOWN: Final = 200
"""Characters of a rule in a message."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Take, or leave, what matches a pattern. `where` is the place the user wrote it, for messages."""

    take: bool
    pattern: str
    where: str = ""

    def __str__(self) -> str:
        return f"{'+' if self.take else '-'} {shown(self.pattern)}"


class Rules:
    """Finds the first rule that matches. Paths are "/"-joined, without a leading or closing slash.

    A character of a path is a character to a pattern. A byte that is not UTF-8 (a surrogate in the name) is one character as well, which
    only `?`, `*`, `[^a]` and the same byte match.
    """

    def __init__(self, rules: Sequence[Rule], *, ignore_case: bool) -> None:
        """Raises `BadOption` for a pattern that cannot be read, or too many of them; the text says which and why."""
        if len(rules) > MOST:
            raise BadOption(
                f"{len(rules)} rules are more than a filter can have ({MOST}): use patterns, or several copies"
            )
        self._files = _Tests(ignore_case=ignore_case)
        self._folders = _Tests(ignore_case=ignore_case)
        for rule in rules:
            self._add(rule)

    @property
    def for_folders(self) -> bool:
        """Whether any folder may be left out."""
        return bool(self._folders)

    def refusal_of_file(self, path: str) -> Rule | None:
        """The rule that leaves the file out, whatever the rules say of its folder."""
        return self._files.refusal(path)

    def refusal_of_folder(self, path: str) -> Rule | None:
        """The rule that leaves the folder out, whatever the rules say of those above it."""
        return self._folders.refusal(f"{path}/")

    def _add(self, rule: Rule) -> None:
        try:
            for_files, for_folders = _expressions(rule)
            for expression in for_files:
                self._files.add(expression, rule)
            for expression in for_folders:
                self._folders.add(expression, rule)
        except ValueError as error:
            place = f"{rule.where}: " if rule.where else ""
            pattern = shown(rule.pattern)
            raise BadOption(f"{place}the pattern {pattern} cannot be read: {error}", item=pattern) from error


def shown(text: str) -> str:
    """What of a rule is put in a message."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


class _Tests:
    """Expressions, and the rule that each came from."""

    def __init__(self, *, ignore_case: bool) -> None:
        self._ignore_case = ignore_case
        self._expressions: Expressions | None = None
        self._rules: list[Rule] = []

    def __bool__(self) -> bool:
        return bool(self._rules)

    def add(self, expression: str, rule: Rule) -> None:
        if self._expressions is None:
            from mover.engine.regexps import Expressions

            self._expressions = Expressions(ignore_case=self._ignore_case)
        self._expressions.add(_encoded(expression))
        self._rules.append(rule)

    def refusal(self, path: str) -> Rule | None:
        """The rule that decides, if it leaves out."""
        found = None if self._expressions is None else self._expressions.first(_encoded(path))
        return None if found is None or self._rules[found].take else self._rules[found]


def _encoded(text: str) -> bytes:
    """UTF-8, where a surrogate (part of a name that is not text) stands as a character of its own, at the end of the private ones."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return "".join(chr(ord(c) + 0x102000) if "\ud800" <= c <= "\udfff" else c for c in text).encode()


def _expressions(rule: Rule) -> tuple[list[str], list[str]]:
    """What a rule says of files, and what of folders.

    A pattern with a closing slash is for folders alone; leaving a folder out means all that is in it. To take a file its folders must be
    listed; to leave one out says nothing of folders, unless the pattern matches whole trees or all names.
    """
    from mover.engine.globs import ANYWHERE, read

    of_folders = rule.pattern.endswith("/")
    glob = read(f"{rule.pattern}**" if of_folders and not rule.take else rule.pattern)
    for_folders: list[str] = []
    if rule.take and glob.folders is not None and (glob.spans or not of_folders):
        for_folders.append(glob.folders)
    if glob.spans or of_folders:
        for_folders.append(glob.files)
    elif rule.pattern == "*" and not rule.take:
        for_folders.append(ANYWHERE)
    return ([glob.files] if glob.spans or not of_folders else []), for_folders
