"""What a check task is asked to do, read from its rendered arguments: all that is wrong with them is said at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_netconn.errors import InvalidConnectionError, InvalidInputError, InvalidOptionError
from airflow_provider_netconn.evidence import Expectation, Target
from airflow_provider_netconn.operators.fail_on import parse_fail_on
from airflow_provider_netconn.templated import (
    NOT_GIVEN,
    as_bool,
    as_expectation,
    as_items,
    as_networks,
    as_number,
    as_target,
    as_text,
    as_texts,
    as_whole_number,
)

if TYPE_CHECKING:
    from airflow_provider_netconn.checks import CheckOptions, CheckPlan, FactsRequest
    from airflow_provider_netconn.hooks.report_storage import Destination
    from airflow_provider_netconn.operators.connectivity_check import ConnectivityCheckOperator

T = TypeVar("T")


class _Problems:
    """Collects what is wrong, so that it is mended in one go and not one try after another."""

    def __init__(self) -> None:
        self.found: list[InvalidInputError] = []

    def attempt(self, read: Callable[[], T]) -> T | None:
        """What ``read`` returns; None where it raises an error of input, which is kept."""
        try:
            return read()
        except InvalidInputError as error:
            self.found.append(error)
            return None

    def raise_any(self) -> None:
        """Raise what was found, as one error."""
        if len(self.found) == 1:
            raise self.found[0]
        if self.found:
            fields = ", ".join(error.field for error in self.found)
            raise InvalidInputError(fields, "\n".join(("not usable", *map(str, self.found))))


def report_destinations(value: object) -> tuple[Destination, ...]:
    """Where reports are to go: none, one path, or a list of them (in text: as JSON).

    :raises InvalidOptionError: a suffix names no format, or a blob URL no blob
    """
    from airflow_provider_netconn.hooks.report_storage import parse_destination

    if isinstance(value, str) and not value.strip().startswith("["):
        value = [value]  # a path may hold a comma
    return tuple(parse_destination(path) for path in as_texts("report_path", value))


def sign_in_limit(operator: ConnectivityCheckOperator) -> float | None:
    """The limit in seconds within which each connection is to sign in; None where none is to.

    :raises InvalidOptionError: naming the argument
    """
    if not as_bool("authenticate", operator.authenticate):
        return None
    limit = as_number("auth_timeout_s", operator.auth_timeout_s)
    if limit is None or limit <= 0:
        raise InvalidOptionError("auth_timeout_s", f"{operator.auth_timeout_s!r} is no time limit", "write seconds")
    return limit


def facts_request(operator: ConnectivityCheckOperator) -> FactsRequest | None:
    """As whom and about what Azure's control plane is to be asked; None where it is not.

    :raises InvalidInputError: naming the argument, or what is wrong in the connection
    """
    from airflow_provider_netconn.checks import FactsRequest
    from airflow_provider_netconn.hooks.azure_network import AzureNetworkHook

    conn_id = as_text("azure_conn_id", operator.azure_conn_id)
    network = as_text("worker_network", operator.worker_network) or ""
    of_all = as_bool("azure_facts_of_all", operator.azure_facts_of_all)
    if conn_id is None:
        if network or of_all:
            given = "worker_network" if network else "azure_facts_of_all"
            raise InvalidOptionError(given, "is of no use without azure_conn_id", "name the connection to ask Azure by")
        return None
    return FactsRequest(settings=AzureNetworkHook(conn_id).settings(), worker_network=network, of_all=of_all)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest:
    """What to check, and how.

    :param broken_connections: for each connection that cannot be checked, what is wrong with it
    """

    targets: tuple[Target, ...]
    options: CheckOptions
    broken_connections: tuple[str, ...] = ()

    @classmethod
    def read(cls, operator: ConnectivityCheckOperator) -> CheckRequest:
        """Read the operator's rendered arguments, its YAML file and its connections.

        :raises InvalidInputError: naming all that is not usable; broken connections alone raise only where there is
            nothing else to check
        """
        problems = _Problems()
        plan = problems.attempt(lambda: _plan(operator))
        expect = problems.attempt(lambda: _expectation(operator, plan)) or Expectation.PRIVATE
        networks = problems.attempt(lambda: _networks(operator, plan)) or ()
        options = problems.attempt(lambda: _options(operator, plan))
        given = problems.attempt(lambda: as_items("targets", operator.targets)) or ()
        targets = [*(plan.targets if plan else ())]
        for number, item in enumerate(given):
            targets += problems.attempt(partial(_target, item, number, expect, networks)) or ()
        asked = problems.attempt(lambda: as_texts("conn_ids", operator.conn_ids)) or ()
        conn_ids = (*(plan.conn_ids if plan else ()), *asked)
        # These are read again when the verdicts are there; a slip in them must not be found out only then.
        problems.attempt(lambda: parse_fail_on(operator.fail_on))
        problems.attempt(lambda: sign_in_limit(operator))
        problems.attempt(lambda: facts_request(operator))
        problems.attempt(lambda: report_destinations(operator.report_path))
        problems.raise_any()
        found, broken = _read_connections(conn_ids, expect, networks)
        targets += found
        if not targets:
            if broken:
                raise InvalidConnectionError("conn_ids", "\n".join(broken))
            raise InvalidOptionError("conn_ids, targets, config", "nothing to check", "give at least one target")
        assert options is not None
        return cls(targets=tuple(dict.fromkeys(targets)), options=options, broken_connections=broken)


def _plan(operator: ConnectivityCheckOperator) -> CheckPlan | None:
    from airflow_provider_netconn.checks import load_plan

    path = as_text("config", operator.config)
    return load_plan(path) if path else None


def _expectation(operator: ConnectivityCheckOperator, plan: CheckPlan | None) -> Expectation:
    if as_text("expect", operator.expect) is None:
        return plan.expect if plan else Expectation.PRIVATE
    return as_expectation("expect", operator.expect)


def _networks(operator: ConnectivityCheckOperator, plan: CheckPlan | None) -> tuple[str, ...]:
    return as_networks("expect_networks", operator.expect_networks) or (plan.expect_networks if plan else ())


def _options(operator: ConnectivityCheckOperator, plan: CheckPlan | None) -> CheckOptions:
    from airflow_provider_netconn.checks import CheckOptions

    given: dict[str, Any] = {
        "nameserver": as_text("nameserver", operator.nameserver),
        "ca_files": as_texts("ca_files", operator.ca_files) or None,
        "timeout_s": as_number("timeout_s", operator.timeout_s),
        "deadline_s": as_number("deadline_s", operator.deadline_s),
        "retries": as_whole_number("probe_retries", operator.probe_retries),
        "concurrency": as_whole_number("concurrency", operator.concurrency),
        "use_proxy": None if operator.use_proxy in NOT_GIVEN else as_bool("use_proxy", operator.use_proxy),
    }
    base = plan.options if plan else CheckOptions()
    return replace(base, **{name: value for name, value in given.items() if value is not None})


def _target(item: Any, number: int, expect: Expectation, networks: tuple[str, ...]) -> tuple[Target, ...]:
    return (as_target(f"targets[{number}]", item, expect=expect, expect_networks=networks),)


def _read_connections(
    conn_ids: tuple[str, ...], expect: Expectation, networks: tuple[str, ...]
) -> tuple[list[Target], tuple[str, ...]]:
    """The connections' targets, and for each connection that has none what is wrong with it."""
    from airflow_provider_netconn.hooks.connection_fields import connection_targets

    targets: list[Target] = []
    broken: list[str] = []
    for conn_id in dict.fromkeys(conn_ids):
        try:
            found = connection_targets(conn_id)
        except InvalidConnectionError as error:
            broken.append(str(error))
            continue
        targets += [replace(target, expect=expect, expect_networks=networks) for target in found]
    return targets, tuple(broken)
