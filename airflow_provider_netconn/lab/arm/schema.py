"""The shape of a request's body: what a property may be, what it is when it is left out, and what of it is an answer's.

A type declares its body with these; :func:`read_body` then validates as strictly as Azure does and returns the body as
Azure keeps it: names and choices in their own spelling (JSON names are matched without case), defaults filled in,
read-only properties of the request dropped.
"""

from __future__ import annotations

import ipaddress
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_netconn.lab.arm.errors import ArmError

MISSING: Any = object()


@dataclass(frozen=True, kw_only=True)
class Shape(ABC):
    """What every property has in common.

    :param required: a request without it is refused
    :param default: what it is where the request leaves it out
    :param read_only: a request may carry it, and it is ignored: it belongs to the service
    :param secret: never returned by a read, and masked in the journal
    """

    required: bool = False
    default: Any = MISSING
    read_only: bool = False
    secret: bool = False

    @abstractmethod
    def read(self, value: Any, path: str) -> Any:
        """Validate one value.

        :param value: as it stands in the JSON; never None
        :param path: where it stands, such as ``properties.addressSpace.addressPrefixes[0]``
        :return: the value as it is kept
        :raises ShapeError: it is not of this shape
        """


class ShapeError(ValueError):
    """A value does not fit its shape.

    :param path: where it stands
    :param message: what is wrong with it
    :param code: Azure's error code where the value has one of its own, such as ``InvalidAddressPrefixFormat``
    :param missing: whether it is not there at all
    """

    def __init__(self, path: str, message: str, *, code: str | None = None, missing: bool = False) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message
        self.code = code
        self.missing = missing


@dataclass(frozen=True, kw_only=True)
class Text(Shape):
    """A string.

    :param pattern: regular expression that the whole value must match
    :param longest: in characters
    """

    pattern: str | None = None
    longest: int | None = None
    shortest: int = 0

    def read(self, value: Any, path: str) -> str:
        if not isinstance(value, str):
            raise ShapeError(path, f"expected a string, got {_kind_of(value)}")
        if not self.shortest <= len(value) <= (self.longest or len(value)):
            raise ShapeError(path, f"'{value}' has {len(value)} characters; allowed are {self._lengths()}")
        if self.pattern is not None and not re.fullmatch(self.pattern, value):
            raise ShapeError(path, f"'{value}' does not match the pattern '{self.pattern}'")
        return value

    def _lengths(self) -> str:
        return f"{self.shortest} to {self.longest}" if self.longest else f"{self.shortest} and more"


@dataclass(frozen=True, kw_only=True)
class Flag(Shape):
    """A boolean. The strings ``true`` and ``false`` are read as such, as Azure's own JSON readers do."""

    def read(self, value: Any, path: str) -> bool:
        if isinstance(value, str) and value.casefold() in {"true", "false"}:
            return value.casefold() == "true"
        if not isinstance(value, bool):
            raise ShapeError(path, f"Could not convert {_kind_of(value)} to boolean: {value}")
        return value


@dataclass(frozen=True, kw_only=True)
class Number(Shape):
    """An integer within bounds, or any number where ``whole`` is false."""

    lowest: float | None = None
    highest: float | None = None
    whole: bool = True

    def read(self, value: Any, path: str) -> int | float:
        if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int if self.whole else (int, float)):
            raise ShapeError(
                path, f"Could not convert {_kind_of(value)} to {'integer' if self.whole else 'number'}: {value}"
            )
        if (self.lowest is not None and value < self.lowest) or (self.highest is not None and value > self.highest):
            raise ShapeError(path, f"{value} is not within {self.lowest} and {self.highest}")
        return value


@dataclass(frozen=True, kw_only=True)
class Choice(Shape):
    """One of some words, matched without case and kept in Azure's spelling.

    :param values: the words
    :param open: whether an unknown word is kept instead of refused
    """

    values: tuple[str, ...]
    open: bool = False

    def read(self, value: Any, path: str) -> str:
        if not isinstance(value, str):
            raise ShapeError(path, f"expected a string, got {_kind_of(value)}")
        for known in self.values:
            if known.casefold() == value.casefold():
                return known
        if self.open:
            return value
        raise ShapeError(path, f"'{value}' is none of '{', '.join(self.values)}'")


@dataclass(frozen=True, kw_only=True)
class Reference(Shape):
    """The id of a resource.

    :param type: which type it must be of, matched without case; None for any
    """

    type: str | None = None

    def read(self, value: Any, path: str) -> str:
        if not isinstance(value, str) or not value.startswith("/"):
            raise ShapeError(path, f"'{value}' is not a resource id", code="LinkedInvalidPropertyId")
        if self.type is not None and f"/providers/{self.type.split('/')[0]}/".casefold() not in value.casefold():
            raise ShapeError(path, f"'{value}' is not an id of a {self.type}", code="InvalidResourceReference")
        return value


@dataclass(frozen=True, kw_only=True)
class Address(Shape):
    """An IP address, v4 or v6.

    :param code: the error code for a value that is none
    """

    code: str = "InvalidIPAddress"

    def read(self, value: Any, path: str) -> str:
        try:
            ipaddress.ip_address(value if isinstance(value, str) else "")
        except ValueError:
            raise ShapeError(path, f"'{value}' is not a valid IP address", code=self.code) from None
        return str(value)


@dataclass(frozen=True, kw_only=True)
class Prefix(Shape):
    """An address prefix in CIDR notation, without host bits.

    :param code: the error code for a value that is none; recorded for networks is ``InvalidAddressPrefixFormat``
    :param bare: whether an address without length is one too
    """

    code: str = "InvalidAddressPrefixFormat"
    bare: bool = False

    def read(self, value: Any, path: str) -> str:
        if not isinstance(value, str) or (not self.bare and "/" not in value):
            raise ShapeError(
                path,
                f"Address prefix {value} of resource {path} is not formatted correctly. "
                "It should follow CIDR notation, for example 10.0.0.0/24.",
                code=self.code,
            )
        try:
            ipaddress.ip_network(value)
        except ValueError as error:
            code = (
                "InvalidCIDRNotation"
                if "host bits" in str(error) and self.code == "InvalidAddressPrefixFormat"
                else self.code
            )
            raise ShapeError(
                path,
                f"The address prefix {value} in {path} has an invalid CIDR notation. "
                f"For the given prefix length, the address prefix should be {_network_of(value)}."
                if code != self.code
                else f"Address prefix {value} of resource {path} is not formatted correctly. It should follow "
                "CIDR notation, for example 10.0.0.0/24.",
                code=code,
            ) from None
        return value


@dataclass(frozen=True, kw_only=True)
class Items(Shape):
    """A list.

    :param of: shape of each item
    :param most: how many it may have
    :param fewest: how many it must have
    """

    of: Shape
    most: int | None = None
    fewest: int = 0

    def read(self, value: Any, path: str) -> list[Any]:
        if not isinstance(value, list):
            raise ShapeError(path, f"expected an array, got {_kind_of(value)}")
        if len(value) < self.fewest or (self.most is not None and len(value) > self.most):
            raise ShapeError(path, f"{len(value)} items; allowed are {self.fewest} to {self.most or 'any number'}")
        return [self.of.read(item, f"{path}[{at}]") for at, item in enumerate(value)]


@dataclass(frozen=True, kw_only=True)
class Anything(Shape):
    """Any JSON value, kept as it is."""

    def read(self, value: Any, path: str) -> Any:
        return value


@dataclass(frozen=True, kw_only=True)
class Dictionary(Shape):
    """An object with free names, such as tags."""

    of: Shape = field(default_factory=Text)
    most: int | None = None

    def read(self, value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ShapeError(path, f"expected an object, got {_kind_of(value)}")
        if self.most is not None and len(value) > self.most:
            raise ShapeError(path, f"{len(value)} entries; allowed are {self.most}")
        return {name: self.of.read(item, f"{path}.{name}") for name, item in value.items() if item is not None}


@dataclass(frozen=True, kw_only=True)
class Object(Shape):
    """An object with known properties.

    :param properties: name in Azure's spelling -> shape
    :param open: whether unknown properties are kept instead of refused
    :param check: looks at the whole object after its properties, and raises :class:`ShapeError`
    """

    properties: Mapping[str, Shape]
    open: bool = False
    check: Callable[[Mapping[str, Any], str], None] | None = None

    def __post_init__(self) -> None:
        spelling = {name.casefold(): name for name in self.properties}
        object.__setattr__(self, "_spelling", spelling)

    def read(self, value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ShapeError(path, f"expected an object, got {_kind_of(value)}")
        prefix = f"{path}." if path else ""
        result = self._members(value, prefix)
        for name, shape in self.properties.items():
            if name not in result and not shape.read_only:
                if shape.required:
                    raise ShapeError(prefix + name, f"Required property '{name}' is missing", missing=True)
                if shape.default is not MISSING:
                    fresh = _fresh(shape.default)
                    # An object that is left out still has the defaults of its own properties.
                    result[name] = (
                        shape.read(fresh, prefix + name) if isinstance(shape, Object) and fresh == {} else fresh
                    )
        if self.check is not None:
            self.check(result, path)
        return result

    def _members(self, value: Mapping[str, Any], prefix: str) -> dict[str, Any]:
        spelling: Mapping[str, str] = self._spelling  # type: ignore[attr-defined]
        members: dict[str, Any] = {}
        for given, item in value.items():
            name = spelling.get(given.casefold())
            if name is None:
                if not self.open:
                    raise ShapeError(prefix + given, f"Could not find member '{given}' on object")
                members[given] = item
            elif not self.properties[name].read_only and item is not None:
                members[name] = self.properties[name].read(item, prefix + name)
        return members

    def secrets(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """:return: ``body`` without its secret properties, at any depth that this shape knows"""
        kept = {}
        for name, value in body.items():
            shape = self.properties.get(name)
            if shape is None or not shape.secret:
                kept[name] = shape.secrets(value) if isinstance(shape, Object) and isinstance(value, dict) else value
        return kept


@dataclass(frozen=True, kw_only=True)
class Refusals:
    """How a provider words what does not fit: the codes differ, the case is the same.

    :param malformed: an unknown member or a wrong type
    :param missing: a required property is not there
    :param invalid: a value outside what is allowed
    """

    malformed: str = "InvalidRequestFormat"
    missing: str = "MissingRequiredParameter"
    invalid: str = "InvalidRequestFormat"

    def refuse(self, error: ShapeError) -> ArmError:
        """:return: the 400 that the provider answers"""
        if error.code is not None:
            return ArmError(400, error.code, error.message, details=())
        code = self.missing if error.missing else self.malformed
        message = (
            "Cannot parse the request." if code == "InvalidRequestFormat" else f"{error.message} (at '{error.path}')."
        )
        detail = {"code": code if error.missing else "InvalidJson", "message": f"{error.message}. Path '{error.path}'."}
        return ArmError(400, code, message, details=(detail,), target=error.path)


def read_body(shape: Object, body: Mapping[str, Any], refusals: Refusals, path: str = "") -> dict[str, Any]:
    """Validate a request's body.

    :param shape: of the whole body, or of the part that stands at ``path``
    :param body: the JSON object
    :param refusals: how the provider words a refusal
    :return: the body as it is kept
    :raises ArmError: 400, as the provider answers
    """
    try:
        return shape.read(body, path)
    except ShapeError as error:
        raise refusals.refuse(error) from None


def _kind_of(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def _network_of(prefix: str) -> str:
    return str(ipaddress.ip_network(prefix, strict=False))


def _fresh(default: Any) -> Any:
    """A default of its own for each body: lists and objects are changed in place later on."""
    if isinstance(default, dict):
        return {name: _fresh(value) for name, value in default.items()}
    return [_fresh(item) for item in default] if isinstance(default, list) else default
