"""What is particular to a holder of the global key: its errors by the book, its signatures, what it demands."""

from __future__ import annotations

import base64
import builtins
import datetime as dt
import json
import secrets
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.running import MUST_RUN
from tests.sites.base import Certificates, Missing, certificates
from tests.vault.holders import PIN, pkcs11_holder
from tests.vault.scripted import Scripted, scripted
from tests.vault.transit_server import Key, Transit, transit

from mover.core.errors import BadOption, KeysRefused, KeysUnreachable, MoverError, Sealed
from mover.core.secret import Secret
from mover.net.http import Http, HttpSettings, http
from mover.vault.providers._aws_signing import AwsCredentials, Signer
from mover.vault.providers.credentials import CredentialsGlobalKey
from mover.vault.providers.hsm import Pkcs11GlobalKey, Pkcs11Settings
from mover.vault.providers.kms import KmsGlobalKey, KmsSettings
from mover.vault.providers.transit import TransitGlobalKey, TransitSettings

ARN = "arn:aws:kms:eu-central-1:123456789012:key/32c85c1e-6881-4101-af2e-e3f48e9d472a"
ACCESS = AwsCredentials("AKIAEXAMPLE", Secret("aws-secret"), Secret("session-token"))

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def client(made: Certificates) -> AsyncGenerator[Http]:
    async with http(HttpSettings(ca_file=made.ca, idle=4.0)) as opened:
        yield opened


@pytest.fixture
def server(made: Certificates) -> Generator[Scripted]:
    with scripted(made) as running:
        yield running


@pytest.fixture
def bao(made: Certificates) -> Generator[Transit]:
    with transit(made) as running:
        running.keys["mover"] = Key(derived=True)
        yield running


@pytest.fixture
def kms(client: Http, server: Scripted) -> KmsGlobalKey:
    return KmsGlobalKey(client, KmsSettings("eu-central-1", (ARN,), ACCESS, server.url))


def at(bao: Transit, client: Http, **more: Any) -> TransitGlobalKey:
    token = more.pop("token", lambda: Secret(bao.token))
    return TransitGlobalKey(
        client, TransitSettings(f"https://localhost:{bao.port}", more.pop("key", "mover"), token, **more)
    )


# AWS KMS: https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html and CommonErrors.html
KMS_ERRORS: list[tuple[int, str, type[MoverError]]] = [
    (400, "AccessDeniedException", KeysRefused),
    (400, "DisabledException", KeysRefused),
    (400, "KMSInvalidStateException", KeysRefused),
    (400, "InvalidKeyUsageException", KeysRefused),
    (400, "UnrecognizedClientException", KeysRefused),
    (400, "ExpiredTokenException", KeysRefused),
    (403, "InvalidSignatureException", KeysRefused),
    (400, "InvalidGrantTokenException", KeysRefused),
    (400, "InvalidCiphertextException", Sealed),
    (400, "IncorrectKeyException", Sealed),
    (400, "NotFoundException", Sealed),
    (500, "KeyUnavailableException", KeysUnreachable),
    (500, "DependencyTimeoutException", KeysUnreachable),
    (500, "KMSInternalException", KeysUnreachable),
    (400, "ThrottlingException", KeysUnreachable),
    (400, "LimitExceededException", KeysUnreachable),
    (429, "TooManyRequestsException", KeysUnreachable),
    (503, "ServiceUnavailable", KeysUnreachable),
    (502, "", KeysUnreachable),
]


@pytest.mark.parametrize(("status", "kind", "error"), KMS_ERRORS)
@pytest.mark.parametrize("prefix", ["", "com.amazonaws.kms#"])
async def test_what_aws_kms_answers_means(
    kms: KmsGlobalKey, server: Scripted, status: int, kind: str, error: type[MoverError], prefix: str
) -> None:
    server.answer(status, {"__type": prefix + kind, "message": "repeats c2VjcmV0LXBsYWludGV4dA== it was sent"})
    with pytest.raises(error) as raised:
        await kms.unwrap(ARN, b"wrapped", b"context")
    assert type(raised.value) is error
    assert "repeats" not in raised.value.detail
    assert not kind or kind in raised.value.detail or error is Sealed


async def test_a_busy_kms_says_when_to_come_back(kms: KmsGlobalKey, server: Scripted) -> None:
    server.answer(429, {"__type": "ThrottlingException"}, Retry_After="7")
    with pytest.raises(KeysUnreachable) as busy:
        await kms.wrap(b"x", b"")
    assert busy.value.after == 7


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"null", b"{}", b'{"Plaintext": 7}', b'{"Plaintext": "!"}', b'{"__type": {}}', b"\xff"],
)
async def test_whatever_answers_in_place_of_kms_is_not_taken_for_it(
    kms: KmsGlobalKey, server: Scripted, body: bytes
) -> None:
    for status in (200, 400):
        server.answer(status, body)
        with pytest.raises((KeysUnreachable, KeysRefused)):
            await kms.unwrap(ARN, b"wrapped", b"context")
        with pytest.raises((KeysUnreachable, KeysRefused)):
            await kms.wrap(b"message", b"context")


async def test_kms_must_wrap_by_the_key_it_was_asked_to(kms: KmsGlobalKey, server: Scripted) -> None:
    server.answer(200, {"KeyId": ARN.replace("12", "99"), "CiphertextBlob": "AAAA"})
    with pytest.raises(KeysUnreachable, match="another key"):
        await kms.wrap(b"message", b"context")
    server.answer(200, {"KeyId": ARN, "CiphertextBlob": "AAAA"})
    assert await kms.wrap(b"message", b"context") == (ARN, bytes(3)), "the control"


async def test_a_kms_key_that_does_not_exist_is_a_setting_that_is_wrong(kms: KmsGlobalKey, server: Scripted) -> None:
    server.answer(400, {"__type": "NotFoundException"})
    with pytest.raises(BadOption, match="no such key"):
        await kms.wrap(b"message", b"context")


@pytest.mark.parametrize(
    "key", ["", "alias/mover", "arn:aws:kms:eu-central-1:123456789012:alias/mover", "32c85c1e", ARN + "\n", ARN * 4]
)
async def test_only_a_keys_arn_will_do(client: Http, key: str) -> None:
    with pytest.raises(BadOption, match="ARN"):
        KmsGlobalKey(client, KmsSettings("eu-central-1", (key,)))


async def test_kms_learns_neither_context_nor_owner(kms: KmsGlobalKey, server: Scripted) -> None:
    server.answer(200, {"KeyId": ARN, "CiphertextBlob": "AAAA"})
    await kms.wrap(b"message", b"ada@example.org")
    headers, body = server.asked[-1]
    assert b"ada@example.org" not in body and base64.b64encode(b"ada@example.org") not in body
    assert json.loads(body)["EncryptionContext"].keys() == {"mover"}
    assert headers["x-amz-target"] == "TrentService.Encrypt"
    assert headers["x-amz-security-token"] == "session-token"
    assert "aws-secret" not in str(headers)


async def test_our_signature_is_the_one_botocore_makes() -> None:
    """The referee is AWS's own other implementation."""
    url, body = "https://kms.eu-central-1.amazonaws.com/", b'{"KeyId": "x"}'
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "TrentService.Encrypt"}
    signed = await Signer(ACCESS, "eu-central-1", "kms", url).signed("POST", "/", headers, body)
    request = AWSRequest("POST", url, {**headers, "X-Amz-Date": signed["x-amz-date"]}, body)
    request.context["timestamp"] = signed["x-amz-date"]
    assert ACCESS.token
    request.headers["X-Amz-Security-Token"] = ACCESS.token.reveal()
    judge = SigV4Auth(Credentials(ACCESS.key_id, ACCESS.secret.reveal(), ACCESS.token.reveal()), "kms", "eu-central-1")
    canonical = judge.canonical_request(request)
    theirs = judge.signature(judge.string_to_sign(request, canonical), request)
    assert signed["authorization"].rpartition("Signature=")[2] == theirs
    moment = dt.datetime.strptime(signed["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    assert abs((dt.datetime.now(dt.UTC) - moment).total_seconds()) < 600


async def test_without_aws_credentials(
    client: Http, server: Scripted, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(BadOption, match="access key"):
        KmsGlobalKey(client, KmsSettings("eu-central-1", (ARN,), AwsCredentials("", Secret("")), server.url))
    machine = KmsSettings("eu-central-1", (ARN,), None, server.url)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(KeysRefused, match="cannot be signed"):
        await KmsGlobalKey(client, machine).wrap(b"x", b"")
    assert not server.asked
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAMACHINE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "its-secret")
    server.answer(200, {"KeyId": ARN, "CiphertextBlob": "AAAA"})
    await KmsGlobalKey(client, machine).wrap(b"x", b"")
    assert "Credential=AKIAMACHINE/" in server.asked[0][0]["authorization"]


@pytest.mark.parametrize("address", ["http://localhost:1", "https://localhost:1"])
async def test_a_service_that_is_not_there_or_not_encrypted(client: Http, address: str) -> None:
    error = KeysRefused if address.startswith("http:") else KeysUnreachable
    with pytest.raises(error):
        await KmsGlobalKey(client, KmsSettings("eu-central-1", (ARN,), ACCESS, address)).wrap(b"x", b"")
    with pytest.raises(error):
        await TransitGlobalKey(client, TransitSettings(address, "mover", lambda: Secret("t"))).wrap(b"x", b"")


async def test_a_service_whose_certificate_does_not_hold(server: Scripted) -> None:
    async with http(HttpSettings()) as stranger:
        with pytest.raises(KeysRefused, match="not to be trusted"):
            await KmsGlobalKey(stranger, KmsSettings("eu-central-1", (ARN,), ACCESS, server.url)).wrap(b"x", b"")
    assert not server.asked


@pytest.mark.parametrize("key", [Key(derived=False), Key(derived=True, type="rsa-4096")])
async def test_a_transit_key_that_takes_any_context_is_refused(bao: Transit, client: Http, key: Key) -> None:
    bao.keys["loose"] = key
    with pytest.raises(BadOption, match="not bound to contexts") as refused:
        await at(bao, client, key="loose").wrap(b"x", b"")
    assert "derived=true" in refused.value.advice
    assert not any("encrypt" in path for _, path in bao.asked)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *((status, KeysUnreachable) for status in (307, 412, 429, 473, 500, 502, 503)),
        *((status, KeysRefused) for status in (401, 403, 418)),
        (404, BadOption),
    ],
)
async def test_what_transit_answers_means(bao: Transit, client: Http, status: int, error: type[MoverError]) -> None:
    key = at(bao, client)
    key_id, wrapped = await key.wrap(b"message", b"context")
    bao.status = status
    for call in (key.wrap(b"message", b"context"), key.unwrap(key_id, wrapped, b"context"), key.rotate()):
        with pytest.raises(error) as raised:
            await call
        assert type(raised.value) is error
        assert raised.value.after == (7 if status == 429 else None)
    bao.status = None
    assert await key.unwrap(key_id, wrapped, b"context") == b"message"


async def test_transit_keys_that_are_retired_or_deleted(bao: Transit, client: Http) -> None:
    key = at(bao, client)
    key_id, wrapped = await key.wrap(b"message", b"context")
    assert await key.rotate() == "transit:transit/mover:v2"
    bao.keys["mover"].oldest = 2
    with pytest.raises(Sealed, match="retired"):
        await key.unwrap(key_id, wrapped, b"context")
    del bao.keys["mover"]
    with pytest.raises(Sealed, match="gone"):
        await key.unwrap(key_id, wrapped, b"context")
    with pytest.raises(BadOption):
        await at(bao, client).wrap(b"message", b"context")


async def test_a_transit_token_is_asked_for_each_time(bao: Transit, client: Http) -> None:
    tokens = iter(["expired", bao.token, bao.token])
    key = at(bao, client, token=lambda: Secret(next(tokens)))
    with pytest.raises(KeysRefused):
        await key.wrap(b"message", b"context")
    await key.wrap(b"message", b"context")


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b'{"data": 1}', b'{"data": {"ciphertext": "plain"}}', b'{"data": {}}']
)
async def test_whatever_answers_in_place_of_transit_is_not_taken_for_it(
    bao: Transit, client: Http, body: bytes
) -> None:
    key = at(bao, client)
    key_id, wrapped = await key.wrap(b"message", b"context")
    bao.body = body
    with pytest.raises(KeysUnreachable):
        await key.wrap(b"message", b"context")
    with pytest.raises(KeysUnreachable):
        await key.unwrap(key_id, wrapped, b"context")


@pytest.mark.parametrize("name", ["", "a/b", "..", "a b", "a?b", "a#b", "ä"])
async def test_names_that_would_lead_elsewhere_are_refused(client: Http, name: str) -> None:
    with pytest.raises(BadOption):
        TransitGlobalKey(client, TransitSettings("https://localhost", name, lambda: Secret("t")))


async def test_a_namespace_is_sent(client: Http, server: Scripted) -> None:
    server.answer(200, {"data": {"derived": True, "type": "aes256-gcm96", "ciphertext": "vault:v1:AAAA"}})
    settings = TransitSettings(server.url, "mover", lambda: Secret("t"), mount="team/transit", namespace="team-a")
    assert await TransitGlobalKey(client, settings).wrap(b"x", b"") == (
        "transit:team/transit/mover:v1",
        b"vault:v1:AAAA",
    )
    assert all(
        headers["x-vault-namespace"] == "team-a" and headers["x-vault-token"] == "t" for headers, _ in server.asked
    )


async def test_credentials_of_systemd(tmp_path: Path) -> None:
    key = CredentialsGlobalKey(tmp_path)
    with pytest.raises(BadOption, match="no credential") as missing:
        key.wrap(b"x", b"")
    assert "LoadCredentialEncrypted" in missing.value.advice
    with pytest.raises(BadOption, match="cannot be read"):
        CredentialsGlobalKey(tmp_path / "none").wrap(b"x", b"")
    first = tmp_path / "mover-global-key.1"
    for wrong in (b"", b"short", b"x" * 64, b"\xff" * 33):
        first.write_bytes(wrong)
        first.chmod(0o400)
        with pytest.raises(BadOption, match="no key of 32 bytes"):
            key.wrap(b"x", b"")
        first.unlink()
    first.write_bytes(secrets.token_bytes(32))
    for mode in (0o404, 0o420, 0o402):
        first.chmod(mode)
        with pytest.raises(BadOption, match="others may"):
            key.wrap(b"x", b"")
    first.chmod(0o440)  # as it looks where systemd gives it by an access list
    key_id, wrapped = key.wrap(b"x", b"")
    (tmp_path / "mover-global-key.10").symlink_to(first)
    with pytest.raises(BadOption, match="cannot be read"):
        key.wrap(b"x", b"")
    assert key.unwrap(key_id, wrapped, b"") == b"x"
    (tmp_path / "mover-global-key.10").unlink()
    with pytest.raises(BadOption, match="cannot write") as asked:
        key.rotate()
    assert "mover-global-key.2" in asked.value.advice and "systemd-creds encrypt" in asked.value.advice


@pytest.fixture(scope="module")
def module(request: pytest.FixtureRequest) -> Path:
    found = request.getfixturevalue("soft_module")
    if isinstance(found, Missing):
        assert not MUST_RUN & {"softhsm2", "all"}, found
        pytest.skip(str(found))
    return found


async def test_a_key_never_leaves_its_token(module: Path) -> None:
    import pkcs11
    from pkcs11 import Attribute

    async with pkcs11_holder(module) as holder:
        key_id, _ = await holder.service.wrap(b"x", b"")
        session = pkcs11.lib(str(module)).get_token(token_label="mover").open(rw=True)
        (key,) = session.get_objects({Attribute.LABEL: key_id.removeprefix("pkcs11:")})
        assert key[Attribute.SENSITIVE] and not key[Attribute.EXTRACTABLE] and key[Attribute.NEVER_EXTRACTABLE]
        assert not key[Attribute.WRAP] and not key[Attribute.MODIFIABLE] and key[Attribute.LOCAL]
        assert key.key_length == 256
        with pytest.raises(pkcs11.AttributeSensitive):
            _ = key[Attribute.VALUE]
        other = session.generate_key(pkcs11.KeyType.AES, 256, store=False)
        with pytest.raises(pkcs11.PKCS11Error):
            other.wrap_key(key)
        session.close()


async def test_keys_of_the_same_name_made_at_the_same_time_all_open(module: Path) -> None:
    name = f"twins-{secrets.token_hex(3)}"
    key = Pkcs11GlobalKey(Pkcs11Settings(module, "mover", Secret(PIN), name))
    sealed = [key.wrap(b"first", b"c")]
    with key._open() as session:
        key._make(session, 1)
    sealed += [key.wrap(b"second", b"c") for _ in range(3)]
    assert [key.unwrap(key_id, wrapped, b"c") for key_id, wrapped in sealed] == [b"first", *[b"second"] * 3]
    with pytest.raises(Sealed):
        key.unwrap(sealed[0][0], sealed[0][1], b"d")
    key.close()


async def test_tokens_and_modules_that_are_not_there(module: Path, tmp_path: Path) -> None:
    with pytest.raises(KeysUnreachable, match="no token"):
        Pkcs11GlobalKey(Pkcs11Settings(module, "nobody's", Secret(PIN))).wrap(b"x", b"")
    with pytest.raises(BadOption, match="cannot be loaded") as missing:
        Pkcs11GlobalKey(Pkcs11Settings(tmp_path / "none.so", "mover", Secret(PIN))).wrap(b"x", b"")
    assert "library that came with the token" in missing.value.advice


async def test_two_holders_in_one_process_share_the_token(module: Path) -> None:
    one, other = (Pkcs11GlobalKey(Pkcs11Settings(module, "mover", Secret(PIN), "shared")) for _ in range(2))
    key_id, wrapped = one.wrap(b"x", b"c")
    assert other.unwrap(key_id, wrapped, b"c") == b"x"
    one.close()  # signs the whole process out: keys are not seen any more, and must not be taken for gone
    assert other.unwrap(key_id, wrapped, b"c") == b"x", "it signed in again"
    assert one.unwrap(key_id, wrapped, b"c") == b"x"
    other.close()
    assert one.wrap(b"y", b"c")[0] == key_id, "no second first key is made"
    other.unwrap(key_id, wrapped, b"c")
    one.close()
    assert other.rotate() == "pkcs11:shared-2"
    other.close()


def test_without_the_library_the_advice_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "pkcs11":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BadOption, match="python-pkcs11") as missing:
        Pkcs11GlobalKey(Pkcs11Settings(tmp_path, "mover", Secret(PIN))).wrap(b"x", b"")
    assert "pip install" in missing.value.advice
