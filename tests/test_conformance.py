"""Every check at every site: what a connector promises, kept by a real server."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.gaps import GAPS, gap
from tests.running import BROKEN, Rooms, load_sites

from mover.conformance.checks import CHECKS, Check
from mover.conformance.page import page
from mover.conformance.suite import ALL

NAMES = load_sites()
QUICK = ("local", "memory")
"""Sites where no check is slow."""
SECOND = ("rclone_sftp", "rclone_webdav")
"""Second implementations of what other sites prove; asked by `make test-all` only."""


def _cases() -> list[object]:
    return [
        pytest.param(
            name,
            check,
            id=f"{name}-{check.name}",
            marks=[pytest.mark.slow] if name in SECOND or (check.slow and name not in QUICK) else [],
        )
        for name in NAMES
        for check in ALL
    ]


@pytest.mark.parametrize(("name", "check"), _cases())
def test_connector_keeps_its_promise(name: str, check: Check, rooms: Rooms) -> None:
    outcome = rooms.run(name, check)
    known = gap(name, check.name)
    if outcome.result == "skipped":
        assert not known, f"a gap is listed for a check that does not apply: {outcome.detail}"
        pytest.skip(f"{name}: {outcome.detail}")
    if outcome.result == "passed":
        assert not known or known.sometimes, f"this works now: take {known} out of tests/gaps.py"
        return
    if known:
        pytest.xfail(f"{known.reason} (since {known.since})")
    raise AssertionError(f"{check.promise}\n{outcome.detail}") from outcome.error


def test_every_site_can_be_imported() -> None:
    assert BROKEN == {}


def test_gaps_name_sites_and_checks_that_exist() -> None:
    checks = {check.name for check in ALL}
    assert [g for g in GAPS if g.site not in NAMES or g.check not in checks] == []
    assert len({(g.site, g.check) for g in GAPS}) == len(GAPS)


def test_the_page_of_promises_is_up_to_date() -> None:
    kept = (Path(__file__).parents[1] / "docs/reference/conformance.md").read_text()
    assert kept == page(), "run: python -m mover.conformance.page > docs/reference/conformance.md"


def test_every_check_has_a_promise_and_a_name_of_its_own() -> None:
    assert [check.name for check in ALL if not check.promise.endswith(".")] == []
    assert len({check.name for check in ALL}) == len(ALL) == len(CHECKS)
