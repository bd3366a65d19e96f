"""Why an item is not copied where nothing failed: the codes that stand in a report beside those of `core.errors`."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

REASONS: Final = MappingProxyType(
    {
        "filtered": "A filter leaves it out.",
        "kept": "Another file of that name is at the destination, and `--existing` says to keep it.",
        "link-skipped": "It is a symbolic link, and `--links follow` was not said.",
        "link-not-followed": "It is a symbolic link that leads nowhere, in a circle, or out of the connection.",
        "not-a-file": "It is neither a file nor a folder: a device, a socket, a pipe, or what no path can name.",
        "native-document": "It lives only at its provider and cannot be copied as a file.",
    }
)
"""What each code means. Codes are public and stable."""
