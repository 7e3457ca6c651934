"""What the secrets backend is told in its ``backend_kwargs``: read once, when Airflow makes it."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_netconn.errors import InvalidOptionError

FAILURES: Final = ("open", "closed")
POLICIES: Final = ("verified", "privatelink", "public")
RESOLUTION_ARGUMENTS: Final = ("names", "addresses", "nameserver", "expect_networks", "require_private", "timeout_s")
_RESOLUTION: Final = "private_resolution"


class Patterns:
    """Patterns of names, as a shell has them; case makes no difference."""

    def __init__(self, patterns: Iterable[str]) -> None:
        joined = "|".join(fnmatch.translate(pattern.lower()) for pattern in patterns)
        self._fits = re.compile(joined).match if joined else None

    def __contains__(self, name: str) -> bool:
        return self._fits is not None and self._fits(name.lower()) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which connections are treated: those that are included and not excluded, by id and by type."""

    include: Patterns
    exclude: Patterns
    include_types: Patterns
    exclude_types: Patterns

    @classmethod
    def read(cls, *, include: Any, exclude: Any, include_types: Any, exclude_types: Any) -> Selection:
        """From lists of patterns, or text with commas between them.

        :raises InvalidOptionError: one is neither
        """
        return cls(
            include=Patterns(listed("include", include)),
            exclude=Patterns(listed("exclude", exclude)),
            include_types=Patterns(listed("include_types", include_types)),
            exclude_types=Patterns(listed("exclude_types", exclude_types)),
        )

    def has_id(self, conn_id: str) -> bool:
        """Whether a connection of that id may be treated."""
        return conn_id in self.include and conn_id not in self.exclude

    def has_type(self, conn_type: str) -> bool:
        """Whether a connection of that type may be treated."""
        return conn_type in self.include_types and conn_type not in self.exclude_types


def listed(field: str, value: Any) -> tuple[str, ...]:
    """A list of texts, which an environment variable has with commas between them.

    :raises InvalidOptionError: it is something else
    """
    texts = value.split(",") if isinstance(value, str) else value
    if not isinstance(texts, Iterable) or isinstance(texts, Mapping) or not all(isinstance(one, str) for one in texts):
        raise InvalidOptionError(
            field, f"is no list of texts but {type(value).__name__}", 'write one such as ["azure_*"]'
        )
    return tuple(text.strip() for text in texts if text.strip())


def one_of(field: str, value: Any, known: Iterable[str]) -> str:
    """One of the known words.

    :raises InvalidOptionError: it is another
    """
    choices = tuple(known)
    if value not in choices:
        raise InvalidOptionError(field, f"{value!r} is not known", f"write {' or '.join(choices)}")
    return str(value)


def resolution_arguments(value: Any) -> dict[str, Any] | None:
    """The arguments of ``private_resolution``, as its switch has them; None where it is off.

    :raises InvalidOptionError: it is no object, or has another key
    """
    if value is None:
        return None
    if not isinstance(value, Mapping):
        seen = f"is no object but {type(value).__name__}"
        raise InvalidOptionError(_RESOLUTION, seen, 'write one such as {"nameserver": "10.1.2.4"}')
    if unknown := sorted(str(name) for name in value if name not in RESOLUTION_ARGUMENTS):
        raise InvalidOptionError(
            _RESOLUTION, f"{unknown[0]!r} is unknown", f"known are {', '.join(RESOLUTION_ARGUMENTS)}"
        )
    lists = {
        name: listed(f"{_RESOLUTION}.{name}", value[name]) for name in ("names", "expect_networks") if name in value
    }
    return {**value, **lists}
