"""A provider that lives in this process; for tests and for trying Mover out."""

from mover.core.spec import Cap, Channel, Limits, Spec

SPEC = Spec(
    key="memory",
    title="Memory",
    summary="Keeps files in memory until the process ends.",
    channel=Channel.LOCAL,
    hosts=(),
    caps=Cap.RANGED_READ
    | Cap.RENAME
    | Cap.EMPTY_FILES
    | Cap.EMPTY_FOLDERS
    | Cap.KEEPS_MODIFIED
    | Cap.KEEPS_METADATA
    | Cap.SET_MODIFIED,
    limits=Limits(name_bytes=None, any_bytes=True, time_step=1e-6),
    digests=frozenset({"md5"}),
)
