"""A subject that does not hold of one word, which takes guidance to find: to see that a finding is found."""

from __future__ import annotations

SEEDS = (b"x",)
WORD = b"weak"


def holds(data: bytes) -> None:
    """Break at the word; each of its letters is a step of its own."""
    for place, letter in enumerate(WORD):
        if data[place : place + 1] != bytes([letter]):
            return
    raise RuntimeError("found it")
