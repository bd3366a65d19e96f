"""Azurite, Microsoft's own emulator of Azure Storage: over TLS with the account's key, and with a SAS token."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import shutil
import ssl
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from tests.sites.base import EXTRACTED, Missing, Site, certificates, free_port, running, site

VERSION: Final = "2021-12-02"
ACCOUNT: Final = "movertest"
CONTAINER: Final = "files"


@site
def azurite(folder: Path) -> Generator[Site]:
    """With the account's key, over TLS."""
    yield from _azurite(folder, by_token=False)


@site
def azurite_sas(folder: Path) -> Generator[Site]:
    """With a SAS token of the container, over TLS."""
    yield from _azurite(folder, by_token=True)


def _azurite(folder: Path, *, by_token: bool) -> Generator[Site]:
    script = EXTRACTED / "node/azurite/node_modules/azurite/dist/src/blob/main.js"
    node = shutil.which("node")
    if node is None or not script.exists():
        raise Missing("Azurite is not here: install Node.js and run tools/extract_npm.sh azurite@3.35.0")
    made, port = certificates(folder / "tls"), free_port()
    # A key made for this run; Azurite takes it from the environment, where other users cannot see it.
    key = base64.b64encode(secrets.token_bytes(64)).decode()
    command = [
        *(node, script, "--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", folder / "data"),
        *(
            "--cert",
            made.chain,
            "--key",
            made.key,
            "--disableTelemetry",
            "--silent",
            "--skipApiVersionCheck",
            "--disableProductStyleUrl",
        ),
    ]
    with running(command, port=port, log=folder / "azurite.log", env={"AZURITE_ACCOUNTS": f"{ACCOUNT}:{key}"}):
        origin = f"https://127.0.0.1:{port}/{ACCOUNT}"
        _make_container(origin, key, made.ca)
        options = {"account": ACCOUNT, "container": CONTAINER, "endpoint": origin, "ca_file": str(made.ca)}
        token = sas(key, "racwdl")
        yield Site(
            connector="azureblob",
            options={**options, "sas_token": token} if by_token else {**options, "key": key},
            rclone={"type": "azureblob", "account": ACCOUNT, "key": key, "endpoint": origin, "use_emulator": "false"},
            rclone_path=CONTAINER,
            notes={"ca": str(made.ca), "key": key},
        )


def sas(key: str, rights: str, *, minutes: int = 600) -> str:
    """A SAS token of the container, signed apart from the connector's code.

    Source: https://learn.microsoft.com/rest/api/storageservices/create-service-sas (version 2020-12-06 and later).
    """
    until = (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    fields = [rights, "", until, f"/blob/{ACCOUNT}/{CONTAINER}", "", "", "", VERSION, "c", "", "", "", "", "", "", ""]
    return urlencode({"sp": rights, "se": until, "sv": VERSION, "sr": "c", "sig": _mac(key, "\n".join(fields))})


def _make_container(origin: str, key: str, ca: Path) -> None:
    date = formatdate(usegmt=True)
    signed = f"PUT{chr(10) * 12}x-ms-date:{date}\nx-ms-version:{VERSION}\n/{ACCOUNT}/{ACCOUNT}/{CONTAINER}\nrestype:container"
    headers = {"x-ms-date": date, "x-ms-version": VERSION, "Authorization": f"SharedKey {ACCOUNT}:{_mac(key, signed)}"}
    request = Request(f"{origin}/{quote(CONTAINER)}?restype=container", method="PUT", headers=headers)  # noqa: S310  # https
    with urlopen(request, context=ssl.create_default_context(cafile=str(ca))) as answer:  # noqa: S310
        assert answer.status == 201


def _mac(key: str, text: str) -> str:
    return base64.b64encode(hmac.digest(base64.b64decode(key), text.encode(), hashlib.sha256)).decode()
