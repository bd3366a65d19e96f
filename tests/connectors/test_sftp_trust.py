"""Who may connect, and to whom: every way to sign in, every way a host may fail to prove itself."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.sites.base import Site, program
from tests.sites.openssh import make_key

from mover.connectors.registry import connect, spec
from mover.core.errors import BadCredentials, BadOption, Unreachable, Untrusted
from mover.core.options import Options, Value

pytestmark = pytest.mark.anyio
Sites = Callable[[str], Site]
DROP = {"password": None, "key_file": None, "known_hosts": None, "host_key": None}


def options_with(site: Site, **changes: Value | None) -> Options:
    given: Mapping[str, Value | None] = {**site.options, **changes}
    return Options(spec("sftp"), {name: value for name, value in given.items() if value is not None})


async def signed_in(options: Options) -> bool:
    async with connect(options) as connector:
        return (await connector.root()).id == ""


def authorize(site: Site, public: str) -> None:
    with Path(site.notes["folder"], "authorized_keys").open("a") as keys:
        keys.write(public + "\n")


def key_of(site: Site) -> str:
    return Path(str(site.options["key_file"])).read_text()


def hash_names(known_hosts: Path) -> None:
    keygen = program("ssh-keygen", package="openssh-client (Debian)")
    subprocess.run([keygen, "-q", "-H", "-f", known_hosts], check=True, capture_output=True)


def fingerprint(public: Path) -> str:
    keygen = program("ssh-keygen", package="openssh-client (Debian)")
    return subprocess.run([keygen, "-lf", public], check=True, capture_output=True, text=True).stdout.split()[1]


@contextmanager
def agent(folder: Path, key: Path) -> Generator[str]:
    """A real ssh-agent that holds one key; answers its socket."""
    socket = folder / "agent"
    command = [program("ssh-agent", package="openssh-client (Debian)"), "-D", "-a", socket]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            add = [program("ssh-add", package="openssh-client (Debian)"), "-q", str(key)]
            for _ in range(50):
                if socket.exists():
                    break
                process.poll()
                subprocess.run(["sleep", "0.05"], check=True)
            subprocess.run(add, check=True, env={"SSH_AUTH_SOCK": str(socket)})
            yield str(socket)
        finally:
            process.terminate()


async def test_password(site: Sites) -> None:
    assert await signed_in(options_with(site("asyncssh_server")))


async def test_keyboard_interactive(site: Sites) -> None:
    assert await signed_in(options_with(site("asyncssh_server"), user="ask"))


async def test_key_file(site: Sites) -> None:
    at = site("asyncssh_server")
    assert await signed_in(options_with(at, user="key", password=None, key_file=at.notes["key_file"]))


async def test_text_of_a_key(site: Sites) -> None:
    at = site("openssh")
    text = key_of(at)
    assert await signed_in(options_with(at, key_file=None, private_key=text))
    assert await signed_in(options_with(at, key_file=None, private_key=text.replace("\n", "\\n")))


async def test_encrypted_key(site: Sites, tmp_path: Path) -> None:
    at = site("openssh")
    public = make_key(tmp_path / "locked", passphrase="open sesame")
    authorize(at, public)
    locked = str(tmp_path / "locked")
    assert await signed_in(options_with(at, key_file=locked, key_passphrase="open sesame"))
    with pytest.raises(BadOption, match="passphrase"):
        await signed_in(options_with(at, key_file=locked))
    with pytest.raises(BadOption, match="passphrase") as caught:
        await signed_in(options_with(at, key_file=locked, key_passphrase="open caraway"))
    assert "caraway" not in repr(caught.value)


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
async def test_other_kinds_of_key(site: Sites, tmp_path: Path, kind: str) -> None:
    at = site("openssh")
    public = make_key(tmp_path / kind, kind=kind)
    authorize(at, public)
    assert await signed_in(options_with(at, key_file=str(tmp_path / kind)))


async def test_agent(site: Sites, tmp_path: Path) -> None:
    at = site("openssh")
    with agent(tmp_path, Path(str(at.options["key_file"]))) as socket:
        assert await signed_in(options_with(at, key_file=None, use_agent=True, agent_socket=socket))
    with pytest.raises(BadOption, match="agent"):
        await signed_in(options_with(at, key_file=None, use_agent=True, agent_socket=str(tmp_path / "none")))
    with pytest.raises(BadOption, match="SSH_AUTH_SOCK"):
        await signed_in(options_with(at, key_file=None, use_agent=True))


async def test_wrong_password_is_not_repeated(site: Sites) -> None:
    with pytest.raises(BadCredentials) as caught:
        await signed_in(options_with(site("asyncssh_server"), password="hunter2"))
    assert "hunter2" not in str(caught.value)


async def test_wrong_key(site: Sites, tmp_path: Path) -> None:
    make_key(tmp_path / "stranger")
    with pytest.raises(BadCredentials):
        await signed_in(options_with(site("openssh"), key_file=str(tmp_path / "stranger")))


async def test_no_way_to_sign_in(site: Sites) -> None:
    with pytest.raises(BadOption, match="password"):
        await signed_in(options_with(site("openssh"), key_file=None))


async def test_unknown_host_is_refused_and_says_how_to_state_its_key(site: Sites, tmp_path: Path) -> None:
    at = site("openssh")
    for known in (tmp_path / "missing", tmp_path / "empty"):
        if known.name == "empty":
            known.touch()
        with pytest.raises(Untrusted) as caught:
            await signed_in(options_with(at, known_hosts=str(known)))
        assert "not known" in str(caught.value)
        assert fingerprint(Path(at.notes["folder"], "host_key.pub")) in str(caught.value)
        assert at.notes["host_key"] in str(caught.value)


async def test_changed_host_key_is_refused(site: Sites, tmp_path: Path) -> None:
    at, other = site("openssh"), make_key(tmp_path / "other")
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{at.options['port']} {other}\n")
    with pytest.raises(Untrusted, match="ANOTHER KEY"):
        await signed_in(options_with(at, known_hosts=str(known)))
    with pytest.raises(Untrusted, match="ANOTHER KEY"):
        await signed_in(options_with(at, host_key=other))
    with pytest.raises(Untrusted, match="ANOTHER KEY"):
        await signed_in(options_with(at, host_key=fingerprint(tmp_path / "other.pub")))


async def test_pinned_host_key_needs_no_file(site: Sites) -> None:
    at = site("openssh")
    assert await signed_in(options_with(at, known_hosts=None, host_key=at.notes["host_key"]))
    shown = fingerprint(Path(at.notes["folder"], "host_key.pub"))
    assert await signed_in(options_with(at, known_hosts=None, host_key=shown))


async def test_pin_outranks_the_file(site: Sites, tmp_path: Path) -> None:
    """Otherwise a stale or planted line in the file would let another host in."""
    with pytest.raises(Untrusted):
        await signed_in(options_with(site("openssh"), host_key=make_key(tmp_path / "other")))


async def test_revoked_host_key_is_refused(site: Sites, tmp_path: Path) -> None:
    at = site("openssh")
    line = f"[127.0.0.1]:{at.options['port']} {at.notes['host_key']}\n"
    (tmp_path / "known_hosts").write_text(line + "@revoked " + line)
    with pytest.raises(Untrusted):
        await signed_in(options_with(at, known_hosts=str(tmp_path / "known_hosts")))


async def test_hashed_known_hosts(site: Sites, tmp_path: Path) -> None:
    at, known = site("openssh"), tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{at.options['port']} {at.notes['host_key']}\n")
    hash_names(known)
    assert "127.0.0.1" not in known.read_text()
    assert await signed_in(options_with(at, known_hosts=str(known)))


async def test_nonsense_for_a_host_key_is_a_bad_option(site: Sites) -> None:
    with pytest.raises(BadOption, match="host_key"):
        await signed_in(options_with(site("openssh"), host_key="MD5:00:11"))


async def test_nobody_listens(site: Sites) -> None:
    at = site("openssh")
    with pytest.raises((Unreachable, Untrusted)):
        await signed_in(options_with(at, port=1, host_key=at.notes["host_key"]))


async def test_something_that_is_no_ssh_server(site: Sites) -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 welcome to something else\r\n" * 2000)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unreachable):
            await signed_in(options_with(site("openssh"), port=port, host_key=site("openssh").notes["host_key"]))
