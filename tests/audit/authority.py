"""A time-stamping authority on loopback: `openssl ts` behind a small HTTP server, with keys made at run time."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SETTINGS = """
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
certs = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_chain = no
[extensions]
extendedKeyUsage = critical,timeStamping
basicConstraints = CA:FALSE
[req]
distinguished_name = nobody
[nobody]
"""


@dataclass
class Authority:
    """`url` answers as `answers` says, if it is set: instead of the status and body that it would give."""

    url: str
    roots: bytes
    folder: Path
    answers: list[tuple[int, bytes]] = field(default_factory=list)
    given: list[bytes] = field(default_factory=list)

    def stamp(self, question: bytes) -> bytes:
        (self.folder / "question").write_bytes(question)
        return _run(self.folder, "ts", "-reply", "-config", "settings", "-queryfile", "question")


@contextmanager
def authority(folder: Path) -> Generator[Authority]:
    """Run one until the block ends."""
    folder.mkdir()
    (folder / "settings").write_text(SETTINGS.format(folder=folder))
    (folder / "serial").write_text("01\n")
    make = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", "settings"]
    root = ["-x509", "-subj", "/CN=root", "-days", "2", "-addext", "basicConstraints=critical,CA:TRUE"]
    _run(
        folder,
        "req",
        *make,
        *root,
        "-addext",
        "keyUsage=critical,keyCertSign",
        "-keyout",
        "root.key",
        "-out",
        "root.pem",
    )
    _run(folder, "req", *make, "-subj", "/CN=stamps", "-keyout", "tsa.key", "-out", "tsa.csr")
    sign = ["-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-days", "2"]
    _run(
        folder,
        "x509",
        "-req",
        "-in",
        "tsa.csr",
        *sign,
        "-extfile",
        "settings",
        "-extensions",
        "extensions",
        "-out",
        "tsa.pem",
    )
    made = Authority("", (folder / "root.pem").read_bytes(), folder)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = self.rfile.read(int(self.headers["content-length"]))
            status, body = made.answers.pop(0) if made.answers else (200, made.stamp(question))
            made.given.append(body)
            self.send_response(status)
            self.send_header("content-type", "application/timestamp-reply")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_port}/stamp"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()


def _run(folder: Path, *command: str) -> bytes:
    done = subprocess.run(["openssl", *command], cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
