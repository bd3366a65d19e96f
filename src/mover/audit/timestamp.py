"""A time-stamping authority as a witness: it says that a checkpoint existed at a time, and so that the log was not rewritten later.

Source: RFC 3161 §3.4 (over HTTP).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from mover.audit.witness import Receipt
from mover.core.errors import CheckpointRefused, LinkError, Sealed, WitnessFailed
from mover.crypto.timestamps import authorities, question, stamped_at
from mover.net.http import Http

_OK: Final = 200
_ASK: Final = {"content-type": "application/timestamp-query", "accept": "application/timestamp-reply"}


class StampWitness:
    """An authority at `url` whose certificate leads to one of `roots` (PEM). It keeps nothing: its answer is the receipt's proof.

    Raises:
        BadOption: `roots` holds no certificate.
    """

    def __init__(self, http: Http, url: str, roots: bytes) -> None:
        self.name: Final = f"rfc3161:{url}"
        self._http = http
        self._url = url
        self._roots = authorities(roots)

    async def keep(self, note: str) -> Receipt:
        """See `witness.Witness.keep`; `at` is the authority's time."""
        asked = question(note.encode())
        try:
            answer = await self._http.send("POST", self._url, _ASK, asked.body)
            if answer.status != _OK:
                raise WitnessFailed(f"the time-stamping authority answered with status {answer.status}")
            at = stamped_at(answer.body, note.encode(), self._roots, asked.nonce)
        except LinkError as error:
            raise WitnessFailed(f"the time-stamping authority cannot be reached: {error.detail}") from error
        except Sealed as error:
            raise WitnessFailed(f"what the time-stamping authority answered cannot be used: {error.detail}") from error
        return Receipt(self.name, at, answer.body)


def check_stamp(note: str, proof: bytes, roots: bytes) -> datetime:
    """Since when (UTC) the checkpoint exists, by a receipt of a time-stamping authority; no network is needed.

    Raises:
        CheckpointRefused: the stamp is not of this checkpoint, or not by an authority that leads to `roots`.
        BadOption: `roots` holds no certificate.
    """
    try:
        return stamped_at(proof, note.encode(), authorities(roots))
    except Sealed as error:
        raise CheckpointRefused(error.detail, advice=error.advice) from error
