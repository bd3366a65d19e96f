"""TLS as Mover's own servers speak it: 1.2 or newer, forward secret, 256-bit ciphers; certificates change while they run.

The choices are Mozilla's "intermediate" less its 128-bit suites (wiki.mozilla.org/Security/Server_Side_TLS). The suites of TLS 1.3 and
the curves cannot be chosen through Python 3.11; the process's OpenSSL configuration does it (`mover.boot.openssl`), and a
context is refused where it does not hold.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import ssl
from collections.abc import Callable
from typing import Final

from mover.core.errors import BadOption, MoverError

LOG: Final = logging.getLogger("mover.tls")

LOOK_SECONDS: Final = 10.0
"""How often `Certificates.watch` looks for a new certificate."""

Read = Callable[[], tuple[bytes, bytes]]
"""The chain (PEM, the server's certificate first) and its private key (PEM), both checked.

It raises `MoverError` or `OSError` if they cannot serve.
"""

_SUITES: Final = (
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
)
_WEAKEST_BITS: Final = 256


class Certificates:
    """The certificate of a server, and the context that shows it. A new one takes effect at the next handshake; open connections stay.

    `context` has no certificate itself: it gives each handshake the newest one's context (RFC 6066 §3 is where OpenSSL asks; it does so
    for clients that name no server, too). Loading into a live context would leave a certificate of another kind of key in force.
    """

    def __init__(self, read: Read, *, strict: bool = True) -> None:
        """Reads the certificate at once. `strict=False` takes an OpenSSL configuration that allows weaker suites of TLS 1.3: for tests.

        Raises:
            BadOption: as `server_context`.
            MoverError, OSError: whatever `read` raises.
        """
        self._read = read
        self._strict = strict
        chain, key = read()
        self._seen = _mark(chain, key)
        self._complaint = ""
        self._current = _loaded(chain, key, strict=strict)
        self.chain = chain
        """The certificate in use, with its chain; PEM."""
        self.context = server_context(strict=strict)
        self.context.sni_callback = self._choose

    async def watch(self, every: float = LOOK_SECONDS) -> None:
        """Look for a new certificate every so many seconds, until cancelled. One that cannot serve is logged once, and not used."""
        while True:
            await asyncio.sleep(every)
            await asyncio.to_thread(self.look)

    def look(self) -> bool:
        """Use the certificate that is there now, if it is another one and can serve. Whether it was put to use."""
        try:
            chain, key = self._read()
            mark = _mark(chain, key)
            if mark == self._seen:
                self._complaint = ""
                return False
            fresh = _loaded(chain, key, strict=self._strict)
        except (MoverError, OSError) as problem:
            self._refused(problem)
            return False
        self._seen, self._current, self.chain, self._complaint = mark, fresh, chain, ""
        LOG.info("a new certificate is in use")
        return True

    def _refused(self, problem: MoverError | OSError) -> None:
        if str(problem) != self._complaint:
            LOG.error("the new certificate is not used, the one before stays: %s", problem)
        self._complaint = str(problem)

    def _choose(self, connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _door: ssl.SSLContext) -> None:
        connection.context = self._current


def server_context(*, strict: bool = True) -> ssl.SSLContext:
    """A server's context without a certificate: TLS 1.2 or newer, ECDHE with AES-256-GCM or ChaCha20, in the server's order.

    No tickets, no renegotiation, no compression.

    Raises:
        BadOption: `strict`, and the process's OpenSSL configuration allows suites of less than 256 bits in TLS 1.3.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers(":".join(_SUITES))
    made.options |= ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    made.num_tickets = 0
    made.set_alpn_protocols(["http/1.1"])
    weak = [suite["name"] for suite in made.get_ciphers() if suite["strength_bits"] < _WEAKEST_BITS]
    if weak and strict:
        raise BadOption(
            f"OpenSSL would offer {', '.join(weak)}, and Mover serves with 256-bit ciphers only",
            item="OPENSSL_CONF",
            advice="Start the server without OPENSSL_CONF in its environment, or set Ciphersuites in that file (docs/tls.md).",
        )
    return made


def _loaded(chain: bytes, key: bytes, *, strict: bool) -> ssl.SSLContext:
    """A context with the certificate. What was checked is what is loaded: from memory, as the files may change in between."""
    made = server_context(strict=strict)
    memory = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(memory), "wb") as writer:
            writer.write(key.rstrip() + b"\n" + chain)
        made.load_cert_chain(f"/proc/self/fd/{memory}", password=_no_password)
    except ssl.SSLError as problem:
        raise BadOption(
            f"OpenSSL refuses the certificate: {problem.reason or problem}", item="certificate"
        ) from problem
    finally:
        os.close(memory)
    return made


def _no_password() -> str:
    """OpenSSL would ask at the terminal otherwise."""
    return ""


def _mark(chain: bytes, key: bytes) -> str:
    return hashlib.sha256(hashlib.sha256(chain).digest() + key).hexdigest()
