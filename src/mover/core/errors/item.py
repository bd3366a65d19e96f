"""One item failed; the run goes on."""

from __future__ import annotations

from mover.core.errors.base import MoverError, Retry


class ItemError(MoverError):
    """One item failed; the run goes on."""


class NotFound(ItemError):
    """The item is not there."""

    code = "item-not-found"
    http_status, exit_code = 404, 4
    advice = "It was moved or deleted since the scan. Scan again to see what is there now."


class Denied(ItemError):
    """The account may not read or write the item."""

    code = "item-denied"
    http_status, exit_code = 403, 7
    advice = "Give the connection's account access to the item, or connect with another account, and retry."


class Conflict(ItemError):
    """Something of another kind stands in the item's place."""

    code = "item-conflict"
    http_status, exit_code = 409, 6
    advice = "Rename or remove what stands in its place at the destination, and retry."


class Unfit(ItemError):
    """The destination cannot hold the item."""

    code = "item-unfit"
    http_status, exit_code = 422, 6
    advice = "Rename it at the source, or choose another rule for names (--names replace)."


class Damaged(ItemError):
    """The bytes received are not the bytes sent."""

    code = "item-damaged"
    retry = Retry.SOON
    http_status, exit_code = 502, 5
    advice = "Mover fetched it again and it stayed damaged: check the source itself, then retry."


class Changed(ItemError):
    """The item changed while it was read."""

    code = "item-changed"
    retry = Retry.SOON
    http_status, exit_code = 409, 5
    advice = "Something keeps writing to it. Retry when it is at rest."


class Locked(ItemError):
    """Somebody else holds the item."""

    code = "item-locked"
    retry = Retry.SOON
    http_status, exit_code = 423, 5
    advice = "Somebody has it open. Retry when it is closed."


class Refused(ItemError):
    """The provider refuses this item for a reason of its own."""

    code = "item-refused"
    http_status, exit_code = 422, 6
    advice = "Read the provider's reason above; it will refuse again until that is mended."


class Untranslatable(ItemError):
    """Content or a name cannot be opened with the key that was given."""

    code = "item-undecryptable"
    http_status, exit_code = 422, 6
    advice = "Check that --decrypt-with names the key the files were encrypted to."


class SpoolGone(ItemError):
    """Bytes were asked for that the spool no longer has; the source still has them."""

    code = "spool-gone"
    retry = Retry.SOON
    http_status, exit_code = 500, 5
    advice = "Nothing to do: the item is fetched again."
