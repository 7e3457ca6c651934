"""Roles: who may do what where, by real tokens of a real directory."""

from __future__ import annotations

import uuid

import pytest

from airflow_provider_netconn.lab.arm.engine import ControlPlane
from airflow_provider_netconn.lab.arm.requests import ArmRequest, Caller
from airflow_provider_netconn.lab.authorization import RoleBasedAccess
from airflow_provider_netconn.lab.clock import Clock
from airflow_provider_netconn.lab.directory import Directory, Principal, PrincipalKind, Tenant
from airflow_provider_netconn.lab.identity.resources import Resources
from airflow_provider_netconn.lab.identity.tokens import Tokens
from airflow_provider_netconn.lab.resources import authorization, inventory, subscriptions
from tests.lab.arm.planes import GROUP, OTHER_SUBSCRIPTION, OTHER_TENANT, SUBSCRIPTION, TENANT, send

READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
OWNER_ROLE = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
ROLE = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/"
V = "2022-04-01"
ARM = "https://management.azure.com/"


class World:
    """A directory with an owner and somebody without any role, and a control plane that asks it."""

    def __init__(self):
        self.clock = Clock()
        self.directory = Directory(self.clock)
        for tenant in (TENANT, OTHER_TENANT):
            self.directory.add_tenant(Tenant(tenant_id=tenant, domain=f"{tenant[-2:]}.example", display_name=tenant))
        resources = Resources()
        self.tokens = Tokens(self.directory, resources, self.clock)
        self.access = RoleBasedAccess(self.directory, self.tokens, resources.management)
        self.plane = ControlPlane(
            clock=self.clock,
            access=self.access,
            kinds=[*subscriptions.KINDS, *authorization.KINDS, *inventory.KINDS],
            fallback=lambda type_name: None,
            base_url=lambda: "https://management.lab",
        )
        self.access.attach(self.plane)
        subscriptions.make_subscription(self.plane, SUBSCRIPTION, TENANT, "first")
        subscriptions.make_subscription(self.plane, OTHER_SUBSCRIPTION, OTHER_TENANT, "second")
        self.owner, self.other = self.person("owner"), self.person("other")
        self.clock.advance(60)
        # The first assignment is Azure's own doing: whoever makes a subscription owns it.
        self.place(self.owner, OWNER_ROLE, f"/subscriptions/{SUBSCRIPTION}")
        assert self.send("PUT", GROUP, {"location": "eastus"}, version="2021-04-01").status == 201

    def person(self, name, tenant=TENANT):
        return self.directory.add(
            Principal(
                object_id=str(uuid.uuid4()),
                tenant_id=tenant,
                kind=PrincipalKind.USER,
                display_name=name,
                user_principal_name=f"{name}@example.com",
            )
        )

    def place(self, principal, role, scope):
        kind = self.plane.kind("Microsoft.Authorization/roleAssignments")
        path = self.plane_path(f"{scope}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}")
        from airflow_provider_netconn.lab.arm.store import Resource

        body = {"properties": {"principalId": principal.object_id, "roleDefinitionId": ROLE + role}}
        self.plane.store.add(Resource(path=path, kind=kind, body=body, created_at=0, changed_at=0))

    @staticmethod
    def plane_path(text):
        from airflow_provider_netconn.lab.arm.identifiers import parse_path

        return parse_path(text)

    def send(self, method, path, body=None, *, as_=None, version=V, query=None, headers=None):
        token = self.tokens.issue(as_ or self.owner, audience=ARM)
        sent = {"authorization": f"Bearer {token}", **(headers or {})}
        return send(self.plane, method, path, body, version=version, query=query, headers=sent, caller=None)

    def assign(self, principal, role=READER, scope=GROUP, name=None, **more):
        return self.send(
            "PUT",
            f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name or uuid.uuid4()}",
            {"properties": {"roleDefinitionId": ROLE + role, "principalId": principal.object_id, **more}},
        )


@pytest.fixture
def world():
    return World()


def code(answer):
    return answer.status, answer.body["error"]["code"]


def test_without_a_role_a_request_is_refused_by_action_and_scope(world):
    answer = world.send("GET", GROUP, as_=world.other, version="2021-04-01")
    assert code(answer) == (403, "AuthorizationFailed")
    for part in (
        "other@example.com",
        world.other.object_id,
        "'Microsoft.Resources/subscriptions/resourceGroups/read'",
        f"'{GROUP}'",
    ):
        assert part in answer.body["error"]["message"]


def test_a_role_holds_at_its_scope_and_below_and_for_its_actions(world):
    assert world.assign(world.other).status == 201
    assert world.send("GET", GROUP, as_=world.other, version="2021-04-01").status == 200
    assert code(world.send("PUT", GROUP, {"location": "eastus"}, as_=world.other, version="2021-04-01"))[0] == 403
    other = world.send("PUT", f"{GROUP}x", {"location": "eastus"}, version="2021-04-01")
    assert other.status == 201
    assert code(world.send("GET", f"{GROUP}x", as_=world.other, version="2021-04-01"))[0] == 403


def test_not_actions_are_taken_from_actions(world):
    contributor = "b24988ac-6180-42a0-ab88-20f7382dd24c"
    assert world.assign(world.other, contributor).status == 201
    assert world.send("PUT", GROUP, {"location": "eastus"}, as_=world.other, version="2021-04-01").status == 200
    refused = world.send(
        "PUT",
        f"{GROUP}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}",
        {"properties": {"roleDefinitionId": ROLE + READER, "principalId": world.other.object_id}},
        as_=world.other,
    )
    assert code(refused) == (403, "AuthorizationFailed")


def test_a_role_of_a_group_is_its_members(world):
    team = world.directory.add(
        Principal(object_id=str(uuid.uuid4()), tenant_id=TENANT, kind=PrincipalKind.GROUP, display_name="team")
    )
    world.directory.set_members(team.object_id, [world.other.object_id])
    assert world.assign(team).status == 201
    assert world.send("GET", GROUP, as_=world.other, version="2021-04-01").status == 200


def test_an_assignment_takes_effect_late(world):
    world.access.replication_delay_s = 30
    world.assign(world.other)
    assert world.send("GET", GROUP, as_=world.other, version="2021-04-01").status == 403
    world.clock.advance(31)
    assert world.send("GET", GROUP, as_=world.other, version="2021-04-01").status == 200


def test_the_same_assignment_under_another_name_exists(world):
    first = str(uuid.uuid4())
    assert world.assign(world.other, name=first).status == 201
    assert world.assign(world.other, name=first, description="again").status == 201
    again = world.assign(world.other)
    assert code(again) == (409, "RoleAssignmentExists")
    assert again.body["error"]["message"].endswith(f"{uuid.UUID(first).hex}.")
    assert code(world.assign(world.owner, name=first)) == (400, "RoleAssignmentUpdateNotPermitted")


def test_a_principal_that_is_not_known_or_not_yet(world):
    stranger = world.person("stranger", OTHER_TENANT)
    assert code(world.assign(stranger)) == (400, "PrincipalNotFound")
    world.access.principal_delay_s = 30
    new = world.person("new")
    assert code(world.assign(new)) == (400, "PrincipalNotFound")
    assert code(world.assign(new, principalType="ServicePrincipal")) == (400, "UnmatchedPrincipalType")
    assert world.assign(new, principalType="User").status == 201


def test_a_deleted_assignment_is_answered_once_more_and_has_no_effect(world):
    name = f"{GROUP}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
    world.assign(world.other, name=name.rpartition("/")[2])
    gone = world.send("DELETE", name)
    assert (gone.status, gone.body["properties"]["principalId"]) == (200, world.other.object_id)
    assert world.send("DELETE", name).status == 204
    assert world.send("GET", GROUP, as_=world.other, version="2021-04-01").status == 403


def test_lists_by_scope_and_principal(world):
    world.assign(world.other)
    everywhere = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments"
    assert len(world.send("GET", everywhere).body["value"]) == 2
    assert len(world.send("GET", everywhere, query={"$filter": "atScope()"}).body["value"]) == 1
    mine = world.send("GET", everywhere, query={"$filter": f"principalId eq '{world.other.object_id}'"}).body["value"]
    assert [item["properties"]["scope"] for item in mine] == [GROUP]


def test_custom_roles(world):
    role = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{uuid.uuid4()}"
    body = {
        "properties": {
            "roleName": "Group looker",
            "permissions": [{"actions": ["Microsoft.Resources/subscriptions/resourceGroups/read"]}],
            "assignableScopes": [f"/subscriptions/{SUBSCRIPTION}"],
        }
    }
    made = world.send("PUT", role, body)
    assert (made.status, made.body["properties"]["type"]) == (201, "CustomRole")
    assert world.send("PUT", role, body).status == 201
    twin = role.rpartition("/")[0] + f"/{uuid.uuid4()}"
    assert code(world.send("PUT", twin, body)) == (409, "RoleDefinitionWithSameNameExists")
    assert world.assign(world.other, role.rpartition("/")[2]).status == 201
    assert world.send("GET", GROUP, as_=world.other, version="2021-04-01").status == 200
    assert code(world.send("DELETE", role)) == (400, "RoleDefinitionHasAssignments")
    found = world.send("GET", role.rpartition("/")[0], query={"$filter": "roleName eq 'group looker'"}).body["value"]
    assert [item["id"] for item in found] == [role]
    built_in = world.send("GET", role.rpartition("/")[0], query={"$filter": "roleName eq 'Reader'"}).body["value"]
    assert [item["name"] for item in built_in] == [READER]


def test_permissions_are_those_of_the_callers_roles(world):
    scope = f"{GROUP}/providers/Microsoft.Authorization/permissions"
    assert world.send("GET", scope, as_=world.other).status == 403
    world.assign(world.other)
    shown = world.send("GET", scope, as_=world.other).body["value"]
    assert shown == [{"actions": ["*/read"], "notActions": [], "dataActions": [], "notDataActions": []}]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({}, "AuthenticationFailed"),
        ({"authorization": "Basic abc"}, "AuthenticationFailed"),
        ({"authorization": "Bearer abc"}, "InvalidAuthenticationToken"),
    ],
)
def test_a_caller_without_a_good_token(world, header, expected):
    answer = send(world.plane, "GET", GROUP, version="2021-04-01", headers=header, caller=None)
    assert code(answer) == (401, expected)
    assert "WWW-Authenticate" in answer.headers


def test_tokens_expire_and_are_for_one_audience(world):
    token = world.tokens.issue(world.owner, audience=ARM, lifetime_s=10)
    graph = world.tokens.issue(world.owner, audience="https://graph.microsoft.com")
    world.clock.advance(11)
    answers = [
        send(world.plane, "GET", GROUP, version="2021-04-01", headers={"authorization": f"Bearer {one}"}, caller=None)
        for one in (token, graph)
    ]
    assert [code(answer)[1] for answer in answers] == [
        "ExpiredAuthenticationToken",
        "InvalidAuthenticationTokenAudience",
    ]


def test_a_subscription_of_another_tenant_needs_its_token(world):
    answer = world.send("GET", f"/subscriptions/{OTHER_SUBSCRIPTION}/resourceGroups", version="2021-04-01")
    assert code(answer) == (401, "InvalidAuthenticationTokenTenant")
    assert OTHER_TENANT in answer.headers["WWW-Authenticate"]


def test_auxiliary_tokens_speak_for_other_tenants(world):
    other = world.person("owner", OTHER_TENANT)
    token = world.tokens.issue(world.owner, audience=ARM)
    more = world.tokens.issue(other, audience=ARM)
    headers = {"authorization": f"Bearer {token}", "x-ms-authorization-auxiliary": f"Bearer {more}"}
    caller = world.access.authenticate(ArmRequest(method="GET", path="/", headers=headers))
    assert caller.for_tenant(OTHER_TENANT) == Caller(tenant_id=OTHER_TENANT, object_id=other.object_id)
    headers["x-ms-authorization-auxiliary"] = ", ".join(["Bearer " + more] * 4)
    assert send(world.plane, "GET", GROUP, version="2021-04-01", headers=headers, caller=None).status == 401


def test_each_sees_its_subscriptions(world):
    listed = world.send("GET", "/subscriptions", version="2021-04-01").body["value"]
    assert [item["subscriptionId"] for item in listed] == [SUBSCRIPTION]
    assert world.send("GET", "/subscriptions", as_=world.other, version="2021-04-01").body["value"] == []
    assert world.send("GET", "/tenants", version="2021-04-01").body["value"][0]["tenantId"] == TENANT


def test_providers_tell_their_types_and_versions(world):
    shown = world.send("GET", f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization", version="2021-04-01")
    types = {item["resourceType"]: item["apiVersions"] for item in shown.body["resourceTypes"]}
    assert V in types["roleAssignments"]
    assert world.send("GET", f"/subscriptions/{SUBSCRIPTION}/providers", version="2021-04-01").status == 200


def test_subscription_is_listed_to_whoever_has_a_role_in_it(world):
    def listed():
        answer = world.send("GET", "/subscriptions", as_=world.other, version="2022-12-01")
        return [subscription["displayName"] for subscription in answer.body["value"]]

    assert listed() == []
    world.assign(world.other, scope=GROUP)
    assert listed() == ["first"]
