"""What a templated argument may have become: Jinja renders to text, native rendering and mapping give values.

Each function takes the argument's name, to name it in an error, and the rendered value.
"""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from airflow_provider_netconn.errors import InvalidOptionError
from airflow_provider_netconn.evidence import Expectation, Target, check_network

Word = TypeVar("Word", bound=str)

_NOTHING = ("", "None", "none", "null")
NOT_GIVEN = (None, *_NOTHING)
"""What a template renders where its argument is left out."""
_TRUE = ("true", "1", "yes", "on")
_FALSE = ("false", "0", "no", "off")


def as_text(name: str, value: object) -> str | None:
    """The text, without surrounding blanks; None for nothing: None, an empty text, a rendered ``None``.

    :raises InvalidOptionError: for anything but text
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidOptionError(name, f"{value!r} is no text", "write it in quotes")
    text = value.strip()
    return None if text in _NOTHING else text


def as_items(name: str, value: object) -> tuple[Any, ...]:
    """The items of a list, of a JSON or Python list in text, or of a comma-separated text; empty items are left out.

    A mapping is one item.

    :raises InvalidOptionError: for a list in text that cannot be read, and for numbers and the like
    """
    if isinstance(value, str):
        text = value.strip()
        items = _read_list(name, text) if text.startswith(("[", "(", "{")) else text.split(",")
    elif isinstance(value, Mapping):
        items = [value]
    elif value is None or isinstance(value, Sequence | set | frozenset):
        items = list(value or ())
    elif hasattr(value, "__iter__"):  # a mapped task's list comes as a lazy sequence of Airflow's own
        items = list(value)
    else:
        raise InvalidOptionError(name, f"{value!r} is no list", 'write a list such as ["a", "b"], or "a, b"')
    stripped = [item.strip() if isinstance(item, str) else item for item in items]
    return tuple(item for item in stripped if item is not None and item not in _NOTHING)


def _read_list(name: str, text: str) -> list[Any]:
    """A list from text: JSON, or what Jinja makes of a Python list when ``| tojson`` is left out."""
    for read in (json.loads, ast.literal_eval):
        try:
            items = read(text)
        except (ValueError, SyntaxError):
            continue
        return list(items) if isinstance(items, list | tuple) else [items]
    raise InvalidOptionError(name, f"{text!r} is no list", "write JSON; in a template, end with '| tojson'")


def as_texts(name: str, value: object) -> tuple[str, ...]:
    """Like :func:`as_items`, for items that are text; each only once, in the order given.

    :raises InvalidOptionError: naming the item that is not text
    """
    items = as_items(name, value)
    for number, item in enumerate(items):
        if not isinstance(item, str):
            raise InvalidOptionError(f"{name}[{number}]", f"{item!r} is no text", "write it in quotes")
    return tuple(dict.fromkeys(items))


def as_bool(name: str, value: object) -> bool:
    """A truth value: a boolean, or a text that says one (``True``, ``false``, ``yes``, ...); nothing is False.

    :raises InvalidOptionError: for anything else
    """
    if isinstance(value, bool):
        return value
    text = as_text(name, value)
    word = "false" if text is None else text.lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise InvalidOptionError(name, f"{value!r} is neither true nor false", "write true or false")


def as_number(name: str, value: object) -> float | None:
    """A finite number, or a text that says one; None for nothing.

    :raises InvalidOptionError: for anything else
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        number: float = value
    else:
        text = as_text(name, value)
        if text is None:
            return None
        try:
            number = float(text)
        except ValueError:
            number = math.nan
    if not math.isfinite(number):
        raise InvalidOptionError(name, f"{value!r} is no number", "write a number such as 5")
    return number


def as_whole_number(name: str, value: object) -> int | None:
    """Like :func:`as_number`, for whole numbers.

    :raises InvalidOptionError: for anything else
    """
    number = as_number(name, value)
    if number is None:
        return None
    if number != int(number):
        raise InvalidOptionError(name, f"{value!r} is no whole number", "write a number such as 5")
    return int(number)


def as_word(name: str, value: object, words: Sequence[Word]) -> Word:
    """One of these words, in any case.

    :raises InvalidOptionError: for anything else
    """
    text = (as_text(name, value) or "").lower()
    for word in words:
        if word == text:
            return word
    raise InvalidOptionError(name, f"{value!r} is not known", f"write {' or '.join(words)}")


def as_expectation(name: str, value: object) -> Expectation:
    """The expected path: ``private``, ``public`` or ``any``, in any case.

    :raises InvalidOptionError: for anything else
    """
    if isinstance(value, Expectation):
        return value
    text = as_text(name, value) or ""
    try:
        return Expectation(text.lower())
    except ValueError:
        raise InvalidOptionError(name, f"{value!r} is no path", "write private, public or any") from None


def as_networks(name: str, value: object) -> tuple[str, ...]:
    """Networks in CIDR form, each once.

    :raises InvalidOptionError: naming the one that is none
    """
    networks = as_texts(name, value)
    for network in networks:
        try:
            check_network(network, name)
        except ValueError as error:
            raise InvalidOptionError(name, str(error).removeprefix(f"{name}: ")) from None
    return networks


def as_target(name: str, value: object, *, expect: Expectation, expect_networks: tuple[str, ...]) -> Target:
    """A target: ``db.example.net:5432``, a URL, or a mapping with the keys of the YAML file.

    :param expect: what is expected where a mapping does not say
    :param expect_networks: networks that count as private where a mapping does not say
    :raises InvalidTargetError: naming the key and the mend
    """
    from airflow_provider_netconn.checks import parse_target

    return parse_target(value, expect=expect, expect_networks=expect_networks, field=name)
