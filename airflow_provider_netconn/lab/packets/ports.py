"""On which TCP ports a service answers. HTTPS where nothing else is said here.

Microsoft Learn: "Azure SQL Database and Azure Synapse Analytics connectivity architecture" (1433), "Networking overview
for Azure Database for PostgreSQL" (5432, and 6432 for PgBouncer), "Connect to Azure Database for MySQL" (3306), "Azure
Cache for Redis networking FAQ" (6380; 10000 for Enterprise), "Troubleshooting guide for Azure Service Bus" (5671, 5672,
443; Event Hubs also 9093 for Kafka), "SMB Azure file shares" (445), "Azure Cosmos DB service ports" (10255 for MongoDB,
10350 for Cassandra), "IoT Hub communication protocols" (8883, 5671), "MQTT in Azure Event Grid" (8883).
"""

from __future__ import annotations

from typing import Final

HTTPS: Final = (443,)
_MESSAGING: Final = (5671, 5672, 443)

OF_TYPES: Final = {
    "microsoft.cache/redis": (6380,),
    "microsoft.cache/redisenterprise": (10000,),
    "microsoft.dbformariadb/servers": (3306,),
    "microsoft.dbformysql/flexibleservers": (3306,),
    "microsoft.dbformysql/servers": (3306,),
    "microsoft.dbforpostgresql/flexibleservers": (5432, 6432),
    "microsoft.dbforpostgresql/servergroupsv2": (5432,),
    "microsoft.dbforpostgresql/servers": (5432,),
    "microsoft.devices/iothubs": (8883, *_MESSAGING),
    "microsoft.documentdb/mongoclusters": (10260,),
    "microsoft.eventhub/namespaces": (*_MESSAGING, 9093),
    "microsoft.relay/namespaces": _MESSAGING,
    "microsoft.servicebus/namespaces": _MESSAGING,
    "microsoft.sql/managedinstances": (1433,),
    "microsoft.sql/servers": (1433,),
}

OF_GROUPS: Final = {
    ("microsoft.documentdb/databaseaccounts", "cassandra"): (10350,),
    ("microsoft.documentdb/databaseaccounts", "mongodb"): (10255,),
    ("microsoft.eventgrid/namespaces", "topicspace"): (8883, 443),
    ("microsoft.storage/storageaccounts", "file"): (445, 443),
    ("microsoft.synapse/workspaces", "sql"): (1433,),
    ("microsoft.synapse/workspaces", "sqlondemand"): (1433,),
}


def ports_of(resource_type: str, group_id: str) -> tuple[int, ...]:
    """:return: the TCP ports of a resource's sub-resource, most used first

    :param resource_type: such as ``Microsoft.Storage/storageAccounts``, without case
    :param group_id: such as ``blob``, without case; empty for all of it
    """
    kind = resource_type.casefold()
    return OF_GROUPS.get((kind, group_id.casefold())) or OF_TYPES.get(kind, HTTPS)
