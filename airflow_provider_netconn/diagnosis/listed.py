"""Words for a person: items in a row, and what a resource is called."""

from __future__ import annotations

import itertools
from typing import Any

MAX_LISTED = 8


def listed(items: Any) -> str:
    """Items in a row for a person, the first few of many."""
    texts = list(map(str, itertools.islice(items, MAX_LISTED + 1)))
    if len(texts) > MAX_LISTED:
        texts[MAX_LISTED] = "..."
    return ", ".join(texts)


def short_id(resource: str) -> str:
    """A resource of Azure as people call it, by its name and group; what is no id of one as it is."""
    parts = resource.split("/")
    lowered = [part.casefold() for part in parts]
    if "resourcegroups" not in lowered:
        return resource
    names = parts[lowered.index("providers") + 3 :: 2] if "providers" in lowered else parts[-1:]
    return f"{'/'.join(names)} (resource group {parts[lowered.index('resourcegroups') + 1]})"
