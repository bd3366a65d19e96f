"""What can be in the way of somebody who signs in, beside what `core.errors` knows."""

from __future__ import annotations

from mover.core.errors import AccessError, NotProved


class ProveAgain(AccessError):
    """Whoever is signed in must prove who they are again before this."""

    code = "prove-again"
    http_status, exit_code = 403, 7
    advice = "Give your password (and code) or passkey again, then repeat it within ten minutes."


class SecondFactorNeeded(NotProved):
    """The password is right, and the account asks for a second factor."""

    code = "second-factor-needed"
    advice = "Send the same again with `code` (from the authenticator app) or `recovery_code`."
