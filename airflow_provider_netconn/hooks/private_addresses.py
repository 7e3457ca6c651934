"""For ``private_resolution``: the private addresses of an endpoint's public names, asked of Azure by a connection."""

from __future__ import annotations

from airflow_provider_netconn.hooks.azure_network import AzureNetworkHook


def private_endpoint_addresses(
    endpoint_id: str, *, azure_conn_id: str = AzureNetworkHook.default_conn_name, timeout_s: float = 60.0
) -> dict[str, tuple[str, ...]]:
    """The private addresses of each public name of a private endpoint.

    ``with private_resolution(addresses=private_endpoint_addresses(endpoint_id)): ...``

    :param endpoint_id: id of the private endpoint; its connection must be approved
    :param azure_conn_id: connection of the type ``azure_network`` or ``azure``; it needs
        ``Microsoft.Network/privateEndpoints/read``
    :param timeout_s: limit of all questions together, in seconds
    :raises InvalidInputError: the id is none of a private endpoint, or the connection is not valid
    :raises AzureError: Azure does not tell, or there is no such endpoint, or it is not approved
    """
    from airflow_provider_netconn.azure.deadlines import deadline
    from airflow_provider_netconn.azure.endpoint_addresses import endpoint_addresses

    with deadline(timeout_s), AzureNetworkHook(azure_conn_id).session() as azure:
        return azure.run(endpoint_addresses, endpoint_id)
