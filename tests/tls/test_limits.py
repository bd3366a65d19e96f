"""Clients that take their time, or too much, do not take it from others."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Generator

import pytest
from tests.tls.conftest import Serve, Served

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "


@contextlib.contextmanager
def wrapped(served: Served) -> Generator[ssl.SSLSocket]:
    plain = socket.create_connection(("127.0.0.1", served.port), timeout=20)
    with served.trusting().wrap_socket(plain, server_hostname="localhost") as client:
        yield client


def seconds_until_cut(client: socket.socket, drip: bytes, every: float = 0.2) -> float:
    """How long the server bears a byte now and then."""
    began = time.monotonic()
    client.settimeout(every)
    while time.monotonic() < began + 20:
        try:
            client.sendall(drip)
            if client.recv(4096) == b"":
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - began


@pytest.mark.parametrize(
    ("first", "limit"),
    [
        (b"", "head"),
        (HEAD, "head"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + HEAD, "head"),
        (b"POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n", "body"),
    ],
    ids=["from the start", "in a header", "in the second request", "in a body"],
)
def test_who_sends_a_byte_now_and_then_is_cut_off(serve: Serve, first: bytes, limit: str) -> None:
    served = serve(limits={limit: 1.0})
    with wrapped(served) as client:
        client.sendall(first)
        assert seconds_until_cut(client, b"a" if first else b"G") < 15
    assert served.get() == (200, b"here")


def test_many_slow_clients_do_not_hold_up_the_others(serve: Serve) -> None:
    served = serve()
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(wrapped(served)) for _ in range(60)]
        done = threading.Event()

        def drip() -> None:
            while not done.wait(0.3):
                for client in slow:
                    with contextlib.suppress(OSError):
                        client.sendall(b"a")

        for client in slow:
            client.sendall(HEAD)
        thread = threading.Thread(target=drip)
        thread.start()
        try:
            for _ in range(20):
                assert served.get() == (200, b"here")
        finally:
            done.set()
            thread.join()


def test_a_handshake_that_does_not_come_is_not_waited_for(serve: Serve) -> None:
    served = serve(limits={"handshake": 1.0})
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as plain:
        assert plain.recv(1) == b""


def test_a_request_in_time_is_served_on_a_kept_connection(serve: Serve) -> None:
    """The limits begin anew with each request."""
    served = serve(limits={"head": 1.5, "body": 1.5, "keep_alive": 10})
    connection = served.connection()
    for _ in range(3):
        connection.request("POST", "/body", body=b"12345")
        assert connection.getresponse().read() == b"5"
        kept = connection.sock
        time.sleep(1)
    assert connection.sock is kept
    connection.close()


def test_a_slow_answer_is_not_the_clients_fault(serve: Serve) -> None:
    assert serve(limits={"head": 0.5, "body": 0.5}).get("/slow") == (200, b"done")


def test_headers_are_bounded(serve: Serve) -> None:
    served = serve()
    assert served.get(headers={"x": "a" * 16000})[0] == 200
    with wrapped(served) as client, contextlib.suppress(OSError):
        for _ in range(100):
            client.sendall(HEAD + b"a" * 10_000)
            time.sleep(0.01)
        raise AssertionError("a megabyte of headers is taken")


def test_connections_are_bounded(serve: Serve) -> None:
    served = serve(limits={"connections": 5})
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(wrapped(served))
        assert served.get()[0] == 503
    time.sleep(0.5)
    assert served.get()[0] == 200


def test_the_server_does_not_say_what_it_is(serve: Serve) -> None:
    connection = serve().connection()
    connection.request("GET", "/")
    answer = connection.getresponse()
    assert answer.getheader("Server") is None
    assert answer.getheader("Date")
    connection.close()


def test_forwarded_addresses_are_believed_from_trusted_proxies_only(serve: Serve) -> None:
    told = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "http"}
    assert serve().get("/who", told)[1] == b"https 127.0.0.1"
    assert serve(trusted_proxies=["192.0.2.1"]).get("/who", told)[1] == b"https 127.0.0.1"
    assert serve(trusted_proxies=["127.0.0.1"]).get("/who", told)[1] == b"http 192.0.2.7"
