"""What the WebDAV connector understands and says, without a server."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mover.connectors._kit.statuses import COMMON
from mover.connectors.webdav.address import address_of, path_in
from mover.connectors.webdav.challenge import DigestAnswers, challenges, strongest
from mover.connectors.webdav.entries import checksums_in, children, version_of
from mover.connectors.webdav.errors import MEANINGS, error_of
from mover.connectors.webdav.multistatus import MultiStatus, Resource
from mover.connectors.webdav.servers import APACHE, GENERIC, NGINX, from_headers, from_status
from mover.connectors.webdav.signin import SignIn
from mover.connectors.webdav.spec import SPEC
from mover.connectors.webdav.times import kept_time
from mover.core.errors import BadCredentials, BadOption, Full, NotEncrypted, Refused, Throttled, Unreachable
from mover.core.model import ItemId, Kind
from mover.core.options import Options, Value
from mover.core.secret import Secret

RFC_7616: dict[str, str] = {
    "MD5": "8ca523f5e9506fed4657c9700eebdbec",
    "SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
}
"""The responses of RFC 7616 §3.9.1."""

LISTING = """<?xml version="1.0"?><D:multistatus xmlns:D="DAV:" xmlns:O="http://owncloud.org/ns">
<D:response><D:href>{before}/f/</D:href><D:propstat><D:prop><D:resourcetype><D:collection/></D:resourcetype></D:prop>
<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>
<D:response><D:href>{before}/f/a%20%26%C3%A4%25.txt</D:href><D:propstat><D:prop><D:resourcetype/>
<D:getcontentlength>3</D:getcontentlength><D:getetag>W/"x"</D:getetag></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>
<D:propstat><D:prop><O:checksums><O:checksum>SHA1:ab</O:checksum></O:checksums></D:prop>
<D:status>HTTP/1.1 404 Not Found</D:status></D:propstat></D:response>
<D:response><D:href>{before}/f/a%2Fb</D:href><D:propstat><D:prop><D:getcontentlength>1</D:getcontentlength></D:prop>
<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>
<D:response><D:href>{before}/f/gone</D:href><D:status>HTTP/1.1 404 Not Found</D:status></D:response>
<D:response><D:href>/elsewhere/x</D:href><D:propstat><D:prop/><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>
</D:multistatus>"""


def made(**given: Value) -> Options:
    return Options(SPEC, {"url": "https://dav.example.org/files", **given})


def parsed(text: str, piece: int = 1 << 20) -> list[Resource]:
    parser, data = MultiStatus(), text.encode()
    found = [r for at in range(0, len(data), piece) for r in parser.feed(data[at : at + piece])]
    return found + parser.close()


@pytest.mark.parametrize("algorithm", RFC_7616)
def test_digest_answers_as_the_rfc_does(algorithm: str) -> None:
    nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    header = f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, nonce="{nonce}"'
    challenge = strongest(challenges([header]))
    assert challenge is not None
    answers = DigestAnswers(challenge, "Mufasa", Secret("Circle of Life"))
    answers._cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    assert f'response="{RFC_7616[algorithm]}"' in answers.header("GET", "/dir/index.html")
    assert "nc=00000002" in answers.header("GET", "/dir/index.html")


def test_the_strongest_challenge_is_answered() -> None:
    offered = challenges(
        ['Basic realm="a, Digest b", Digest realm="r", nonce="1", algorithm=MD5', 'Digest nonce="2", algorithm=SHA-256']
    )
    assert [c.scheme for c in offered] == ["basic", "digest", "digest"]
    assert offered[0].parameters == {"realm": "a, Digest b"}
    assert (chosen := strongest(offered)) is not None
    assert chosen.parameters["nonce"] == "2"


def test_a_stale_nonce_is_no_wrong_password() -> None:
    sign_in = SignIn(made(user="u", password="p"))
    assert sign_in.learn(['Digest realm="r", nonce="1", qop="auth"'], None)
    sent = sign_in.header("GET", "/")
    assert sign_in.learn(['Digest realm="r", nonce="2", qop="auth", stale=true'], sent)
    assert sign_in.learn(['Digest realm="r", nonce="3", qop="auth"'], sent), (
        "another request renewed the nonce meanwhile"
    )
    now = sign_in.header("GET", "/")
    assert now is not None
    assert 'nonce="2"' in now
    assert not sign_in.learn(['Digest realm="r", nonce="4", qop="auth"'], now)


def test_basic_is_not_used_where_digest_was_demanded() -> None:
    with pytest.raises(BadCredentials, match="basic"):
        SignIn(made(user="u", password="p", auth="digest")).learn(['Basic realm="r"'], None)


@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
@pytest.mark.parametrize("before", ["/files", "https://dav.example.org/files", "/behind/a/proxy"])
def test_listings_are_read_in_any_pieces_and_under_any_prefix(piece: int, before: str) -> None:
    itself, entries = children(parsed(LISTING.format(before=before), piece), b"/files/f", ItemId("f"), GENERIC)
    assert itself is not None
    assert itself.collection
    assert [(e.id, e.kind, e.size) for e in entries] == [
        ("f/a &ä%.txt", Kind.FILE, 3),
        ("f/a%2Fb", Kind.OTHER, None),
    ]
    assert entries[0].version == "x"
    assert entries[0].digests == ()


def test_listings_with_entities_are_refused() -> None:
    with pytest.raises(Refused):
        parsed('<!DOCTYPE x [<!ENTITY a "b">]><D:multistatus xmlns:D="DAV:"/>')


def test_a_listing_that_ends_early_is_no_listing() -> None:
    with pytest.raises(Unreachable):
        parsed(LISTING.format(before="/files")[:-20])


def test_times_count_only_as_long_as_nobody_writes_the_file() -> None:
    server = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    kept = datetime(2001, 2, 3, 4, 5, 6, 700000, tzinfo=UTC)
    text = f"{kept.timestamp():.6f} {server.timestamp():.0f}"
    assert kept_time(text, server) == kept
    assert kept_time(text, server.replace(second=6)) is None
    assert kept_time("nonsense", server) is None


def test_versions_and_checksums() -> None:
    assert version_of('W/"a"', "d") == version_of('"a"', "d") == "a"
    assert version_of(None, "d") == "at d"
    found = checksums_in("SHA1:a9993e364706816aba3e25717850c26c9cd0d89d MD5:zz ADLER32:024d0127")
    assert [(d.algorithm, d.hex) for d in found] == [("sha1", "a9993e364706816aba3e25717850c26c9cd0d89d")]


def test_servers_are_known_by_marks_that_no_proxy_makes() -> None:
    assert from_headers("cloudflare", ["1,2", "<http://apache.org/dav/propset/fs/1>"], "") == APACHE
    assert from_headers("nginx/1.22.1", ["2"], "GET,HEAD,PUT,DELETE,MKCOL,COPY,MOVE,PROPFIND,OPTIONS") == NGINX
    assert from_headers("nginx/1.22.1", ["1, 3"], "OPTIONS, GET, HEAD, DELETE, PROPFIND, PUT") == GENERIC
    new = from_status(b'{"installed":true,"version":"31.0.4.1","versionstring":"31.0.4","productname":"Nextcloud"}')
    old = from_status(b'{"installed":true,"version":"20.0.0.9","versionstring":"20.0.0","productname":"My Cloud"}')
    assert new is not None
    assert old is not None
    assert (new.name, new.hashes, old.name, old.hashes) == ("nextcloud", "sha256", "nextcloud", None)
    assert from_status(b"<html>") is None


SABRE = b'<d:error xmlns:d="DAV:" xmlns:s="x"><s:exception>E</s:exception><s:message>Insufficient space &amp; more</s:message></d:error>'


def test_refusals_mean_what_the_table_says() -> None:
    for status, kind in {**COMMON, **MEANINGS}.items():
        assert type(error_of(status, b"", None, doing="x")) is kind
    assert type(error_of(502, b"", None, doing="x")) is Unreachable
    assert type(error_of(418, b"", None, doing="x")) is Refused
    full = error_of(507, SABRE, None, doing="write it", item="a")
    assert isinstance(full, Full)
    assert full.detail == "the server answered 507 to write it: Insufficient space & more"
    busy = error_of(429, b"", "7", doing="x")
    assert isinstance(busy, Throttled)
    assert busy.after == 7


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"url": "https://h/a%20b//c/"}, "https://h/a%20b/c"),
        ({"url": "h", "port": 8443, "path": "x/ä"}, "https://h:8443/x/%C3%A4"),
        ({"url": "h", "plain_http": True, "allow_unencrypted": True}, "http://h"),
        ({"url": "https://[::1]:1/"}, "https://[::1]:1"),
    ],
)
def test_addresses(given: dict[str, Value], expected: str) -> None:
    address = address_of(made(**given))
    assert address.origin + address.path == expected
    assert path_in(address.of(ItemId("ä/b%"))).endswith("/ä/b%".encode())


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"url": "http://h/"}, NotEncrypted),
        ({"url": "https://h/", "plain_http": True, "allow_unencrypted": True}, BadOption),
        ({"url": "https://u:p@h/"}, BadOption),
        ({"url": "ftp://h/"}, BadOption),
        ({"url": "https://h/?x"}, BadOption),
    ],
)
def test_addresses_that_are_none(given: dict[str, Value], error: type[Exception]) -> None:
    with pytest.raises(error):
        address_of(made(**given))


def test_plain_http_needs_consent() -> None:
    with pytest.raises(NotEncrypted):
        made(url="h", plain_http=True)
