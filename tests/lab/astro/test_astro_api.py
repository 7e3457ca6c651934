"""The Astro API, asked over HTTP: what each token sees, pages, filters, limits and refusals."""

from __future__ import annotations

import json
import os
from pathlib import Path

import httpx
import jsonschema
import pytest

from airflow_provider_netconn.lab.astro.application import RateLimit, application
from airflow_provider_netconn.lab.astro.records import FIELDS, Kind
from airflow_provider_netconn.lab.astro.state import ApiToken, AstroState, Scope
from airflow_provider_netconn.lab.clock import Clock
from tests.lab.running import Service, served

REPOSITORY = Path(__file__).parents[3]
PUBLISHED = REPOSITORY.parent / "shared" / "astro" / "astro_v1.0_readonly_subset.openapi.json"

ORGANIZATION_TOKEN, WORKSPACE_TOKEN, DEPLOYMENT_TOKEN = "canary-organization", "canary-workspace", "canary-deployment"
DOCUMENT = {
    "organization": {"name": "Contoso", "productPlans": [{"productPlanName": "PREMIUM"}]},
    "workspaces": [{"name": "data", "defaultClusterId": "dedicated"}, {"name": "web"}],
    "clusters": [
        {
            "name": "dedicated",
            "vpcSubnetRange": "172.20.0.0/19",
            "tenantId": "00000000-0000-4000-8000-0000000000ac",
            "workspaceIds": ["data"],
            "metadata": {"externalIPs": ["203.0.113.10"], "oidcIssuerUrl": "https://oidc.example.com/cluster/"},
        },
        {"name": "open", "cloudProvider": "AWS"},
        {"name": "web-only", "workspaceIds": ["web"]},
    ],
    "deployments": [
        {"name": "prod", "workspaceId": "data", "clusterId": "dedicated", "effectiveWorkloadIdentity": "id-1"},
        {"name": "dev", "workspaceId": "data", "externalIPs": ["203.0.113.99"]},
        {"name": "site", "workspaceId": "web", "status": "DREAMING"},
    ],
    "allowed_ip_address_ranges": [{"ipAddressRange": "198.51.100.0/24"}],
    "tokens": [
        {"name": "all", "value": ORGANIZATION_TOKEN},
        {"name": "team", "scope": "workspace", "of": "data", "value": WORKSPACE_TOKEN},
        {"name": "own", "scope": "deployment", "of": "prod", "value": DEPLOYMENT_TOKEN},
    ],
}


class SetClock(Clock):
    at = 1_700_000_000.0

    def now(self):
        return self.at


class Astro:
    def __init__(self):
        self.clock = SetClock()
        self.state = AstroState(self.clock)
        self.organization = self.state.load(DOCUMENT)
        self.state.load({"organization": {"name": "Fabrikam"}, "clusters": [{"name": "theirs"}]})
        self.limit = RateLimit(self.clock, None)

    def named(self, kind, name):
        return self.state.named(kind, name)

    def get(self, path="", token=ORGANIZATION_TOKEN, **params):
        url = f"/organizations/{self.organization.id}{path}"
        return self.http.get(url, params=params, headers={"Authorization": f"Bearer {token}"})

    def names(self, plural, token=ORGANIZATION_TOKEN, **params):
        answer = self.get(f"/{plural}", token, **params)
        assert answer.status_code == 200, answer.text
        return [one["name"] for one in answer.json()[plural]]


@pytest.fixture
def astro():
    made = Astro()
    app = application(made.state, made.clock, rate_limit=made.limit)
    with (
        served(Service(name="astro", application=app)) as addresses,
        httpx.Client(base_url=f"http://127.0.0.1:{addresses['astro'][1]}/v1", trust_env=False) as made.http,
    ):
        yield made


def refusal(answer):
    body = answer.json()
    assert {"message", "requestId", "statusCode"} <= set(body)
    assert body["statusCode"] == answer.status_code
    assert "canary" not in answer.text
    return answer.status_code, body["message"]


# What is shown


def test_a_cluster_tells_its_network(astro):
    identifier = astro.named(Kind.CLUSTER, "dedicated").id
    shown = astro.get(f"/clusters/{identifier}").json()
    assert shown["metadata"]["externalIPs"] == ["203.0.113.10"]
    assert (shown["vpcSubnetRange"], shown["type"], shown["status"]) == ("172.20.0.0/19", "DEDICATED", "CREATED")
    assert shown["workspaceIds"] == [astro.named(Kind.WORKSPACE, "data").id]
    assert shown["createdAt"] == shown["updatedAt"] == "2023-11-14T22:13:20Z"


def test_a_deployment_follows_its_cluster_and_workspace(astro):
    shown = astro.get(f"/deployments/{astro.named(Kind.DEPLOYMENT, 'prod').id}").json()
    assert (shown["clusterName"], shown["workspaceName"], shown["type"]) == ("dedicated", "data", "DEDICATED")
    assert shown["externalIPs"] == ["203.0.113.10"]
    assert shown["oidcIssuerUrl"] == "https://oidc.example.com/cluster/"
    assert shown["effectiveWorkloadIdentity"] == "id-1"


def test_a_deployment_without_a_cluster_is_a_standard_one(astro):
    shown = astro.get(f"/deployments/{astro.named(Kind.DEPLOYMENT, 'dev').id}").json()
    assert (shown["type"], shown["externalIPs"]) == ("STANDARD", ["203.0.113.99"])
    assert "clusterId" not in shown


def test_an_organization_says_whether_it_restricts_addresses(astro):
    assert astro.get().json()["hasAllowedIpAddressRanges"] is True
    (allowed,) = astro.state.records(Kind.ALLOWED_RANGE)
    astro.state.remove(Kind.ALLOWED_RANGE, allowed.id)
    assert astro.get().json()["hasAllowedIpAddressRanges"] is False


def test_what_is_changed_while_it_runs_is_seen(astro):
    cluster = astro.named(Kind.CLUSTER, "dedicated")
    astro.state.change(cluster, status="UPDATING")
    shown = astro.get(f"/clusters/{cluster.id}").json()
    assert (shown["status"], shown["vpcSubnetRange"]) == ("UPDATING", "172.20.0.0/19")


def test_a_value_that_the_api_has_no_word_for_is_kept(astro):
    assert astro.get(f"/deployments/{astro.named(Kind.DEPLOYMENT, 'site').id}").json()["status"] == "DREAMING"


# Lists


def test_a_list_tells_where_it_is(astro):
    body = astro.get("/deployments", limit=2, offset=1).json()
    assert ([one["name"] for one in body.pop("deployments")], body) == (
        ["dev", "site"],
        {"limit": 2, "offset": 1, "totalCount": 3},
    )
    assert astro.get("/deployments").json()["limit"] == 20
    assert astro.get("/deployments", limit=0).json()["deployments"] == []
    assert astro.get("/deployments", limit=1000).status_code == 200


@pytest.mark.parametrize(
    ("plural", "params", "found"),
    [
        ("clusters", {"names": ["open", "dedicated"]}, ["dedicated", "open"]),
        ("clusters", {"provider": "AWS"}, ["open"]),
        ("deployments", {"names": "prod"}, ["prod"]),
        ("deployments", {"names": "nothing"}, []),
        ("deployments", {"sorts": "name:asc"}, ["dev", "prod", "site"]),
        ("deployments", {"sorts": ["createdAt:asc", "name:desc"]}, ["site", "prod", "dev"]),
        ("workspaces", {"names": "web"}, ["web"]),
    ],
)
def test_lists_are_filtered_and_sorted(astro, plural, params, found):
    assert astro.names(plural, **params) == found


def test_lists_are_filtered_by_id(astro):
    data, dev = astro.named(Kind.WORKSPACE, "data").id, astro.named(Kind.DEPLOYMENT, "dev").id
    assert astro.names("deployments", workspaceIds=data) == ["prod", "dev"]
    assert astro.names("deployments", deploymentIds=dev) == ["dev"]
    assert astro.names("workspaces", workspaceIds=data) == ["data"]


def test_organizations_are_those_of_the_token(astro):
    def names(**params):
        headers = {"Authorization": f"Bearer {DEPLOYMENT_TOKEN}"}
        return [
            one["name"]
            for one in astro.http.get("/organizations", params=params, headers=headers).json()["organizations"]
        ]

    assert names() == names(productPlan="PREMIUM") == names(product="HOSTED", astronomerProduct="ASTRO") == ["Contoso"]
    assert names(productPlan="BASIC") == names(product="HYBRID") == []


# Who sees what


def test_a_workspace_token_sees_its_workspace(astro):
    assert astro.names("deployments", WORKSPACE_TOKEN) == ["prod", "dev"]
    assert astro.names("workspaces", WORKSPACE_TOKEN) == ["data"]
    assert astro.names("clusters", WORKSPACE_TOKEN) == ["dedicated", "open"]
    for kind, plural, name in ((Kind.DEPLOYMENT, "deployments", "site"), (Kind.CLUSTER, "clusters", "web-only")):
        assert refusal(astro.get(f"/{plural}/{astro.named(kind, name).id}", WORKSPACE_TOKEN)) == (403, "Forbidden")
    assert astro.get("/allowed-ip-address-ranges", WORKSPACE_TOKEN).status_code == 403


def test_a_deployment_token_sees_its_deployment_and_no_cluster(astro):
    assert astro.names("deployments", DEPLOYMENT_TOKEN) == ["prod"]
    assert astro.get(f"/deployments/{astro.named(Kind.DEPLOYMENT, 'prod').id}", DEPLOYMENT_TOKEN).status_code == 200
    assert astro.get("", DEPLOYMENT_TOKEN).json()["name"] == "Contoso"
    for path in (
        "/clusters",
        f"/clusters/{astro.named(Kind.CLUSTER, 'dedicated').id}",
        "/clusters/none",
        f"/deployments/{astro.named(Kind.DEPLOYMENT, 'dev').id}",
        "/workspaces",
        "/allowed-ip-address-ranges",
    ):
        assert refusal(astro.get(path, DEPLOYMENT_TOKEN)) == (403, "Forbidden"), path


def test_another_organization_is_closed(astro):
    theirs = astro.state.named(Kind.ORGANIZATION, "Fabrikam").id
    headers = {"Authorization": f"Bearer {ORGANIZATION_TOKEN}"}
    for path in ("", "/clusters", f"/clusters/{astro.named(Kind.CLUSTER, 'theirs').id}"):
        assert refusal(astro.http.get(f"/organizations/{theirs}{path}", headers=headers)) == (403, "Forbidden")
    assert astro.get(f"/clusters/{astro.named(Kind.CLUSTER, 'theirs').id}").status_code == 404


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer canary-none"}, {"Authorization": "Basic canary"}])
def test_without_a_good_token_nothing_is_told(astro, headers):
    answer = astro.http.get(f"/organizations/{astro.organization.id}/clusters", headers=headers)
    assert refusal(answer) == (401, "Unauthorized")


def test_a_token_can_expire_and_be_revoked(astro):
    token = ApiToken(
        name="short",
        scope=Scope.ORGANIZATION,
        of=astro.organization.id,
        organization_id=astro.organization.id,
        value="canary-short",
        expires_at=astro.clock.now() + 60,
    )
    astro.state.add_token(token)
    assert astro.get("/clusters", token.value).status_code == 200
    astro.clock.at += 60
    assert astro.get("/clusters", token.value).status_code == 401
    astro.state.revoke(ORGANIZATION_TOKEN)
    assert astro.get("/clusters").status_code == 401


# Limits and mistakes


def test_each_token_has_its_own_limit(astro):
    astro.limit.per_s = 25
    assert [astro.get("/clusters").status_code for _ in range(26)] == [200] * 25 + [429]
    assert refusal(astro.get("/clusters")) == (429, "Too Many Requests")
    assert astro.get("/clusters", WORKSPACE_TOKEN).status_code == 200
    astro.clock.at += 0.05
    assert [astro.get("/clusters").status_code for _ in range(2)] == [200, 429]
    astro.clock.at += 3600
    assert [astro.get("/clusters").status_code for _ in range(26)] == [200] * 25 + [429]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"limit": "1001"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"offset": "-1"}, "offset"),
        ({"offset": "9" * 99}, "offset"),
        ({"sorts": "size:asc"}, "sorts"),
        ({"sorts": "name"}, "sorts"),
        ({"provider": "azure"}, "provider"),
    ],
)
def test_a_parameter_that_does_not_fit_is_named(astro, params, field):
    answer = astro.get("/clusters", **params)
    assert refusal(answer)[0] == 400
    assert [one["field"] for one in answer.json()["fieldErrors"]] == [field]


@pytest.mark.parametrize("path", ["/clusters/none", "/deployments/none", "/workspaces/none"])
def test_what_is_not_there_is_not_found(astro, path):
    kind = path.split("/")[1].removesuffix("s").capitalize()
    assert refusal(astro.get(path)) == (404, f"{kind} not found")


def test_a_path_that_is_none_is_not_found(astro):
    assert refusal(astro.get("/peerings"))[0] == 404
    answer = astro.http.post(f"/organizations/{astro.organization.id}/clusters")
    assert refusal(answer)[0] == 405


# What users write


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"clusters": [{"name": "c", "vpcSubnetRnage": "x"}]},
            "clusters[0].vpcSubnetRnage: .* did you mean 'vpcSubnetRange'",
        ),
        ({"clusters": [{}]}, "clusters[0].name: a Cluster needs one"),
        ({"clusters": ["c"]}, "clusters[0]: is no mapping"),
        ({"clusters": {"name": "c"}}, "clusters: is no list"),
        ({"cluster": []}, "cluster: unknown key"),
        ({"deployments": [{"name": "d"}]}, "deployments[0].workspaceId: a Deployment needs one"),
        (
            {"deployments": [{"name": "d", "workspaceId": "x"}]},
            "deployments[0].workspaceId: no Workspace 'x'; there is w",
        ),
        ({"tokens": [{"scope": "world"}]}, "tokens[0].scope: no scope"),
        ({"tokens": [{"scope": "deployment", "of": "x"}]}, "tokens[0].of: no Deployment 'x'"),
        ({"tokens": [{"value": "canary", "valeu": "x"}]}, "tokens[0].valeu: unknown key"),
        ({"organization": None}, "organization: is no mapping"),
    ],
)
def test_a_mistake_is_named_with_its_place(changes, words):
    document = {"organization": {"name": "o"}, "workspaces": [{"name": "w"}], **changes}
    with pytest.raises(ValueError, match="^" + words.replace("[", r"\[").replace("]", r"\]")) as caught:
        AstroState(Clock()).load(document)
    assert "canary" not in str(caught.value)


def test_ids_are_the_same_each_time():
    first, second = AstroState(Clock()), AstroState(Clock())
    assert first.load(DOCUMENT).id == second.load(DOCUMENT).id
    assert first.named(Kind.CLUSTER, "open").id == second.named(Kind.CLUSTER, "open").id
    assert len(first.named(Kind.CLUSTER, "open").id) == 25


def test_tokens_are_in_no_repr(astro):
    assert "canary" not in repr(astro.state.tokens())


# The published description


@pytest.fixture
def published():
    if not PUBLISHED.exists() and not os.environ.get("CI"):
        pytest.skip(f"no {PUBLISHED} beside the repository")
    return json.loads(PUBLISHED.read_text(encoding="utf-8"))


def test_properties_are_those_of_the_published_description(published):
    schemas = published["components"]["schemas"]
    assert {kind: FIELDS[kind] for kind in Kind} == {kind: frozenset(schemas[kind]["properties"]) for kind in Kind}


def test_answers_are_as_the_published_description_has_them(astro, published):
    astro.state.change(astro.named(Kind.DEPLOYMENT, "site"), status="HEALTHY")

    def check(answer, name):
        schema = {"$ref": f"#/components/schemas/{name}", "components": published["components"]}
        jsonschema.validate(answer.json(), schema, format_checker=jsonschema.FormatChecker())

    for path, one, many in (
        ("clusters", "Cluster", "ClustersPaginated"),
        ("deployments", "Deployment", "DeploymentsPaginated"),
        ("workspaces", "Workspace", "WorkspacesPaginated"),
        ("allowed-ip-address-ranges", None, "AllowedIpAddressRangesPaginated"),
    ):
        listed = astro.get(f"/{path}")
        check(listed, many)
        if one:
            for found in listed.json()[path]:
                check(astro.get(f"/{path}/{found['id']}"), one)
    check(astro.get(), "Organization")
    for path, params in (("/clusters/none", {}), ("/clusters", {"limit": "x"})):
        check(astro.get(path, **params), "Error")


def test_every_published_path_and_parameter_is_there(astro, published):
    for path, methods in published["paths"].items():
        url = path.replace("{organizationId}", astro.organization.id).replace("{", "").replace("}", "")
        parameters = {one["name"]: one["schema"] for one in methods["get"]["parameters"] if one["in"] == "query"}
        choices = {name: (schema.get("items") or schema).get("enum") for name, schema in parameters.items()}
        headers = {"Authorization": f"Bearer {ORGANIZATION_TOKEN}"}
        for name, values in choices.items():
            for value in values or ():
                assert astro.http.get(url, params={name: value}, headers=headers).status_code == 200, (
                    path,
                    name,
                    value,
                )
            if values:
                wrong = astro.http.get(url, params={name: "canary"}, headers=headers)
                assert refusal(wrong)[0] == 400, (path, name)
