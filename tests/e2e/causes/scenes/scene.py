"""A scene: a real landscape in which one cause is true, and the check that is to name it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from airflow_provider_netconn.evidence import Outcome, Path, Verdict
from tests.e2e.causes.ground import Ground

Play = Callable[[Ground], Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is played, and what the verdict must say.

    :param cause: the code of the catalogue
    :param name: what is the matter, in words
    """

    cause: str
    path: Path
    outcome: Outcome
    name: str
    play: Play


SCENES: list[Scene] = []
"""All scenes, in the order in which they were written down."""


def induces(cause: str, path: Path, outcome: Outcome, name: str = "") -> Callable[[Play], Play]:
    """Write down a scene; the function takes the ground and gives the verdict that the check made on it."""

    def write_down(play: Play) -> Play:
        SCENES.append(Scene(cause=cause, path=path, outcome=outcome, name=name or play.__name__, play=play))
        return play

    return write_down
