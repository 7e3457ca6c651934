"""What holds of resolution whatever the zones, names and changes are."""

from __future__ import annotations

import asyncio
import itertools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from airflow_provider_netconn.lab.names.addresses import AsTheyAre
from airflow_provider_netconn.lab.names.private_zones import PrivateZones
from airflow_provider_netconn.lab.names.public_names import PublicNames
from airflow_provider_netconn.lab.names.resolution import Resolver
from airflow_provider_netconn.lab.names.values import NOERROR, NXDOMAIN, PUBLIC, Question, View
from tests.lab.arm.planes import GROUP
from tests.lab.resources import endpoint_landscape as endpoints
from tests.lab.resources.endpoint_landscape import ENDPOINT, NETWORK, STORAGE

ZONES = f"{GROUP}/providers/Microsoft.Network/privateDnsZones"
NETWORK_ID = f"{GROUP}/providers/{NETWORK}"
BLOB = "orders.blob.core.windows.net"
PRIVATE = "privatelink.blob.core.windows.net"

LABELS = st.sampled_from(["a", "b", "c", "x-1"])
NAMES = st.lists(LABELS, min_size=1, max_size=3).map(".".join)
OWNERS = st.one_of(NAMES, NAMES.map(lambda name: f"*.{name}"), st.just("*"))
RECORDS = st.dictionaries(OWNERS, st.sampled_from(["A", "CNAME", "TXT"]), max_size=6)
CONTENT = {
    "A": {"aRecords": [{"ipv4Address": "10.0.0.9"}]},
    "CNAME": {"cnameRecord": {"cname": "elsewhere.example"}},
    "TXT": {"txtRecords": [{"value": ["text"]}]},
}
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


async def nobody(target, question):
    raise AssertionError(f"{target} is asked for {question}")


def resolver_of(plane):
    return Resolver(plane, public=PublicNames(plane), servers=(), addresses=AsTheyAre(), exchange=nobody)


def resolve(plane, view, name, record_type="A"):
    return asyncio.run(resolver_of(plane).resolve(view, Question(name, record_type)))


def zone_with(plane, name, records, *, links=(), **policy):
    endpoints.put(plane, f"{ZONES}/{name}", {"location": "global"}, version="2024-06-01")
    for owner, record_type in records.items():
        body = {"properties": {"ttl": 60, **CONTENT[record_type]}}
        endpoints.put(plane, f"{ZONES}/{name}/{record_type}/{owner}", body, version="2024-06-01")
    for network in links:
        body = {"location": "global", "properties": {"virtualNetwork": {"id": network}, **policy}}
        endpoints.put(plane, f"{ZONES}/{name}/virtualNetworkLinks/l", body, version="2024-06-01")


def expected(records, name, record_type):
    """What RFC 1034 (4.3.2) and 4592 say, told in another way: by all the names there are."""
    present = set(records) | {owner.split(".", at)[-1] for owner in records for at in range(owner.count(".") + 1)}
    source = name
    if name not in present:
        above = [name.split(".", at)[-1] for at in range(1, name.count(".") + 1)]
        encloser = next((one for one in above if one in present), "")
        source = f"*.{encloser}" if encloser else "*"
        if source not in records:
            return NXDOMAIN, None
    held = records.get(source)
    return NOERROR, held if held in {record_type, "CNAME"} else None


@QUICK
@given(records=RECORDS, name=NAMES, record_type=st.sampled_from(["A", "AAAA", "TXT", "CNAME"]))
def test_zones_answer_as_the_rules_of_wildcards_say(records, name, record_type):
    plane = endpoints.make_plane()
    zone_with(plane, "zone.test", records)
    zone = plane.store.find(f"{ZONES}/zone.test")
    answer = PrivateZones(plane).answer(zone, Question(f"{name}.zone.test", record_type))
    rcode, held = expected(records, name, record_type)
    assert answer.rcode == rcode
    assert [record.type for record in answer.records] == ([held] if held else [])
    assert all(record.name == f"{name}.zone.test" for record in answer.records)
    assert bool(answer.authority) != bool(answer.records)


@QUICK
@given(labels=st.lists(LABELS, min_size=1, max_size=4), cuts=st.sets(st.integers(0, 4)))
def test_the_zone_with_the_longest_name_answers(labels, cuts):
    plane = endpoints.make_plane()
    name = ".".join([*labels, "zone", "test"])
    zones = {name.split(".", cut)[-1] for cut in cuts if cut <= len(labels)}
    for zone in zones:
        zone_with(plane, zone, {}, links=[NETWORK_ID])
    answer = resolve(plane, View(network=NETWORK_ID), name)
    owner = answer.authority[0].name
    assert owner == (max(zones, key=len) if zones else "zone.test")
    assert answer.rcode == (NOERROR if name in zones else NXDOMAIN)


@QUICK
@given(name=st.text(max_size=30), record_type=st.sampled_from(["A", "AAAA", "PTR", "SOA", "TYPE65", "MX"]))
def test_any_name_has_an_answer(name, record_type):
    plane = endpoints.make_plane()
    zone_with(plane, PRIVATE, {"*": "A"}, links=[NETWORK_ID])
    for view in (PUBLIC, View(network=NETWORK_ID), View(network=NETWORK_ID, at_azure=True)):
        for asked in (name, f"{name}.{PRIVATE}", f"{name}.internal.cloudapp.net", f"{name}.in-addr.arpa"):
            assert resolve(plane, view, asked, record_type).rcode in {NOERROR, NXDOMAIN}


@QUICK
@given(flips=st.lists(st.booleans(), min_size=len(BLOB), max_size=len(BLOB)))
def test_case_does_not_matter(flips):
    plane = endpoints.make_plane()
    endpoints.make_target(plane, STORAGE)
    name = "".join(letter.upper() if flip else letter for letter, flip in zip(BLOB, flips, strict=True))
    plain, spelled = resolve(plane, PUBLIC, BLOB), resolve(plane, PUBLIC, name)
    assert [record.data for record in plain.records] == [record.data for record in spelled.records]
    assert spelled.records[0].name == name


class Landscape(RuleBasedStateMachine):
    """A storage account with an endpoint, a zone and a link: each there or not; the answer follows from which."""

    @initialize()
    def begin(self):
        self.plane = endpoints.make_plane()
        self.public = PublicNames(self.plane)
        self.resolver = Resolver(self.plane, public=self.public, servers=(), addresses=AsTheyAre(), exchange=nobody)
        self.account = self.endpoint = self.zone = False
        self.link = None

    @rule()
    def turn_account(self):
        if self.account and self.endpoint:
            return
        self.account = not self.account
        if self.account:
            endpoints.make_target(self.plane, STORAGE)
        else:
            self.remove(STORAGE, "2023-05-01")

    @rule()
    def turn_endpoint(self):
        if not self.account:
            return
        self.endpoint = not self.endpoint
        if self.endpoint:
            endpoints.put(self.plane, ENDPOINT, endpoints.endpoint(STORAGE))
        else:
            self.remove(ENDPOINT, "2024-03-01")

    @rule()
    def turn_zone(self):
        if self.link is not None:
            return
        self.zone = not self.zone
        if self.zone:
            zone_with(self.plane, PRIVATE, {"orders": "A"})
        else:
            self.remove(f"{ZONES}/{PRIVATE}", "2024-06-01")

    @rule(policy=st.sampled_from(["Default", "NxDomainRedirect", None]))
    def turn_link(self, policy):
        if not self.zone:
            return
        path = f"{ZONES}/{PRIVATE}/virtualNetworkLinks/l"
        self.link = policy
        if policy is None:
            self.remove(path, "2024-06-01")
        else:
            properties = {"virtualNetwork": {"id": NETWORK_ID}, "resolutionPolicy": policy}
            endpoints.put(self.plane, path, {"location": "global", "properties": properties}, version="2024-06-01")

    def remove(self, path, version):
        endpoints.planes.send(self.plane, "DELETE", path, version=version)
        endpoints.settle(self.plane)

    def ask(self, view, name):
        return asyncio.run(self.resolver.resolve(view, Question(name, "A")))

    @invariant()
    def the_answer_follows(self):
        for view, sees_zone in ((PUBLIC, False), (View(network=NETWORK_ID), self.link is not None)):
            answer = self.ask(view, BLOB)
            aliases = [record.data for record in answer.records if record.type == "CNAME"]
            addresses = [record.data for record in answer.records if record.type == "A"]
            if not self.account:
                assert (answer.rcode, answer.records) == (NXDOMAIN, ())
                continue
            assert (f"orders.{PRIVATE}." in aliases) == self.endpoint
            is_private = self.endpoint and sees_zone
            assert addresses == (["10.0.0.9"] if is_private else [self.public.address_of(BLOB)])

    @invariant()
    def falling_back_is_private_first(self):
        if self.link is not None and self.account and self.endpoint:
            answer = self.ask(View(network=NETWORK_ID), f"orders.{PRIVATE}")
            assert [record.data for record in answer.records] == ["10.0.0.9"]
            other = self.ask(View(network=NETWORK_ID), f"nobody.{PRIVATE}")
            assert other.rcode == NXDOMAIN

    @invariant()
    def chains_are_whole(self):
        for view in (PUBLIC, View(network=NETWORK_ID)):
            records = self.ask(view, BLOB).records
            for one, following in itertools.pairwise(records):
                assert one.type != "CNAME" or following.name == one.data.removesuffix(".")

    @invariant()
    def the_index_is_that_of_a_fresh_one(self):
        fresh = PublicNames(self.plane)
        assert {one.fqdn for one in fresh.all()} == {one.fqdn for one in self.public.all()}


Landscape.TestCase.settings = settings(
    max_examples=25, stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestLandscape = Landscape.TestCase
