"""``az role assignment`` and ``az role definition``; Graph tells azure-cli who is who."""

from __future__ import annotations

import json
import shlex

GROUP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/network"
SUBSCRIPTION = "/subscriptions/00000000-0000-4000-8000-000000000001"
AIRFLOW = "00000000-0000-4000-8000-0000000000c4"
AIRFLOW_OBJECT = "00000000-0000-4000-8000-0000000000b4"
PEERS = {
    "Name": "Peering Maker",
    "Description": "Makes peerings",
    "Actions": ["Microsoft.Network/virtualNetworks/peer/action"],
    "AssignableScopes": [SUBSCRIPTION],
}


def roles_of(az, assignee):
    return sorted(az(f"role assignment list --assignee {assignee} --all --query [].roleDefinitionName"))


def test_role_is_assigned_by_name_and_taken_back(az):
    made = az(f"role assignment create --assignee {AIRFLOW} --role 'Network Contributor' --scope {GROUP}")
    assert (made["principalId"], made["principalType"]) == (AIRFLOW_OBJECT, "ServicePrincipal")
    assert roles_of(az, AIRFLOW) == ["Network Contributor", "Reader"]
    az(f"role assignment delete --assignee {AIRFLOW} --role 'Network Contributor' --scope {GROUP}")
    assert roles_of(az, AIRFLOW) == ["Reader"]


def test_role_is_assigned_to_an_object(az):
    principal = f"--assignee-object-id {AIRFLOW_OBJECT} --assignee-principal-type"
    az(f"role assignment create {principal} ServicePrincipal --role Contributor --scope {GROUP}")
    assert roles_of(az, AIRFLOW) == ["Contributor", "Reader"]
    refused = az.refused(f"role assignment create {principal} User --role Owner --scope {GROUP}")
    assert "(UnmatchedPrincipalType)" in refused


def test_assignments_tell_names(az):
    found = az("role assignment list -g network --query [].[principalName,roleDefinitionName]")
    assert ["network-team", "Network Contributor"] in found


def test_unknown_principal_is_refused(az):
    nobody = "99999999-0000-4000-8000-000000000000"
    principal = f"--assignee-object-id {nobody} --assignee-principal-type ServicePrincipal"
    told = az.refused(f"role assignment create {principal} --role Reader --scope {GROUP}")
    assert "(PrincipalNotFound)" in told


def test_own_role_is_defined_changed_assigned_and_deleted(az):
    made = az(f"role definition create --role-definition {shlex.quote(json.dumps(PEERS))}")
    assert made["permissions"][0]["actions"] == PEERS["Actions"]
    wider = {
        **PEERS,
        "roleName": PEERS["Name"],
        "Actions": [*PEERS["Actions"], "Microsoft.Network/virtualNetworks/read"],
    }
    changed = az(f"role definition update --role-definition {shlex.quote(json.dumps(wider))}")
    assert changed["permissions"][0]["actions"] == wider["Actions"]
    az(f"role assignment create --assignee {AIRFLOW} --role 'Peering Maker' --scope {GROUP}")
    assert roles_of(az, AIRFLOW) == ["Peering Maker", "Reader"]
    az(f"role assignment delete --assignee {AIRFLOW} --role 'Peering Maker' --scope {GROUP}")
    az("role definition delete --name 'Peering Maker'")
    assert az("role definition list --custom-role-only true") == []


def test_who_may_only_read_is_refused_by_name_of_action_and_scope(azure_lab, sign_in):
    with sign_in("reader") as az:
        assert az("network vnet list -g network --query [].name") == ["data"]
        told = az.refused("network vnet create -g network -n more --address-prefixes 10.60.0.0/16")
        assert "(AuthorizationFailed)" in told
        assert "Microsoft.Network/virtualNetworks/write" in told
