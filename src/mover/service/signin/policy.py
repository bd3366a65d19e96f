"""Which passwords are taken: long ones that nobody would try first. No rules about digits and signs.

Source: NIST SP 800-63B-4 §3.1.1.2 (length, blocklist, no composition rules, no expiry).
"""

from __future__ import annotations

import re
from typing import Final

from mover.core.errors import BadOption
from mover.core.secret import Secret
from mover.service.passwords import normal

SHORTEST: Final = 12
LONGEST: Final = 1000
_DIFFERENT: Final = 5
"""Different characters that a password has at least."""
_OWN: Final = 8
"""Characters that must be left when the account's name and the commonest words are taken away."""

_COMMON: Final = (
    "administrator", "passwort", "password", "passw0rd", "p@ssw0rd", "letmein", "welcome", "changeme", "iloveyou", "trustno1",
    "football", "baseball", "basketball", "superman", "batman", "sunshine", "princess", "dragon", "monkey", "master", "shadow",
    "michael", "jordan", "liverpool", "manchesterunited", "starwars", "pokemon", "computer", "internet", "whatever", "secret",
    "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertz", "qwerty", "azerty", "1q2w3e4r5t6y", "1q2w3e4r", "q1w2e3r4t5y6", "1qaz2wsx3edc",
    "1qaz2wsx", "zaq12wsx", "qazwsxedc", "abcdefghijkl", "abcdef", "abc", "0123456789", "1234567890", "9876543210", "123456789",
    "123456", "12345", "1234", "123", "000", "111", "correcthorsebatterystaple", "hunter2", "test", "admin", "mover", "user", "login",
)  # fmt: skip
_WORDS: Final = re.compile("|".join(re.escape(word) for word in sorted(_COMMON, key=len, reverse=True)))


def check(name: str, password: Secret) -> None:
    """Whether the account of that name may have this password.

    Raises:
        BadOption: why not. The text says nothing of the password.
    """
    plain = normal(password)
    if len(plain) < SHORTEST:
        raise _refusal(
            f"a password has {SHORTEST} characters at least", "Several words one after the other are easy to keep."
        )
    if len(plain) > LONGEST:
        raise _refusal(f"a password has {LONGEST} characters at most", "Take a shorter one.")
    folded = plain.casefold()
    if len(set(folded)) < _DIFFERENT:
        raise _refusal("the password repeats the same few characters", "Take one with more different characters.")
    if len(_WORDS.sub("", folded.replace(name.casefold(), ""))) < _OWN:
        raise _refusal(
            "the password is the name, or one of those that are tried first", "Add words that nobody expects."
        )


def _refusal(detail: str, advice: str) -> BadOption:
    return BadOption(detail, item="password", advice=advice)
