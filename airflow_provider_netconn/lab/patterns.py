"""Patterns that people write for paths: globs, or regular expressions behind ``re:``."""

from __future__ import annotations

import fnmatch
import re
from functools import lru_cache

_EXPRESSION = "re:"


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern as a regular expression for :meth:`re.Pattern.search`, without regard to case, as Azure reads paths.

    :param pattern: a glob, in which ``*`` stands for anything, slashes included. It matches to the end; where it does
        not begin with a slash, anything may stand before it: ``virtualNetworks/hub`` is every network of that name.
        Behind ``re:`` stands a regular expression, found anywhere
    :raises ValueError: the regular expression is none
    """
    if pattern.startswith(_EXPRESSION):
        try:
            return re.compile(pattern.removeprefix(_EXPRESSION), re.IGNORECASE)
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
    glob = pattern if pattern.startswith("/") else f"*{pattern}"
    return re.compile(r"\A" + fnmatch.translate(glob.casefold()), re.IGNORECASE)


def matches(pattern: str, text: str) -> bool:
    """:return: whether the text fits the pattern; see :func:`compiled`"""
    return compiled(pattern).search(text) is not None
