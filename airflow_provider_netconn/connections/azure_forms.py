"""How Azure's services are named in connections: endpoints, accounts, connection strings, clouds."""

from __future__ import annotations

import re
from typing import Any, Final

from airflow_provider_netconn.connections.fields import Address, Reading
from airflow_provider_netconn.connections.forms import connection_string_endpoint, web_address
from airflow_provider_netconn.connections.names import Origin, host_name, origin

RESOURCE_MANAGERS: Final = {
    "AzurePublicCloud": "management.azure.com",
    "AzureUSGovernment": "management.usgovcloudapi.net",
    "AzureChinaCloud": "management.chinacloudapi.cn",
}
"""Azure Resource Manager by cloud (apache-airflow-providers-microsoft-azure 15.2.1: _AZURE_CLOUD_ENVIRONMENTS)."""
_PUBLIC: Final = "AzurePublicCloud"
_ENDPOINT_REMEDY: Final = "write the endpoint's URL, which starts with https://"


def public_resource_manager(_reading: Reading) -> tuple[Address, ...]:
    """Azure Resource Manager of the public cloud, which the hook dials whatever ``cloud_environment`` says."""
    return (_resource_manager(RESOURCE_MANAGERS[_PUBLIC]),)


def resource_manager_of_cloud(reading: Reading) -> tuple[Address, ...]:
    """Azure Resource Manager of the cloud that ``cloud_environment`` names; an unknown one is the public cloud."""
    cloud = reading.fields.extra.get("cloud_environment")
    host = RESOURCE_MANAGERS.get(cloud) if isinstance(cloud, str) else None
    return (_resource_manager(host or RESOURCE_MANAGERS[_PUBLIC]),)


def _resource_manager(host: str) -> Address:
    return Address(host=host, port=443, protocol="https")


def key_file(reading: Reading) -> tuple[Address, ...]:
    """None: the address stands in the file."""
    raise reading.refusal(
        "names a file on the worker, which holds the address of Azure Resource Manager", "write its text into key_json"
    )


def key_json(reading: Reading) -> tuple[Address, ...]:
    """``resourceManagerEndpointUrl`` of a service principal's JSON, as ``get_client_from_json_dict`` reads it."""
    settings: dict[str, Any] = reading.fields.extra.get("key_json") or {}
    url = settings.get("resourceManagerEndpointUrl")
    if url is None:
        return public_resource_manager(reading)
    if not isinstance(url, str):
        raise reading.refusal("its resourceManagerEndpointUrl is no text", _ENDPOINT_REMEDY)
    return (_endpoint(reading, url),)


def endpoint_url(reading: Reading) -> tuple[Address, ...]:
    """The URL of a service; what stands after the host is dropped. Without a scheme the client dials nothing."""
    return (_endpoint(reading, reading.text),)


def _endpoint(reading: Reading, url: str) -> Address:
    if "://" not in url:
        raise reading.refusal("is no URL, and the client puts no scheme before it", _ENDPOINT_REMEDY)
    return web_address(origin(reading, url.strip()), reading)


def analysis_services_region(reading: Reading) -> tuple[Address, ...]:
    """A region's host name alone; the hook puts ``https://`` before it."""
    return (Address(host=host_name(reading, reading.text.strip().rstrip("/")), port=443),)


def registry_server(reading: Reading) -> tuple[Address, ...]:
    """A container registry's login server, without a scheme."""
    return (Address(host=host_name(reading, reading.text), port=443),)


def kusto_cluster(reading: Reading) -> tuple[Address, ...]:
    """A cluster's URL, perhaps with settings after it, or a Kusto connection string: ``Data Source=https://...``."""
    text = reading.text
    if "=" not in text.partition(";")[0]:
        return (_endpoint(reading, text.partition(";")[0]),)
    pairs = (pair.partition("=") for pair in text.split(";"))
    url = next((value.strip() for key, _, value in pairs if key.strip().lower() in _KUSTO_SOURCES), None)
    if url is None:
        raise reading.refusal("the connection string names no Data Source", _ENDPOINT_REMEDY)
    return (_endpoint(reading, url),)


_KUSTO_SOURCES: Final = ("data source", "addr", "address", "network address", "server")


def file_connection_string(reading: Reading) -> tuple[Address, ...]:
    """A storage connection string, by its file endpoint."""
    return (connection_string_endpoint(reading, "file"),)


def file_account(reading: Reading) -> tuple[Address, ...]:
    """The name of a storage account, in the public cloud, by its ``file`` endpoint; or the endpoint's URL."""
    text = reading.text
    if text.lower().startswith("https"):
        return (_endpoint(reading, text),)
    if re.fullmatch(r"[A-Za-z0-9-]+", text) is None:
        raise reading.refusal("the hook takes an account's bare name or a URL with https:// here", "write one of these")
    host = host_name(reading, f"{text.lower()}.file.core.windows.net")
    return (web_address(Origin(scheme="https", host=host, port=None), reading),)


def service_bus_namespace(reading: Reading) -> tuple[Address, ...]:
    """A namespace's host name, for its messages (AMQP 1.0)."""
    return (Address(host=_namespace(reading), port=5671),)


def service_bus_administration(reading: Reading) -> tuple[Address, ...]:
    """A namespace's host name, for its administration (HTTPS)."""
    return (Address(host=_namespace(reading), port=443, protocol="https"),)


def _namespace(reading: Reading) -> str:
    # The SDK drops a scheme and a path here.
    text = re.sub(r"^[a-z]+://", "", reading.text.strip(), flags=re.IGNORECASE).partition("/")[0]
    return host_name(reading, text)


def service_bus_string(reading: Reading) -> tuple[Address, ...]:
    """The endpoint of a Service Bus connection string: for its messages. Only the emulator's port counts."""
    found, emulated = _service_bus_endpoint(reading)
    return (Address(host=found.host, port=(found.port or 5672) if emulated else 5671),)


def service_bus_string_administration(reading: Reading) -> tuple[Address, ...]:
    """The endpoint of a Service Bus connection string, for its administration: HTTPS, the emulator's too."""
    found, _ = _service_bus_endpoint(reading)
    return (Address(host=found.host, port=found.port or 443, protocol="https"),)


def _service_bus_endpoint(reading: Reading) -> tuple[Origin, bool]:
    """As ``_parse_conn_str`` of azure-servicebus."""
    pairs = [pair.partition("=") for pair in reading.text.strip().rstrip(";").split(";")]
    if not all(mark for _, mark, _ in pairs):
        raise reading.refusal("is no connection string", "copy it from the namespace's page 'Shared access policies'")
    settings = {key.lower(): value for key, _, value in pairs}
    url = settings.get("endpoint") or settings.get("hostname") or ""
    if "://" not in url:
        raise reading.refusal("the connection string names no endpoint", "it needs Endpoint=sb://...")
    return origin(reading, url), settings.get("usedevelopmentemulator") == "true"


def microsoft_graph(_reading: Reading) -> tuple[Address, ...]:
    """Microsoft Graph of the global cloud."""
    return (Address(host="graph.microsoft.com", port=443, protocol="https"),)


def power_bi(_reading: Reading) -> tuple[Address, ...]:
    """Power BI of the global cloud, which the hook names itself."""
    return (Address(host="api.powerbi.com", port=443, protocol="https"),)


def graph_host(reading: Reading) -> tuple[Address, ...]:
    """A host, to which ``schema`` is the scheme; without one the hook passes the host by."""
    scheme = reading.fields.schema
    if not scheme:
        return microsoft_graph(reading)
    return (web_address(origin(reading, f"{scheme}://{reading.text}"), reading),)
