"""What is compared: the servers, the amounts, and the commands of both programs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from bench_running import Bench, Contest
from with_sites import Site

TUNED: Final = ("--transfers", "32", "--checkers", "32", "--retries", "1", "--low-level-retries", "3", "--stats", "0")
NO_CHECK: Final = ("--no-check-dest", "--ignore-times")
S3: Final = (
    *("--s3-chunk-size", "16M", "--s3-upload-concurrency", "4", "--s3-disable-checksum", "--s3-no-check-bucket"),
    "--s3-no-head",
)
LATEST: Final = ("--s3-use-unsigned-payload=true", "--sftp-ciphers", "aes128-gcm@openssh.com")
"""What Debian's rclone does not know."""

SFTP: Final = (*("--sftp-disable-hashcheck", "--sftp-chunk-size", "255k", "--sftp-concurrency", "64"),)
PACER: Final = ("--webdav-pacer-min-sleep", "0.01ms")


def emptied(*folders: Path) -> Callable[[], None]:
    """Prepare by emptying folders, and forget Mover's runs."""

    def prepare() -> None:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)

    return prepare


def forgetting(bench: Bench, *folders: Path) -> Callable[[], None]:
    """As `emptied`, and Mover's journals are gone too, so that each round is a first one."""
    return emptied(bench.home / "runs", *folders)


def http_contests(bench: Bench) -> Iterator[Contest]:
    """Nginx to nginx over TLS."""
    site = bench.site("nginx_dav")
    bench.connect("dav", site, section={"type": "webdav", "url": str(site.options["url"]), "vendor": "other"})
    second = site.notes["second_url"]
    bench.connect("dav2", site, {"url": second}, section={"type": "webdav", "url": second, "vendor": "other"})
    yield from _small_files(bench, site)
    yield from _one_large_file(bench, site)


def _small_files(bench: Bench, site: Site) -> Iterator[Contest]:
    files = int(10_000 * bench.scale)
    planted(folder_of(site) / "small", files, 4_096)
    for verify in ("none", "changed"):
        yield Contest(
            f"{files:,} files of 4 KiB, HTTPS to HTTPS" + ("" if verify == "none" else ", Mover reading back"),
            "files/s",
            files,
            ">= 2.0x, CPU <= 0.6x" if verify == "none" else "",
            {
                "mover": [bench.mover("copy", "dav:small", "dav2:small", "--verify", verify)],
                **latest(_rclones_over_tls(bench, site, "dav:small", "dav2:small")),
            },
            forgetting(bench, Path(site.notes["second_folder"]) / "small"),
        )


def _one_large_file(bench: Bench, site: Site) -> Iterator[Contest]:
    size = int(2_048 * bench.scale) << 20
    planted(folder_of(site) / "big", 1, size)
    there = Path(site.notes["second_folder"]) / "big"
    one = {"mover": [bench.mover("copy", "dav:big", "dav2:big", "--verify", "none")]}
    yield Contest(
        f"one file of {size >> 20:,} MiB, HTTPS to HTTPS",
        "MB/s",
        size / 1e6,
        ">= 0.85x",
        {**one, **_rclones_over_tls(bench, site, "dav:big", "dav2:big")},
        forgetting(bench, there),
    )
    spool = bench.crypt("spool")
    first = _rclones_over_tls(bench, site, "dav:big", "spool:big")
    then = _rclones_over_tls(bench, site, "spool:big", "dav2:big")
    yield Contest(
        f"one file of {size >> 20:,} MiB, rclone through an encrypted spool too",
        "MB/s",
        size / 1e6,
        ">= 3x",
        {**one, **{f"{name}, crypt spool": first[name] + then[name] for name in first}},
        forgetting(bench, there, spool),
    )


def _rclones_over_tls(bench: Bench, site: Site, source: str, destination: str) -> dict[str, list[list[str]]]:
    words = (source, destination, *TUNED, *NO_CHECK)
    return bench.rclones("copy", *words, latest_only=PACER, certificate=str(site.options["ca_file"]))


def sftp_contests(bench: Bench) -> Iterator[Contest]:
    """OpenSSH to an S3 server."""
    sftp, s3 = bench.site("openssh"), bench.site("rclone_s3")
    files = int(5_000 * bench.scale)
    planted(folder_of(sftp) / "small", files, 4_096)
    bench.connect("sftp", sftp)
    bench.connect("s3", s3)
    certificate = str(s3.options["ca_file"])
    target = f"s3:{s3.rclone_path}/small"
    yield Contest(
        f"{files:,} files of 4 KiB, SFTP to S3, Mover proving each by its digest",
        "files/s",
        files,
        ">= 1.2x",
        {
            "mover": [bench.mover("copy", "sftp:small", "s3:small")],
            **bench.rclones(
                "copy",
                f"sftp:{sftp.rclone_path}/small".replace(":/", ":/"),
                target,
                *TUNED,
                *NO_CHECK,
                *S3,
                *SFTP,
                latest_only=LATEST,
                certificate=certificate,
            ),
        },
        forgetting(bench, folder_of(s3) / "small"),
    )


def listing_contests(bench: Bench) -> Iterator[Contest]:
    """Buckets that are nothing but their listing."""
    from tests.sites.s3_listing import bucket_of

    for count, words in ((int(100_000 * bench.scale), "again"), (int(1_000_000 * bench.scale), "list")):
        folder = bench.work / f"listing-{words}"
        folder.mkdir()
        for name in (f"{words}A", f"{words}B"):  # two stores of equal content: a copy into itself is refused
            site = bench.stack.enter_context(bucket_of(count, folder))
            bench.connect(name, site, section=s3_section(site))
        certificate = str(site.options["ca_file"])
        if words == "list":
            yield Contest(
                f"listing {count:,} objects",
                "objects/s",
                count,
                ">= 3x",
                {
                    "mover": [bench.mover("ls", "listA:", "--recursive", "--total")],
                    **bench.rclones("size", "listA:bucket", "--fast-list", certificate=certificate),
                },
            )
        else:
            yield Contest(
                f"a second pass over {count:,} unchanged objects",
                "objects/s",
                count,
                ">= 3x",
                {
                    "mover": [bench.mover("copy", "againA:", "againB:")],
                    **bench.rclones(
                        "copy",
                        "againA:bucket",
                        "againB:bucket",
                        "--fast-list",
                        "--checksum",
                        *TUNED,
                        certificate=certificate,
                    ),
                },
                forgetting(bench),
            )


def s3_section(site: Site) -> dict[str, str]:
    """The same store for rclone."""
    return {
        "type": "s3",
        "provider": "Other",
        "endpoint": str(site.options["endpoint"]),
        "access_key_id": "key",
        "secret_access_key": str(site.options["secret_access_key"]),
        "list_version": "2",
    }


def latest(commands: dict[str, list[list[str]]]) -> dict[str, list[list[str]]]:
    """Without Debian's rclone: its WebDAV is held to 30 calls a second, and knows no word to change that."""
    return {name: command for name, command in commands.items() if "Debian" not in name}


def planted(folder: Path, files: int, size: int) -> None:
    """Random files."""
    folder.mkdir(parents=True)
    for number in range(files):
        with (folder / f"{number:05}").open("wb") as file:
            for _ in range(0, size, 1 << 20):
                file.write(os.urandom(min(size, 1 << 20)))


def folder_of(site: Site) -> Path:
    """Where a site's files lie on this disk."""
    if site.folder is None:
        raise ValueError("the site has no folder on this disk")
    return site.folder


CONTESTS: Final[dict[str, Callable[[Bench], Iterator[Contest]]]] = {
    "http": http_contests,
    "sftp": sftp_contests,
    "listing": listing_contests,
}
