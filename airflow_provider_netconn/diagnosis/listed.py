"""Items in a row for a person."""

from __future__ import annotations

import itertools
from typing import Any

MAX_LISTED = 8


def listed(items: Any) -> str:
    """Items in a row for a person, the first few of many."""
    texts = [str(item) for item in itertools.islice(items, MAX_LISTED + 1)]
    return ", ".join(texts[:MAX_LISTED]) + (", ..." if len(texts) > MAX_LISTED else "")
