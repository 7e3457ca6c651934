"""A YAML document that knows the line of each of its keys, so that errors can name them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from airflow_provider_netconn.lab.errors import SeedError


class Document:
    """A YAML file whose top is a mapping. Places in it are key paths, such as ``networks[1].properties``.

    :param file: how errors call it
    :param text: what stands in it
    :raises SeedError: it is no YAML, its top is no mapping, or a key stands twice
    """

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._lines: dict[str, int] = {"": 1}
        self.data: dict[str, Any] = self._parsed(text)

    def _parsed(self, text: str) -> dict[str, Any]:
        loader = None
        try:
            loader = yaml.SafeLoader(text)
            node = loader.get_single_node()
            if node is None:
                return {}
            self._note_lines(node, "")
            data = loader.construct_document(node)
        except yaml.MarkedYAMLError as error:
            self._lines[""] = error.problem_mark.line + 1 if error.problem_mark else 1
            raise self.error("", f"no valid YAML: {error.problem}", "mend the syntax of this line") from None
        except yaml.reader.ReaderError as error:
            self._lines[""] = text.count("\n", 0, error.position) + 1
            raise self.error("", f"no valid YAML: {error.reason}", "mend the characters of this line") from None
        except (yaml.YAMLError, RecursionError, AttributeError, TypeError) as error:
            raise self.error("", f"no valid YAML: {error}", "mend the syntax") from None
        finally:
            if loader is not None:
                loader.dispose()
        if not isinstance(data, dict):
            raise self.error("", "the file is no mapping", "write keys such as tenants, subscriptions, networks")
        return data

    def _note_lines(self, node: yaml.Node, path: str) -> None:
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

    def place(self, path: str) -> str:
        """``file:line: key`` of a key path, or of the nearest one above it that is there."""
        nearest = path
        while nearest not in self._lines:
            nearest = nearest.rpartition("[" if nearest.endswith("]") else ".")[0]
        at = f"{self._file}:{self._lines[nearest]}"
        return f"{at}: {path}" if path else at

    def error(self, path: str, seen: str, remedy: str = "") -> SeedError:
        """An error with its place."""
        return SeedError(self.place(path), seen, remedy)

    def check_keys(self, value: Mapping[str, Any], path: str, known: Iterable[str]) -> None:
        """Raise where a mapping has a key that is not known, with the nearest that is."""
        names = tuple(known)
        for key in value:
            if key not in names:
                raise self.error(f"{path}.{key}" if path else str(key), "unknown key", _did_you_mean(str(key), names))

    def sequence(self, value: Any, path: str) -> list[Any]:
        """A value that must be a list; nothing counts as an empty one."""
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.error(path, f"{shown(value)} is no list", "write one item a line, each behind '- '")
        return value

    def mapping(self, value: Any, path: str) -> dict[str, Any]:
        """A value that must be a mapping; nothing counts as an empty one."""
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.error(path, f"{shown(value)} is no mapping", "write one 'key: value' a line")
        return value

    def text(self, value: Any, path: str) -> str:
        """A value that must be a text, and not an empty one."""
        if not isinstance(value, str) or not value:
            raise self.error(path, f"{shown(value)} is no text", "write a text, in quotes where it looks like a number")
        return value

    def choice(self, value: Any, path: str, choices: Iterable[str], what: str) -> str:
        """A text that must be one of several.

        :param what: how the error calls them: ``a tenant``
        """
        names = tuple(choices)
        text = self.text(value, path)
        if text not in names:
            raise self.error(path, f"{text!r} is not {what}", _did_you_mean(text, names))
        return text


def shown(value: object) -> str:
    """A value as errors show it: short."""
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _did_you_mean(name: str, names: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names) or 'none'}"
