"""What changes about accounts, and invitations to them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict


class ChangeIn(BaseModel):
    """What is to change about an account."""

    model_config = ConfigDict(extra="forbid", strict=True)

    role: Literal["owner", "manager", "operator", "auditor"] | None = None
    disabled: bool | None = None


class InvitationOut(BaseModel):
    """A one-time token by which a person sets a password: shown this once."""

    token: str
    expires: datetime
