"""Seed files: what they make, and how errors in them are told."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.lab.errors import LabError, SeedError
from airflow_provider_netconn.lab.local_azure import LocalAzure
from airflow_provider_netconn.lab.seed import load_seed, read_seed, shipped_seeds
from airflow_provider_netconn.lab.settings import Settings
from tests.lab.handling.seeds import GROUP, SMALL, TENANT

BASE = SMALL.strip() + "\n"
LINES = BASE.count("\n")


@pytest.fixture
def planted():
    """Makes labs of the small landscape, which serve nothing."""
    made = []

    def plant(**options):
        made.append(LocalAzure(read_seed("s.yaml", BASE), **options))
        return made[-1]

    yield plant
    for lab in made:
        lab.close()


def test_references_become_ids_and_children_come_last():
    text = (
        BASE
        + "networks:\n"
        + (
            "  - {name: hub, group: data, properties: {}, peerings: [{name: p, properties: {x: ref:networks/spoke}}]}\n"
            "  - {name: spoke, group: data, properties: {}}\n"
        )
    )
    made = read_seed("s.yaml", text).resources
    network = f"{GROUP}/providers/Microsoft.Network/virtualNetworks"
    assert [one.id for one in made[2:]] == [
        f"{network}/hub",
        f"{network}/spoke",
        f"{network}/hub/virtualNetworkPeerings/p",
    ]
    assert made[-1].body == {"properties": {"x": f"{network}/spoke"}}
    assert made[2].body["location"] == "northeurope"


def test_reference_goes_on_below_what_it_names():
    text = BASE + "storage_accounts:\n  - {name: a, group: data, x: 'ref:groups/data/more/of/it'}\n"
    assert read_seed("s.yaml", text).resources[-1].body["x"] == f"{GROUP}/more/of/it"


def test_secret_that_is_not_written_is_made_up_and_one_that_is_stays():
    first, second = read_seed("s.yaml", BASE), read_seed("s.yaml", BASE)
    assert len({first.principals[0].client_secret, second.principals[0].client_secret, None}) == 3
    written = BASE.replace("name: reader,", "name: reader, client_secret: mine,")
    assert read_seed("s.yaml", written).principal("reader").client_secret == "mine"
    assert "mine" not in repr(read_seed("s.yaml", written))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tenants: [", "s.yaml:1: no valid YAML"),
        ("- a", "s.yaml:1: the file is no mapping"),
        ("", "s.yaml:1: tenants is missing"),
        ("tenants: 3", "s.yaml:1: tenants: 3 is no list; write one item a line"),
        ("tenants:\n  - {name: a, id: 7}", "s.yaml:2: tenants\\[0\\].id: 7 is no text"),
        ("tenants:\n  - {name: a, id: x}", "s.yaml:2: tenants\\[0\\].id: 'x' is no GUID"),
        ("tenants:\n  - {name: a}", "s.yaml:2: tenants\\[0\\]: id is missing; write id: ..."),
        ("tenants:\n  - name: a\n    name: b", "s.yaml:3: tenants\\[0\\].name: stands twice"),
        ("a: &a [*a]", "s.yaml:1: "),
        (BASE + "tenant: []", f"s.yaml:{LINES + 1}: tenant: unknown key; did you mean 'tenants'?"),
        (BASE + "owner: an", f"s.yaml:{LINES + 1}: owner: 'an' is not a principal; did you mean 'ann'?"),
        (BASE.replace('role: Owner, scope: "ref:sub', 'scope: "ref:sub'), "roles\\[0\\]: role is missing"),
        (
            BASE.replace("ref:groups/cluster", "ref:groups/clusters"),
            "roles\\[2\\].scope: .* did you mean 'groups/cluster'",
        ),
        (BASE.replace("kind: User", "kind: Usr"), "principals\\[3\\].kind: .* did you mean 'User'"),
        (BASE.replace("system_assigned: worker", "system_assigned: ann"), "'ann' is not a managed identity"),
        (BASE + "networks:\n  - {name: n, group: dta}", f"s.yaml:{LINES + 2}: networks\\[0\\].group: .*'data'"),
        (BASE + "networks:\n  - {group: data}", f"s.yaml:{LINES + 2}: networks\\[0\\]: name is missing"),
        (BASE + "resources:\n  - {name: n, group: data}", "resources\\[0\\]: type is missing"),
        (BASE + "resources:\n  - {name: n, group: data, type: x}", "resources\\[0\\].type: 'x' is no type"),
        (
            BASE.replace("workspaceId: data", "workspaceId: dat"),
            "astro\\[0\\].deployments\\[0\\].workspaceId: no Workspace",
        ),
        (BASE + "networks:\n  - {name: n, group: data}\n  - {name: n, group: data}", "'n' stands twice"),
    ],
)
def test_error_names_file_line_key_and_mend(text, says):
    with pytest.raises(SeedError, match=says):
        read_seed("s.yaml", text)


def test_file_that_is_not_there_is_told_with_the_seeds_that_are():
    with pytest.raises(LabError, match=r"seed /none.yaml: cannot be read: No such file.*astro"):
        load_seed("/none.yaml")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BASE.replace("role: Reader", "role: Redaer"), "'Redaer' is no built-in role"),
        (BASE + "resources: [{name: a, group: data, type: Nobody.Knows/a, api_version: '1'}]", "control plane refuses"),
        (BASE.replace("0000000000b3", "0000000000b2"), "stands for another one too"),
        (BASE.replace("{name: data, location: northeurope}", "{name: 'data.', location: northeurope}")
            .replace("ref:groups/data", "ref:groups/data."), r"groups\[0\]: the control plane refuses it: 400"),
    ],
)  # fmt: skip
def test_what_azure_would_refuse_is_refused_with_its_place_in_the_file(text, says):
    with pytest.raises(SeedError, match=says) as refused:
        LocalAzure(read_seed("s.yaml", text))
    assert refused.value.place.startswith("s.yaml:")


def test_seeded_rights_hold_and_nothing_beyond_them(planted):
    lab = planted()
    owner, reader = lab.token("automation"), lab.token("reader")
    assert lab.request("GET", GROUP, token=reader).status == 200
    assert lab.request("PUT", GROUP, {"location": "northeurope"}, token=reader).status == 403
    assert lab.request("PUT", GROUP, {"location": "northeurope"}, token=owner).status == 200
    assert lab.request("GET", GROUP, token=lab.token("astronomer")).status == 401


def test_seeded_rights_hold_at_once_whatever_new_ones_take(planted):
    lab = planted(settings=Settings(role_delay_s=600))
    assert lab.request("GET", GROUP, token=lab.token("reader")).status == 200


def test_application_is_in_every_tenant_that_consented(planted):
    lab = planted()
    ids = {p.tenant_id: p.object_id for p in lab.directory.principals() if p.display_name == "astronomer"}
    assert set(ids) == {TENANT, "00000000-0000-4000-8000-0000000000ac"}
    assert len(set(ids.values())) == 2


def test_a_landscape_is_shipped_and_read():
    assert "astro" in shipped_seeds()
    seed = load_seed()
    assert {one.name for one in seed.tenants} == {"customer", "astronomer"}


@pytest.fixture(scope="module")
def shipped():
    lab = LocalAzure()
    yield lab
    lab.close()


@pytest.mark.parametrize(
    ("type_name", "name"),
    [
        ("Microsoft.Network/virtualNetworks", "astro-cluster"),
        ("Microsoft.Network/virtualNetworks", "data"),
        ("Microsoft.Network/virtualHubs", "hub"),
        ("Microsoft.Network/localNetworkGateways", "on-premises"),
        ("Microsoft.Storage/storageAccounts", "contosolake"),
        ("Microsoft.Sql/servers", "contoso-warehouse"),
        ("Microsoft.KeyVault/vaults", "contoso-vault"),
        ("Microsoft.ContainerRegistry/registries", "contosoimages"),
        ("Microsoft.ServiceBus/namespaces", "contoso-events"),
    ],
)
def test_shipped_landscape_has_what_it_promises_and_all_is_done(shipped, type_name, name):
    found = [one for one in shipped.landscape()["resources"] if one["type"] == type_name]
    states = {one["id"].rpartition("/")[2]: one["provisioning_state"] for one in found}
    assert states[name] == "Succeeded"
    assert not any(one["is_busy"] for one in found)


def test_shipped_cluster_network_lies_in_the_vendors_tenant(shipped):
    network = next(
        one for one in shipped.landscape()["resources"] if one["id"].endswith("virtualNetworks/astro-cluster")
    )
    assert shipped.plane.tenant_of(network["id"]) == shipped.seed.tenant("astronomer").id
    assert network["properties"]["addressSpace"]["addressPrefixes"] == ["172.20.0.0/19"]
    in_tenants = {
        one.tenant_id for one in shipped.directory.principals() if one.app_id == "a67e6057-7138-4f78-bbaf-fd9db7b8aab0"
    }
    assert in_tenants == {tenant.id for tenant in shipped.seed.tenants}
