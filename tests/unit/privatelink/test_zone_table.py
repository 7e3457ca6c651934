"""The table of Private Link zones: all there, and paired right."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_netconn.errors import InvalidInputError
from airflow_provider_netconn.privatelink import describe, records_zone, zone_rows, zones_for_resource_type
from airflow_provider_netconn.privatelink.table import PARAMETER, is_within

REPOSITORY = Path(__file__).parents[3]
PUBLISHED = REPOSITORY.parent / "shared" / "facts" / "privatelink_zones.json"


def test_table_is_the_published_one():
    if not PUBLISHED.exists() and not os.environ.get("CI"):
        pytest.skip(f"no {PUBLISHED} beside the repository")
    published = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    ours = [
        {
            "cloud": row.cloud,
            "category": row.category,
            "service": row.service,
            "resource_type": " | ".join(row.resource_types),
            "resource_types": list(row.resource_types),
            "subresource": list(row.subresources),
            "private_dns_zones": list(row.private_dns_zones),
            "public_dns_forwarders": list(row.public_dns_forwarders),
            "zone_parameters": list(row.zone_parameters),
            "notes": row.notes,
            "source": row.source,
        }
        for row in zone_rows()
    ]
    assert ours == published


def test_all_rows_are_there_with_their_source():
    assert len(zone_rows()) == 184
    assert {row.cloud: sum(r.cloud == row.cloud for r in zone_rows()) for row in zone_rows()} == {
        "Commercial": 94,
        "Government": 53,
        "China": 37,
    }
    assert all("private-endpoint-dns" in row.source for row in zone_rows())


def test_parameters_named_are_those_of_the_zones():
    for row in zone_rows():
        assert set(row.zone_parameters) == {name for zone in row.private_dns_zones for name in PARAMETER.findall(zone)}


@pytest.mark.parametrize(
    ("resource_type", "group_id", "pairs"),
    [
        (
            "Microsoft.MachineLearningServices/workspaces",
            "amlworkspace",
            {
                "api.azureml.ms": "privatelink.api.azureml.ms",
                "notebooks.azure.net": "privatelink.notebooks.azure.net",
                "instances.azureml.ms": None,
                "aznbcontent.net": None,
                "inference.ml.azure.com": None,
            },
        ),
        (
            "Microsoft.HealthcareApis/workspaces",
            None,
            {
                "workspace.azurehealthcareapis.com": "privatelink.azurehealthcareapis.com",
                "fhir.azurehealthcareapis.com": "privatelink.azurehealthcareapis.com",
                "dicom.azurehealthcareapis.com": "privatelink.dicom.azurehealthcareapis.com",
            },
        ),
        (
            "Microsoft.ContainerService/managedClusters",
            None,
            {"{regionName}.azmk8s.io": "privatelink.{regionName}.azmk8s.io"},
        ),
        (
            "Microsoft.KeyVault/vaults",
            None,
            {
                "vault.azure.net": "privatelink.vaultcore.azure.net",
                "vaultcore.azure.net": "privatelink.vaultcore.azure.net",
            },
        ),
        ("Microsoft.IoTCentral/IoTApps", None, {"azureiotcentral.com": "privatelink.azureiotcentral.com"}),
        (
            "Microsoft.App/ManagedEnvironments",
            None,
            {"{regionName}.azurecontainerapps.io": "privatelink.{regionName}.azurecontainerapps.io"},
        ),
        (
            "Microsoft.ContainerRegistry/registries",
            None,
            {
                "azurecr.io": "privatelink.azurecr.io",
                "{regionName}.data.azurecr.io": "{regionName}.data.privatelink.azurecr.io",
            },
        ),
    ],
)
def test_forwarders_are_paired_with_the_zone_of_their_names(resource_type, group_id, pairs):
    (row,) = zones_for_resource_type(resource_type, group_id, "Commercial")
    assert {pair.public: pair.zone for pair in row.pairs} == pairs


def test_government_iot_hub_keeps_the_published_pairing():
    (row,) = zones_for_resource_type("Microsoft.Devices/IotHubs", cloud="government")
    assert {pair.public: pair.zone for pair in row.pairs} == {
        "azure-devices.us": "privatelink.azure-devices.us",
        "servicebus.usgovcloudapi.net": "privatelink.servicebus.windows.us",
    }


def test_names_lie_within_a_suffix_on_a_label_boundary():
    assert is_within("blob.core.windows.net", "blob.core.windows.net")
    assert is_within("orders.blob.core.windows.net", "blob.core.windows.net")
    assert not is_within("evilblob.core.windows.net", "blob.core.windows.net")


def test_every_zone_has_a_public_side_but_alternatives_and_borrowed_ones():
    unpaired = {
        (row.service, zone)
        for row in zone_rows()
        for zone in row.private_dns_zones
        if zone not in {pair.zone for pair in row.pairs}
    }
    assert unpaired == {
        ("Azure Kubernetes Service - Kubernetes API", "{subzone}.privatelink.{regionName}.azmk8s.io"),
        ("Azure IoT Central", "privatelink.azure-devices.net"),
        ("Azure IoT Central", "privatelink.servicebus.windows.net"),
        ("Azure IoT Central", "privatelink.azure-devices-provisioning.net"),
    }


@pytest.mark.parametrize(
    ("zone", "kept_in"),
    [
        ("{regionName}.data.privatelink.azurecr.io", "privatelink.azurecr.io"),
        ("scm.privatelink.azurewebsites.net", "privatelink.azurewebsites.net"),
        ("scm.privatelink.azurewebsites.us", "privatelink.azurewebsites.us"),
        ("privatelink.blob.core.windows.net", "privatelink.blob.core.windows.net"),
    ],
)
def test_zones_that_must_not_be_created_have_their_records_in_another(zone, kept_in):
    assert zone in {name for row in zone_rows() for name in row.private_dns_zones}
    assert records_zone(zone) == kept_in


def test_resource_type_gives_its_rows_in_any_case():
    rows = zones_for_resource_type("microsoft.storage/STORAGEACCOUNTS", "Blob", "china")
    assert [row.private_dns_zones for row in rows] == [("privatelink.blob.core.chinacloudapi.cn",)]


def test_resource_type_without_group_or_cloud_gives_all_its_rows():
    rows = zones_for_resource_type("Microsoft.KeyVault/vaults")
    assert [row.cloud for row in rows] == ["Commercial", "Government", "China"]
    groups = {group for row in zones_for_resource_type("Microsoft.Synapse/workspaces") for group in row.subresources}
    assert groups == {"Sql", "SqlOnDemand", "Dev"}


def test_resource_type_not_offered_in_a_cloud_gives_nothing():
    assert zones_for_resource_type("Microsoft.Dashboard/grafana", cloud="China") == ()


def test_row_of_two_resource_types_is_found_by_each():
    for kind in ("workspaces", "hostpools"):
        rows = zones_for_resource_type(f"Microsoft.DesktopVirtualization/{kind}", "feed", "China")
        assert [row.private_dns_zones for row in rows] == [("privatelink.wvd.azure.cn",)]


@pytest.mark.parametrize(
    ("arguments", "field", "message"),
    [
        (("Microsoft.Storage/storageAcounts",), "resource_type", "did you mean Microsoft.Storage/storageAccounts"),
        (("zzz",), "resource_type", "write one such as Microsoft.Storage/storageAccounts"),
        (("Microsoft.KeyVault/vaults", "vualt"), "group_id", "did you mean vault?"),
        (("Microsoft.KeyVault/vaults", "zzz"), "group_id", "known are vault"),
        (("Microsoft.KeyVault/vaults", None, "Moon"), "cloud", "known are China, Commercial, Government"),
    ],
)
def test_unknown_words_are_refused_with_the_nearest_known(arguments, field, message):
    with pytest.raises(InvalidInputError, match="is not in the Private Link table") as caught:
        zones_for_resource_type(*arguments)
    assert caught.value.field == field
    assert message in str(caught.value)


def test_description_of_a_row_is_plain_json_without_zones_not_to_create():
    (row,) = zones_for_resource_type("Microsoft.ContainerRegistry/registries", cloud="Commercial")
    described = describe(row)
    assert json.loads(json.dumps(described)) == described
    assert described["zones"] == ["privatelink.azurecr.io"]
    assert described["forwarders"] == ["azurecr.io", "{regionName}.data.azurecr.io"]
    assert described["group_ids"] == ["registry"]
    assert described["resource_types"] == ["Microsoft.ContainerRegistry/registries"]
    assert "do NOT deploy" in described["notes"]


def test_table_is_not_read_at_import():
    code = (
        "import airflow_provider_netconn.privatelink as p\n"
        "from airflow_provider_netconn.privatelink.table import zone_table\n"
        "print(zone_table.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
