"""The Astro API's client against the lab's Astro: what each token sees, pages, refusals, and from where tasks call."""

from __future__ import annotations

from functools import partial

import pytest

from airflow_provider_netconn.astro import client as client_module
from airflow_provider_netconn.astro.client import AstroClient
from airflow_provider_netconn.astro.egress import cluster_egress, deployment_egress
from airflow_provider_netconn.astro.settings import AstroSettings
from airflow_provider_netconn.errors import AstroError, AstroForbiddenError, AstroNotFoundError, InvalidOptionError
from airflow_provider_netconn.lab.astro.records import Kind, Record

EXTERNAL = ("203.0.113.20", "203.0.113.21")


@pytest.fixture
def environment(azure_lab):
    return azure_lab.environment()


@pytest.fixture
def client(azure_lab, environment):
    """A client with the token of that name."""
    tokens = {one["name"]: one["token"] for one in azure_lab.state()["astro"]["tokens"]}

    def make(token="organization", **options):
        settings = AstroSettings.from_environment(
            environment, token=tokens.get(token, token), ca_file=azure_lab.ca_file
        )
        return AstroClient(settings, **options)

    return make


def change(lab, kind, **changes):
    """Change the first record of a kind, as the lab's owner."""
    lab._call(lambda: lab.local.astro.change(lab.local.astro.records(kind)[0], **changes))


def test_an_organization_token_sees_the_deployment_and_its_cluster(client, environment):
    found = deployment_egress(client(), environment["ASTRO_DEPLOYMENT_ID"])
    assert (found.source, found.addresses, found.says_nothing) == ("Astro Deployment orders", EXTERNAL, "")
    assert (found.cloud_provider, found.region, found.notes) == ("AZURE", "westeurope", ())


def test_a_deployment_token_may_not_see_the_cluster_and_that_is_no_error(client, environment):
    own = client("orders")
    found = deployment_egress(own, environment["ASTRO_DEPLOYMENT_ID"])
    assert found.addresses == EXTERNAL
    assert found.notes == ("the token may not see the cluster; what only the cluster tells is left out",)
    with pytest.raises(AstroForbiddenError, match=r"403 Forbidden; the token may not see this.*\(request id \w+\)"):
        cluster_egress(own, "contoso-westeurope")


def test_a_cluster_is_found_by_name_and_by_id(client):
    by_name = cluster_egress(client(), "contoso-westeurope")
    (cluster,) = client().clusters()
    assert cluster_egress(client(), cluster["id"]) == by_name
    assert by_name.addresses == EXTERNAL
    with pytest.raises(InvalidOptionError, match="'other' is no cluster"):
        cluster_egress(client(), "other")


def test_remote_execution_makes_external_addresses_say_nothing(azure_lab, client, environment):
    change(azure_lab, Kind.DEPLOYMENT, remoteExecution={"enabled": True})
    found = deployment_egress(client(), environment["ASTRO_DEPLOYMENT_ID"])
    assert "remote execution" in found.says_nothing


def test_private_network_egress_makes_them_say_nothing_too(azure_lab, client):
    change(azure_lab, Kind.CLUSTER, isPrivateNetworkEgressEnabled=True)
    assert "private network egress" in cluster_egress(client(), "contoso-westeurope").says_nothing


def test_addresses_of_the_cluster_that_takes_over_are_told(azure_lab, client, environment):
    change(azure_lab, Kind.DEPLOYMENT, drExternalIPs=["198.51.100.77"])
    assert deployment_egress(client(), environment["ASTRO_DEPLOYMENT_ID"]).dr_addresses == ("198.51.100.77",)


def test_lists_are_read_page_by_page(azure_lab, client, monkeypatch):
    monkeypatch.setattr(client_module, "PAGE", 2)
    (first,) = client().deployments()
    state = azure_lab.local.astro
    for number in range(4):
        fresh = Record(kind=Kind.DEPLOYMENT, document={**first, "id": f"another{number}"})
        azure_lab._call(partial(state.put, fresh))
    azure_lab.local.journal.clear()
    assert len({one["id"] for one in client().deployments()}) == 5
    assert len(azure_lab.journal(service="astro")) == 3


@pytest.mark.parametrize("fault", ["throttled:0", "server-error:503", "reset-before", "malformed"])
def test_passing_failures_are_outlived(azure_lab, client, environment, fault):
    azure_lab.fault(fault, service="astro", times=2)
    assert deployment_egress(client(), environment["ASTRO_DEPLOYMENT_ID"]).addresses == EXTERNAL


def test_failures_that_last_end_at_the_time_limit(azure_lab, client, environment):
    azure_lab.fault("server-error:503", service="astro", share=1.0)
    with pytest.raises(AstroError, match="503") as raised:
        client(timeout_s=1).deployment(environment["ASTRO_DEPLOYMENT_ID"])
    assert raised.value.status == 503


def test_refusals_say_what_to_do_and_never_the_token(client):
    with pytest.raises(AstroNotFoundError, match=r"deployments/none: 404 Deployment not found; check the id"):
        client().deployment("none")
    with pytest.raises(AstroError, match=r"401 Unauthorized; the token is wrong or has expired") as raised:
        client("CANARY-token").deployment("none")
    assert "CANARY" not in str(raised.value)


def test_what_lacks_is_named_and_the_token_is_shown_nowhere(environment):
    for name in ("ASTRO_API_TOKEN", "ASTRO_ORGANIZATION_ID"):
        with pytest.raises(InvalidOptionError, match=name):
            AstroSettings.from_environment({**environment, name: ""})
    with pytest.raises(InvalidOptionError, match="ASTRO_API_URL: is no https URL"):
        AstroSettings.from_environment({**environment, "ASTRO_API_URL": "http://api.astronomer.io/v1"})
    assert environment["ASTRO_API_TOKEN"] not in repr(AstroSettings.from_environment(environment))
