"""FTP and FTPS against servers that demand what real ones demand."""

from __future__ import annotations

import hashlib
import os
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.connectors.ftp_tools import ROOT, content, odd_server, opened, sessions
from tests.running import options_of
from tests.sites.base import Site

from mover.conformance.bodies import Sent, sample
from mover.connectors._kit.ftp import settings, wire
from mover.connectors._kit.ftp.session import Session
from mover.connectors.ftp.spec import SPEC as FTP
from mover.core import errors as e
from mover.core.model import ItemId, Kind
from mover.core.options import Options

pytestmark = pytest.mark.anyio
__all__ = ["sessions"]  # a fixture


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("name", ["vsftpd", "vsftpd_implicit", "proftpd", "proftpd_implicit"])
async def test_servers_that_demand_session_reuse(
    name: str,
    version: ssl.TLSVersion,
    site: Callable[[str], Site],
    monkeypatch: pytest.MonkeyPatch,
    sessions: list[Session],
) -> None:
    real = settings.context_with

    def limited(ca_file: str | None) -> ssl.SSLContext:
        made = real(ca_file)
        made.maximum_version = version
        return made

    monkeypatch.setattr(settings, "context_with", limited)
    async with opened(site(name)) as connector:
        folder = (await connector.make_folder(ROOT, f"tls {version.name}")).id
        for n in range(5):
            entry = await connector.write(folder, f"{n}", Sent(sample(70_000, n)))
            assert await content(connector, entry) == sample(70_000, n)
        assert len((await connector.list(folder)).entries) == 5
        control = sessions[0].wire.sock
        assert isinstance(control, ssl.SSLSocket)
        assert control.version() == ("TLSv1.2" if version is ssl.TLSVersion.TLSv1_2 else "TLSv1.3")


async def test_without_session_reuse_they_refuse(site: Callable[[str], Site], monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: what makes the test above worth something. The server's own reason is told."""
    real = wire.Wire._wrapped
    monkeypatch.setattr(wire.Wire, "_wrapped", lambda self, raw, session: real(self, raw, None))
    async with opened(site("vsftpd")) as connector:
        with pytest.raises(e.Untrusted, match="session reuse required"):
            await connector.write(ROOT, "x", Sent(b"x"))
    async with opened(site("proftpd")) as connector:
        with pytest.raises(e.Unreachable, match="425"):
            await connector.write(ROOT, "x", Sent(b"x"))


async def test_a_server_that_will_not_protect_data_is_refused(tmp_path: Path) -> None:
    refuses = (
        'Handler.ftp_PROT = lambda self, line: self.respond("534 Fallback to [C]")\nHandler.tls_data_required = False'
    )
    with odd_server(tmp_path, refuses, secure=True) as site, pytest.raises(e.Untrusted, match="PROT P"):
        async with opened(site):
            pass


async def test_a_server_without_tls_is_refused(tmp_path: Path) -> None:
    with odd_server(tmp_path, "") as site:
        given = {k: v for k, v in site.options.items() if k != "allow_unencrypted"}
        with pytest.raises(e.Untrusted, match="does not offer TLS"):
            async with opened(Site("ftps", given)):
                pass


async def test_a_certificate_that_nobody_vouches_for_is_refused(site: Callable[[str], Site]) -> None:
    for name in ("vsftpd", "proftpd_implicit"):
        with pytest.raises(e.Untrusted, match="certificate"):
            async with opened(site(name), ca_file=""):
                pass


async def test_a_certificate_of_another_host_is_refused(site: Callable[[str], Site]) -> None:
    with pytest.raises(e.Untrusted, match=r"127\.1"):
        async with opened(Site("ftps", {**site("pyftpdlib_tls").options, "host": "127.1"})):
            pass


async def test_a_wrong_password_is_told(site: Callable[[str], Site]) -> None:
    for name in ("vsftpd", "proftpd", "pyftpdlib_server"):
        with pytest.raises(e.BadCredentials) as caught:
            async with opened(site(name), password="wrong secret"):
                pass
        assert "wrong secret" not in str(caught.value)


async def test_plain_ftp_needs_consent(site: Callable[[str], Site]) -> None:
    given = {k: v for k, v in site("pyftpdlib_server").options.items() if k != "allow_unencrypted"}
    with pytest.raises(e.NotEncrypted):
        Options(FTP, given)
    async with opened(site("pyftpdlib_server")) as connector:
        assert (await connector.root()).kind is Kind.FOLDER


@pytest.mark.parametrize("option", ["user", "password"])
async def test_credentials_cannot_carry_commands(option: str, site: Callable[[str], Site]) -> None:
    with pytest.raises(e.BadOption, match=option):
        async with opened(site("pyftpdlib_server"), **{option: "x\r\nDELE precious"}):
            pass


@pytest.mark.parametrize("name", ["vsftpd", "proftpd", "pyftpdlib_server"])
async def test_names_cannot_carry_commands(name: str, site: Callable[[str], Site]) -> None:
    async with opened(site(name)) as connector:
        precious = await connector.write(ROOT, "precious", Sent(b"x"))
        for evil in ("a\r\nDELE precious", "a\nDELE precious", "a\rb", "a\x00b"):
            with pytest.raises(e.Unfit):
                await connector.write(ROOT, evil, Sent(b"x"))
            with pytest.raises(e.Unfit):
                await connector.make_folder(ROOT, evil)
            with pytest.raises(e.Unfit):
                await connector.remove(ItemId(evil))
            with pytest.raises(e.Unfit):
                await connector.rename(precious.id, ROOT, evil)
            with pytest.raises(e.Unfit):
                await connector.list(ItemId(evil))
        assert await content(connector, precious) == b"x"


@pytest.mark.parametrize("name", ["vsftpd", "proftpd"])
async def test_what_is_on_the_disk_is_shown(name: str, site: Callable[[str], Site]) -> None:
    """Names that FTP can show but not ask for, links, and what may not be read: all are accounted for."""
    here = site(name)
    assert here.folder is not None
    place = here.folder / "strange"
    place.mkdir()
    for odd in ("new\nline", "-dash", "[br]ack*et?", " both ", ".hidden"):
        (place / odd).write_text(odd)
    (place / "link").symlink_to("-dash")
    (place / "locked").write_text("secret")
    (place / "locked").chmod(0)
    (place / "shut").mkdir(mode=0o000)
    async with opened(here) as connector:
        found = {entry.name: entry for entry in (await connector.list(ItemId("strange"))).entries}
        assert set(found) == {"new\nline", "-dash", "[br]ack*et?", " both ", ".hidden", "link", "locked", "shut"}
        assert found["link"].kind is Kind.LINK
        assert found["shut"].kind is Kind.FOLDER
        for odd in ("-dash", "[br]ack*et?", " both ", ".hidden"):
            assert await content(connector, found[odd]) == odd.encode()
        with pytest.raises(e.Unfit):
            await content(connector, found["new\nline"])
        if os.geteuid() == 0:
            with pytest.raises(e.Denied):
                await content(connector, found["locked"])
            with pytest.raises((e.Denied, e.NotFound)):
                await connector.list(found["shut"].id)
        with pytest.raises(e.NotFound):
            await connector.list(ItemId("strange/nothing"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vsftpd", "proftpd"])
async def test_ten_thousand_files_in_one_folder(name: str, site: Callable[[str], Site]) -> None:
    here = site(name)
    assert here.folder is not None
    place = here.folder / "many"
    place.mkdir()
    for n in range(10_000):
        (place / f"file {n}").touch()
    os.utime(place / "file 7", (1_000_000_000, 1_000_000_000))
    async with opened(here) as connector:
        found = {entry.name: entry for entry in (await connector.list(ItemId("many"))).entries}
    assert set(found) == {f"file {n}" for n in range(10_000)}
    seventh = found["file 7"].modified
    assert seventh is not None
    assert seventh.timestamp() == 1_000_000_000


async def test_digests_that_the_server_makes(site: Callable[[str], Site]) -> None:
    async with opened(site("proftpd")) as connector:
        for name in ("digest", "with 2 spaces 0 5"):
            entry = await connector.write(ROOT, name, Sent(sample(300_000)))
            digest = await connector.digest_of(entry)
            assert digest is not None
            assert (digest.algorithm, digest.hex) == ("sha256", hashlib.sha256(sample(300_000)).hexdigest())
    async with opened(site("vsftpd")) as connector:
        assert await connector.digest_of(await connector.write(ROOT, "digest", Sent(b"x"))) is None


async def test_old_encodings_of_names(site: Callable[[str], Site]) -> None:
    here = site("vsftpd")
    assert here.folder is not None
    async with opened(here, encoding="cp1252") as connector:
        entry = await connector.write(ROOT, "café", Sent(b"x"))
        assert b"caf\xe9" in os.listdir(os.fsencode(here.folder))  # noqa: PTH208  # names as bytes
        assert await content(connector, entry) == b"x"
        with pytest.raises(e.Unfit, match="cp1252"):
            await connector.write(ROOT, "日本", Sent(b"x"))
    with pytest.raises(e.BadOption, match="utf-16"):
        async with opened(here, encoding="utf-16"):
            pass


async def test_specs_serve_these_sites(site: Callable[[str], Site]) -> None:
    assert options_of(site("pyftpdlib_server")).channel.value == "not encrypted"
    assert options_of(site("pyftpdlib_tls")).channel.value == "TLS 1.2 or newer"
