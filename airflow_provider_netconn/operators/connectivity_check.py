"""One task that says, for each Airflow connection and target, whether it runs over a private path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator, conf

from airflow_provider_netconn.errors import InvalidConnectionError, ReportWriteError
from airflow_provider_netconn.evidence import Report, Verdict, to_json
from airflow_provider_netconn.operators.fail_on import UNEXPECTED, parse_fail_on, unexpected_verdict_error
from airflow_provider_netconn.operators.request import CheckRequest, facts_request, report_destinations, sign_in_limit
from airflow_provider_netconn.summary import progress_line, summarise
from airflow_provider_netconn.templated import as_bool, as_text
from airflow_provider_netconn.triggers.check import ConnectivityCheckTrigger, earliest_resume, report_of

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

XCOM_KEY = "return_value"
"""Where the summary lies, whether the task succeeds or fails."""


class ConnectivityCheckOperator(BaseOperator):
    """Checks connections and targets, writes a report, and fails on the verdicts that it is told to fail on.

    Targets come from three places, added together: connections, targets and a YAML file. Every argument below may be
    a template, and what a template renders may be text: lists as JSON (``{{ params.conn_ids | tojson }}``) or
    separated by commas, numbers, ``true``; empty text counts as not given. An option given here overrides the file's.

    Input that is wrong in itself fails the task before anything is probed, all of it named at once. A connection that
    does not exist or holds no address does not hide the others' verdicts: they are checked and reported, and then
    the task fails, naming it.

    The summary (:func:`airflow_provider_netconn.summary.summarise`) goes to XCom as ``return_value``, also when the
    task fails. With ``deferrable`` the probes run in the triggerer, so the verdicts hold for its place in the network.

    :param conn_ids: Airflow connections whose addresses are checked
    :param targets: ``db.example.net:5432``, URLs, or mappings as in the YAML file
    :param config: path of a YAML file of targets, connections and defaults
    :param expect: the expected path of connections and targets given here: ``private`` (default), ``public``, ``any``
    :param expect_networks: networks in CIDR form that count as private for them; by default RFC 1918, RFC 6598 and ULA
    :param nameserver: resolve through this server, ``IP``, ``IP:PORT`` or ``[IPV6]:PORT``, instead of the system's
    :param ca_files: PEM files of further certificate authorities to trust
    :param timeout_s: limit of each stage of each target, in seconds
    :param deadline_s: limit of all stages of one target together, in seconds
    :param probe_retries: how many times a stage that met a passing failure is tried again; ``retries`` is the task's
    :param concurrency: how many targets are probed at the same time
    :param use_proxy: whether HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the environment count, as for a real client; by
        default as the file says, or true
    :param authenticate: have each connection that is reached sign in by its own hook, on the worker, also where the
        probes run in the triggerer; off by default, for it may wake or cost something (see the docs of the stage)
    :param auth_timeout_s: limit of each sign-in, in seconds
    :param azure_conn_id: connection by which Azure's control plane is asked, on the worker, why a target is not as
        expected: one of type ``azure_network`` or ``azure``. It needs to read only, and what it may not read costs no
        verdict. By default the control plane is not asked
    :param worker_network: id of the virtual network, or better of the subnet, in which the probes run: without it, what
        the control plane says of peerings and zone links cannot be told
    :param azure_facts_of_all: ask about the targets that are as expected too
    :param fail_on: ``unexpected`` (default), ``never``, or headlines and causes by name
    :param report_path: where to write reports, one path or several: a local path, a URL of an object storage
        (``s3://conn@bucket/key.html``) or of a blob (``https://ACCOUNT.blob.core.windows.net/CONTAINER/NAME.html``);
        the suffix chooses the format: ``.html``, ``.json``, ``.md``, ``.xml`` (JUnit)
    :param report_conn_id: connection with the credentials for ``report_path``; for blobs one of type ``wasb``
    :param deferrable: probe in the triggerer and hold no worker slot; ``[operators] default_deferrable`` by default
    """

    template_fields: Sequence[str] = (
        "conn_ids",
        "targets",
        "config",
        "expect",
        "expect_networks",
        "nameserver",
        "ca_files",
        "timeout_s",
        "deadline_s",
        "probe_retries",
        "concurrency",
        "use_proxy",
        "authenticate",
        "auth_timeout_s",
        "azure_conn_id",
        "worker_network",
        "azure_facts_of_all",
        "fail_on",
        "report_path",
        "report_conn_id",
        "deferrable",
    )
    ui_color = "#d6eaf8"

    def __init__(
        self,
        *,
        conn_ids: Sequence[str] | str | None = None,
        targets: Sequence[str | Mapping[str, Any]] | str | None = None,
        config: str | None = None,
        expect: str | None = None,
        expect_networks: Sequence[str] | str | None = None,
        nameserver: str | None = None,
        ca_files: Sequence[str] | str | None = None,
        timeout_s: float | str | None = None,
        deadline_s: float | str | None = None,
        probe_retries: int | str | None = None,
        concurrency: int | str | None = None,
        use_proxy: bool | str | None = None,
        authenticate: bool | str = False,
        auth_timeout_s: float | str = 30.0,
        azure_conn_id: str | None = None,
        worker_network: str | None = None,
        azure_facts_of_all: bool | str = False,
        fail_on: Sequence[str] | str = UNEXPECTED,
        report_path: Sequence[str] | str | None = None,
        report_conn_id: str | None = None,
        deferrable: bool | str = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.conn_ids = conn_ids
        self.targets = targets
        self.config = config
        self.expect = expect
        self.expect_networks = expect_networks
        self.nameserver = nameserver
        self.ca_files = ca_files
        self.timeout_s = timeout_s
        self.deadline_s = deadline_s
        self.probe_retries = probe_retries
        self.concurrency = concurrency
        self.use_proxy = use_proxy
        self.authenticate = authenticate
        self.auth_timeout_s = auth_timeout_s
        self.azure_conn_id = azure_conn_id
        self.worker_network = worker_network
        self.azure_facts_of_all = azure_facts_of_all
        self.fail_on = fail_on
        self.report_path = report_path
        self.report_conn_id = report_conn_id
        self.deferrable = deferrable

    def execute(self, context: Context) -> dict[str, Any]:
        """Check everything; returns the summary.

        :raises InvalidInputError: an argument, a connection or the file is not usable; names each
        :raises UnexpectedVerdictError: there are verdicts that ``fail_on`` fails on
        :raises ReportWriteError: a report could not be written
        """
        request = CheckRequest.read(self)
        for problem in request.broken_connections:
            self.log.error("Cannot be checked: %s", problem)
        self.log.info("Checking %d targets", len(request.targets))
        if as_bool("deferrable", self.deferrable):
            self.defer(
                trigger=ConnectivityCheckTrigger(
                    targets=[to_json(target) for target in request.targets],
                    options=to_json(request.options),
                    task_queue=self.queue,
                    not_before=earliest_resume(),
                    broken_connections=request.broken_connections,
                ),
                method_name="execute_complete",
            )
        from airflow_provider_netconn.checks import check

        report = check(
            request.targets, request.options, process="worker", queue=self.queue, on_verdict=self._log_verdict
        )
        return self._finish(context, report, request.broken_connections)

    def execute_complete(self, context: Context, event: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Take the report that the trigger made, and go on as :meth:`execute` does; raises what it raises."""
        report = report_of(event)
        return self._finish(context, report, tuple((event or {}).get("broken_connections", ())))

    def _finish(self, context: Context, report: Report, broken: tuple[str, ...]) -> dict[str, Any]:
        from airflow_provider_netconn.report import plain_table
        from airflow_provider_netconn.telemetry import emit

        report = self._with_facts(self._authenticated(report))
        for line in plain_table(report).splitlines():
            if not line.startswith(" "):  # indented is what was seen and what mends it: logged as each verdict came
                self.log.info("%s", line)
        emit(report, {"dag_id": self.dag_id, "task_id": self.task_id})
        locations, write_errors = self._write_reports(report)
        summary = summarise(report, locations, broken)
        hits = parse_fail_on(self.fail_on).hits(report)
        if not (hits or broken or write_errors):
            return summary
        if self.do_xcom_push:
            # Airflow pushes what a task returns; a task that fails returns nothing, and its summary is needed most.
            context["ti"].xcom_push(key=XCOM_KEY, value=summary)
        notes = tuple(str(error) for error in write_errors)
        if hits:
            raise unexpected_verdict_error(hits, len(report.verdicts), (*broken, *notes))
        if broken:
            raise InvalidConnectionError("conn_ids", "\n".join((*broken, *notes)))
        raise write_errors[0]

    def _authenticated(self, report: Report) -> Report:
        """The report with the stage ``auth``, where that is asked for."""
        limit_s = sign_in_limit(self)
        if limit_s is None:
            return report
        from airflow_provider_netconn.checks import authenticated
        from airflow_provider_netconn.hooks.authentication import authenticate

        self.log.info("Having connections sign in, within %g s each", limit_s)
        return authenticated(report, lambda conn_id, kind: authenticate(conn_id, kind, limit_s), self._log_verdict)

    def _with_facts(self, report: Report) -> Report:
        """The report with what Azure's control plane says, where it is to be asked."""
        request = facts_request(self)
        if request is None:
            return report
        from airflow_provider_netconn.checks import with_facts

        self.log.info("Asking Azure's control plane by connection %s", self.azure_conn_id)
        return with_facts(report, request, self._log_verdict)

    def _write_reports(self, report: Report) -> tuple[list[str], list[ReportWriteError]]:
        """Write the report everywhere it is asked for; one place that fails does not keep it from the others."""
        from airflow_provider_netconn.hooks.report_storage import write_report
        from airflow_provider_netconn.report import render

        locations: list[str] = []
        errors: list[ReportWriteError] = []
        for destination in report_destinations(self.report_path):
            try:
                text = render(report, destination.format)
                location = write_report(text, destination, as_text("report_conn_id", self.report_conn_id))
            except ReportWriteError as error:
                self.log.error("%s", error)  # noqa: TRY400 - the message says it all; the trace would bury it
                errors.append(error)
            else:
                self.log.info("Report: %s", location)
                locations.append(location)
        return locations, errors

    def _log_verdict(self, verdict: Verdict, done: int, total: int) -> None:
        log = self.log.info if verdict.as_expected else self.log.warning
        log("%s", progress_line(verdict, done, total))
