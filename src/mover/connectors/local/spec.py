"""Folders of this machine, also those that are mounted from elsewhere."""

from mover.core.spec import Cap, Channel, Limits, Option, Rclone, Spec

SPEC = Spec(
    key="local",
    title="This machine",
    summary="A folder of this machine, or a disk or share that is mounted in it.",
    channel=Channel.LOCAL,
    hosts=(),
    caps=Cap.RANGED_READ
    | Cap.RENAME
    | Cap.SET_MODIFIED
    | Cap.KEEPS_MODIFIED
    | Cap.EMPTY_FOLDERS
    | Cap.EMPTY_FILES
    | Cap.PARTS
    | Cap.FIND
    | Cap.QUOTA
    | Cap.LINKS,
    limits=Limits(any_bytes=True, time_step=1e-6),
    options=(
        Option("path", "Folder", "The folder that everything lies in, such as /srv/files.", required=True),
        Option(
            "flush",
            "Wait for the disk",
            "Count a file as written only when it has reached the disk itself (fsync), so that it outlasts a power cut. "
            "Without it small files are written faster.",
            kind="switch",
            default=True,
            advanced=True,
        ),
    ),
    rclone=(Rclone("local", {}),),
)
