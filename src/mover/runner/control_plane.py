"""What a runner asks of the control plane."""

from __future__ import annotations

from typing import Protocol

from mover.wire.messages import JournalAnswer, JournalRequest, LeaseAnswer, LeaseRequest


class ControlPlane(Protocol):
    """The two verbs. Each is called by one task at a time."""

    async def lease(self, request: LeaseRequest) -> LeaseAnswer:
        """Ask for work, and wait for it as long as the request says.

        Raises:
            MoverError: the control plane is away (`retry` is not never), or refuses this runner.
        """
        ...

    async def journal(self, request: JournalRequest) -> JournalAnswer:
        """Report. What was reported is durable when this returns. Raises as `lease`."""
        ...
