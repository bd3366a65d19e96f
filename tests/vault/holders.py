"""Every holder of the global key that the contract is run over, each with the ways in which it fails for real."""

from __future__ import annotations

import base64
import json
import os
import secrets
import ssl
import subprocess
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    ExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass, field
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

from tests.sites.base import Certificates, Missing, free_port, program
from tests.vault.transit_server import Transit

from mover.core.errors import BadOption, KeysRefused, Sealed
from mover.core.secret import Secret
from mover.net.http import HttpSettings, http
from mover.vault.providers._aws_signing import AwsCredentials
from mover.vault.providers.base import KeyService, in_threads
from mover.vault.providers.credentials import CredentialsGlobalKey
from mover.vault.providers.file import FileGlobalKey
from mover.vault.providers.hsm import Pkcs11GlobalKey, Pkcs11Settings
from mover.vault.providers.kms import KmsGlobalKey, KmsSettings
from mover.vault.providers.transit import TransitGlobalKey, TransitSettings


@dataclass
class Holder:
    """A holder, and what a test can do to it. `None` where it cannot be: a file is never down for a moment."""

    service: KeyService
    rotate: Callable[[], Awaitable[str]]
    """What whoever runs it does to rotate; answers the new key's id."""
    lose: Callable[[str], KeyService | None]
    """Destroy the key of that id for good; the holder as it looks then, if it is another."""
    deny: Callable[[], AbstractContextManager[KeyService]]
    """Take our right to the key away; the holder as it looks then."""
    denied: type[Exception]
    down: Callable[[], AbstractAsyncContextManager[KeyService]] | None = None
    unknown: str = "g-0000000000000000"
    secrets: list[str] = field(default_factory=list[str])
    """Texts that no error may show."""
    tampered: tuple[type[Exception], ...] = (Sealed,)
    """How it may refuse what was changed."""
    keeps_id: bool = False
    """Rotating keeps the key's id."""


@contextmanager
def _mode(path: Path, mode: int, service: KeyService) -> Generator[KeyService]:
    before = path.stat().st_mode
    path.chmod(mode)
    try:
        yield service
    finally:
        path.chmod(before)


@asynccontextmanager
async def file_holder(folder: Path) -> AsyncGenerator[Holder]:
    file = folder / "key.json"
    key = FileGlobalKey(file)
    key.wrap(b"first", b"")
    values = list(json.loads(file.read_text())["keys"].values())

    def lose(key_id: str) -> None:
        ring = json.loads(file.read_text())
        del ring["keys"][key_id]
        ring["keys"]["g-other"], ring["current"] = base64.b64encode(secrets.token_bytes(32)).decode(), "g-other"
        file.write_text(json.dumps(ring))

    async with in_threads(key) as service:
        yield Holder(
            service,
            service.rotate,
            lose,
            lambda: _mode(file, 0o644, service),
            BadOption,
            secrets=[*values, *(base64.b64decode(v).hex() for v in values)],
        )


@asynccontextmanager
async def credentials_holder(folder: Path) -> AsyncGenerator[Holder]:
    """The folder as systemd makes it; each version of the key is written by the administrator."""
    name, keys = "mover-global-key", [secrets.token_bytes(32), secrets.token_bytes(32)]

    def put(version: int, data: bytes) -> str:
        file = folder / f"{name}.{version}"
        file.write_bytes(data)
        file.chmod(0o400)
        return file.name

    async def rotate() -> str:
        return put(2, keys[1].hex().encode() + b"\n")

    put(1, keys[0])
    async with in_threads(CredentialsGlobalKey(folder)) as service:
        yield Holder(
            service,
            rotate,
            lambda key_id: (folder / key_id).unlink(),
            lambda: _mode(folder / f"{name}.1", 0o444, service),
            BadOption,
            unknown=f"{name}.9",
            secrets=[key.hex() for key in keys],
        )


PIN = secrets.token_hex(8)


def soft_token(folder: Path) -> Path:
    """A token of SoftHSM's below `folder`, labelled `mover`; the module to reach it by. One for each process: the module remembers."""
    tool = program("softhsm2-util", package="softhsm2")
    module = next((m for m in map(Path, _MODULES) if m.exists()), None)
    if module is None:
        raise Missing("libsofthsm2.so is not installed: install softhsm2")
    tokens = folder / "tokens"
    tokens.mkdir(parents=True)
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(settings)
    command = [tool, "--init-token", "--free", "--label", "mover", "--pin", PIN, "--so-pin", PIN]
    subprocess.run(command, check=True, capture_output=True)
    return module


_MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
)


@asynccontextmanager
async def pkcs11_holder(module: Path) -> AsyncGenerator[Holder]:
    settings = Pkcs11Settings(module, "mover", Secret(PIN), name=f"key-{secrets.token_hex(4)}")
    key = Pkcs11GlobalKey(settings)
    tokens = Path(os.environ["SOFTHSM2_CONF"]).parent / "tokens"

    def lose(key_id: str) -> None:
        import pkcs11

        with key._open() as session:
            wanted = {pkcs11.Attribute.LABEL: key_id.removeprefix("pkcs11:")}
            for found in session.get_objects(wanted):
                found.destroy()

    @contextmanager
    def deny() -> Generator[KeyService]:
        key.close()  # as long as one session of the process is signed in, all are
        wrong = Pkcs11GlobalKey(Pkcs11Settings(module, "mover", Secret(f"wrong{PIN}"), settings.name))
        yield _Plain(wrong)

    @asynccontextmanager
    async def down() -> AsyncGenerator[KeyService]:
        away = tokens.with_name("pulled-out")
        tokens.rename(away)
        try:
            yield service
        finally:
            away.rename(tokens)

    async with in_threads(key) as service:
        yield Holder(
            service,
            service.rotate,
            lose,
            deny,
            KeysRefused,
            down,
            unknown=f"pkcs11:{settings.name}-77",
            secrets=[PIN],
        )
        key.close()


class _Plain:
    """A blocking holder behind the asynchronous face, without threads."""

    def __init__(self, key: Pkcs11GlobalKey) -> None:
        self._key = key

    async def wrap(self, message: bytes, context: bytes) -> tuple[str, bytes]:
        return self._key.wrap(message, context)

    async def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        return self._key.unwrap(key_id, wrapped, context)

    async def rotate(self) -> str:
        return self._key.rotate()


@asynccontextmanager
async def kms_holder(endpoint: str, ca: Path, relay: Callable[[], Any]) -> AsyncGenerator[Holder]:
    """AWS KMS as moto imitates it. `relay` makes a server that refuses as AWS does (moto checks no rights)."""
    arn = _kms(endpoint, ca, "CreateKey", {})["KeyMetadata"]["Arn"]
    access = AwsCredentials("AKIAEXAMPLE", Secret(secrets.token_hex(20)), Secret(secrets.token_hex(30)))

    with ExitStack() as relays:
        async with http(HttpSettings(ca_file=ca, idle=4.0)) as client:
            settings = KmsSettings("us-east-1", (arn,), access, endpoint)

            def lose(key_id: str) -> KeyService:
                """Moto goes on with a key that was deleted, so the answer is AWS's by the book."""
                gone = relays.enter_context(relay())
                gone.answer(400, {"__type": "NotFoundException", "message": f"Key '{key_id}' does not exist"})
                return KmsGlobalKey(client, KmsSettings("us-east-1", (arn,), access, gone.url))

            @contextmanager
            def deny() -> Generator[KeyService]:
                with relay() as refusing:
                    refusing.answer(400, {"__type": "AccessDeniedException", "Message": "User is not authorized"})
                    yield KmsGlobalKey(client, KmsSettings("us-east-1", (arn,), access, refusing.url))

            @asynccontextmanager
            async def down() -> AsyncGenerator[KeyService]:
                nobody = f"https://localhost:{free_port()}"
                yield KmsGlobalKey(client, KmsSettings("us-east-1", (arn,), access, nobody))

            service = KmsGlobalKey(client, settings)
            yield Holder(
                service,
                service.rotate,
                lose,
                deny,
                KeysRefused,
                down,
                unknown=arn.rpartition("/")[0] + "/00000000-0000-4000-8000-000000000000",
                secrets=[access.secret.reveal(), access.token.reveal() if access.token else ""],
                tampered=(
                    Sealed,
                    KeysRefused,
                ),  # its ciphertext names the key: a bit changed there names one that is not ours
                keeps_id=True,
            )


def _kms(endpoint: str, ca: Path, action: str, body: dict[str, Any]) -> dict[str, Any]:
    """Ask moto's KMS as an administrator does."""
    connection = HTTPSConnection(
        endpoint.removeprefix("https://"), context=ssl.create_default_context(cafile=str(ca)), timeout=30
    )
    headers = {
        "X-Amz-Target": f"TrentService.{action}",
        "Content-Type": "application/x-amz-json-1.1",
        "Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/kms/aws4_request, SignedHeaders=host, Signature=0",
    }
    connection.request("POST", "/", json.dumps(body), headers)
    answer = connection.getresponse()
    found = json.loads(answer.read())
    assert answer.status == 200, found
    connection.close()
    return found


@asynccontextmanager
async def transit_holder(server: Transit, made: Certificates) -> AsyncGenerator[Holder]:
    name = f"mover-{secrets.token_hex(4)}"
    server._keys("POST", name, {"derived": True})
    address = f"https://localhost:{server.port}"

    def lose(key_id: str) -> None:
        version = int(key_id.rpartition(":v")[2])
        server.keys[name].versions.append(secrets.token_bytes(32))
        server.keys[name].oldest = version + 1

    @contextmanager
    def deny() -> Generator[KeyService]:
        server.forbidden |= {"encrypt", "decrypt"}
        try:
            yield service
        finally:
            server.forbidden.clear()

    @asynccontextmanager
    async def down() -> AsyncGenerator[KeyService]:
        server.status = 503
        try:
            yield service
        finally:
            server.status = None

    async with http(HttpSettings(ca_file=made.ca, idle=4.0)) as client:
        service = TransitGlobalKey(client, TransitSettings(address, name, lambda: Secret(server.token)))
        yield Holder(
            service,
            service.rotate,
            lose,
            deny,
            KeysRefused,
            down,
            unknown=f"transit:transit/{name}:v9",
            secrets=[server.token],
        )
