"""The seed's landscape made private through azure-cli alone, and taken apart again: what a check says each time."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager

import pytest

from airflow_provider_netconn.lab import environment
from tests.e2e.isolated import why_not
from tests.lab.azure_cli.running_az import PROGRAMS, AzureCli, run_recipe
from tests.lab.packets.isolated_lab import WITHOUT_AZURITE, IsolatedLab

TARGET = "https://contosolake.blob.core.windows.net"
CUSTOMER = "/subscriptions/00000000-0000-4000-8000-000000000001"
VENDOR = "/subscriptions/00000000-0000-4000-8000-000000000011"
CLUSTER = f"{VENDOR}/resourceGroups/astro-cluster/providers/Microsoft.Network/virtualNetworks/astro-cluster"
DATA = f"{CUSTOMER}/resourceGroups/network/providers/Microsoft.Network/virtualNetworks/data"
LAKE = f"{CUSTOMER}/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/contosolake"
ASTRONOMER_THERE = "00000000-0000-4000-8000-0000000000b6"
ZONE = "privatelink.blob.core.windows.net"

CONNECTIONS = f"network private-endpoint-connection list --id {LAKE}"
LINK = f"network private-dns link vnet create -g network -n astro -z {ZONE} -v {CLUSTER} -e false"
UNLINK = f"network private-dns link vnet delete -g network -n astro -z {ZONE} --yes"


@pytest.mark.timeout(400)
def test_every_change_through_azure_cli_shows_in_the_verdict(lab, signed_in):
    assert check(lab) == ("PUBLIC", "ENDPOINT_MISSING")
    with signed_in() as owner, signed_in("astronomer") as vendor:
        log_in_to_both_tenants(lab, owner, vendor)
        peer(vendor)
        request_endpoint(owner)
        assert check(lab) == ("PUBLIC", "ENDPOINT_PENDING")
        approve(owner)
        give_names(owner, vendor)
        assert check(lab) == ("PRIVATE", None)

        seen = {}
        for name, take_away, put_back in taken_away(owner, vendor):
            take_away()
            seen[name] = check(lab)
            put_back()
            assert check(lab) == ("PRIVATE", None), name
        owner(f"network private-endpoint-connection reject --id {connection(owner)} --description no")
        seen["endpoint rejected"] = check(lab)
    assert {name: path for name, (path, _) in seen.items()} == {
        "denied by a security group": "PRIVATE",
        "zone not linked": "PUBLIC",
        "peering removed": "PRIVATE",
        "endpoint rejected": "PUBLIC",
    }
    assert len({cause for _, cause in seen.values()}) == len(seen), seen


def taken_away(owner, vendor):
    """What is taken away, how, and how it is put back."""
    guard = "network nsg rule {} -g network --nsg-name guard -n no"
    owner("network nsg create -g network -n guard")
    owner(
        "network vnet subnet update -g network --vnet-name data -n endpoints --network-security-group guard "
        "--private-endpoint-network-policies NetworkSecurityGroupEnabled"
    )
    deny = "--priority 100 --access Deny --protocol Tcp --direction Inbound --destination-port-ranges 443"
    yield (
        "denied by a security group",
        lambda: owner(f"{guard.format('create')} {deny}"),
        lambda: owner(guard.format("delete")),
    )
    yield "zone not linked", lambda: vendor(UNLINK), lambda: vendor(LINK)
    yield (
        "peering removed",
        lambda: remove_peering(vendor),
        lambda: peer(vendor),
    )


def check(lab):
    """Path and cause, by ``netconn check`` on a machine of the Astro cluster, which asks the customer's Azure why."""
    command = [sys.executable, "-m", "airflow_provider_netconn.cli", "check", TARGET, "--timeout", "2", "--json"]
    azure = ["--azure-conn-id", "customer", "--worker-network", CLUSTER]
    given = {**WITHOUT_AZURITE, "AIRFLOW_CONN_CUSTOMER": json.dumps(customer(lab))}
    (verdict,) = json.loads(lab.run("astro-cluster", *command, *azure, check=False, env=given).stdout)
    return verdict["path"], verdict["cause"]


def customer(lab):
    """The connection by which the customer's automation signs in."""
    owner = next(one for one in lab.state["principals"] if one["name"] == "automation")
    extra = {
        "tenantId": owner["tenant_id"],
        "subscriptionId": lab.state["subscription_id"],
        **{name: lab.state[name] for name in ("arm_url", "authority_url", "ca_file")},
    }
    secret = owner["client_secret"]
    return {"conn_type": "azure_network", "login": owner["app_id"], "password": secret, "extra": extra}


def log_in_to_both_tenants(lab, owner, vendor):
    owner(
        f"role assignment create --assignee-object-id {ASTRONOMER_THERE} --assignee-principal-type ServicePrincipal "
        f"--role 'Network Contributor' --scope {CUSTOMER}"
    )
    astronomer = next(one for one in lab.state["principals"] if one["name"] == "astronomer")
    secret = f"--username {astronomer['app_id']} --password {astronomer['client_secret']}"
    vendor(f"login --service-principal {secret} --tenant {lab.state['tenant_id']}")


def peer(vendor):
    create = "network vnet peering create --allow-vnet-access"
    vendor("account set --subscription astro-hosting")
    vendor(f"{create} -g astro-cluster -n to-customer --vnet-name astro-cluster --remote-vnet {DATA}")
    vendor("account set --subscription production")
    made = vendor(f"{create} -g network -n to-astro --vnet-name data --remote-vnet {CLUSTER}")
    assert made["peeringState"] == "Connected"


def request_endpoint(owner):
    owner(
        "network private-endpoint create -g network -n lake --vnet-name data --subnet endpoints --connection-name lake "
        f"--private-connection-resource-id {LAKE} --group-id blob --manual-request true --request-message 'for Airflow'"
    )


def remove_peering(vendor):
    """Both sides: with one of them left, the other cannot simply be made again."""
    vendor("network vnet peering delete -g network -n to-astro --vnet-name data")
    vendor("account set --subscription astro-hosting")
    vendor("network vnet peering delete -g astro-cluster -n to-customer --vnet-name astro-cluster")


def connection(owner):
    (found,) = owner(CONNECTIONS)
    return found["id"]


def approve(owner):
    owner(f"network private-endpoint-connection approve --id {connection(owner)} --description welcome")


def give_names(owner, vendor):
    owner(f"network private-dns zone create -g network -n {ZONE}")
    owner(
        "network private-endpoint dns-zone-group create -g network --endpoint-name lake -n default "
        f"--private-dns-zone {ZONE} --zone-name blob"
    )
    vendor(LINK)


@pytest.fixture
def lab(tmp_path):
    if why_not():
        pytest.skip(why_not())
    made = IsolatedLab(tmp_path, seed=None)
    yield made
    made.stop()


@pytest.fixture
def signed_in(lab, tmp_path):
    if not (PROGRAMS / "az").exists():
        pytest.skip("there is no azure-cli; make it with: sh scripts/bootstrap_environment.sh azure-cli")

    @contextmanager
    def sign_in(principal=None):
        home = tmp_path / f"az-{principal}"
        home.mkdir()
        az = AzureCli(run_recipe(environment.azure_cli(lab.state, principal), home))
        try:
            yield az
        finally:
            az.stop()

    return sign_in
