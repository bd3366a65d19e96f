"""OpenStack Swift, whole: proxy, account, container and object servers with tempauth over TLS; and the same cluster through s3api."""

from __future__ import annotations

import os
import pwd
import secrets
import subprocess
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.sites.base import Site, certificates, free_port, program, running, site

KINDS: Final = ("account", "container", "object")
PACKAGES: Final = "swift-proxy swift-account swift-container swift-object memcached"

COMMON: Final = """[swift-hash]
swift_hash_path_prefix = a
swift_hash_path_suffix = b
[storage-policy:0]
name = p0
default = yes
"""

STORAGE: Final = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
user = {user}
swift_dir = {etc}
devices = {folder}/devices
mount_check = false
workers = 0
log_address = {folder}/no-syslog
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
recon_cache_path = {folder}/recon
recon_lock_path = {folder}/recon
"""

PIPELINE: Final = (
    "catch_errors gatekeeper healthcheck cache listing_formats s3api tempauth copy container-quotas account-quotas"
    " slo dlo versioned_writes proxy-server"
)

PROXY: Final = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
user = {user}
swift_dir = {etc}
workers = 0
cert_file = {chain}
key_file = {key}
log_address = {folder}/no-syslog
[pipeline:main]
pipeline = {pipeline}
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = {secret} .admin .reseller_admin
storage_url_scheme = https
[filter:s3api]
use = egg:swift#s3api
s3_acl = false
location = us-east-1
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{memcache}
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:copy]
use = egg:swift#copy
[filter:container-quotas]
use = egg:swift#container_quotas
[filter:account-quotas]
use = egg:swift#account_quotas
[filter:slo]
use = egg:swift#slo
min_segment_size = 1
[filter:dlo]
use = egg:swift#dlo
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_versioned_writes = true
"""


RINGS: Final = """
import sys
from swift.common.ring import RingBuilder
for given in sys.argv[2:]:
    kind, port = given.split(":")
    builder = RingBuilder(4, 1, 0)
    place = {"id": 0, "region": 1, "zone": 1, "weight": 1.0, "ip": "127.0.0.1", "port": int(port), "device": "d1"}
    builder.add_dev({**place, "replication_ip": "127.0.0.1", "replication_port": int(port), "meta": ""})
    builder.rebalance()
    builder.get_ring().save(f"{sys.argv[1]}/{kind}.ring.gz")
"""


@dataclass(frozen=True)
class Cluster:
    """A running cluster: its address, the secret of the user `test:tester`, and the authority that vouches for it."""

    url: str
    secret: str
    ca: Path


@site
def swift(folder: Path) -> Generator[Site]:
    """Auth version 1. The account is used whole: containers are folders at the top."""
    with cluster(folder) as made:
        auth = f"{made.url}/auth/v1.0"
        yield Site(
            connector="swift",
            options={
                "auth_url": auth,
                "auth_version": "1",
                "user": "test:tester",
                "key": made.secret,
                "ca_file": str(made.ca),
            },
            rclone={"type": "swift", "user": "test:tester", "key": made.secret, "auth": auth, "auth_version": "1"},
            notes={"ca": str(made.ca)},
        )


@site
def swift_s3api(folder: Path) -> Generator[Site]:
    """The S3 face of Swift, for the connector s3."""
    with cluster(folder) as made:
        keys = {"access_key_id": "test:tester", "secret_access_key": made.secret}
        yield Site(
            connector="s3",
            options={"endpoint": made.url, "ca_file": str(made.ca), **keys},
            rclone={
                "type": "s3",
                "provider": "Other",
                "endpoint": made.url,
                "force_path_style": "true",
                "region": "us-east-1",
                **keys,
            },
            notes={"ca": str(made.ca)},
        )


@contextmanager
def cluster(folder: Path) -> Generator[Cluster]:
    """Start the daemons below `folder` and end them afterwards."""
    etc, secret, made = folder / "etc", secrets.token_hex(8), certificates(folder / "tls")
    for place in (etc, folder / "recon", folder / "devices/d1"):
        place.mkdir(parents=True)
    (etc / "swift.conf").write_text(COMMON)
    ports = {name: free_port() for name in (*KINDS, "proxy", "memcache")}
    user = pwd.getpwuid(os.geteuid()).pw_name
    facts = {"folder": folder, "etc": etc, "user": user, "chain": made.chain, "key": made.key, "secret": secret}
    environment = {"SWIFT_CONF_DIR": str(etc)}
    with ExitStack() as servers:
        memcached = program("memcached", package="memcached")
        command = [memcached, "-l", "127.0.0.1", "-p", str(ports["memcache"]), "-U", "0", "-u", user]
        servers.enter_context(running(command, port=ports["memcache"], log=folder / "memcached.log"))
        _rings(etc, ports)
        for kind in KINDS:
            (etc / f"{kind}.conf").write_text(STORAGE.format(kind=kind, port=ports[kind], **facts))
            server = program(f"swift-{kind}-server", package=PACKAGES)
            command = [server, etc / f"{kind}.conf", "-v"]
            servers.enter_context(
                running(command, port=ports[kind], log=folder / f"{kind}.log", env=environment, cwd=etc)
            )
        (etc / "proxy.conf").write_text(
            PROXY.format(pipeline=PIPELINE, port=ports["proxy"], memcache=ports["memcache"], **facts)
        )
        command = [program("swift-proxy-server", package=PACKAGES), etc / "proxy.conf", "-v"]
        servers.enter_context(running(command, port=ports["proxy"], log=folder / "proxy.log", env=environment, cwd=etc))
        yield Cluster(f"https://localhost:{ports['proxy']}", secret, made.ca)


def _rings(etc: Path, ports: Mapping[str, int]) -> None:
    """One replica on one device. By Swift's own library, in the Python it is installed for: its command takes nine runs for this."""
    builder = Path(program("swift-ring-builder", package=PACKAGES))
    python = builder.read_text().splitlines()[0].removeprefix("#!").strip()
    given = [f"{kind}:{ports[kind]}" for kind in KINDS]
    subprocess.run([*python.split(), "-W", "ignore", "-c", RINGS, str(etc), *given], check=True, cwd=etc)
