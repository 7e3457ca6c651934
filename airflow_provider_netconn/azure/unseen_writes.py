"""Writes of what may be written and not be read: followed to their operation's end, without a look at the resource."""

from __future__ import annotations

from typing import Any

from azure.core.polling.base_polling import LocationPolling, StatusCheckPolling
from azure.mgmt.core.polling.arm_polling import AzureAsyncOperationPolling, BodyContentPolling
from azure.mgmt.core.polling.async_arm_polling import AsyncARMPolling


class _OperationAlone(AzureAsyncOperationPolling[Any, Any]):
    def get_final_get_url(self, pipeline_response: Any) -> None:
        """None: the resource is not asked for."""


class UnseenWritePolling(AsyncARMPolling):
    """Gives what the write itself was answered, once its operation has ended; for azure-core's pollers.

    :param pause_s: between two polls, where Azure does not say
    """

    def __init__(self, pause_s: float = 2.0) -> None:
        algorithms = [_OperationAlone(), LocationPolling(), BodyContentPolling(), StatusCheckPolling()]
        super().__init__(pause_s, lro_algorithms=algorithms)

    def resource(self) -> Any:
        """The first answer."""
        return self._parse_resource(self._initial_response)
