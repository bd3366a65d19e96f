"""The options of a filter as rclone's users write them: `--include`, `--exclude-from`, `--min-size` and so on.

Rules come in this order whatever the order of the options: include, include-from, exclude, exclude-from, filter,
filter-from; and, if there is any include, a last rule that leaves out all the rest. rclone does the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from mover.core.errors import BadOption
from mover.engine.filter_rules import Rule, shown
from mover.engine.filters import Filter


@dataclass(frozen=True, slots=True)
class FilterOptions:
    """What a user said. The `..._from` hold whole texts of files, not their names; sizes and ages are as they were written."""

    include: Sequence[str] = ()
    include_from: Sequence[str] = ()
    exclude: Sequence[str] = ()
    exclude_from: Sequence[str] = ()
    filter: Sequence[str] = ()
    filter_from: Sequence[str] = ()
    min_size: str | None = None
    max_size: str | None = None
    min_age: str | None = None
    max_age: str | None = None
    ignore_case: bool = False

    def filter_at(self, now: datetime) -> Filter:
        """The filter; ages count back from `now` (aware), so keep that time with the run.

        Raises:
            BadOption: an option cannot be read; the text says which, on which line, and what would fit.
        """
        return Filter(
            self.rules(),
            min_size=size_of(self.min_size, "--min-size"),
            max_size=size_of(self.max_size, "--max-size"),
            not_before=moment_of(self.max_age, "--max-age", now),
            not_after=moment_of(self.min_age, "--min-age", now),
            ignore_case=self.ignore_case,
        )

    def rules(self) -> tuple[Rule, ...]:
        """The rules in the order they are tried. Raises `BadOption` as `filter_at` does."""
        rules = [
            *(Rule(True, line, where) for line, where in _said(self.include, "--include")),
            *(Rule(True, line, where) for line, where in _read(self.include_from, "--include-from")),
        ]
        rest = bool(rules) or bool(self.include_from)
        rules.extend(Rule(False, line, where) for line, where in _said(self.exclude, "--exclude"))
        rules.extend(Rule(False, line, where) for line, where in _read(self.exclude_from, "--exclude-from"))
        for lines in (_said(self.filter, "--filter"), _read(self.filter_from, "--filter-from")):
            for line, where in lines:
                _add(rules, line, where)
        if rest:
            rules.append(Rule(False, "/**", "what no --include names"))
        return tuple(rules)


def size_of(text: str | None, option: str) -> int | None:
    """Bytes of a size such as `100K`, `1.5GiB` or `7B`; a bare number is KiB, and every unit is a power of 1024, as in rclone.

    `None` and `off` are no bound. Raises `BadOption` if it cannot be read.
    """
    if text is None or text == "off":
        return None
    read = re.fullmatch(r"\+?(\d+\.?\d*|\.\d+)(?:([bB])|([kKmMgGtTpPeE])(?:i|iB)?)?", text, re.ASCII)
    if read is None:
        raise BadOption(f"{option} {text} is no size: say it as 500B, 100K, 1.5M or 2GiB", item=option)
    power = 0 if read[2] else "kmgtpe".index((read[3] or "k").lower()) + 1
    return int(float(read[1]) * 1024**power)


def moment_of(text: str | None, option: str, now: datetime) -> datetime | None:
    """The moment that an age such as `90`, `1h30m`, `1.5d`, `2w`, `6M`, `1y` or a date such as `2026-01-31` means.

    A bare number is seconds; a month has 30 days and a year 365, as in rclone. A date without a zone is in UTC: Mover's servers have no
    zone that a user could know. `None` and `off` are no bound. Raises `BadOption` if it cannot be read.
    """
    if text is None or text == "off":
        return None
    if re.match(r"\d{4}-", text):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise BadOption(
                f"{option} {text} is no date: say it as 2026-01-31 or 2026-01-31T18:30:00Z", item=option
            ) from error
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return now - timedelta(seconds=_seconds(text))
    except (ValueError, OverflowError) as error:
        raise BadOption(
            f"{option} {text} is no age: say it as 90s, 1h30m, 7d, 2w, 6M, 1y or a date", item=option
        ) from error


_NUMBER: Final = r"(\d+\.?\d*|\.\d+)"
_DAY: Final = 86400.0
_LONG: Final = {"d": _DAY, "w": 7 * _DAY, "M": 30 * _DAY, "y": 365 * _DAY, "": 1.0}
_SHORT: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


def _seconds(text: str) -> float:
    if whole := re.fullmatch(f"{_NUMBER}([dwMy]?)", text, re.ASCII):
        return float(whole[1]) * _LONG[whole[2]]
    part = f"{_NUMBER}(h|ms|m|s|us|µs|ns)"
    if not re.fullmatch(f"(?:{part})+", text, re.ASCII):
        raise ValueError(text)
    return sum(float(number) * _SHORT[unit] for number, unit in re.findall(part, text, re.ASCII))


def _said(values: Sequence[str], option: str) -> Iterator[tuple[str, str]]:
    for value in values:
        if line := value.rstrip():
            yield line, f"{option} {shown(line)}"


def _read(texts: Sequence[str], option: str) -> Iterator[tuple[str, str]]:
    """The lines of files that say something: blank ones and remarks (`#`, `;`) do not."""
    for number, text in enumerate(texts, 1):
        file = f"{option} (file {number})" if len(texts) > 1 else option
        for count, raw in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
            line = raw.strip()
            if line and line[0] not in "#;":
                yield line, f"{file}, line {count}"


def _add(rules: list[Rule], line: str, where: str) -> None:
    if line == "!":
        rules.clear()
    elif line[:2] in ("+ ", "- ") and len(line) > 2:  # noqa: PLR2004  # the sign and the space
        rules.append(Rule(line[0] == "+", line[2:], where))
    else:
        raise BadOption(
            f"{where}: {shown(line)} is no rule: begin it with '+ ' or '- ', or say '!' to forget all before it",
            item=shown(line),
        )
