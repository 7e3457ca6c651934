"""The rows of the table for the types of apache-airflow-providers-microsoft-azure, but for storage, and our own one.

To sign in, most of these hooks also ask Microsoft Entra ID (``login.microsoftonline.com``, or the cloud's own): a
public service, which is no address of the connection and no target.
"""

from __future__ import annotations

from typing import Final

from airflow_provider_netconn.connections import azure_forms, transports
from airflow_provider_netconn.connections.fields import (
    AddressField,
    ConnectionType,
    Locator,
    OwnAddress,
    TransportFields,
)

_AZURE: Final = "apache-airflow-providers-microsoft-azure 15.2.1"
_HOST: Final = Locator(column="host")
_SCHEMA: Final = Locator(column="schema")


def _extra(key: str, *, prefixed: bool = False) -> Locator:
    return Locator(column="extra", key=key, prefixed=prefixed)


_KEY_FILE: Final = AddressField(locator=_extra("key_path"), read=azure_forms.key_file, form="a file, which is not read")
_KEY_JSON: Final = AddressField(
    locator=_extra("key_json"), read=azure_forms.key_json, form="its resourceManagerEndpointUrl", kind=dict
)
_PUBLIC_CLOUD: Final = OwnAddress(read=azure_forms.public_resource_manager, form="management.azure.com")
_NAMESPACE: Final = _extra("fully_qualified_namespace", prefixed=True)
_GRAPH_VERIFY: Final = TransportFields(
    read=transports.graph_verify, form="`tls: no-verify` where `extra.verify` is false"
)


def _of_url(conn_type: str, *locators: Locator, source: str) -> ConnectionType:
    """A type whose fields hold the URL of its service's endpoint."""
    return ConnectionType(
        conn_type=conn_type,
        addresses=tuple(
            AddressField(locator=locator, read=azure_forms.endpoint_url, form="the endpoint's URL")
            for locator in locators
        ),
        default_port=443,
        protocol="https",
        source=f"{_AZURE}: {source}",
    )


def _of_resource_manager(conn_type: str, *fields: AddressField, own: OwnAddress, source: str) -> ConnectionType:
    """A type whose hook talks to Azure Resource Manager."""
    return ConnectionType(
        conn_type=conn_type,
        addresses=fields,
        own=own,
        default_port=443,
        protocol="https",
        source=f"{_AZURE}: {source}",
    )


AZURE_TYPES: Final = (
    # `cloud_environment` chooses where these sign in, and not whom they ask.
    _of_resource_manager(
        "azure", _KEY_FILE, _KEY_JSON, own=_PUBLIC_CLOUD, source="AzureBaseHook.get_conn; azure-common 1.1.28"
    ),
    _of_resource_manager("azure_compute", _KEY_FILE, _KEY_JSON, own=_PUBLIC_CLOUD, source="AzureComputeHook.get_conn"),
    _of_resource_manager(
        "azure_container_instance",
        _KEY_FILE,
        _KEY_JSON,
        own=OwnAddress(
            read=azure_forms.resource_manager_of_cloud,
            form="management.azure.com, or that of the cloud in extra.cloud_environment",
        ),
        source="AzureContainerInstanceHook.get_conn",
    ),
    ConnectionType(
        conn_type="azure_network",
        addresses=(
            AddressField(locator=_extra("arm_url"), read=azure_forms.endpoint_url, form="Resource Manager's URL"),
        ),
        own=OwnAddress(
            read=azure_forms.resource_manager_of_cloud,
            form="management.azure.com, or that of the cloud in extra.cloud_environment",
        ),
        default_port=443,
        protocol="https",
        source="this package: AzureNetworkHook.settings",
    ),
    _of_resource_manager("azure_data_factory", own=_PUBLIC_CLOUD, source="AzureDataFactoryHook._create_client"),
    _of_resource_manager(
        "azure_container_volume",
        # The hook takes but the key out of it; the account is where the container's volume lives.
        AddressField(
            locator=_extra("connection_string", prefixed=True),
            read=azure_forms.file_connection_string,
            form="a connection string",
        ),
        own=_PUBLIC_CLOUD,
        source="AzureContainerVolumeHook.get_storagekey",
    ),
    ConnectionType(
        conn_type="azure_fileshare",
        addresses=(
            AddressField(
                locator=_extra("connection_string"),
                read=azure_forms.file_connection_string,
                form="a connection string",
            ),
            AddressField(
                locator=Locator(column="login"),
                read=azure_forms.file_account,
                form="the account's name, or its URL",
            ),
        ),
        default_port=443,
        protocol="https",
        source=f"{_AZURE}: AzureFileShareHook.share_service_client, _parse_account_url; "
        "azure-storage-file-share 12.27.1: parse_connection_str",
    ),
    _of_url(
        "azure_batch",
        _extra("account_url", prefixed=True),
        source="AzureBatchHook.get_conn",
    ),
    _of_url("azure_cosmos", Locator(column="login"), source="AzureCosmosDBHook.get_conn"),
    ConnectionType(
        conn_type="azure_data_explorer",
        addresses=(
            AddressField(locator=_HOST, read=azure_forms.kusto_cluster, form="the cluster's URL, or a Kusto string"),
        ),
        default_port=443,
        protocol="https",
        source=f"{_AZURE}: AzureDataExplorerHook.get_conn; azure-kusto-data 6.0.4: KustoConnectionStringBuilder",
    ),
    ConnectionType(
        conn_type="azure_container_registry",
        addresses=(AddressField(locator=_HOST, read=azure_forms.registry_server, form="the login server"),),
        default_port=443,
        protocol="https",
        source=f"{_AZURE}: AzureContainerRegistryHook.get_conn",
    ),
    ConnectionType(
        conn_type="azure_service_bus",
        addresses=(
            AddressField(locator=_SCHEMA, read=azure_forms.service_bus_string, form="a connection string"),
            AddressField(locator=_NAMESPACE, read=azure_forms.service_bus_namespace, form="the namespace's host name"),
        ),
        # Messages go by AMQP, queues and topics are made by HTTPS: two hooks, one connection.
        further=(
            AddressField(
                locator=_SCHEMA, read=azure_forms.service_bus_string_administration, form="a connection string"
            ),
            AddressField(
                locator=_NAMESPACE,
                read=azure_forms.service_bus_administration,
                form="the namespace's host name",
                unless=(_SCHEMA,),
            ),
        ),
        default_port=5671,
        protocol="amqps10",
        transport=TransportFields(
            read=transports.service_bus_tls, form="`amqp10` where `schema` has `UseDevelopmentEmulator=true`"
        ),
        source=f"{_AZURE}: MessageHook.get_conn, AdminClientHook.get_conn; azure-servicebus 7.15.0: _parse_conn_str",
    ),
    _of_url("azure_synapse", _HOST, source="AzureSynapseHook.get_conn"),
    _of_url(
        "azure_ai_agents",
        _HOST,
        _extra("endpoint", prefixed=True),
        source="AzureAIAgentsHook._get_endpoint",
    ),
    ConnectionType(
        conn_type="azure_analysis_services",
        addresses=(
            AddressField(locator=_HOST, read=azure_forms.analysis_services_region, form="the region's host name"),
        ),
        default_port=443,
        protocol="https",
        source=f"{_AZURE}: AzureAnalysisServicesHook._get_base_url",
    ),
    ConnectionType(
        conn_type="msgraph",
        addresses=(
            AddressField(locator=_extra("base_url"), read=azure_forms.endpoint_url, form="the service's URL"),
            AddressField(
                locator=_HOST,
                read=azure_forms.graph_host,
                form="a host name, its scheme in schema",
                only_if=_SCHEMA,
            ),
        ),
        own=OwnAddress(read=azure_forms.microsoft_graph, form="graph.microsoft.com"),
        default_port=443,
        protocol="https",
        transport=_GRAPH_VERIFY,
        source=f"{_AZURE}: KiotaRequestAdapterHook.get_host, get_base_url",
    ),
    ConnectionType(
        conn_type="powerbi",
        addresses=(AddressField(locator=_extra("base_url"), read=azure_forms.endpoint_url, form="the service's URL"),),
        own=OwnAddress(read=azure_forms.power_bi, form="api.powerbi.com"),
        default_port=443,
        protocol="https",
        transport=_GRAPH_VERIFY,
        source=f"{_AZURE}: PowerBIHook.__init__, KiotaRequestAdapterHook.get_base_url",
    ),
)
"""The rows, in the order of the provider's packages."""
