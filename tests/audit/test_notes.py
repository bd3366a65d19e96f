"""Signed notes and checkpoints: Go's own example, and every way to forge one."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mover.audit.checkpoint import Checkpoint, LogKeys, open_checkpoint, read_checkpoint
from mover.audit.merkle import EMPTY
from mover.audit.notes import LONGEST, Verifier, open_note, read_verifier, sign_note
from mover.core.errors import BadOption, CheckpointRefused
from mover.crypto.signatures import SigningKey

ORIGIN = "mover.test/audit"

# The example of Go's package golang.org/x/mod/sumdb/note.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_the_note_of_go_is_opened() -> None:
    peter = read_verifier(PETER)
    assert open_note(PETERS, [peter]) == PETERS.split("\n\n", maxsplit=1)[0] + "\n"
    assert str(peter) == PETER
    with pytest.raises(CheckpointRefused, match="does not hold"):
        open_note(PETERS.replace("answer", "Answer"), [peter])


def test_a_checkpoint_is_written_as_the_standard_says() -> None:
    key = SigningKey.new()
    note = Checkpoint(ORIGIN, 20852163, EMPTY).signed(key)
    text, signature = note.split("\n\n")
    assert text == f"{ORIGIN}\n20852163\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    assert signature.startswith(f"— {ORIGIN} ")
    assert open_checkpoint(note, _log(key)) == Checkpoint(ORIGIN, 20852163, EMPTY)


def test_forged_checkpoints_are_refused() -> None:
    key, other = SigningKey.new(), SigningKey.new()
    note, log = Checkpoint(ORIGIN, 5, EMPTY).signed(key), _log(key)
    theirs = Checkpoint(ORIGIN, 5, EMPTY).signed(other)
    moved = Checkpoint("mover.test/other", 5, EMPTY)
    for forged, message in (
        (theirs, "not signed by the key"),
        (moved.signed(key), "not signed by the key"),
        (sign_note(f"mover.test/other\n5\n{b64encode(EMPTY).decode()}\n", ORIGIN, key), "is of the log"),
        (note.replace("\n5\n", "\n6\n"), "does not hold"),
        (note.replace("\n5\n", "\n05\n"), "does not hold"),
        (note.replace("\n\n", "\nmore\n\n"), "does not hold"),
        (note[:-1], "no signed note"),
        (note.replace("\n\n", "\n"), "no signed note"),
        (note.replace("— ", "- "), "that is none"),
        (note + "garbage\n", "that is none"),
        (note + "— x !!!\n", "that is none"),
        (note.replace("5", "5\t", 1), "characters"),
        ("", "no signed note"),
        ("\n\n", "no signed note"),
        ("x" * (LONGEST + 1), "too long"),
        (_stolen_id(key, other), "does not hold"),
    ):
        with pytest.raises(CheckpointRefused, match=message):
            open_checkpoint(forged, log)
    assert open_checkpoint(note + theirs.split("\n\n")[1], log).size == 5, "signatures of others are passed over"
    assert open_checkpoint(theirs + note.split("\n\n")[1], log).size == 5


@pytest.mark.parametrize(
    "text",
    [
        "a\n5\n",
        "a\n05\n{}\n",
        "a\n-5\n{}\n",
        "a\n+5\n{}\n",
        "a\n٥\n{}\n",
        "a\n 5\n{}\n",
        "a\n" + "9" * 5000 + "\n{}\n",
        "\n5\n{}\n",
        "a\n5\n{}=\n",
        "a\n5\nAAAA\n",
        "a\n5\n{}\n\nx\n",
    ],
)
def test_texts_that_are_no_checkpoint(text: str) -> None:
    with pytest.raises(CheckpointRefused):
        read_checkpoint(text.replace("{}", b64encode(EMPTY).decode()))


def test_lines_after_the_third_are_passed_over() -> None:
    assert read_checkpoint(f"a\n0\n{b64encode(EMPTY).decode()}\nmore\n") == Checkpoint("a", 0, EMPTY)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u2003b", "a\x7f".replace("\x7f", "\t")])
def test_names_that_no_key_can_have(name: str) -> None:
    with pytest.raises(BadOption):
        Checkpoint(name, 1, EMPTY).signed(SigningKey.new())


@pytest.mark.parametrize(
    "text", ["", "x", "x+y+z", PETER.replace("c74f20a3", "c74f20a4"), PETER[:-4], PETER.replace("Peter", "peter")]
)
def test_verification_keys_that_were_changed_on_the_way(text: str) -> None:
    with pytest.raises(BadOption, match=r"no verification key|no Ed25519"):
        read_verifier(text)


@given(st.text(max_size=200))
def test_no_text_at_all_breaks_the_reader(text: str) -> None:
    key = SigningKey.new()
    with pytest.raises(CheckpointRefused):
        open_checkpoint(text, _log(key))


def _log(key: SigningKey) -> LogKeys:
    return LogKeys(ORIGIN, (Verifier(ORIGIN, key.public),))


def _stolen_id(key: SigningKey, other: SigningKey) -> str:
    """Signed by another key that gives itself out for the log's."""
    text = f"{ORIGIN}\n5\n{b64encode(EMPTY).decode()}\n"
    signature = b64encode(Verifier(ORIGIN, key.public).id + other.sign(text.encode())).decode()
    return f"{text}\n— {ORIGIN} {signature}\n"
