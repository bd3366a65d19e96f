"""Replies of real servers and what they mean.

Those of vsftpd, ProFTPD and pyftpdlib were recorded, or stand in the programs that we test with; those of pure-ftpd stand in Debian's
program; those of FileZilla Server and IIS are from what users quote, since neither runs here.
"""

from __future__ import annotations

import ssl

import pytest

from mover.connectors._kit.ftp.errors import Unclear, broken, error_for
from mover.core import errors as e

VSFTPD = [
    ("530 Login incorrect.", e.BadCredentials),
    ("530 Please login with USER and PASS.", e.BadCredentials),
    ("421 There are too many connected users, please try later.", e.Throttled),
    ("421 There are too many connections from your internet address.", e.Throttled),
    ("421 Timeout.", e.Unreachable),
    ("421 Data timeout. Reconnect. Sorry.", e.Unreachable),
    ("425 Failed to establish connection.", e.Unreachable),
    ("426 Failure writing network stream.", e.Unreachable),
    ("451 Failure writing to local file.", e.Full),
    ("522 SSL connection failed: session reuse required: see require_ssl_reuse option in vsftpd.conf man page", e.Untrusted),
    ("522 Data connections must be encrypted.", e.Untrusted),
    ("550 Failed to open file.", Unclear),
    ("550 Failed to change directory.", Unclear),
    ("550 Create directory operation failed.", Unclear),
    ("550 Could not get file size.", Unclear),
    ("550 Permission denied.", e.Denied),
    ("553 Could not create file.", Unclear),
]  # fmt: skip
PROFTPD = [
    ("530 Login incorrect.", e.BadCredentials),
    ("530 Sorry, the maximum number of clients (2) from your host are already connected.", e.Throttled),
    ("421 Idle timeout (600 seconds): closing control connection", e.Unreachable),
    ("425 Unable to build data connection: Operation not permitted", e.Unreachable),
    ("450 /f: Device or resource busy", e.Locked),
    ("451 /files/t.bin: Append/Restart not permitted, try again", e.Denied),
    ("451 /f: No space left on device", e.Full),
    ("534 Unwilling to accept security parameters", e.Untrusted),
    ("550 /files/nix: No such file or directory", e.NotFound),
    ("550 '/files/nix' cannot be listed", e.NotFound),
    ("550 '/files/u.bin' is not a directory", e.NotFound),
    ("550 /files/nof: Permission denied", e.Denied),
    ("550 /files/d: Is a directory", e.Conflict),
    ("550 /files/d: Not a regular file", e.Conflict),
    ("550 /files/d: Directory not empty", e.Conflict),
    ("550 /files/[x]*: Invalid directory name", e.Unfit),
    ("550 /files/aaaa: File name too long", e.Unfit),
    ("550 SSL/TLS required on the control channel", e.Untrusted),
    ("552 Transfer aborted. Disk quota exceeded", e.Full),
]  # fmt: skip
PURE_FTPD = [
    ("530 Login authentication failed", e.BadCredentials),
    ("421 50 users (the maximum) are already logged in, sorry", e.Throttled),
    ("421 Timeout - try typing a little faster next time", e.Unreachable),
    ("550 Can't open nix: No such file or directory", e.NotFound),
    ("550 Can't change directory to x: Permission denied", e.Denied),
    ("552 Quota exceeded: [x] won't be saved", e.Full),
    ("553 Can't open that file: No such file or directory", e.NotFound),
    ("553 Prohibited file name: .ftpaccess", e.Unfit),
    ("500 This security scheme is not implemented", e.Refused),
    ("534 Fallback to [C]", e.Untrusted),
]
FILEZILLA = [
    ("530 Login or password incorrect!", e.BadCredentials),
    ("530 Login incorrect.", e.BadCredentials),
    ("421 Login time exceeded. Closing control connection.", e.Unreachable),
    ("421 Too many connections, please try again later.", e.Throttled),
    ("425 Can't open data connection for transfer of \"/x\"", e.Unreachable),
    ("550 File not found", e.NotFound),
    ('550 CWD failed. "/x": directory not found.', e.NotFound),
    ("550 Permission denied", e.Denied),
    ("550 Couldn't open the file", Unclear),
    ("553 file exists", e.Conflict),
]  # fmt: skip
IIS = [
    ("530 User cannot log in. ", e.BadCredentials),
    ("421 Connection limit exceeded, service not available.", e.Throttled),
    ("534 Policy requires SSL. ", e.Untrusted),
    ("550 The system cannot find the file specified. ", e.NotFound),
    ("550 The system cannot find the path specified. ", e.NotFound),
    ("550 Access is denied. ", e.Denied),
    ("550 The process cannot access the file because it is being used by another process. ", e.Locked),
    ("550 The filename, directory name, or volume label syntax is incorrect. ", e.Unfit),
    ("550 The directory is not empty. ", e.Conflict),
    ("550 Cannot create a file when that file already exists. ", e.Conflict),
    ("550 There is not enough space on the disk. ", e.Full),
    ("426 Connection closed; transfer aborted.", e.Unreachable),
]
PYFTPDLIB = [
    ("530 Authentication failed.", e.BadCredentials),
    ("421 Control connection timed out.", e.Unreachable),
    ("550 Not enough privileges.", e.Denied),
    ("550 File exists.", e.Conflict),
    ("550 /x is not retrievable.", Unclear),
    ("521 PROT S unsupported (use C or P).", e.Untrusted),
    ("522 PROT P first.", e.Untrusted),
]


@pytest.mark.parametrize(("reply", "kind"), [*VSFTPD, *PROFTPD, *PURE_FTPD, *FILEZILLA, *IIS, *PYFTPDLIB])
def test_replies(reply: str, kind: type[e.MoverError]) -> None:
    error = error_for(reply, item="/x")
    assert type(error) is kind
    assert error.detail.startswith("the server said: ")


def test_our_own_path_does_not_decide() -> None:
    reply = "550 /disk full/no such/quota: Permission denied"
    assert type(error_for(reply, item="/disk full/no such/quota")) is e.Denied


def test_a_reply_is_shown_on_one_line_and_not_without_end() -> None:
    error = error_for("550-" + "x" * 5000 + "\x1b[31m\n550 end")
    assert len(error.detail) < 350
    assert error.detail.isprintable()


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        (TimeoutError("timed out"), e.Unreachable),
        (ConnectionRefusedError(111, "refused"), e.Unreachable),
        (EOFError(), e.Unreachable),
        (ssl.SSLError(1, "wrong version number"), e.Unreachable),
    ],
)
def test_broken_connections(problem: Exception, kind: type[e.MoverError]) -> None:
    assert type(broken(problem, "host")) is kind


def test_a_certificate_that_does_not_hold_is_untrusted() -> None:
    problem = ssl.SSLCertVerificationError(1, "failed")
    problem.verify_message = "self-signed certificate"
    assert type(broken(problem, "host")) is e.Untrusted
