"""Random trees, and random rules of which many fit something in them: the same ones for the same seed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Final, TypeVar

T = TypeVar("T")

WORDS: Final = (
    "a b A B ab aB ba abc a.b .a 1 a1 11 é É aé ß 日 aΣ σ [ { * ? a* {a b? a+b $ b$ (a a) - a-b a,b a\\ ].{b",
    "a b A B . 1 é ß 日 a a b / / * * ** ? , [ab] [^a] [a-c1] [^é日] [[:upper:]] [\\w.] ( + $ | ^",
    "\\* \\? \\[ \\{ \\} \\d \\w \\W \\pL \\x61 {a,b} {a*,} {a,{b,1}} {a/b,1} {**,b} {a,[^/]} {,a}",
    "{{a|b}} {{(?i)a}} {{.*b}} {{[^/]+}} {{a{1,2}}} {{\\bb$}} {{(?:é|\\pL\\d?)+?}} {{^a)|(.}} {{\\Qa.\\E}}",
    "[ ] { } {{ *** {{(}} {{a**}} {{\\1}} {{(?!a)}} [b-a] \\y \\é {{a{1001}}}",
)
NAMES, _OFTEN, _SELDOM, _REGEXPS, BROKEN = (words.split() for words in WORDS)
ATOMS: Final = (*_OFTEN * 3, *_SELDOM, *_REGEXPS)

ODD: Final = ("***", "//", "\\**")
"""Refused; for `//`, which nothing matches, rclone lists folders; and in `\\**` it sees a `**` (docs/filters.md)."""


class Cases:
    """Draws from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def paths(self) -> list[str]:
        """Paths of files, none of them a folder of another."""
        names = self._random.sample(NAMES, 10)
        found = {"/".join(self._random.choices(names, k=self._random.randint(1, 4))) for _ in range(16)}
        return [path for path in sorted(found) if not any(other.startswith(f"{path}/") for other in found)]

    def rules(self, paths: Sequence[str]) -> list[str]:
        """One to five rules; some sets have one that cannot be read, or forget those before."""
        rules = [f"{self._one('+-')} {self.pattern(paths)}" for _ in range(self._random.randint(1, 4))]
        if self._random.random() < 0.1:
            rules.insert(self._random.randrange(len(rules)), "!")
        elif self._random.random() < 0.1:
            rules.append(f"- {self._one(ATOMS)}{self._one(BROKEN)}{self._one(ATOMS)}")
        return rules + self._one([[], ["- *"], ["- **"], ["- /**"]])

    def pattern(self, paths: Sequence[str]) -> str:
        """One made of a path two times out of three, else of anything."""
        while True:
            made = self._of_path(self._one(paths)) if self._random.random() < 0.66 else self._of_anything()
            if not any(odd in made for odd in ODD):
                return made

    def _of_path(self, path: str) -> str:
        names = path.split("/")
        begin = self._random.randrange(len(names))
        end = self._random.randint(begin + 1, len(names))
        root = "/" if begin == 0 and self._random.random() < 0.5 else ""
        after = self._one(["", "", "/", "/*", "/**"]) if end < len(names) else ""
        return root + "/".join(self._one(FORMS)(name) for name in names[begin:end]) + after

    def _of_anything(self) -> str:
        atoms = self._random.choices(ATOMS, k=self._random.randint(1, 5))
        return self._one(["", "", "/"]) + "".join(atoms) + self._one(["", "", "", "/", "/**", "*"])

    def _one(self, some: Sequence[T]) -> T:
        return self._random.choice(some)


def _said(name: str) -> str:
    return re.sub(r"[*?\[\]{},\\]", r"\\\g<0>", name)


FORMS: Final[Sequence[Callable[[str], str]]] = (
    _said,
    _said,
    _said,
    lambda name: _said(name.swapcase()),
    lambda name: "?" * len(name),
    lambda name: "*" + _said(name[-1]),
    lambda name: _said(name[0]) + "*",
    lambda name: f"[{re.sub(r'[^a-zA-Z0-9é日]', '', name)}x]*",
    lambda name: f"[^{re.sub(r'[^a-zA-Z0-9é日]', '', name)}x]*",
    lambda name: f"{{{_said(name)},b}}",
    lambda name: f"{{b,{_said(name)[:-1]}*}}",
    lambda name: f"{{{{{re.escape(name)}|x}}}}",
    lambda name: f"{{{{{re.escape(name[0])}.*}}}}",
    lambda _: "*",
    lambda _: "**",
)
