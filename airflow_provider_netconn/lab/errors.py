"""What goes wrong with the lab itself, told to people; what the lab answers to clients is no exception of these."""

from __future__ import annotations


class LabError(Exception):
    """Root of all errors of the lab's handling. The message alone says what is wrong and how to mend it."""


class SeedError(LabError, ValueError):
    """A seed file is not usable.

    :param place: ``file:line: key``
    :param seen: what is wrong there
    :param remedy: what to write instead
    """

    def __init__(self, place: str, seen: str, remedy: str = "") -> None:
        self.place = place
        self.seen = seen
        self.remedy = remedy
        super().__init__(f"{place}: {seen}" + (f"; {remedy}" if remedy else ""))


class FaultError(LabError, ValueError):
    """A fault is not told in a way that the lab understands.

    :param field: which part of it
    :param seen: what is wrong with it
    :param remedy: what to write instead
    """

    def __init__(self, field: str, seen: str, remedy: str = "") -> None:
        self.field = field
        self.seen = seen
        self.remedy = remedy
        super().__init__(f"{field}: {seen}" + (f"; {remedy}" if remedy else ""))


class StateError(LabError):
    """The state file tells of a lab that is running, or of none where one is needed, or cannot be read."""
