"""Who asks, and what they may."""

from __future__ import annotations

from mover.core.errors.base import MoverError, Retry
from mover.core.errors.usage import UsageError


class AccessError(MoverError):
    """The service does not do this for whoever asks."""

    code = "access"
    http_status, exit_code = 403, 7


class NotProved(AccessError):
    """Nobody knows who asks: no key, session or signature, or one that does not hold."""

    code = "not-signed-in"
    http_status = 401
    advice = "Sign in, or send a key that is valid (`mover key list` shows them)."


class NotAllowed(AccessError):
    """It is known who asks, and they may not."""

    code = "not-allowed"
    advice = "Ask an owner of the service for the right, or use a key that has the scope."


class Replayed(AccessError):
    """A signed request whose count was taken already: a copy of another, or one that overtook it."""

    code = "replayed"
    retry = Retry.SOON
    http_status = 409
    advice = "Nothing is to be done: the runner asks again by itself."


class TooOften(AccessError):
    """More requests than whoever asks may make; `after` says when to go on."""

    code = "too-often"
    retry = Retry.WHEN_TOLD
    http_status = 429
    advice = "Wait as long as Retry-After says."


class UnknownThing(UsageError):
    """There is no such thing, or it is somebody else's: the two look the same from outside."""

    code = "unknown"
    http_status, exit_code = 404, 4
    advice = "List what there is, and check the name or number."


class NameTaken(UsageError):
    """Something of that name is there already."""

    code = "name-taken"
    http_status = 409
    advice = "Choose another name, or change the one that is there."


class WrongState(UsageError):
    """It cannot be done as things stand."""

    code = "wrong-state"
    http_status, exit_code = 409, 5
    advice = "Look at its state first; it may have changed meanwhile."


class ProveAgain(AccessError):
    """Whoever is signed in must prove who they are again before this."""

    code = "prove-again"
    http_status, exit_code = 403, 7
    advice = "Give your password (and code) or passkey again, then repeat it within ten minutes."


class SecondFactorNeeded(NotProved):
    """The password is right, and the account asks for a second factor."""

    code = "second-factor-needed"
    advice = "Send the same again with `code` (from the authenticator app) or `recovery_code`."


class CrossSite(AccessError):
    """The request does not come from one of our own pages."""

    code = "cross-site"
    http_status, exit_code = 403, 7
    advice = "Open the service by its own address, and let its pages ask."


class WrongHost(AccessError):
    """The request is for a name that is not this server's."""

    code = "wrong-host"
    http_status, exit_code = 421, 7
    advice = "Use a name that the service was started with (`mover up --name`)."


class TooLong(AccessError):
    """A request's body is longer than any that makes sense."""

    code = "too-long"
    http_status, exit_code = 413, 2
    advice = "Send less at once."


class NotJson(AccessError):
    """The body is not what this API reads."""

    code = "not-json"
    http_status, exit_code = 415, 2
    advice = "Send JSON, with the header Content-Type: application/json."
