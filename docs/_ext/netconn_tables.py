"""Tables that are read from the code when the pages are built, so that the two cannot drift apart.

Each directive writes Markdown and lets MyST parse it. Nothing here imports Airflow: what needs Airflow to be imported
is read from its source.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from airflow_provider_netconn import cli, evidence
from airflow_provider_netconn.checks import config
from airflow_provider_netconn.connections import CONNECTION_TYPES, ConnectionType, connection_type
from airflow_provider_netconn.diagnosis.diagnose import headline, is_as_expected
from airflow_provider_netconn.hooks.sign_in import NOT_SIGNED_IN, SIGN_INS, sign_in_of
from airflow_provider_netconn.privatelink import docs as name_tables
from airflow_provider_netconn.privatelink.certificates import certificate_facts
from airflow_provider_netconn.probing import protocols  # noqa: F401  registers the protocols
from airflow_provider_netconn.probing.registry import protocol_named, protocol_names
from airflow_provider_netconn.probing.targets import TARGET_KEYS

ROOT = Path(__file__).parents[2]
_PARAM = re.compile(r"^\s*:param (\w+): (.*(?:\n(?!\s*:param|\s*:return|\s*:raises|\s*$).*)*)", re.MULTILINE)
_ROLE = re.compile(r":\w+:`~?(?:[\w.]*\.)?([^`.]*)`")


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def prose(docstring: str) -> str:
    """A docstring's words on one line, its markup turned from reStructuredText to Markdown."""
    return " ".join(_ROLE.sub(r"`\1`", docstring).replace("``", "`").split())


def params(docstring: str | None) -> dict[str, str]:
    """What a docstring says of each parameter."""
    return {name: prose(meaning) for name, meaning in _PARAM.findall(docstring or "")}


class Table(SphinxDirective):
    """A directive that gives Markdown."""

    has_content = False
    optional_arguments = 1

    def markdown(self) -> str:
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        return self.parse_text_to_nodes(self.markdown(), allow_section_headings=False)


class Arguments(Table):
    """The keyword arguments of an operator or sensor, with those of its base class in this package."""

    def markdown(self) -> str:
        module, _, name = self.arguments[0].rpartition(".")
        rows = []
        lineage = list(reversed(list(self._lineage(module, name))))
        told = [params(ast.get_docstring(class_node)) for class_node, _ in lineage]
        meanings = {argument: meaning for one in told for argument, meaning in one.items()}
        for class_node, defaults in lineage:
            template = " ".join(
                constant.value
                for node in class_node.body
                if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "template_fields"
                for constant in ast.walk(node)
                if isinstance(constant, ast.Constant)
            ).split()
            for argument, default in defaults.items():
                # The meaning may stand with the sensor though its base class takes the argument, or the reverse.
                rows.append((f"`{argument}`", default, "yes" if argument in template else "no", meanings[argument]))
        return markdown_table(("argument", "default", "template", "meaning"), rows)

    def _lineage(self, module: str, name: str) -> Iterator[tuple[ast.ClassDef, dict[str, str]]]:
        path = ROOT / (module.replace(".", "/") + ".py")
        self.env.note_dependency(str(path))
        tree = ast.parse(path.read_text(encoding="utf-8"))
        node = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
        yield node, self._defaults(node)
        origins = {found.name: module for found in tree.body if isinstance(found, ast.ClassDef)}
        origins |= {
            alias.name: found.module
            for found in tree.body
            if isinstance(found, ast.ImportFrom) and found.module
            for alias in found.names
        }
        for base in node.bases:
            origin = origins.get(getattr(base, "id", ""), "")
            if origin.startswith("airflow_provider_netconn"):
                yield from self._lineage(origin, base.id)  # type: ignore[attr-defined]

    @staticmethod
    def _defaults(node: ast.ClassDef) -> dict[str, str]:
        inits = [item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__init__"]
        found: dict[str, str] = {}
        if not inits:
            return found
        init = inits[0]
        for argument, default in zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True):
            text = "required" if default is None else f"`{ast.unparse(default)}`"
            found[argument.arg] = _KNOWN_DEFAULTS.get(text, text)
        return found


_KNOWN_DEFAULTS = {
    "`conf.getboolean('operators', 'default_deferrable', fallback=False)`": "`[operators] default_deferrable`",
    "`UNEXPECTED`": "`'unexpected'`",
    "`None`": "",
}


class Connections(Table):
    """The table of connection types, and below it the code that each row was read from."""

    def markdown(self) -> str:
        rows = [self._row(f"`{row.conn_type}`", row) for row in CONNECTION_TYPES.values()]
        rows.append(self._row("any other", connection_type("")))
        table = markdown_table(("type", "the address, in order of preference", "port", "protocol"), rows)
        sources = [f"- `{row.conn_type}`: " + row.source.replace("_", "\\_") for row in CONNECTION_TYPES.values()]
        return "\n".join([table, "", "The rows were written after these hooks and clients:", "", *sources])

    @staticmethod
    def _row(name: str, row: ConnectionType) -> tuple[str, ...]:
        places = [f"`{field.locator}`: {field.form}" + _condition(field) for field in row.addresses]
        besides = [f"`{field.locator}`: {field.form}" for field in row.further]
        places += [f"besides, {place}" for place in besides if place not in places]
        if row.own is not None:
            places.append(("else " if places else "") + row.own.form)
        protocol = f"`{row.protocol}`"
        if row.transport is not None:
            protocol += f"; {row.transport.form}"
        port = str(row.default_port) if row.default_port else _PORTS.get(row.conn_type, "none")
        return name, "<br>".join(places), port, protocol


_PORTS = {"http": "the URL's", "odbc": "the driver's", "smtp": "465, or 25"}


def _condition(field: Any) -> str:
    starts = f" that starts with `{field.starts_with}`" if field.starts_with else ""
    unless = " or ".join(f"`{locator}`" for locator in field.unless)
    return starts + (f", unless {unless} is set" if unless else "")


class Certificates(Table):
    """What is known of services under their privatelink names."""

    def markdown(self) -> str:
        rows = [
            (
                ", ".join(fact.services),
                "yes" if fact.carries else "no",
                "yes" if fact.routes_by_name else "",
                fact.why.replace("*", "\\*"),
                f"{fact.confidence}: {fact.source}",
            )
            for fact in certificate_facts()
        ]
        head = ("services", "certificate carries it", "answers to its own name alone", "why", "read where")
        return markdown_table(head, rows)


class NameCandidates(Table):
    """The names that have several counterparts, or none."""

    def markdown(self) -> str:
        return name_tables.render()


class CommandLine(Table):
    """The arguments of a command, or of one that is part of another, from its own parser."""

    required_arguments = 1
    final_argument_whitespace = True

    def markdown(self) -> str:
        parser = cli._parser()
        for word in self.arguments[0].split():
            commands = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
            parser = commands.choices[word]
        rows = []
        for action in parser._actions:
            if action.dest == "help":
                continue
            value = str(action.metavar or ("\\|".join(action.choices) if action.choices else ""))
            names = ", ".join(action.option_strings) or f"{action.metavar}"
            shown = f"{names} {value}" if action.option_strings and action.nargs != 0 else names
            repeat = " (may be repeated)" if isinstance(action, argparse._AppendAction) else ""
            said = (action.help or "").removesuffix("; may be repeated")
            rows.append((f"`{shown}`".replace("\\|", "|"), said + repeat))
        return markdown_table(("argument", "meaning"), rows)


class Headlines(Table):
    """The headline of each path and outcome, for one expectation."""

    required_arguments = 1

    def markdown(self) -> str:
        expect = evidence.Expectation(self.arguments[0])
        rows = []
        for outcome in evidence.Outcome:
            cells = []
            for path in evidence.Path:
                word = headline(path, outcome, expect)
                cells.append(f"**{word}** ✓" if is_as_expected(path, outcome, expect) else word)
            rows.append((f"outcome {outcome.value}", *cells))
        return markdown_table(("", *(f"path {path.value}" for path in evidence.Path)), rows)


class Schema(Table):
    """The fields of one type of the published schema of the report."""

    required_arguments = 1

    def markdown(self) -> str:
        path = ROOT / "docs" / "report-schema.json"
        self.env.note_dependency(str(path))
        part = json.loads(path.read_text(encoding="utf-8"))["$defs"][self.arguments[0]]
        rows = [
            (f"`{name}`", _type_of(field), field.get("description", "")) for name, field in part["properties"].items()
        ]
        return markdown_table(("field", "type", "meaning"), rows)


def _type_of(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return field["$ref"].rpartition("/")[2]
    if "anyOf" in field:
        return " or ".join(_type_of(choice) for choice in field["anyOf"])
    if field.get("type") == "array":
        return f"list of {_type_of(field.get('items', {}))}"
    return "time (ISO 8601)" if field.get("format") == "date-time" else field.get("type", "any")


class KeysOf(SphinxDirective):
    """A hand-written table whose first column must name exactly the keys that the code knows."""

    has_content = True
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        known = {
            "top": set(config._TOP_KEYS),
            "expectation": set(config._EXPECTATION_KEYS),
            "options": set(config._OPTION_KEYS),
            "targets": set(TARGET_KEYS),
            "summary": _keys_of_summary(),
            "dependencies": _dependencies(),
            "lab-dependencies": _dependencies(extra="lab"),
            "stages": {stage.value for stage in evidence.Stage},
        }[self.arguments[0]]
        written = set(re.findall(r"^\| `([\w-]+)`", "\n".join(self.content), re.MULTILINE))
        if known != written:
            message = f"{self.arguments[0]}: missing {sorted(known - written)}, unknown {sorted(written - known)}"
            logging.getLogger(__name__).warning(message, location=self.get_location())
        return self.parse_content_to_nodes(allow_section_headings=False)


def _keys_of_summary() -> set[str]:
    tree = ast.parse((ROOT / "airflow_provider_netconn" / "summary.py").read_text(encoding="utf-8"))
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "summarise")
    returned = next(node.value for node in ast.walk(function) if isinstance(node, ast.Return))
    assert isinstance(returned, ast.Dict)
    return {key.value for key in returned.keys if isinstance(key, ast.Constant)}


class Protocols(Table):
    """The registry of protocols."""

    def markdown(self) -> str:
        rows = []
        for name in protocol_names():
            protocol = protocol_named(name)
            tls = "from the first byte" if protocol.tls else "within the protocol" if protocol.starts_tls else "no"
            if tls != "no" and not protocol.verifies:
                tls += ", not verified unless asked"
            meaning = (
                prose((protocol.probe.__doc__ or "").split("\n\n")[0])
                if protocol.probe
                else _BARE.get(name, "Nothing: a connection (and a handshake) is enough.")
            )
            proxy = "yes" if protocol.over_http_proxy else "no"
            rows.append((f"`{name}`", str(protocol.default_port or "none"), tls, proxy, meaning))
        return markdown_table(("protocol", "default port", "TLS", "follows HTTP proxies", "what is said"), rows)


class SignIns(Table):
    """What the stage ``auth`` does, by connection type."""

    def markdown(self) -> str:
        known = sorted({*SIGN_INS, *NOT_SIGNED_IN})
        rows = [(f"`{conn_type}`", sign_in_of(conn_type).does, sign_in_of(conn_type).wakes) for conn_type in known]
        other = sign_in_of("")
        return markdown_table(
            ("type", "what is done", "what it wakes or costs"), [*rows, ("any other", other.does, other.wakes)]
        )


_BARE = {"plain": "Nothing: a connection is enough.", "tls": "Nothing: a handshake is enough."}


def _dependencies(extra: str | None = None) -> set[str]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    listed = project["dependencies"] if extra is None else project["optional-dependencies"][extra]
    return {re.split(r"[<>=!~;\[ ]", requirement)[0] for requirement in listed}


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    for name, directive in {
        "netconn-arguments": Arguments,
        "netconn-connections": Connections,
        "netconn-certificates": Certificates,
        "netconn-cli": CommandLine,
        "netconn-headlines": Headlines,
        "netconn-name-candidates": NameCandidates,
        "netconn-schema": Schema,
        "netconn-protocols": Protocols,
        "netconn-sign-ins": SignIns,
        "netconn-keys": KeysOf,
    }.items():
        app.add_directive(name, directive)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
