"""Built-in roles: ids and permissions as Microsoft Learn publishes them ("Azure built-in roles").

Not all of some 700, but those that networks, private endpoints, their DNS and the services behind them are used with.
Where a published role lists further actions that touch nothing the lab has (alerts, support, deployments), they are
kept all the same, so that ``permissions`` shows what a client expects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_COMMON = (
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.ResourceHealth/availabilityStatuses/read",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltInRole:
    """One built-in role.

    :param role_id: its GUID, the same in every tenant
    :param name: such as ``Network Contributor``
    :param description: in our words
    :param actions: allowed on the control plane; wildcards allowed
    :param not_actions: taken from them
    :param data_actions: allowed on the data plane
    """

    role_id: str
    name: str
    description: str
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()

    @property
    def permissions(self) -> list[dict[str, Any]]:
        """As ``properties.permissions`` of a role definition."""
        return [
            {
                "actions": list(self.actions),
                "notActions": list(self.not_actions),
                "dataActions": list(self.data_actions),
                "notDataActions": [],
            }
        ]


def _blob(*verbs: str) -> tuple[str, ...]:
    return tuple(f"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/{verb}" for verb in verbs)


_BLOB_KEY = "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action"
_CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"

BUILT_IN_ROLES: tuple[BuiltInRole, ...] = (
    BuiltInRole(
        role_id="8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
        name="Owner",
        description="Manages everything, access included.",
        actions=("*",),
    ),
    BuiltInRole(
        role_id="b24988ac-6180-42a0-ab88-20f7382dd24c",
        name="Contributor",
        description="Manages everything but access.",
        actions=("*",),
        not_actions=(
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
            "Microsoft.Blueprint/blueprintAssignments/write",
            "Microsoft.Blueprint/blueprintAssignments/delete",
            "Microsoft.Compute/galleries/share/action",
            "Microsoft.Purview/consents/write",
            "Microsoft.Purview/consents/delete",
        ),
    ),
    BuiltInRole(
        role_id="acdd72a7-3385-48ef-bd42-f606fba81ae7",
        name="Reader",
        description="Reads everything.",
        actions=("*/read",),
    ),
    BuiltInRole(
        role_id="18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
        name="User Access Administrator",
        description="Manages access.",
        actions=("*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"),
    ),
    BuiltInRole(
        role_id="f58310d9-a9f6-439a-9e8d-f62e7b41a168",
        name="Role Based Access Control Administrator",
        description="Manages access by role assignments.",
        actions=(
            "Microsoft.Authorization/roleAssignments/write",
            "Microsoft.Authorization/roleAssignments/delete",
            "*/read",
            "Microsoft.Support/*",
        ),
    ),
    BuiltInRole(
        role_id="4d97b98b-1d4f-4787-a291-c67834d212e7",
        name="Network Contributor",
        description="Manages networks.",
        actions=(*_COMMON, "Microsoft.Network/*"),
    ),
    BuiltInRole(
        role_id="b12aa53e-6015-4669-85d0-8515ebb3ae7f",
        name="Private DNS Zone Contributor",
        description="Manages private DNS zones, but not the networks they are linked to.",
        actions=(
            "Microsoft.Insights/alertRules/*",
            "Microsoft.Resources/deployments/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
            "Microsoft.Support/*",
            "Microsoft.Network/privateDnsZones/*",
            "Microsoft.Network/privateDnsOperationResults/*",
            "Microsoft.Network/privateDnsOperationStatuses/*",
            "Microsoft.Network/virtualNetworks/read",
            "Microsoft.Network/virtualNetworks/join/action",
            "Microsoft.Authorization/*/read",
        ),
    ),
    BuiltInRole(
        role_id="0f2ebee7-ffd4-4fc0-b3b7-664099fdad5d",
        name="DNS Resolver Contributor",
        description="Manages DNS resolvers, their endpoints and forwarding rulesets.",
        actions=(
            *(f"Microsoft.Network/{kind}/*" for kind in ("dnsResolvers", "dnsForwardingRulesets")),
            "Microsoft.Network/virtualNetworks/read",
            "Microsoft.Network/virtualNetworks/join/action",
            "Microsoft.Network/virtualNetworks/subnets/read",
            "Microsoft.Network/virtualNetworks/subnets/join/action",
            *_COMMON,
        ),
    ),
    BuiltInRole(
        role_id="17d1049b-9a84-46fb-8f53-869881c3d3ab",
        name="Storage Account Contributor",
        description="Manages storage accounts, their keys included.",
        actions=(
            *_COMMON,
            "Microsoft.Insights/diagnosticSettings/*",
            "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action",
            "Microsoft.Storage/storageAccounts/*",
        ),
    ),
    BuiltInRole(
        role_id="b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
        name="Storage Blob Data Owner",
        description="Full access to blobs, POSIX access control included.",
        actions=(f"{_CONTAINERS}/*", _BLOB_KEY),
        data_actions=_blob("*"),
    ),
    BuiltInRole(
        role_id="ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        name="Storage Blob Data Contributor",
        description="Reads, writes and deletes containers and blobs.",
        actions=(f"{_CONTAINERS}/delete", f"{_CONTAINERS}/read", f"{_CONTAINERS}/write", _BLOB_KEY),
        data_actions=_blob("delete", "read", "write", "move/action", "add/action"),
    ),
    BuiltInRole(
        role_id="2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
        name="Storage Blob Data Reader",
        description="Reads and lists containers and blobs.",
        actions=(f"{_CONTAINERS}/read", _BLOB_KEY),
        data_actions=_blob("read"),
    ),
    BuiltInRole(
        role_id="f25e0fa2-a7c8-4377-a976-54943a77a395",
        name="Key Vault Contributor",
        description="Manages vaults, but sees no secret in them.",
        actions=(*_COMMON, "Microsoft.KeyVault/*"),
        not_actions=(
            "Microsoft.KeyVault/locations/deletedVaults/purge/action",
            "Microsoft.KeyVault/hsmPools/*",
            "Microsoft.KeyVault/managedHsms/*",
        ),
    ),
    BuiltInRole(
        role_id="00482a5a-887f-4fb3-b363-3b7fe8e74483",
        name="Key Vault Administrator",
        description="Does everything with what a vault holds.",
        actions=(
            *_COMMON,
            "Microsoft.KeyVault/checkNameAvailability/read",
            "Microsoft.KeyVault/deletedVaults/read",
            "Microsoft.KeyVault/locations/*/read",
            "Microsoft.KeyVault/vaults/*/read",
            "Microsoft.KeyVault/operations/read",
        ),
        data_actions=("Microsoft.KeyVault/vaults/*",),
    ),
    BuiltInRole(
        role_id="4633458b-17de-408a-b874-0445c86b69e6",
        name="Key Vault Secrets User",
        description="Reads the values of secrets.",
        data_actions=(
            "Microsoft.KeyVault/vaults/secrets/getSecret/action",
            "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
        ),
    ),
    BuiltInRole(
        role_id="9b7fa17d-e63e-47b0-bb0a-15c516ac86ec",
        name="SQL DB Contributor",
        description="Manages SQL databases.",
        actions=(
            *_COMMON,
            "Microsoft.Sql/locations/*/read",
            "Microsoft.Sql/servers/databases/*",
            "Microsoft.Sql/servers/read",
        ),
    ),
    BuiltInRole(
        role_id="6d8ee4ec-f05a-4a1d-8b00-a9b17e38b437",
        name="SQL Server Contributor",
        description="Manages SQL servers and databases.",
        actions=(*_COMMON, "Microsoft.Sql/locations/*/read", "Microsoft.Sql/servers/*"),
        not_actions=("Microsoft.Sql/servers/azureADOnlyAuthentications/*", "Microsoft.Sql/servers/auditingSettings/*"),
    ),
    BuiltInRole(
        role_id="056cd41c-7e88-42e1-933e-88ba6a50c9c3",
        name="SQL Security Manager",
        description="Manages the security policies of SQL servers.",
        actions=(
            *_COMMON,
            "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action",
            "Microsoft.Sql/servers/firewallRules/*",
            "Microsoft.Sql/servers/read",
            "Microsoft.Sql/servers/databases/read",
        ),
    ),
    BuiltInRole(
        role_id="7f951dda-4ed3-4680-a7ca-43fe172d538d",
        name="AcrPull",
        description="Pulls from a registry.",
        actions=("Microsoft.ContainerRegistry/registries/pull/read",),
    ),
    BuiltInRole(
        role_id="090c5cfd-751d-490a-894a-3ce6f1109419",
        name="Azure Service Bus Data Owner",
        description="Full access to what is in a Service Bus namespace.",
        actions=("Microsoft.ServiceBus/*",),
        data_actions=("Microsoft.ServiceBus/*",),
    ),
    BuiltInRole(
        role_id="f526a384-b230-433a-b45c-95f59c4a2dec",
        name="Azure Event Hubs Data Owner",
        description="Full access to what is in an Event Hubs namespace.",
        actions=("Microsoft.EventHub/*",),
        data_actions=("Microsoft.EventHub/*",),
    ),
)

BY_ID = {role.role_id: role for role in BUILT_IN_ROLES}
