"""What a connector is known not to keep, at which site, why, and since when.

A gap is strict: when its check passes the test fails, until the gap is taken out of this list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Gap:
    """A check that is known to fail at a site, always or, with `sometimes`, as the server's timing has it. `since`: YYYY-MM-DD."""

    site: str
    check: str
    reason: str
    since: str
    sometimes: bool = False


GAPS: Final[tuple[Gap, ...]] = (
    Gap(
        "moto",
        "names_with_control_characters",
        "moto answers 404 for a key that holds a line break",
        "2026-11-21",
    ),
    Gap(
        "nginx_dav",
        "names_with_dots",
        "nginx lists no names that begin with a dot; they are refused as Unfit",
        "2026-11-21",
    ),
    Gap(
        "proftpd",
        "folders_with_odd_names",
        "ProFTPD makes no folder whose name has a star (550 Invalid directory name); it is refused as Unfit",
        "2026-11-21",
    ),
    Gap(
        "proftpd_for_rclone",
        "folders_with_odd_names",
        "ProFTPD makes no folder whose name has a star (550 Invalid directory name); it is refused as Unfit",
        "2026-11-21",
    ),
    Gap(
        "proftpd_implicit",
        "folders_with_odd_names",
        "ProFTPD makes no folder whose name has a star (550 Invalid directory name); it is refused as Unfit",
        "2026-11-21",
    ),
    Gap(
        "rclone_s3",
        "file_over_a_folder",
        "rclone serve s3 answers 500 where a folder stands",
        "2026-11-21",
    ),
    Gap(
        "rclone_s3_plain",
        "file_over_a_folder",
        "rclone serve s3 answers 500 where a folder stands",
        "2026-11-21",
    ),
    Gap(
        "rclone_s3",
        "parts_make_the_file",
        "rclone serve s3 later shows another ETag for an upload in parts, so a reader that is strict says it changed",
        "2026-11-21",
    ),
    Gap(
        "rclone_s3",
        "parts_at_once_and_out_of_order",
        "rclone serve s3 later shows another ETag for an upload in parts, so a reader that is strict says it changed",
        "2026-11-21",
    ),
    Gap(
        "rclone_s3",
        "damaged_part_can_be_sent_again",
        "rclone serve s3 later shows another ETag for an upload in parts, so a reader that is strict says it changed",
        "2026-11-21",
    ),
    Gap(
        "rclone_s3",
        "parts_replace_a_file",
        "rclone serve s3 later shows another ETag for an upload in parts, so a reader that is strict says it changed",
        "2026-11-21",
    ),
    Gap(
        "rclone_sftp",
        "names_with_control_characters",
        "rclone serve sftp makes the file, then denies that it is there",
        "2026-11-21",
    ),
    Gap(
        "rclone_sftp",
        "parts_go_on_in_a_new_connection",
        "rclone serve sftp changes a file's time some seconds after it was closed",
        "2026-11-21",
        sometimes=True,
    ),
    Gap(
        "wsgidav_server",
        "folders_with_odd_names",
        "WsgiDAV cuts the address of a MOVE at a question mark, a hash or a semicolon; the name is refused as Unfit",
        "2026-11-21",
    ),
    Gap(
        "wsgidav_server",
        "names_with_quotes",
        "WsgiDAV cuts the address of a MOVE at a question mark, a hash or a semicolon; the name is refused as Unfit",
        "2026-11-21",
    ),
    Gap(
        "wsgidav_server",
        "names_with_url_signs",
        "WsgiDAV cuts the address of a MOVE at a question mark, a hash or a semicolon; the name is refused as Unfit",
        "2026-11-21",
    ),
    Gap(
        "rclone_sftp",
        "file_over_a_folder",
        "rclone serve sftp says of a folder in the way that it is not there",
        "2026-11-21",
    ),
    Gap(
        "rclone_webdav",
        "cancelled_write_leaves_nothing",
        "rclone serve webdav answers a listing with broken XML while one of its files is written",
        "2026-11-21",
        sometimes=True,
    ),
    Gap(
        "rclone_webdav",
        "names_composed_and_decomposed",
        "rclone serve webdav takes the two forms of a letter for one name",
        "2026-11-21",
    ),
    Gap(
        "rclone_s3_plain",
        "parts_make_the_file",
        "rclone serve s3 later shows another ETag for an upload in parts, so a reader that is strict says it changed",
        "2026-11-21",
    ),
    Gap(
        "rclone_s3_plain",
        "parts_at_once_and_out_of_order",
        "rclone serve s3 later shows another ETag for an upload in parts, so a reader that is strict says it changed",
        "2026-11-21",
    ),
    Gap(
        "rclone_s3_plain",
        "damaged_part_can_be_sent_again",
        "rclone serve s3 later shows another ETag for an upload in parts, so a reader that is strict says it changed",
        "2026-11-21",
    ),
    Gap(
        "rclone_s3_plain",
        "parts_replace_a_file",
        "rclone serve s3 later shows another ETag for an upload in parts, so a reader that is strict says it changed",
        "2026-11-21",
    ),
    Gap(
        "rclone_sftp",
        "deep_tree",
        "rclone serve sftp says of a file that it just made that it is not there",
        "2026-11-21",
        sometimes=True,
    ),
)
"""All of them."""


def gap(site: str, check: str) -> Gap | None:
    """The gap of a check at a site, if it is known."""
    return next((g for g in GAPS if (g.site, g.check) == (site, check)), None)
