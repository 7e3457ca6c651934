"""Each type of the Azure provider: the address in the table is the one that its real hook asks for first."""

import asyncio
import itertools

import pytest

from tests.providers.conftest import CANARY, places
from tests.providers.dialling import first_look_up

pytest.importorskip("airflow.providers.microsoft.azure", reason="the Azure provider is not installed")

KEY = "a2V5"
SIGNED_IN = {"login": "66666666-7777-8888-9999-000000000000", "password": CANARY}
TENANT = {"tenantId": "11111111-2222-3333-4444-555555555555"}
SUBSCRIPTION = {"subscriptionId": "22222222-3333-4444-5555-666666666666"}
STRING = f"DefaultEndpointsProtocol=https;AccountName=orders;AccountKey={KEY};EndpointSuffix=core.windows.net"
BUS = f"SharedAccessKeyName=all;SharedAccessKey={KEY}"


def hook_class(path: str):
    module, _, name = path.rpartition(".")
    return getattr(pytest.importorskip(f"airflow.providers.microsoft.azure.hooks.{module}"), name)


def arm(conn_id: str):
    from azure.mgmt.network import NetworkManagementClient

    def make(credentials, subscription_id):  # the hook's keyword is that of the SDKs of old
        return NetworkManagementClient(credentials, subscription_id)

    next(iter(hook_class("base_azure.AzureBaseHook")(make, conn_id).get_conn().virtual_networks.list_all()))


def analysis_services(conn_id: str):
    hook = hook_class("analysis_services.AzureAnalysisServicesHook")(conn_id)
    asyncio.run(hook.get_refresh_status("server", "database", "id"))


def graph(name: str):
    def dial(conn_id: str):
        hook_class(name).cached_request_adapters.clear()
        asyncio.run(hook_class(name)(conn_id=conn_id).run("me"))

    return dial


def kusto(conn_id: str):
    from azure.kusto.data._cloud_settings import CloudSettings

    CloudSettings._cloud_cache.clear()
    hook_class("adx.AzureDataExplorerHook")(conn_id).get_conn().execute("db", "print 1")


DIAL = {
    "azure": arm,
    "azure_compute": lambda c: next(hook_class("compute.AzureComputeHook")(c).connection.virtual_machines.list_all()),
    "azure_container_instance": lambda c: hook_class("container_instance.AzureContainerInstanceHook")(
        c
    ).test_connection(),
    "azure_data_factory": lambda c: next(
        iter(hook_class("data_factory.AzureDataFactoryHook")(c).get_conn().factories.list())
    ),
    "azure_container_volume": lambda c: hook_class("container_volume.AzureContainerVolumeHook")(c).get_storagekey(
        storage_account_name="orders"
    ),
    "azure_fileshare": lambda c: hook_class("fileshare.AzureFileShareHook")(
        azure_fileshare_conn_id=c
    ).test_connection(),
    "azure_batch": lambda c: hook_class("batch.AzureBatchHook")(c).test_connection(),
    "azure_cosmos": lambda c: hook_class("cosmos.AzureCosmosDBHook")(c).get_conn(),
    "azure_data_explorer": kusto,
    "azure_synapse": lambda c: (
        hook_class("synapse.AzureSynapseHook")(c, spark_pool="pool").get_conn().spark_batch.get_spark_batch_jobs()
    ),
    "azure_ai_agents": lambda c: next(iter(hook_class("ai_agents.AzureAIAgentsHook")(c).get_conn().connections.list())),
    "azure_analysis_services": analysis_services,
    "msgraph": graph("msgraph.KiotaRequestAdapterHook"),
    "powerbi": graph("powerbi.PowerBIHook"),
    "wasb": lambda c: hook_class("wasb.WasbHook")(c).test_connection(),
    "azure_data_lake": lambda c: hook_class("data_lake.AzureDataLakeHook")(c).get_conn().ls("/"),
}
"""What makes a hook of each type dial."""

CASES = {
    "azure": [
        {"extra": SUBSCRIPTION | {"use_azure_identity_object": True}},
        {"extra": SUBSCRIPTION | {"use_azure_identity_object": True, "cloud_environment": "AzureChinaCloud"}},
        SIGNED_IN
        | {"extra": SUBSCRIPTION | TENANT | {"use_azure_identity_object": True}, "host": "not.read", "port": 1},
    ],
    "azure_compute": [{"extra": SUBSCRIPTION}, SIGNED_IN | {"extra": SUBSCRIPTION | TENANT, "host": "not.read"}],
    "azure_container_instance": [
        {"extra": SUBSCRIPTION},
        SIGNED_IN | {"extra": SUBSCRIPTION | TENANT, "host": "not.read", "port": 1},
        *(
            {"extra": SUBSCRIPTION | {"cloud_environment": cloud}}
            for cloud in ("AzurePublicCloud", "AzureUSGovernment", "AzureChinaCloud", "AzureGermanCloud", "")
        ),
    ],
    "azure_data_factory": [
        {"extra": SUBSCRIPTION},
        {"extra": {"extra__azure_data_factory__subscriptionId": "2"}, "host": "not.read"},
        SIGNED_IN | {"extra": SUBSCRIPTION | TENANT | {"cloud_environment": "AzureChinaCloud"}},
    ],
    "azure_container_volume": [
        {"extra": {"subscription_id": "2", "resource_group": "g"}},
        {"extra": {"extra__azure_container_volume__subscription_id": "2", "resource_group": "g"}, "host": "not.read"},
    ],
    "azure_fileshare": [
        {"login": "orders", "password": KEY},
        {"login": "Orders", "password": KEY, "host": "not.read", "port": 1},
        {"login": "orders", "extra": {"sas_token": "sv=2024&sig=x"}},
        {"login": "orders"},
        {"login": "https://orders.file.core.usgovcloudapi.net", "password": KEY},
        {"login": "https://orders.privatelink.file.core.windows.net/", "password": KEY},
        {"login": "HTTPS://orders.file.core.windows.net:8443", "password": KEY},
        {"login": "other", "password": KEY, "extra": {"connection_string": STRING}},
        {"extra": {"connection_string": f"AccountName=orders;AccountKey={KEY}"}},
        {"extra": {"connection_string": f"{STRING};FileEndpoint=https://orders.corp.example:8443/"}},
        {"extra": {"connection_string": f"{STRING};BlobEndpoint=https://orders.blob.corp.example/"}},
    ],
    "azure_batch": [
        {"login": "orders", "password": KEY, "extra": {"account_url": "https://orders.westeurope.batch.azure.com"}},
        {"extra": {"extra__azure_batch__account_url": "https://orders.westeurope.batch.azure.com/"}},
        {"extra": {"account_url": "https://orders.westeurope.batch.azure.com:8443"}, "host": "not.read", "port": 1},
    ],
    "azure_cosmos": [
        {"login": "https://orders.documents.azure.com:443/", "password": KEY},
        {"login": "https://orders.documents.azure.com", "password": KEY, "host": "not.read", "port": 1},
        {"login": "https://orders.privatelink.documents.azure.com:8443/", "password": KEY},
    ],
    "azure_data_explorer": [
        SIGNED_IN | {"host": host, "extra": {"auth_method": "AAD_APP", "tenant": "t"}, "port": 1}
        for host in (
            "https://orders.westeurope.kusto.windows.net",
            "https://orders.kusto.windows.net:8443/",
            "https://orders.kusto.windows.net;Initial Catalog=sales",
            "Data Source=https://orders.kusto.windows.net;Initial Catalog=sales",
        )
    ],
    "azure_synapse": [
        SIGNED_IN | {"host": "https://orders.dev.azuresynapse.net", "extra": SUBSCRIPTION | TENANT},
        {"host": "https://orders.dev.azuresynapse.net:8443/", "extra": SUBSCRIPTION, "port": 1},
    ],
    "azure_ai_agents": [
        {"host": "https://orders.services.ai.azure.com/api/projects/p", "extra": {"endpoint": "https://not.read"}},
        {"extra": {"endpoint": "https://orders.services.ai.azure.com/api/projects/p/"}, "port": 1},
        SIGNED_IN
        | {"extra": TENANT | {"extra__azure_ai_agents__endpoint": "https://orders.services.ai.azure.com:8443"}},
    ],
    "azure_analysis_services": [
        SIGNED_IN | {"host": host, "extra": TENANT, "port": 1}
        for host in ("westeurope.asazure.windows.net", " westeurope.asazure.windows.net/ ")
    ],
    "msgraph": [
        SIGNED_IN | {"extra": TENANT},
        SIGNED_IN | {"extra": TENANT, "host": "graph.microsoft.us"},  # no scheme: the hook passes it by
        SIGNED_IN | {"extra": TENANT, "host": "graph.microsoft.us", "schema": "https", "port": 1},
        SIGNED_IN | {"extra": TENANT, "schema": "https"},
        SIGNED_IN | {"extra": TENANT | {"base_url": "https://graph.corp.example:8443/v1.0"}},
        SIGNED_IN | {"extra": TENANT | {"api_version": "beta", "verify": False}},
    ],
    "powerbi": [
        SIGNED_IN | {"extra": TENANT},
        SIGNED_IN | {"extra": TENANT, "host": "not.read", "schema": "https", "port": 1},
        SIGNED_IN | {"extra": TENANT | {"base_url": "https://api.powerbigov.us/"}},
    ],
    "wasb": [
        {"login": "orders", "password": KEY},
        {"host": "https://orders.blob.core.windows.net", "password": KEY, "port": 1},
        {"host": "orders.privatelink.blob.core.windows.net:8443", "login": "x", "password": KEY},
        {"host": "11111111-2222-3333-4444-555555555555", "login": "orders", "password": KEY},
        SIGNED_IN | {"host": "https://orders.blob.core.windows.net", "extra": {"tenant_id": "t"}},
        {"login": "x", "extra": {"sas_token": "https://orders.blob.core.windows.net/?sv=2024&sig=x"}},
        {"login": "orders", "extra": {"sas_token": "sv=2024&sig=x", "connection_verify": False}},
        {"login": "a" * 30, "extra": {"extra__wasb__shared_access_key": KEY}},
        {"host": "not.read", "extra": {"connection_string": STRING}},
        {
            "extra": {
                "connection_string": f"BlobEndpoint=http://azurite:10000/orders;AccountName=orders;AccountKey={KEY}"
            }
        },
    ],
    "azure_data_lake": [
        SIGNED_IN | {"extra": {"account_name": "orders", "tenant": "t"}, "port": 1},
        {"extra": {"extra__azure_data_lake__account_name": "orders"}, "host": "not.read"},
    ],
}


@pytest.mark.parametrize(
    ("conn_type", "fields"),
    [pytest.param(kind, fields, id=f"{kind}-{number}") for kind in CASES for number, fields in enumerate(CASES[kind])],
)
def test_hook_asks_for_the_address_of_the_table(conn_type, fields, connection, signed_in):
    conn_id = connection(conn_type, **fields)
    assert [first_look_up(lambda: DIAL[conn_type](conn_id))] == places(conn_type, **fields)


LAKES = [
    {"host": "orders", "password": KEY, "port": 1},
    {"host": "x", "password": KEY, "extra": {"account_url": "https://orders.dfs.core.windows.net:8443"}},
    {"password": KEY, "extra": {"account_url": "orders.privatelink.dfs.core.windows.net"}},
    {"extra": {"connection_string": STRING}, "port": 1},
    {"extra": {"extra__adls__connection_string": STRING}},
    SIGNED_IN | {"host": "orders", "extra": {"tenant_id": "t", "connection_verify": False}},
]


@pytest.mark.parametrize("fields", LAKES)
def test_data_lake_has_an_address_for_files_and_one_for_file_systems(fields, connection, signed_in):
    hook = hook_class("data_lake.AzureDataLakeStorageV2Hook")(connection("adls", **fields))
    files = first_look_up(lambda: hook.list_files_directory("fs", "folder"))
    hook = hook_class("data_lake.AzureDataLakeStorageV2Hook")("orders")
    assert [files, first_look_up(hook.test_connection)] == places("adls", **fields)


BUSES = [
    {"schema": f"Endpoint=sb://orders.servicebus.windows.net/;{BUS}"},
    {"schema": f"Endpoint=sb://orders.servicebus.windows.net/;{BUS};EntityPath=q", "host": "not.read", "port": 1},
    {"schema": f"Endpoint=sb://orders.servicebus.windows.net:8443/;{BUS}"},
    {"schema": f"endpoint=sb://orders.privatelink.servicebus.windows.net;{BUS}"},
    {"schema": f"Endpoint=sb://localhost;{BUS};UseDevelopmentEmulator=true"},
    {"schema": f"Endpoint=sb://localhost:5673;{BUS};UseDevelopmentEmulator=true"},
    {"schema": "", "extra": {"fully_qualified_namespace": "orders.servicebus.windows.net"}},
    {"schema": "", "extra": {"extra__azure_service_bus__fully_qualified_namespace": "orders.servicebus.windows.net"}},
]


@pytest.mark.parametrize("fields", BUSES)
def test_service_bus_has_an_address_for_messages_and_one_for_administration(fields, connection, signed_in):
    conn_id = connection("azure_service_bus", **fields)

    def messages():
        hook_class("asb.MessageHook")(azure_service_bus_conn_id=conn_id).send_message("q", "message")

    def administration():
        hook_class("asb.AdminClientHook")(azure_service_bus_conn_id=conn_id).create_queue("queue")

    found = [first_look_up(messages), first_look_up(administration)]
    assert list(dict.fromkeys(found)) == list(dict.fromkeys(places("azure_service_bus", **fields)))


def test_container_registry_names_the_login_server(connection):
    fields = {"host": "orders.azurecr.io", "login": "orders", "password": CANARY, "port": 1}
    hook = hook_class("container_registry.AzureContainerRegistryHook")(connection("azure_container_registry", **fields))
    assert [(hook.connection.server, 443)] == places("azure_container_registry", **fields)


def test_container_volume_with_a_connection_string_names_the_account(connection):
    fields = {"extra": {"connection_string": STRING}}
    hook = hook_class("container_volume.AzureContainerVolumeHook")(connection("azure_container_volume", **fields))
    volume = hook.get_file_volume("mount", "share", "orders")
    assert [(f"{volume.azure_file.storage_account_name}.file.core.windows.net", 443)] == places(
        "azure_container_volume", **fields
    )


def test_every_type_of_the_provider_has_a_row_and_a_case():
    from airflow.providers.microsoft.azure.get_provider_info import get_provider_info

    from airflow_provider_netconn.connections import CONNECTION_TYPES

    types = {row["connection-type"] for row in get_provider_info()["connection-types"]}
    assert types - set(CONNECTION_TYPES) == set()
    elsewhere = {"adls", "azure_service_bus", "azure_container_registry"}
    assert types - set(itertools.chain(CASES, elsewhere)) == set()
