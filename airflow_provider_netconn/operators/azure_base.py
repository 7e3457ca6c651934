"""What the operators of Azure's control plane share: look at rights, bring about, wait without a worker, tell facts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NoReturn

from airflow.providers.common.compat.sdk import BaseOperator, conf

from airflow_provider_netconn.errors import (
    AzureConflictError,
    AzureDeadlineExceededError,
    AzureError,
    InvalidOptionError,
)
from airflow_provider_netconn.hooks.azure_network import AzureNetworkHook
from airflow_provider_netconn.hooks.azure_portal import AzurePortalLink, remember_portal_page
from airflow_provider_netconn.templated import as_bool, as_number, as_text
from airflow_provider_netconn.triggers.azure import AzureStateTrigger
from airflow_provider_netconn.triggers.check import earliest_resume

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_netconn.azure.session import AzureSession
    from airflow_provider_netconn.azure.watching import ResourceState, Watch

_GRACE: Final = timedelta(minutes=5)
"""How long Airflow waits for the trigger beyond the deadline, which the trigger keeps itself."""


class AzureOperator(BaseOperator):
    """Brings a resource of Azure into a wanted state, and ends when it is there.

    Nothing of its progress is remembered anywhere but in Azure: each run looks at what is there and does what is left,
    be it the first run, one after a wait in the triggerer, or one after its worker died. Every argument below may be a
    template.

    :param azure_conn_id: connection of the type ``azure_network`` or ``azure``
    :param subscription_id: instead of the connection's
    :param preflight: before the first write, ask Azure which of the needed actions we lack, and name them all
    :param deferrable: wait in the triggerer and hold no worker slot; ``[operators] default_deferrable`` by default
    :param poll_interval_s: pause between two looks while waiting, in seconds
    :param timeout_s: how long it may take from the task's start, waits included, in seconds
    """

    template_fields: Sequence[str] = (
        "azure_conn_id",
        "subscription_id",
        "preflight",
        "deferrable",
        "poll_interval_s",
        "timeout_s",
    )
    operator_extra_links = (AzurePortalLink(),)
    ui_color = "#d4e6f1"

    def __init__(
        self,
        *,
        azure_conn_id: str = AzureNetworkHook.default_conn_name,
        subscription_id: str = "",
        preflight: bool | str = True,
        deferrable: bool | str = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval_s: float | str = 15.0,
        timeout_s: float | str = 3600.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.azure_conn_id = azure_conn_id
        self.subscription_id = subscription_id
        self.preflight = preflight
        self.deferrable = deferrable
        self.poll_interval_s = poll_interval_s
        self.timeout_s = timeout_s

    # -- what an operator says of itself ----------------------------------------------------------

    @abstractmethod
    def resource_id(self) -> str:
        """Id of the resource that this is about, for messages and the portal's page; from the rendered arguments.

        :raises InvalidInputError: naming the argument that is not usable
        """

    @abstractmethod
    def needed_actions(self) -> Mapping[str, Sequence[str]]:
        """For each scope the actions that are needed there."""

    @abstractmethod
    async def ensure(self, azure: AzureSession, *, wait: bool) -> ResourceState:
        """Do what is left to do, and say how it stands.

        :param wait: until it is settled, within the deadline that is set; else begin what is next and return
        """

    @abstractmethod
    def watch(self, state: ResourceState) -> Watch:
        """What to wait for, seen where it stands; then :meth:`ensure` goes on."""

    def facts(self, state: ResourceState) -> dict[str, Any]:
        """What goes to XCom: small, plain and without secrets."""
        return dict(state.to_json())

    # -- how it runs ------------------------------------------------------------------------------

    @property
    def hook(self) -> AzureNetworkHook:
        """The hook of the rendered arguments."""
        return AzureNetworkHook(
            as_text("azure_conn_id", self.azure_conn_id) or AzureNetworkHook.default_conn_name,
            subscription_id=as_text("subscription_id", self.subscription_id) or "",
        )

    def execute(self, context: Context) -> dict[str, Any]:
        """Bring it about; returns the facts.

        :raises InvalidInputError: an argument or the connection is not usable; nothing was asked of Azure
        :raises AzureError: it could not be brought about within the time limit; says why
        """
        since = datetime.now(UTC)
        resource = self.resource_id()
        remember_portal_page(context, self.hook.settings(), resource)
        with self._deadline(since), self.hook.session() as azure:
            if as_bool("preflight", self.preflight):
                azure.run(self.check_permissions)
            state = azure.run(self.ensure, wait=not self._defers)
        return self._go_on(state, since)

    def execute_complete(self, context: Context, event: Mapping[str, Any] | None = None) -> dict[str, Any]:  # noqa: ARG002
        """Go on where the wait ended; raises what :meth:`execute` raises."""
        event = event or {"error": "the trigger sent no event"}
        if "error" in event:
            raise AzureError(
                self.resource_id(), f"waiting broke off in the triggerer: {event['error']}",
                remedy="see the triggerer's part of this log; a retry goes on where this ended",
            )  # fmt: skip
        since = datetime.fromisoformat(event["since"])
        if event.get("timed_out"):
            raise self._out_of_time(str(event.get("line", "")))
        with self._deadline(since), self.hook.session() as azure:
            state = azure.run(self.ensure, wait=False)
        return self._go_on(state, since)

    async def check_permissions(self, azure: AzureSession) -> None:
        """Look for missing rights before anything is written.

        :raises AzureForbiddenError: naming all that are missing
        """
        from airflow_provider_netconn.azure.preflight import require

        await require(azure, self.needed_actions())

    def _go_on(self, state: ResourceState, since: datetime) -> dict[str, Any]:
        if state.hopeless:
            raise AzureConflictError(self.resource_id(), state.hopeless)
        if state.settled:
            self.log.info("%s", state.line)
            return self.facts(state)
        if not self._defers:
            raise self._out_of_time(state.line)
        return self._wait_in_the_triggerer(state, since)

    def _wait_in_the_triggerer(self, state: ResourceState, since: datetime) -> NoReturn:
        watch = self.watch(state)
        self.log.info("%s Waiting in the triggerer for: %s", state.line, watch.awaited)
        deadline = since + timedelta(seconds=self._timeout_s)
        if deadline <= datetime.now(UTC):
            raise self._out_of_time(state.line)
        self.defer(
            trigger=AzureStateTrigger(
                azure_conn_id=self.hook.azure_conn_id,
                subscription_id=self.hook.subscription_id,
                watch=watch.to_json(),
                poll_interval_s=self._positive("poll_interval_s", self.poll_interval_s),
                deadline=deadline.isoformat(),
                since=since.isoformat(),
                not_before=earliest_resume(),
            ),
            method_name="execute_complete",
            timeout=deadline - datetime.now(UTC) + _GRACE,
        )

    @property
    def _defers(self) -> bool:
        return as_bool("deferrable", self.deferrable)

    @property
    def _timeout_s(self) -> float:
        return self._positive("timeout_s", self.timeout_s)

    def _deadline(self, since: datetime) -> Any:
        from airflow_provider_netconn.azure.deadlines import deadline

        left_s = self._timeout_s - (datetime.now(UTC) - since).total_seconds()
        return deadline(max(left_s, 1.0))

    def _out_of_time(self, line: str) -> AzureDeadlineExceededError:
        return AzureDeadlineExceededError(
            self.resource_id(), f"not settled {self._timeout_s:g} s after the start: {line}",
            remedy="a retry goes on where this ended; raise timeout_s where that is too short",
        )  # fmt: skip

    @staticmethod
    def _positive(name: str, value: object) -> float:
        number = as_number(name, value)
        if number is None or number <= 0:
            raise InvalidOptionError(name, f"{value!r} is no time", "write seconds, more than 0")
        return number
