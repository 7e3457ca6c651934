"""azure-mgmt-authorization: definitions, assignments and permissions, and that they hold."""

from __future__ import annotations

import uuid

from tests.lab.sdk.clients import GROUP, refused, wait

READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"


def assignment(sdk, principal, role=READER):
    """A body as the client's own models make it."""
    from azure.mgmt.authorization.models import RoleAssignmentCreateParameters

    definition = f"/subscriptions/{sdk.lab.subscription_id}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    return RoleAssignmentCreateParameters(
        role_definition_id=definition,
        principal_id=sdk.lab.principal(principal).object_id,
        principal_type="ServicePrincipal",
    )


async def test_assignments(sdk):
    rights = await sdk.client("rights")
    operations, name = rights.role_assignments, str(uuid.uuid4())
    made = await wait(operations.create(sdk.base, name, assignment(sdk, "airflow")))
    assert (made.name, made.scope) == (name, sdk.base)
    assert (await wait(operations.get(sdk.base, name))).id == made.id
    assert (await wait(operations.get_by_id(made.id))).name == name
    mine = f"assignedTo('{sdk.lab.principal('airflow').object_id}')"
    assert name in {one.name for one in await wait(operations.list_for_scope(sdk.base, filter=mine))}
    assert name in {one.name for one in await wait(operations.list_for_subscription())}
    assert name in {one.name for one in await wait(operations.list_for_resource_group(GROUP))}
    of_resource = operations.list_for_resource(GROUP, "Microsoft.Network", "virtualNetworks", "net")
    assert name in {one.name for one in await wait(of_resource)}
    again = await refused(operations.create, sdk.base, str(uuid.uuid4()), assignment(sdk, "airflow"))
    assert again == (409, "RoleAssignmentExists")
    await wait(operations.delete(sdk.base, name))
    assert (await refused(operations.get, sdk.base, name))[0] == 404
    by_id = f"{sdk.base}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
    await wait(operations.create_by_id(by_id, assignment(sdk, "airflow")))
    await wait(operations.delete_by_id(by_id))


async def test_definitions(sdk):
    from azure.mgmt.authorization.models import Permission, RoleDefinition

    operations, name = (await sdk.client("rights")).role_definitions, str(uuid.uuid4())
    role = RoleDefinition(
        role_name="Peering Operator",
        role_type="CustomRole",
        description="peers networks",
        permissions=[Permission(actions=["Microsoft.Network/virtualNetworks/peer/action"], not_actions=[])],
        assignable_scopes=[sdk.base],
    )
    made = await wait(operations.create_or_update(sdk.base, name, role))
    assert (made.role_name, made.permissions[0].actions) == ("Peering Operator", role.permissions[0].actions)
    assert (await wait(operations.get(sdk.base, name))).role_type == "CustomRole"
    assert (await wait(operations.get_by_id(made.id))).name == name
    named = await wait(operations.list(sdk.base, filter="roleName eq 'Peering Operator'"))
    assert [one.name for one in named] == [name]
    assert "Reader" in {one.role_name for one in await wait(operations.list(sdk.base))}
    await wait(operations.delete(sdk.base, name))
    assert (await refused(operations.get, sdk.base, name))[0] == 404


async def test_permissions_are_what_the_caller_may_do(sdk):
    rights = (await sdk.client("rights", "airflow")).permissions
    owner = await sdk.client("rights")
    await wait(owner.role_assignments.create(sdk.base, str(uuid.uuid4()), assignment(sdk, "airflow")))
    found = await wait(rights.list_for_resource_group(GROUP))
    assert ["*/read"] in [one.actions for one in found]
    await sdk.network("net", 1)
    on_resource = rights.list_for_resource(GROUP, "Microsoft.Network", "", "virtualNetworks", "net")
    assert ["*/read"] in [one.actions for one in await wait(on_resource)]


async def test_what_nobody_granted_is_refused(sdk):
    networks = (await sdk.client("network", "airflow")).virtual_networks
    await sdk.network("net", 1)
    assert await refused(networks.get, GROUP, "net") == (403, "AuthorizationFailed")
    owner = await sdk.client("rights")
    await wait(owner.role_assignments.create(sdk.base, str(uuid.uuid4()), assignment(sdk, "airflow")))
    assert (await wait(networks.get(GROUP, "net"))).name == "net"
    assert await refused(networks.begin_delete, GROUP, "net") == (403, "AuthorizationFailed")


async def test_deny_assignments_are_none(sdk):
    assert await wait((await sdk.client("rights")).deny_assignments.list_for_resource_group(GROUP)) == []
