"""Names of the source, made to fit the destination. What fits is never touched.

`docs/names.md` has the table of replacements. They cannot be undone by looking at them (somebody may use such characters on
purpose): which name became which stands in the journal, item by item.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from mover.core.errors import Unfit
from mover.core.spec import Limits
from mover.engine.name_forms import as_utf8, similar, size_of, with_mark

HASHES: Final = (8, 16, 32, 64)
"""Lengths of the mark that tells shortened or colliding names apart, in hexadecimal digits of SHA-256; the first that is free is used."""

_ROUNDS: Final = 8  # mending one fault can make another; after so many the name is given up


@dataclass(frozen=True, slots=True)
class Fitted:
    """The name to use at the destination, whether it differs from the source's, and why."""

    name: str
    changed: bool = False
    reason: str | None = None


class NameRules:
    """How the names of one destination must be."""

    def __init__(self, limits: Limits, rule: Literal["fail", "replace"]) -> None:
        self.limits = limits
        self.rule = rule
        self._hidden = re.compile(f"[{re.escape(''.join(sorted(limits.forbidden)))}\ud800-\udfff]")
        patterns = ("(?:" + re.escape(r).replace(r"\*", ".*") + ")" for r in sorted(limits.reserved))
        self._reserved = re.compile("|".join(patterns) or r"(?!)", re.IGNORECASE | re.DOTALL)

    def fit(self, name: str) -> Fitted:
        """The same name for the same source, always; one that fits comes back as it is.

        Raises:
            Unfit: it does not fit and the rule is "fail", or nothing similar fits either; the text says what is wrong and
                what would fit.
        """
        problem = self._problem(name)
        if problem is None:
            return Fitted(name)
        mended = self._mended(name) if name else None
        if mended is None:
            raise Unfit(f"{problem}; nothing similar would fit", item=name)
        if self.rule == "fail":
            raise Unfit(f"{problem}; {mended} would fit", item=name)
        return Fitted(mended, changed=True, reason=problem)

    def needs_change(self, name: str) -> bool:
        """Whether the destination cannot hold the name as it is."""
        return self._problem(name) is not None

    def settle(self, name: str, taken: Collisions) -> Fitted:
        """`fit` and `taken.claim` in one; by the rule "replace" a name that is taken gets a mark made from the source's name.

        Raises:
            Unfit: as `fit` and `claim` do. Two items of one and the same name at the source are never both taken.
        """
        fitted = self.fit(name)
        try:
            taken.claim(fitted.name, source=name)
        except Unfit as problem:
            if self.rule == "fail":
                raise
            return self._marked(name, fitted, taken, problem)
        return fitted

    def path_fits(self, path: str) -> None:
        """Check a whole path below the destination's root.

        Raises:
            Unfit: it is too long; the text says by how much.
        """
        for most, length, unit in (
            (self.limits.path_bytes, size_of(path), "bytes"),
            (self.limits.path_chars, len(path), "characters"),
        ):
            if most is not None and length > most:
                advice = "move it up or shorten a folder's name"
                raise Unfit(f"its path has {length} {unit}, the destination takes {most}: {advice}", item=path)

    def _problem(self, name: str) -> str | None:
        """What is wrong first of all, or `None`."""
        if not name:
            return "it has no name"
        limits = self.limits
        if (bad := self._bad_character(name)) is not None:
            return bad
        if self._reserved.fullmatch(name):
            return f"the destination keeps the name {name} for itself"
        if name[0] in limits.bad_starts:
            return f"at the destination no name may begin with {_shown(name[0])}"
        if name[-1] in limits.bad_endings:
            return f"at the destination no name may end with {_shown(name[-1])}"
        return self._too_long(name)

    def _bad_character(self, name: str) -> str | None:
        for found in self._hidden.finditer(name):
            if found[0] in self.limits.forbidden:
                return f"at the destination no name may contain {_shown(found[0])}"
            if not self.limits.any_bytes:
                return "its name is not UTF-8"
            if not "\udc80" <= found[0] <= "\udcff":
                return "its name holds half a character"
        return None

    def _too_long(self, name: str) -> str | None:
        limits = self.limits
        if limits.name_bytes is not None and (size := size_of(name)) > limits.name_bytes:
            return f"its name has {size} bytes, the destination takes {limits.name_bytes}"
        if limits.name_chars is not None and len(name) > limits.name_chars:
            return f"its name has {len(name)} characters, the destination takes {limits.name_chars}"
        return None

    def _mended(self, name: str) -> str | None:
        """The name with as little replaced as will do; `None` if nothing will."""
        made = name
        for _ in range(_ROUNDS):
            if self._problem(made) is None:
                return made
            made = self._step(name, made)
        return None

    def _step(self, source: str, made: str) -> str:
        limits = self.limits
        if self._bad_character(made):
            text = made if limits.any_bytes and not _halves(made) else as_utf8(made)
            return "".join(self._similar(c) if c in limits.forbidden else c for c in text)
        if self._reserved.fullmatch(made):
            return self._freed(made)
        if made[0] in limits.bad_starts:
            return self._similar(made[0]) + made[1:]
        if made[-1] in limits.bad_endings:
            return made[:-1] + self._similar(made[-1])
        return with_mark(made, source, HASHES[0], limits)

    def _similar(self, c: str) -> str:
        return similar(c, self.limits.forbidden | self.limits.bad_starts | self.limits.bad_endings)

    def _freed(self, name: str) -> str:
        """The name with the first of its characters replaced that makes it no longer reserved."""
        for i, c in enumerate(name):
            made = name[:i] + self._similar(c) + name[i + 1 :]
            if not self._reserved.fullmatch(made):
                return made
        return "".join(self._similar(c) for c in name)

    def _marked(self, source: str, fitted: Fitted, taken: Collisions, problem: Unfit) -> Fitted:
        for length in HASHES:
            marked = with_mark(fitted.name, source, length, self.limits)
            if self._problem(marked) is None and taken.is_free(marked):
                taken.claim(marked, source=source)
                reasons = (fitted.reason, problem.detail)
                return Fitted(marked, changed=True, reason="; ".join(r for r in reasons if r))
        raise problem


class Collisions:
    """The names that one folder of the destination will have. The first to claim a name has it.

    Names are compared as the destination compares them. Its rules for case are rarely published: Unicode's canonical caseless
    matching (The Unicode Standard, D145) stands for them. It may see a collision where the destination would see none, which
    loses nothing; the other way round a file would overwrite another.
    """

    def __init__(self, limits: Limits) -> None:
        self._caseless = not limits.case_sensitive
        self._normalizes = limits.normalizes
        self._claimed: dict[str, str] = {}
        self._sources: set[str] = set()

    def claim(self, name: str, *, source: str | None = None) -> None:
        """Take a name; `source` is what the item is called at the source, if that is another name.

        Raises:
            Unfit: it is taken; the text names the other item.
        """
        source = name if source is None else source
        if source in self._sources:
            raise Unfit("another item of the same name stands in this folder and was taken first", item=source)
        key = self.form(name)
        if (other := self._claimed.get(key)) is not None:
            named = "" if name == source else f" by the name {name}"
            raise Unfit(f"the destination would not tell it{named} from {other}, which was taken first", item=source)
        self._claimed[key] = source
        self._sources.add(source)

    def is_free(self, name: str) -> bool:
        """Whether nobody has claimed the name."""
        return self.form(name) not in self._claimed

    def form(self, name: str) -> str:
        if name.isascii():
            return name.lower() if self._caseless else name
        if self._caseless:
            return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())
        return unicodedata.normalize("NFC", name) if self._normalizes else name


def fit_folder(names: Iterable[str], rules: NameRules) -> list[Fitted | Unfit]:
    """Fit all names of one folder, in their order. The answer does not depend on it.

    Names that fit as they are go first, so that none is displaced by one that was changed; among equals the order is that
    of the code points. Only then those that collide get their marks.
    """
    listed = list(names)
    order = sorted(range(len(listed)), key=lambda i: (rules.needs_change(listed[i]), listed[i]))
    taken = Collisions(rules.limits)
    found: dict[int, Fitted | Unfit] = {}
    later: list[int] = []
    for i in order:
        try:
            fitted = rules.fit(listed[i])
            taken.claim(fitted.name, source=listed[i])
            found[i] = fitted
        except Unfit:
            later.append(i)
    for i in later:
        try:
            found[i] = rules.settle(listed[i], taken)
        except Unfit as problem:
            found[i] = problem
    return [found[i] for i in range(len(listed))]


def _halves(name: str) -> bool:
    return any("\ud800" <= c <= "\udfff" and not "\udc80" <= c <= "\udcff" for c in name)


def _shown(c: str) -> str:
    return f"{unicodedata.name(c, 'a control character').lower()} ({c if c.isprintable() else f'U+{ord(c):04X}'})"
