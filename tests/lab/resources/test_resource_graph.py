"""Resource Graph: queries of the shapes that Microsoft's own examples and our client use."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.lab.arm.kinds import ResourceKind
from airflow_provider_netconn.lab.arm.schema import Object
from airflow_provider_netconn.lab.resources import resource_graph, subscriptions
from tests.lab.arm.planes import GROUP, SUBSCRIPTION, make_plane, put, send

V = "2024-04-01"


class Things(ResourceKind):
    type = "Microsoft.Test/things"
    api_versions = (V,)
    tracked = True
    properties = Object(properties={}, open=True)


@pytest.fixture
def plane():
    plane = make_plane([*subscriptions.KINDS, *resource_graph.KINDS, Things()])
    for name, region, links in (("a", "eastus", ["x", "y"]), ("b", "westus", ["z"]), ("test-c", "eastus", [])):
        body = {"location": region, "properties": {"size": len(links), "links": [{"to": link} for link in links]}}
        put(plane, f"Microsoft.Test/things/{name}", body, version=V)
    return plane


def ask(plane, query, **more):
    body = {"query": query, **more}
    return send(plane, "POST", "/providers/Microsoft.ResourceGraph/resources", body, version=V)


def rows(plane, query, **more):
    answer = ask(plane, query, **more)
    assert answer.status == 200, answer.body
    return answer.body["data"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Resources | project name", [{"name": "a"}, {"name": "b"}, {"name": "test-c"}]),
        ("resources | where type =~ 'Microsoft.Test/THINGS' and location == 'westus' | project name", [{"name": "b"}]),
        ("where name contains 'TEST' | project id", [{"id": f"{GROUP}/providers/Microsoft.Test/things/test-c"}]),
        (
            "resources | where properties.size > 1 | project n = name, properties.size",
            [{"n": "a", "properties_size": 2}],
        ),
        ("resources | where name in~ ('A', 'B') | project name | limit 1", [{"name": "a"}]),
        ("resources | where name !in ('a', 'b') | project name", [{"name": "test-c"}]),
        ("resources | where not(name == 'a') and (location == 'eastus' or false) | project name", [{"name": "test-c"}]),
        ("resources | summarize count() by location | top 1 by count_", [{"location": "eastus", "count_": 2}]),
        ("resources | summarize by tostring(properties.size) | count", [{"Count": 3}]),
        (
            "resources | mv-expand link = properties.links | project name, to = tostring(link.to) | order by to asc",
            [{"name": "a", "to": "x"}, {"name": "a", "to": "y"}, {"name": "b", "to": "z"}],
        ),
        ("resources | extend upper = toupper(name) | where upper == 'B' | project upper // comment", [{"upper": "B"}]),
        ("resources | where properties.links[0].to == 'z' | project name", [{"name": "b"}]),
        ("resourcecontainers | where type endswith '/resourcegroups' | project name", [{"name": "rg"}]),
        (
            "resources | where isnotempty(properties.links) | distinct location",
            [{"location": "eastus"}, {"location": "westus"}],
        ),
    ],
)
def test_queries(plane, query, expected):
    assert rows(plane, query) == expected


@pytest.mark.parametrize(
    "query",
    [
        "resources | fly",
        "resources | where",
        "nowhere | count",
        "resources | where a ==",
        "resources ; drop",
        "'",
        "resources | join x",
    ],
)
def test_what_it_does_not_know_is_refused(plane, query):
    answer = ask(plane, query)
    assert (answer.status, answer.body["error"]["details"][0]["code"]) == (400, "InvalidQuery")


def test_pages_by_skip_token(plane):
    first = ask(plane, "resources | project name", options={"$top": 2}).body
    assert (first["totalRecords"], first["count"]) == (3, 2)
    second = ask(plane, "resources | project name", options={"$top": 2, "$skipToken": first["$skipToken"]}).body
    assert second["data"] == [{"name": "test-c"}]
    assert "$skipToken" not in second


def test_only_the_subscriptions_asked_for(plane):
    assert rows(plane, "resources", subscriptions=["none"]) == []
    assert len(rows(plane, "resources", subscriptions=[SUBSCRIPTION.upper()])) == 3


def test_a_table_format(plane):
    table = rows(plane, "resources | project name, location | limit 1", options={"resultFormat": "table"})
    assert table == {
        "columns": [{"name": "name", "type": "string"}, {"name": "location", "type": "string"}],
        "rows": [["a", "eastus"]],
    }
