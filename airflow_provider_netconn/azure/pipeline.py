"""The pipeline that all clients share: what a request passes through, from the caller to the wire.

One set of rules for the SDK's clients and for the generic one, on an event loop and without; ``docs/azure.md`` says
which failure is met how. Import this module when a session is opened: it brings azure-core and azure-mgmt-core.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from azure.core.pipeline import AsyncPipeline, Pipeline
from azure.core.pipeline.policies import (
    ContentDecodePolicy,
    HeadersPolicy,
    ProxyPolicy,
    RequestIdPolicy,
    UserAgentPolicy,
)
from azure.mgmt.core.policies import ARMHttpLoggingPolicy

from airflow_provider_netconn import __version__
from airflow_provider_netconn.azure.answers import CORRELATION
from airflow_provider_netconn.azure.credentials import async_credential, credential
from airflow_provider_netconn.azure.failures import ErrorRules
from airflow_provider_netconn.azure.http_log import HTTP_LOG
from airflow_provider_netconn.azure.operations import OperationRules
from airflow_provider_netconn.azure.retries import RetryRules
from airflow_provider_netconn.azure.settings import AzureSettings
from airflow_provider_netconn.azure.steps import AsyncRulesPolicy, RulesPolicy
from airflow_provider_netconn.azure.throttling import ThrottleBook
from airflow_provider_netconn.azure.tokens import AsyncTokenSource, TokenRules, TokenSource
from airflow_provider_netconn.azure.transports import async_transport, transport

USER_AGENT = f"airflow-provider-netconn/{__version__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Time limits where the caller sets no deadline, in seconds.

    :param timeout_s: for a request with its repetitions, and for an operation
    :param request_timeout_s: for the answer to one request
    """

    timeout_s: float = 600.0
    request_timeout_s: float = 60.0


def async_pipeline(
    settings: AzureSettings, limits: Limits, book: ThrottleBook
) -> tuple[AsyncPipeline[Any, Any], AsyncTokenSource]:
    """The pipeline for clients on the running event loop, and where its tokens come from; close both.

    What goes wrong in it is raised as one of :class:`airflow_provider_netconn.errors.AzureError`.
    """
    tokens = AsyncTokenSource(lambda: async_credential(settings), settings.cloud.scope)
    policies = [
        *_outer_policies(),
        AsyncRulesPolicy(ErrorRules(settings.sign_in)),
        ContentDecodePolicy(),
        AsyncRulesPolicy(OperationRules(timeout_s=limits.timeout_s)),
        AsyncRulesPolicy(_retries(limits, book)),
        AsyncRulesPolicy(_tokens(settings), tokens),
        ARMHttpLoggingPolicy(logger=HTTP_LOG),
    ]
    return AsyncPipeline(async_transport(settings.ca_file), policies), tokens


def pipeline(settings: AzureSettings, limits: Limits, book: ThrottleBook) -> tuple[Pipeline[Any, Any], TokenSource]:
    """The same for clients without an event loop, as users get them: its errors are azure-core's own."""
    tokens = TokenSource(lambda: credential(settings), settings.cloud.scope)
    policies = [
        *_outer_policies(),
        ContentDecodePolicy(),
        RulesPolicy(OperationRules(timeout_s=limits.timeout_s)),
        RulesPolicy(_retries(limits, book)),
        RulesPolicy(_tokens(settings), tokens),
        ARMHttpLoggingPolicy(logger=HTTP_LOG),
    ]
    return Pipeline(transport(settings.ca_file), policies), tokens


def _outer_policies() -> list[Any]:
    return [
        RequestIdPolicy(),  # the pollers read the header that it sets
        # One id for all that a session asks, as Terraform does it: the activity log shows them together.
        HeadersPolicy(base_headers={CORRELATION: str(uuid.uuid4())}),
        UserAgentPolicy(base_user_agent=USER_AGENT),
        ProxyPolicy(),
    ]


def _retries(limits: Limits, book: ThrottleBook) -> RetryRules:
    return RetryRules(book, timeout_s=limits.timeout_s, request_timeout_s=limits.request_timeout_s)


def _tokens(settings: AzureSettings) -> TokenRules:
    return TokenRules(settings.resource_manager, settings.auxiliary_tenants)
