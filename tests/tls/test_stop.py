"""The server stops in time, whoever holds on to it, and says so to clients."""

from __future__ import annotations

import http.client
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.tls.conftest import Serve, until

SOON = 3.0
"""Seconds: the grace of 2, and what a process needs to end."""


def test_an_open_stream_of_events_ends_well_formed(serve: Serve) -> None:
    served = serve()
    connection = served.connection()
    connection.request("GET", "/events")
    answer = connection.getresponse()
    assert answer.readline() == b"data: x\n"
    assert served.stop() < SOON
    rest = b"data: x\n" + answer.read()
    assert rest == b"data: x\n\n" * rest.count(b"data")
    assert "cancelled" not in served.log.read_text(), "it ended by itself"
    assert "Traceback" not in served.log.read_text() and "ERROR" not in served.log.read_text()
    connection.close()


def test_a_cut_download_is_not_taken_for_a_whole_one(serve: Serve) -> None:
    served = serve()
    connection = served.connection()
    connection.request("GET", "/download")
    answer = connection.getresponse()
    with ThreadPoolExecutor(1) as pool:
        rest = pool.submit(answer.read)
        assert served.stop() < SOON + 1
        with pytest.raises((http.client.IncompleteRead, OSError)):
            rest.result(20)
    connection.close()


def test_a_client_that_does_not_read_holds_up_nobody(serve: Serve) -> None:
    served = serve(linger=60)
    connection = served.connection()
    connection.request("GET", "/download")
    time.sleep(1)
    served.process.terminate()
    until(lambda: "lingers" in served.log.read_text(), 10)
    assert not _established(served.port), "the process goes on, and its connections do not"
    connection.close()


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [("/polite", 200, b"the server stops"), ("/slow", 200, b"done"), ("/stubborn", 503, b"")],
)
def test_requests_get_an_answer(serve: Serve, path: str, status: int, body: bytes) -> None:
    """Whoever listens for the stop answers by itself, whoever is quick finishes, and the rest are told to come again."""
    served = serve()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(served.get, path)
        time.sleep(0.7)
        assert served.stop() < SOON + 1
        assert answer.result(20) == (status, body)


def test_idle_connections_are_closed_at_once(serve: Serve) -> None:
    served = serve()
    idle = served.connection()
    idle.connect()
    silent = socket.create_connection(("127.0.0.1", served.port))
    assert served.stop() < SOON
    idle.close()
    silent.close()


def test_nobody_is_let_in_while_it_stops(serve: Serve) -> None:
    served = serve()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(served.get, "/slow")
        time.sleep(0.5)
        served.process.terminate()
        until(lambda: _refused(served.port), 5)
        assert answer.result(20) == (200, b"done")
    assert served.process.wait(20) == 0


def test_a_taken_port_is_told(serve: Serve) -> None:
    with pytest.raises(AssertionError, match=r"cannot listen on 127\.0\.0\.1 port"):
        serve(port=serve().port)


def _established(port: int) -> bool:
    """Whether this machine has an open connection whose own end is the port (proc_pid_net(5))."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[1].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


def _refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return True
    return False
