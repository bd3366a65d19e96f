"""How Mover's own small files are kept: JSON, private, replaced whole.

Names need not be UTF-8 (PEP 383), and JSON of the standard library carries them; msgspec checks what is read.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final, TypeVar, cast

import msgspec

from mover.core.errors import BadOption, RecordDamaged
from mover.vault.files import read_private, write_private

T = TypeVar("T")

FORMAT: Final = 1
"""Of every file here that says its own; one of another format is left alone."""


def store(file: Path, record: object) -> None:
    """Replace the file's content (mode 0600), on the disk when this returns."""
    write_private(file, json.dumps(msgspec.to_builtins(record), indent=1).encode() + b"\n")


def load(file: Path, kind: type[T]) -> T | None:
    """What the file holds; `None` if there is no such file.

    Raises:
        RecordDamaged: it cannot be read, is cut or was changed to something that we did not write; or others may read it.
    """
    try:
        data = read_private(file)
        return None if data is None else msgspec.convert(_known(json.loads(data, parse_constant=_refuse)), type=kind)
    except BadOption as error:
        raise RecordDamaged(error.detail, item=str(file)) from error
    except OSError as error:
        raise RecordDamaged(f"{file} cannot be read: {error.strerror}", item=str(file)) from error
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise RecordDamaged(f"{file} is damaged: {error}", item=str(file)) from error


def _known(record: object) -> object:
    if isinstance(record, dict):
        said = cast("dict[str, object]", record).get("format", FORMAT)
        if said != FORMAT:
            raise ValueError(f"it is of format {said!r}, which another version of Mover wrote; this one knows {FORMAT}")
    return cast("object", record)


def _refuse(constant: str) -> None:
    """Python's own reader takes them; RFC 8259 §6 does not."""
    raise ValueError(f"{constant} is no number")
