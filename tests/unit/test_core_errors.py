"""The error tree keeps what the API, the CLI and the reports rely on."""

from __future__ import annotations

import http
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import mover
from mover.core import errors
from mover.core.errors import ItemError, LinkError, MoverError, Retry, UsageError
from mover.core.reasons import REASONS

EXIT_CODES = {1, 2, 3, 4, 5, 6, 7, 8, 9, 70, 130}
"""What the CLI documents."""


def every(kind: type[MoverError] = MoverError) -> list[type[MoverError]]:
    # Others may have made errors of their own in this process: only the tree is meant.
    below = [k for k in kind.__subclasses__() if k.__module__.startswith(f"{errors.__name__}.")]
    return [kind, *(deeper for k in below for deeper in every(k))]


LEAVES = [kind for kind in every() if kind not in (MoverError, ItemError, LinkError)]


def test_codes_are_unique_and_readable() -> None:
    codes = [kind.code for kind in LEAVES]
    assert len(codes) == len(set(codes))
    assert [code for code in codes if not re.fullmatch(r"[a-z]+(-[a-z]+)*", code)] == []
    assert MoverError.code not in codes


@pytest.mark.parametrize("kind", every(), ids=lambda kind: kind.__name__)
def test_every_error_says_what_to_do_and_how_it_ends(kind: type[MoverError]) -> None:
    assert kind.__doc__
    assert len(kind.advice) > 5
    assert kind.advice.endswith(".")
    assert kind.exit_code in EXIT_CODES
    assert http.HTTPStatus(kind.http_status) >= 400
    assert kind.retry in Retry


@pytest.mark.parametrize("kind", LEAVES, ids=lambda kind: kind.__name__)
def test_every_error_stands_in_the_modules_tree(kind: type[MoverError]) -> None:
    listed = re.findall(r"^ +[-+*] (\w+)", errors.__doc__ or "", re.MULTILINE)
    assert kind.__name__ in listed


def test_only_faults_of_ours_end_with_70() -> None:
    assert {kind.__name__ for kind in LEAVES if kind.exit_code == 70} == {"Unsupported", "NotLoggable"}
    assert {kind.exit_code for kind in every(UsageError)} <= {2, 4, 5}


def test_an_error_carries_its_detail_item_and_time_to_wait() -> None:
    error = errors.Throttled("too many requests", item="a/b", after=2.5)
    assert (error.detail, error.item, error.after, str(error)) == ("too many requests", "a/b", 2.5, "too many requests")
    assert errors.NotFound("gone").item is None


def test_no_code_is_made_anywhere_else() -> None:
    """Whatever room an error is of, its code stands in the one table."""
    for module in pkgutil.walk_packages(mover.__path__, "mover."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    ours = [kind for kind in _all_below(MoverError) if kind.__module__.startswith("mover.")]
    assert len(ours) > len(LEAVES)
    assert {kind.code for kind in ours} <= {kind.code for kind in every()}
    assert {kind.exit_code for kind in ours} <= EXIT_CODES


def test_every_reason_in_a_report_is_in_the_table() -> None:
    """The codes that the engine writes, as they stand in its sources."""
    text = "".join(path.read_text() for path in (Path(mover.__path__[0]) / "engine").glob("*.py"))
    written = set(re.findall(r"State\.\w+,(?: size,)? (?:code=)?\"([a-z-]+)\"", text))
    written |= set(re.findall(r"State\.\w+\.value,\s+\"([a-z-]+)\"", text))
    assert {"filtered", "link-skipped", "link-not-followed", "item-not-found", "item-unfit"} <= written
    assert written <= {kind.code for kind in every()} | REASONS.keys()
    assert not REASONS.keys() & {kind.code for kind in every()}


def _all_below(kind: type[MoverError]) -> list[type[MoverError]]:
    return [kind, *(deeper for below in kind.__subclasses__() for deeper in _all_below(below))]
