"""What the sensors of Azure's control plane share: looking, and waiting in each of the three modes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow.providers.common.compat.sdk import (
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)

from airflow_provider_netconn.errors import AzureConflictError, AzureError
from airflow_provider_netconn.hooks.azure_network import AzureNetworkHook
from airflow_provider_netconn.hooks.azure_portal import AzurePortalLink, remember_portal_page
from airflow_provider_netconn.templated import as_bool, as_text
from airflow_provider_netconn.triggers.azure import AzureStateTrigger
from airflow_provider_netconn.triggers.check import earliest_resume

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_netconn.azure.session import AzureSession
    from airflow_provider_netconn.azure.watching import ResourceState, Watch

_GRACE: Final = timedelta(minutes=5)
"""How long Airflow waits for the trigger beyond the sensor's own timeout, which the trigger keeps itself."""
_LOOK_LIMIT_S: Final = 120.0


class AzureStateSensor(BaseSensorOperator):
    """Waits until something in Azure is as wanted, and fails at once where it never will be by waiting.

    :param azure_conn_id: connection of the type ``azure_network`` or ``azure``
    :param subscription_id: instead of the connection's
    :param deferrable: wait in the triggerer and hold no worker slot; ``[operators] default_deferrable`` by default;
        may be a template
    """

    template_fields: Sequence[str] = ("azure_conn_id", "subscription_id", "deferrable")
    operator_extra_links = (AzurePortalLink(),)
    ui_color = "#d6eaf8"

    def __init__(
        self,
        *,
        azure_conn_id: str = AzureNetworkHook.default_conn_name,
        subscription_id: str = "",
        deferrable: bool | str = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.azure_conn_id = azure_conn_id
        self.subscription_id = subscription_id
        self.deferrable = deferrable
        self._last: ResourceState | None = None

    # -- what a sensor says of itself -------------------------------------------------------------

    @abstractmethod
    def resource_id(self) -> str:
        """Id of the resource that this is about, for messages and the portal's page; from the rendered arguments.

        :raises InvalidInputError: naming the argument that is not usable
        """

    @abstractmethod
    def watch(self) -> Watch:
        """What is waited for, from the rendered arguments.

        :raises InvalidInputError: naming the argument that is not usable
        """

    def facts(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """What goes to XCom, of the state's JSON: small, plain and without secrets."""
        return dict(state)

    # -- how it runs ------------------------------------------------------------------------------

    @property
    def hook(self) -> AzureNetworkHook:
        """The hook of the rendered arguments."""
        return AzureNetworkHook(
            as_text("azure_conn_id", self.azure_conn_id) or AzureNetworkHook.default_conn_name,
            subscription_id=as_text("subscription_id", self.subscription_id) or "",
        )

    def execute(self, context: Context) -> Any:
        """Wait; returns the facts seen last.

        :raises InvalidInputError: an argument or the connection is not usable; nothing was asked of Azure
        :raises AzureConflictError: it never will be as wanted by waiting; says why, and what to do
        :raises AirflowSensorTimeout: the wait timed out; the message has what was seen last
        """
        watch = self.watch()
        remember_portal_page(context, self.hook.settings(), self.resource_id())
        if as_bool("deferrable", self.deferrable):
            self._defer(watch)
        try:
            return super().execute(context)
        except (AirflowSensorTimeout, AirflowSkipException) as error:
            if self._last is None:
                raise
            raise type(error)(f"{error} {_awaited(watch, self._last.line)}") from None

    def poke(self, context: Context) -> PokeReturnValue:  # noqa: ARG002
        """Look once; done when it is as wanted."""
        from airflow_provider_netconn.azure.deadlines import deadline

        watch = self.watch()
        try:
            with deadline(_LOOK_LIMIT_S), self.hook.session() as azure:
                self._last = state = azure.run(_look, watch)
        except AzureError as error:
            # Azure may answer the next look; the sensor's own timeout ends it.
            self.log.warning("Looking again later: %s", error)
            return PokeReturnValue(is_done=False)
        self.log.info("%s", state.line)
        if state.hopeless:
            raise AzureConflictError(self.resource_id(), state.hopeless)
        if state.settled:
            return PokeReturnValue(is_done=True, xcom_value=self.facts(state.to_json()))
        self.log.info("Waiting for: %s", watch.awaited)
        return PokeReturnValue(is_done=False)

    def execute_complete(self, context: Context, event: Mapping[str, Any] | None = None) -> dict[str, Any]:  # noqa: ARG002
        """Take what the trigger saw last; raises what :meth:`execute` raises."""
        event = event or {"error": "the trigger sent no event"}
        if "error" in event:
            raise AzureError(
                self.resource_id(), f"waiting broke off in the triggerer: {event['error']}",
                remedy="see the triggerer's part of this log",
            )  # fmt: skip
        if event.get("timed_out"):
            message = f"Sensor has timed out after {self.timeout:g} s. {_awaited(self.watch(), str(event['line']))}"
            if self.soft_fail or self.never_fail:
                self.log.warning("%s", message)  # Airflow 3 puts a sentence of its own in place of the reason
                raise AirflowSkipException(message)
            raise AirflowSensorTimeout(message)
        if event.get("hopeless"):
            raise AzureConflictError(self.resource_id(), str(event["hopeless"]))
        self.log.info("%s", event["line"])
        return self.facts(event["state"])

    def _defer(self, watch: Watch) -> None:
        now, patience = datetime.now(UTC), timedelta(seconds=self.timeout)
        self.defer(
            trigger=AzureStateTrigger(
                azure_conn_id=self.hook.azure_conn_id,
                subscription_id=self.hook.subscription_id,
                watch=watch.to_json(),
                poll_interval_s=self.poke_interval,
                deadline=(now + patience).isoformat(),
                since=now.isoformat(),
                not_before=earliest_resume(),
            ),
            method_name="execute_complete",
            timeout=patience + _GRACE,
        )


async def _look(azure: AzureSession, watch: Watch) -> ResourceState:
    from airflow_provider_netconn.azure.polling import read_all

    state = watch.look(await read_all(azure, watch.scopes))
    if (state.settled or state.hopeless) and len(watch.scopes) > 1:
        # One of them may have been answered late, after retries; what is decided is looked at once more as a whole.
        state = watch.look(await read_all(azure, watch.scopes))
    return state


def _awaited(watch: Watch, line: str) -> str:
    return f"Waited for: {watch.awaited}. Last seen: {line}"
