"""A YAML file of targets and defaults, strictly read: whatever does not fit is named with its line and the mend."""

from __future__ import annotations

import dataclasses
import difflib
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.errors import InvalidConfigError, InvalidInputError, InvalidOptionError
from airflow_provider_netconn.evidence import Expectation, Target, check_network
from airflow_provider_netconn.probing.options import CheckOptions
from airflow_provider_netconn.probing.targets import (
    TARGET_KEYS,
    parse_expectation,
    parse_target,
    shown_value,
    text_of,
    text_tuple,
)

if TYPE_CHECKING:
    import yaml

_TOP_KEYS: Final = ("defaults", "options", "connections", "targets")
_OPTION_KEYS: Final = tuple(
    option.name for option in dataclasses.fields(CheckOptions) if option.name != "last_stage"
)  # a file describes whole checks
MAX_ALIASED_VALUES: Final = 100_000
_EXPECTATION_KEYS: Final = ("expect", "expect_networks")
# What PyYAML's constructors raise of values that do not fit their tags: KeyError of !!bool, IndexError of an empty
# !!int, AttributeError of !!timestamp, OverflowError of a number in base 60.
_UNFIT_VALUES: Final = (ArithmeticError, AttributeError, LookupError, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPlan:
    """What a YAML file asks for.

    :param targets: the targets that the file spells out
    :param conn_ids: Airflow connections to be read as targets
    :param options: how to probe
    :param expect: what is expected of the connections' targets
    :param expect_networks: networks that count as private for these; empty means the default ones
    """

    targets: tuple[Target, ...] = ()
    conn_ids: tuple[str, ...] = ()
    options: CheckOptions = field(default_factory=CheckOptions)
    expect: Expectation = Expectation.PRIVATE
    expect_networks: tuple[str, ...] = ()


def load_plan(path: str | Path) -> CheckPlan:
    """Read a YAML file.

    ``defaults`` holds what is expected (``expect``, ``expect_networks``) and any of the options; ``options`` the
    options alone; ``connections`` connection ids; ``targets`` texts or mappings.

    :raises InvalidConfigError: naming file, line, key and mend
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidConfigError(str(path), f"cannot be read: {reason}", "give the path of a YAML file") from None
    document = _Document(path.name, text)
    document.check_keys("", _TOP_KEYS)
    defaults = document.mapping("defaults", (*_EXPECTATION_KEYS, *_OPTION_KEYS))
    options = document.mapping("options", _OPTION_KEYS)
    expect, networks = _expectation(document, defaults)
    return CheckPlan(
        targets=tuple(_targets(document, expect, networks)),
        conn_ids=_conn_ids(document),
        options=_options(document, defaults, options),
        expect=expect,
        expect_networks=networks,
    )


def _expectation(document: _Document, defaults: Mapping[str, Any]) -> tuple[Expectation, tuple[str, ...]]:
    with document.errors_of("defaults"):
        expect = parse_expectation(defaults.get("expect", Expectation.PRIVATE), "defaults.expect")
        networks = text_tuple(defaults.get("expect_networks", ()), "defaults.expect_networks")
    for index, network in enumerate(networks):
        try:
            check_network(network, "expect_networks")
        except ValueError as error:
            raise document.error(f"defaults.expect_networks[{index}]", str(error).partition(": ")[2]) from None
    return expect, networks


def _options(document: _Document, defaults: Mapping[str, Any], options: Mapping[str, Any]) -> CheckOptions:
    def place(name: str) -> str:
        return f"{'options' if name in options else 'defaults'}.{name}"

    given = {**{name: value for name, value in defaults.items() if name in _OPTION_KEYS}, **options}
    try:
        values = {name: _OPTION_READERS.get(name, _as_it_is)(value, place(name)) for name, value in given.items()}
        return CheckOptions(**values)
    except InvalidInputError as error:
        path = place(error.field) if error.field in _OPTION_KEYS else error.field
        raise document.error(path, error.seen, error.remedy) from None


def _truth(value: object, field: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidOptionError(field, f"{shown_value(value)} is no truth value", "write true or false")
    return value


def _as_it_is(value: Any, _field: str) -> Any:
    return value  # CheckOptions itself tells what is wrong with a number


_OPTION_READERS: Final[dict[str, Callable[[Any, str], Any]]] = {
    "nameserver": text_of,
    "ca_files": text_tuple,
    "use_proxy": _truth,
}


def _conn_ids(document: _Document) -> tuple[str, ...]:
    with document.errors_of("connections"):
        conn_ids = text_tuple(document.sequence("connections"), "connections")
    for index, conn_id in enumerate(conn_ids):
        if not conn_id.strip():
            raise document.error(f"connections[{index}]", "is empty", "write a connection id")
    return conn_ids


def _targets(document: _Document, expect: Expectation, networks: tuple[str, ...]) -> Iterator[Target]:
    for index, given in enumerate(document.sequence("targets")):
        name = f"targets[{index}]"
        if isinstance(given, Mapping):
            document.check_keys(name, TARGET_KEYS)
        with document.errors_of(name):
            yield parse_target(given, expect=expect, expect_networks=networks, field=name)


class _Document:
    """A YAML document that knows the line of every key path, such as ``targets[1].port``."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._lines: dict[str, int] = {"": 1}
        self._data = self._parsed(text)
        if not isinstance(self._data, dict):
            raise self.error("", "the file is no mapping", f"write keys such as {', '.join(_TOP_KEYS)}")

    def _parsed(self, text: str) -> Any:
        import yaml

        loader = None
        try:
            loader = yaml.SafeLoader(text)
            node = loader.get_single_node()
            if node is None:
                return {}
            _Growth().refuse(self, node)
            self._note_lines(node, "")  # before construction, which dissolves merge keys
            data = loader.construct_document(node)
        except InvalidConfigError:
            raise
        except yaml.MarkedYAMLError as error:
            self._lines[""] = error.problem_mark.line + 1 if error.problem_mark else 1
            raise self.error("", f"no valid YAML: {error.problem}", "mend the syntax of this line") from None
        except yaml.reader.ReaderError as error:
            self._lines[""] = text.count("\n", 0, error.position) + 1
            raise self.error("", f"no valid YAML: {error.reason}", "mend the characters of this line") from None
        except (yaml.YAMLError, RecursionError) as error:
            raise self.error("", f"no valid YAML: {error}", "mend the syntax") from None
        except _UNFIT_VALUES as error:
            raise self.error("", f"no valid YAML: a value does not fit its tag ({error})", "mend that value") from None
        finally:
            if loader is not None:
                loader.dispose()
        return {} if data is None else data

    def _note_lines(self, node: yaml.Node, path: str) -> None:
        import yaml

        self._lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                child = f"{path}.{key.value}" if path else str(key.value)
                self._lines[child] = key.start_mark.line + 1
                if child in seen:
                    raise self.error(child, "stands twice", "keep one of them")
                seen.add(child)
                self._note_lines(value, child)
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                self._note_lines(value, f"{path}[{index}]")

    def error(self, path: str, seen: str, remedy: str = "") -> InvalidConfigError:
        """An error with file, line and key path."""
        nearest = path
        while nearest not in self._lines:
            nearest = nearest.rpartition("[" if nearest.endswith("]") else ".")[0]
        place = f"{self._file}:{self._lines[nearest]}"
        return InvalidConfigError(f"{place}: {path}" if path else place, seen, remedy)

    def errors_of(self, section: str) -> _Located:
        """A context that gives the errors of a section their file and line."""
        return _Located(self, section)

    def at(self, path: str) -> Any:
        """The value of a key path of mappings and positions; None where it is absent."""
        value: Any = self._data
        for part in path.replace("[", ".[").split(".") if path else ():
            if part.startswith("["):
                value = value[int(part[1:-1])]
            elif part:
                value = value.get(part)
        return value

    def check_keys(self, path: str, known: tuple[str, ...]) -> None:
        """Raise where the mapping at that path has a key that is not known, naming the nearest that is."""
        for key in self.at(path):
            child = f"{path}.{key}" if path else str(key)
            if key not in known:
                near = difflib.get_close_matches(str(key), known, n=1)
                remedy = f"did you mean {near[0]!r}?" if near else f"known keys are {', '.join(known)}"
                raise self.error(child, "unknown key", remedy)

    def mapping(self, key: str, known: tuple[str, ...]) -> dict[str, Any]:
        """The mapping of a top key, its keys checked; empty where it is absent."""
        value = self.at(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.error(key, f"{shown_value(value)} is no mapping", f"write {key}: {{{known[0]}: ...}}")
        self.check_keys(key, known)
        return value

    def sequence(self, key: str) -> list[Any]:
        """The list of a top key; empty where it is absent."""
        value = self.at(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.error(key, f"{shown_value(value)} is no list", "write one item a line, each behind '- '")
        return value


class _Growth:
    """How many values a document holds where each alias counts as what it stands for; a few lines may make millions."""

    def __init__(self) -> None:
        self._sizes: dict[int, int | None] = {}

    def refuse(self, document: _Document, node: yaml.Node) -> None:
        """Raise where aliases make much more of a document than was written."""
        size = self._size(node)
        if size is None or size - len(self._sizes) > MAX_ALIASED_VALUES:
            seen = "an alias stands within what it names" if size is None else "aliases make millions of these lines"
            raise document.error("", f"{seen}: too much to read", "write the values out, without aliases")

    def _size(self, node: yaml.Node) -> int | None:
        """The size with all below; None where the node holds itself."""
        if id(node) in self._sizes:
            return self._sizes[id(node)]
        self._sizes[id(node)] = None  # until known: who meets this one meanwhile, stands within it
        total = 1
        for child in _children(node):
            size = self._size(child)
            if size is None:
                return None
            total += size
        self._sizes[id(node)] = total
        return total


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    import yaml

    if isinstance(node, yaml.MappingNode):
        yield from itertools.chain.from_iterable(node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


@dataclass(frozen=True, slots=True)
class _Located:
    """Turns errors that name a field into errors that name file, line and field."""

    document: _Document
    section: str

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, InvalidInputError) and not isinstance(error, InvalidConfigError):
            path = error.field if error.field.startswith(self.section) else f"{self.section}.{error.field}"
            raise self.document.error(path, error.seen, error.remedy) from None
