"""``/metadata/endpoints``: what clients learn of the lab as a cloud. Tests of azure-cli show how it reads it."""

from __future__ import annotations

import pytest
import requests


@pytest.fixture
def endpoints(azure_lab):
    """The description in one version of the API."""

    def read(**query):
        return requests.get(
            f"{azure_lab.arm_url}/metadata/endpoints", params=query, verify=azure_lab.ca_file, timeout=9
        )

    return read


def test_newest_version_describes_one_cloud(azure_lab, endpoints):
    cloud = endpoints(**{"api-version": "2022-09-01"}).json()
    assert cloud["resourceManager"] == f"{azure_lab.arm_url}/"
    assert cloud["authentication"]["loginEndpoint"] == azure_lab.authority_url
    assert cloud["authentication"]["audiences"][0] == "https://management.core.windows.net/"
    assert cloud["microsoftGraphResourceId"] == f"{azure_lab.graph_url}/"


@pytest.mark.parametrize("version", ["2019-05-01", "2020-06-01"])
def test_versions_before_list_clouds(endpoints, version):
    (cloud,) = endpoints(**{"api-version": version}).json()
    assert cloud == endpoints(**{"api-version": "2022-09-01"}).json()


def test_first_version_is_read_by_msrestazure(azure_lab, monkeypatch):
    azure_cloud = pytest.importorskip("msrestazure.azure_cloud", reason="msrestazure is not installed")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", azure_lab.ca_file)
    cloud = azure_cloud.get_cloud_from_metadata_endpoint(azure_lab.arm_url)
    assert cloud.endpoints.active_directory == f"{azure_lab.authority_url}/"
    assert cloud.endpoints.active_directory_graph_resource_id == f"{azure_lab.graph_url}/"
    assert cloud.endpoints.active_directory_resource_id == "https://management.core.windows.net/"


def test_version_must_be_given(endpoints):
    refused = endpoints()
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "MissingApiVersionParameter")
