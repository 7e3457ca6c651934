"""A session with Azure: one identity, one pipeline, and all clients on it.

Importing this module costs nothing. Opening a session imports azure-core, azure-identity and aiohttp, and asking for a
typed client imports its SDK: in a thread, since in a triggerer the loop is everybody's.
"""

from __future__ import annotations

import asyncio
import importlib
from types import TracebackType
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.azure.permissions import MissingPermissions, missing_permissions
from airflow_provider_netconn.azure.settings import AzureSettings
from airflow_provider_netconn.azure.throttling import ThrottleBook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from typing import Self

    from azure.mgmt.authorization.aio import AuthorizationManagementClient
    from azure.mgmt.dnsresolver.aio import DnsResolverManagementClient
    from azure.mgmt.network.aio import NetworkManagementClient
    from azure.mgmt.privatedns.aio import PrivateDnsManagementClient

    from airflow_provider_netconn.azure.arm import ArmClient
    from airflow_provider_netconn.azure.identity import Identity
    from airflow_provider_netconn.azure.pipeline import Limits

_ROOM = "airflow_provider_netconn.azure"


class AzureSession:
    """A session with Azure, on an event loop: ``async with AzureSession(settings) as azure``.

    All that goes wrong is one of :class:`airflow_provider_netconn.errors.AzureError`, from the typed clients too. Set a
    deadline around what you do: :func:`airflow_provider_netconn.azure.deadlines.deadline`.

    :param settings: as whom, and where
    :param timeout_s: for a request with its repetitions, and for an operation, where no deadline is set; in seconds
    :param request_timeout_s: for the answer to one request
    :param book: who is throttled; give sessions of one principal the same
    """

    arm: ArmClient
    """The client for any resource id."""

    def __init__(
        self,
        settings: AzureSettings,
        *,
        timeout_s: float = 600.0,
        request_timeout_s: float = 60.0,
        book: ThrottleBook | None = None,
    ) -> None:
        self.settings = settings
        self._timeout_s = timeout_s
        self._request_timeout_s = request_timeout_s
        self._book = book or ThrottleBook()
        self._clients: dict[tuple[str, str], Any] = {}

    async def __aenter__(self) -> Self:
        module = await _load(f"{_ROOM}.pipeline")
        arm = await _load(f"{_ROOM}.arm")
        limits: Limits = module.Limits(timeout_s=self._timeout_s, request_timeout_s=self._request_timeout_s)
        self._pipeline, self._tokens = module.async_pipeline(self.settings, limits, self._book)
        self.arm = arm.ArmClient(self._pipeline, self.settings.resource_manager, timeout_s=self._timeout_s)
        await self._pipeline.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clients.clear()  # they all share the one pipeline, and have nothing of their own to close
        try:
            await self._tokens.close()
        finally:
            await self._pipeline.__aexit__(kind, error, trace)

    async def network(self, subscription_id: str = "") -> NetworkManagementClient:
        """``azure.mgmt.network``: networks, peerings, private endpoints, hubs, VPN.

        :param subscription_id: by default the one of the settings; likewise below
        """
        client: NetworkManagementClient = await self._client(
            "azure.mgmt.network.aio", "NetworkManagementClient", subscription_id
        )
        return client

    async def private_dns(self, subscription_id: str = "") -> PrivateDnsManagementClient:
        """``azure.mgmt.privatedns``: zones, links, records."""
        client: PrivateDnsManagementClient = await self._client(
            "azure.mgmt.privatedns.aio", "PrivateDnsManagementClient", subscription_id
        )
        return client

    async def dns_resolver(self, subscription_id: str = "") -> DnsResolverManagementClient:
        """``azure.mgmt.dnsresolver``: resolvers, forwarding rulesets."""
        client: DnsResolverManagementClient = await self._client(
            "azure.mgmt.dnsresolver.aio", "DnsResolverManagementClient", subscription_id
        )
        return client

    async def authorization(self, subscription_id: str = "") -> AuthorizationManagementClient:
        """``azure.mgmt.authorization``: role definitions and assignments."""
        client: AuthorizationManagementClient = await self._client(
            "azure.mgmt.authorization.aio", "AuthorizationManagementClient", subscription_id
        )
        return client

    async def missing_permissions(self, scope: str, actions: Sequence[str]) -> MissingPermissions:
        """Which of these actions we lack at a scope; "unknown" where that cannot be read."""
        return await missing_permissions(self.arm, scope, actions)

    def subscriptions(self) -> AsyncIterator[dict[str, Any]]:
        """The subscriptions in which we have a role: ``subscriptionId``, ``displayName``, ``tenantId``, ``state``."""
        return self.arm.list("/subscriptions", api_version="2022-12-01")

    async def identity(self) -> Identity:
        """Who we are, as our token says.

        :raises AzureSignInError: there is no token
        """
        from azure.core.exceptions import AzureError as SdkError

        from airflow_provider_netconn.azure.failures import sign_in_error
        from airflow_provider_netconn.azure.identity import identity_of
        from airflow_provider_netconn.azure.steps import GetToken

        try:
            token = await self._tokens.get(GetToken())
        except SdkError as error:
            raise sign_in_error(self.settings.resource_manager, error, self.settings.sign_in) from error
        return identity_of(token.token, self.settings, self._tokens.credential)

    async def _client(self, module_name: str, class_name: str, subscription_id: str) -> Any:
        chosen = subscription_id or self.settings.required_subscription_id
        key = (class_name, chosen)
        if key not in self._clients:
            kind = getattr(await _load(module_name), class_name)
            # Most of its time goes into the operations of all resource types, which it makes at once.
            self._clients[key] = await asyncio.to_thread(
                kind,
                self._tokens,  # never asked: the pipeline has the token
                chosen,
                base_url=self.settings.resource_manager,
                pipeline=self._pipeline,
                polling_interval=2,
            )
        return self._clients[key]


async def _load(name: str) -> Any:
    return await asyncio.to_thread(importlib.import_module, name)
