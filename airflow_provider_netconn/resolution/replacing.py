"""Attributes of modules and classes, replaced and put back."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_ABSENT: Any = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """One attribute that was replaced.

    :param own: what the owner itself held before; a marker where it only inherited the attribute
    :param ours: what it holds now
    """

    owner: Any
    name: str
    own: Any
    ours: Any

    def undo(self) -> None:
        """Put back what was there, unless somebody else has replaced it since: theirs calls ours."""
        if vars(self.owner).get(self.name) is not self.ours:
            return
        if self.own is _ABSENT:
            delattr(self.owner, self.name)
        else:
            setattr(self.owner, self.name, self.own)


def replaced(owner: Any, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Replacement:
    """Replace an attribute by what ``make`` makes of it, dressed as the original."""
    original = getattr(owner, name)
    ours = functools.wraps(original)(make(original))
    replacement = Replacement(owner=owner, name=name, own=vars(owner).get(name, _ABSENT), ours=ours)
    setattr(owner, name, ours)
    return replacement
