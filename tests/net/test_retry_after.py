"""net.retry_after: both forms of the header (RFC 9110 §10.2.3), and what is neither."""

from __future__ import annotations

import pytest

from mover.net.retry_after import retry_after

NOW = 784_111_777.0  # Sun, 06 Nov 1994 08:49:37 GMT


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("120", 120.0),
        (" 0.5 ", 0.5),
        ("-3", 0.0),
        ("Sun, 06 Nov 1994 08:50:37 GMT", 60.0),
        ("Sun, 06 Nov 1994 08:00:00 GMT", 0.0),
        ("Sun, 99 Nov 1994 08:00:00 GMT", None),
    ],
)
def test_seconds_to_wait(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, now=NOW) == seconds
