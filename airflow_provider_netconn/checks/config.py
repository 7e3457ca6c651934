"""A YAML file of targets and defaults, strictly read: whatever does not fit is named with its line and the mend."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.errors import InvalidConfigError, InvalidInputError
from airflow_provider_netconn.evidence import Expectation, Target, check_network
from airflow_provider_netconn.probing.options import CheckOptions
from airflow_provider_netconn.probing.targets import TARGET_KEYS, parse_expectation, parse_target, text_tuple

if TYPE_CHECKING:
    import yaml

_TOP_KEYS: Final = ("defaults", "options", "connections", "targets")
_OPTION_KEYS: Final = tuple(
    option.name for option in dataclasses.fields(CheckOptions) if option.name != "last_stage"
)  # a file describes whole checks
_EXPECTATION_KEYS: Final = ("expect", "expect_networks")


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
    options = {**defaults, **document.mapping("options", _OPTION_KEYS)}
    expect, networks = _expectation(document, defaults)
    return CheckPlan(
        targets=tuple(_targets(document, expect, networks)),
        conn_ids=_conn_ids(document),
        options=_options(document, {key: value for key, value in options.items() if key in _OPTION_KEYS}),
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


def _options(document: _Document, given: Mapping[str, Any]) -> CheckOptions:
    values = dict(given)
    with document.errors_of("options"):
        if "ca_files" in values:
            values["ca_files"] = text_tuple(values["ca_files"], "options.ca_files")
        if "nameserver" in values and not isinstance(values["nameserver"], str):
            raise document.error(
                "options.nameserver", f"{values['nameserver']!r} is no nameserver", "write it in quotes"
            )
        if not isinstance(values.get("use_proxy", True), bool):
            raise document.error(
                "options.use_proxy", f"{values['use_proxy']!r} is no truth value", "write true or false"
            )
        return CheckOptions(**values)


def _conn_ids(document: _Document) -> tuple[str, ...]:
    with document.errors_of("connections"):
        return text_tuple(document.sequence("connections"), "connections")


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
        import yaml

        self._file = file
        self._lines: dict[str, int] = {"": 1}
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            self._data = {} if node is None else loader.construct_document(node)
        except yaml.MarkedYAMLError as error:
            self._lines[""] = error.problem_mark.line + 1 if error.problem_mark else 1
            raise self.error("", f"no valid YAML: {error.problem}", "mend the syntax of this line") from None
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise self.error("", f"no valid YAML: {error}", "mend the syntax") from None
        finally:
            loader.dispose()
        if node is not None:
            self._note_lines(node, "")
        if not isinstance(self._data, dict):
            raise self.error("", "the file is no mapping", f"write keys such as {', '.join(_TOP_KEYS)}")

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
            raise self.error(key, f"{value!r} is no mapping", f"write {key}: {{{known[0]}: ...}}")
        self.check_keys(key, known)
        return value

    def sequence(self, key: str) -> list[Any]:
        """The list of a top key; empty where it is absent."""
        value = self.at(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.error(key, f"{value!r} is no list", "write one item a line, each behind '- '")
        return value


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
