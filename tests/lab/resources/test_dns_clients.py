"""Azure's own clients of private DNS and of the DNS resolver, sync and async, do every operation in the lab."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError
from azure.mgmt.dnsresolver import DnsResolverManagementClient
from azure.mgmt.dnsresolver.aio import DnsResolverManagementClient as AsyncDnsResolverManagementClient
from azure.mgmt.privatedns import PrivateDnsManagementClient
from azure.mgmt.privatedns.aio import PrivateDnsManagementClient as AsyncPrivateDnsManagementClient

from airflow_provider_netconn.lab.testing import AzureLab

ZONE = "privatelink.blob.core.windows.net"


@pytest.fixture(scope="module")
def started():
    lab = AzureLab()
    yield lab
    lab.stop()


@pytest.fixture
def lab(started):
    started.reset()
    return started


@pytest.fixture
def group(lab):
    """A group with a network of two small subnets; gives its name."""
    base = f"/subscriptions/{lab.subscription_id}/resourceGroups/names"
    lab.put(base, {"location": "eastus"})
    subnets = [
        {"name": name, "properties": {"addressPrefix": prefix}}
        for name, prefix in (("in", "10.10.0.0/28"), ("out", "10.10.0.16/28"))
    ]
    space = {"addressSpace": {"addressPrefixes": ["10.10.0.0/16"]}, "subnets": subnets}
    lab.put(_network(lab), {"location": "eastus", "properties": space})
    return "names"


def _network(lab) -> str:
    return f"/subscriptions/{lab.subscription_id}/resourceGroups/names/providers/Microsoft.Network/virtualNetworks/hub"


class Waiting:
    """Calls either client's operations alike: pollers are waited for, pages are read to their end."""

    async def __call__(self, answer: Any) -> Any:
        answer = await answer if inspect.isawaitable(answer) else answer
        if isinstance(answer, AsyncIterator):
            return [item async for item in answer]
        if hasattr(answer, "result"):
            result = answer.result()
            return await result if inspect.isawaitable(result) else result
        return list(answer) if hasattr(answer, "by_page") else answer

    async def refused(self, operation: Any, *arguments: Any, **options: Any) -> tuple[int | None, str | None]:
        with pytest.raises(HttpResponseError) as refused:
            await self(operation(*arguments, **options))
        error = refused.value.error
        return refused.value.status_code, error.code if error is not None else None


wait = Waiting()


@pytest.fixture(params=["sync", "async"])
async def clients(request, lab):
    """Both clients of one kind."""
    if request.param == "sync":
        with (
            lab.client(PrivateDnsManagementClient) as names,
            lab.client(DnsResolverManagementClient) as resolvers,
        ):
            yield names, resolvers
        return
    from azure.identity.aio import ClientSecretCredential

    owner = lab.principal()
    options = {"connection_verify": lab.ca_file}
    credential = ClientSecretCredential(
        lab.tenant_id,
        owner.app_id,
        owner.client_secret,
        authority=lab.authority_url,
        disable_instance_discovery=True,
        **options,
    )
    options |= {
        "base_url": lab.arm_url,
        "polling_interval": 0,
        "credential_scopes": ["https://management.azure.com/.default"],
    }
    async with (
        credential,
        AsyncPrivateDnsManagementClient(credential, lab.subscription_id, **options) as names,
        AsyncDnsResolverManagementClient(credential, lab.subscription_id, **options) as resolvers,
    ):
        yield names, resolvers


async def test_zones_and_links(lab, group, clients):
    names, _ = clients
    zones, links = names.private_zones, names.virtual_network_links
    made = await wait(zones.begin_create_or_update(group, ZONE, {"location": "global"}))
    assert (made.name, made.properties.number_of_record_sets) == (ZONE, 1)
    assert (await wait(zones.begin_update(group, ZONE, {"tags": {"a": "b"}}))).tags == {"a": "b"}
    assert (await wait(zones.get(group, ZONE))).tags == {"a": "b"}
    assert [zone.name for zone in await wait(zones.list_by_resource_group(group))] == [ZONE]
    assert ZONE in {zone.name for zone in await wait(zones.list(top=1))}
    missing = MatchConditions.IfMissing
    again = await wait.refused(
        zones.begin_create_or_update, group, ZONE, {"location": "global"}, match_condition=missing
    )
    assert again == (200, "PreconditionFailed")  # the poll's status: the write itself was accepted
    properties = {"virtualNetwork": {"id": _network(lab)}, "resolutionPolicy": "NxDomainRedirect"}
    body = {"location": "global", "properties": properties}
    link = await wait(links.begin_create_or_update(group, ZONE, "hub", body))
    assert link.properties.virtual_network_link_state == "Completed"
    patched = await wait(links.begin_update(group, ZONE, "hub", {"properties": {"registrationEnabled": True}}))
    assert (patched.properties.provisioning_state, patched.properties.virtual_network_link_state) == (
        "Succeeded",
        "InProgress",
    )
    assert (await wait(links.get(group, ZONE, "hub"))).properties.resolution_policy == "NxDomainRedirect"
    assert len(await wait(links.list(group, ZONE))) == 1
    assert await wait.refused(zones.begin_delete, group, ZONE) == (409, "CannotDeleteResource")
    await wait(links.begin_delete(group, ZONE, "hub"))
    await wait(zones.begin_delete(group, ZONE))
    assert await wait.refused(zones.get, group, ZONE) == (404, "ResourceNotFound")


async def test_record_sets(group, clients):
    names, _ = clients
    await wait(names.private_zones.begin_create_or_update(group, ZONE, {"location": "global"}))
    sets = names.record_sets
    body = {"properties": {"ttl": 10, "aRecords": [{"ipv4Address": "10.10.0.4"}]}}
    made = await wait(sets.create_or_update(group, ZONE, "A", "account", body))
    assert (made.properties.fqdn, made.properties.is_auto_registered) == (f"account.{ZONE}.", False)
    missing = {"match_condition": MatchConditions.IfMissing}
    again = await wait.refused(sets.create_or_update, group, ZONE, "A", "account", body, **missing)
    assert again == (412, "PreconditionFailed")
    patched = await wait(sets.update(group, ZONE, "A", "account", {"properties": {"metadata": {"a": "b"}}}))
    assert (patched.properties.metadata, len(patched.properties.a_records)) == ({"a": "b"}, 1)
    assert (await wait(sets.get(group, ZONE, "A", "account"))).etag == patched.etag
    assert len(await wait(sets.list_by_type(group, ZONE, "A", recordsetnamesuffix="account"))) == 1
    assert [one.name for one in await wait(sets.list(group, ZONE))] == ["@", "account"]
    await wait(sets.delete(group, ZONE, "A", "account"))
    assert await wait.refused(sets.get, group, ZONE, "A", "account") == (404, "NotFound")


async def test_resolvers_and_their_endpoints(lab, group, clients):
    _, client = clients
    resolvers, network = client.dns_resolvers, _network(lab)
    body = {"location": "eastus", "properties": {"virtualNetwork": {"id": network}}}
    assert (await wait(resolvers.begin_create_or_update(group, "hub", body))).dns_resolver_state == "Connected"
    assert (await wait(resolvers.begin_update(group, "hub", {"tags": {"a": "b"}}))).tags == {"a": "b"}
    assert (await wait(resolvers.get(group, "hub"))).system_data.created_by_type == "User"
    assert len(await wait(resolvers.list_by_resource_group(group))) == len(await wait(resolvers.list())) == 1
    assert next(one.id for one in await wait(resolvers.list_by_virtual_network(group, "hub"))).endswith("/hub")
    configuration = {"ipConfigurations": [{"subnet": {"id": f"{network}/subnets/in"}}]}
    inbound = {"location": "eastus", "properties": configuration}
    made = await wait(client.inbound_endpoints.begin_create_or_update(group, "hub", "in", inbound))
    assert made.ip_configurations[0].private_ip_address == "10.10.0.4"
    outbound = {"location": "eastus", "properties": {"subnet": {"id": f"{network}/subnets/out"}}}
    await wait(client.outbound_endpoints.begin_create_or_update(group, "hub", "out", outbound))
    for endpoints, name in ((client.inbound_endpoints, "in"), (client.outbound_endpoints, "out")):
        assert (await wait(endpoints.begin_update(group, "hub", name, {"tags": {"a": "b"}}))).tags == {"a": "b"}
        assert (await wait(endpoints.get(group, "hub", name))).provisioning_state == "Succeeded"
        assert len(await wait(endpoints.list(group, "hub"))) == 1
    assert await wait.refused(resolvers.begin_delete, group, "hub") == (409, "CannotDeleteResource")
    await wait(client.inbound_endpoints.begin_delete(group, "hub", "in"))
    await wait(client.outbound_endpoints.begin_delete(group, "hub", "out"))
    await wait(resolvers.begin_delete(group, "hub"))
    assert await wait(resolvers.list()) == []


async def test_forwarding(lab, group, clients):
    _, client = clients
    base = _network(lab).rpartition("/virtualNetworks/")[0]
    endpoint = f"{base}/dnsResolvers/hub/outboundEndpoints/out"
    lab.put(f"{base}/dnsResolvers/hub", {"location": "eastus", "properties": {"virtualNetwork": {"id": _network(lab)}}})
    lab.put(endpoint, {"location": "eastus", "properties": {"subnet": {"id": f"{_network(lab)}/subnets/out"}}})
    rulesets, rules, links = client.dns_forwarding_rulesets, client.forwarding_rules, client.virtual_network_links
    body = {"location": "eastus", "properties": {"dnsResolverOutboundEndpoints": [{"id": endpoint}]}}
    assert (await wait(rulesets.begin_create_or_update(group, "rules", body))).name == "rules"
    patch = {"tags": {"a": "b"}, "dnsResolverOutboundEndpoints": [{"id": endpoint}]}
    assert (await wait(rulesets.begin_update(group, "rules", patch))).tags == {"a": "b"}
    assert (await wait(rulesets.get(group, "rules"))).dns_resolver_outbound_endpoints[0].id == endpoint
    assert len(await wait(rulesets.list_by_resource_group(group))) == len(await wait(rulesets.list())) == 1
    rule = {"properties": {"domainName": "corp.example.", "targetDnsServers": [{"ipAddress": "10.0.0.1"}]}}
    assert (await wait(rules.create_or_update(group, "rules", "corp", rule))).target_dns_servers[0].port == 53
    off = {"properties": {"forwardingRuleState": "Disabled"}}
    assert (await wait(rules.update(group, "rules", "corp", off))).forwarding_rule_state == "Disabled"
    assert (await wait(rules.get(group, "rules", "corp"))).domain_name == "corp.example."
    assert len(await wait(rules.list(group, "rules"))) == 1
    link = {"properties": {"virtualNetwork": {"id": _network(lab)}}}
    assert (await wait(links.begin_create_or_update(group, "rules", "hub", link))).name == "hub"
    metadata = {"properties": {"metadata": {"a": "b"}}}
    assert (await wait(links.begin_update(group, "rules", "hub", metadata))).metadata == {"a": "b"}
    assert (await wait(links.get(group, "rules", "hub"))).provisioning_state == "Succeeded"
    assert len(await wait(links.list(group, "rules"))) == 1
    listed = await wait(rulesets.list_by_virtual_network(group, "hub"))
    assert [one.virtual_network_link.id.rpartition("/")[2] for one in listed] == ["hub"]
    await wait(rules.delete(group, "rules", "corp"))
    await wait(links.begin_delete(group, "rules", "hub"))
    await wait(rulesets.begin_delete(group, "rules"))
    assert await wait.refused(rulesets.get, group, "rules") == (404, "ResourceNotFound")
