"""The generic engine, on resource types made up for the test: ids, verbs, versions, etags, paging, operations."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.kinds import Patch, ResourceKind
from airflow_provider_netconn.lab.arm.operations import Answer, Follow, provider_polling
from airflow_provider_netconn.lab.arm.requests import ArmResponse
from airflow_provider_netconn.lab.arm.schema import Flag, Number, Object, Text
from airflow_provider_netconn.lab.resources import subscriptions
from tests.lab.arm.planes import GROUP, SUBSCRIPTION, make_plane, put, send

V = ("2024-03-01",)


class Crates(ResourceKind):
    type = "Microsoft.Test/crates"
    api_versions = V
    tracked = True
    patch = Patch.TAGS
    properties = Object(
        properties={
            "size": Number(required=True, lowest=1),
            "open": Flag(default=False),
            "key": Text(secret=True),
            "guid": Text(read_only=True),
        }
    )
    created = Answer(status=201, follow=Follow.ASYNC_OPERATION, duration_s=3)
    updated = Answer(status=200, follow=Follow.ASYNC_OPERATION, duration_s=3)
    deleted = Answer(status=202, follow=Follow.BOTH, state="Deleting", duration_s=3)
    polling = provider_polling("Microsoft.Test")
    embeds = {"bottles": "bottles"}  # noqa: RUF012


class Bottles(ResourceKind):
    type = "Microsoft.Test/crates/bottles"
    api_versions = V
    properties = Object(properties={"litres": Number(required=True)})


@pytest.fixture
def plane():
    return make_plane([*subscriptions.KINDS, Crates(), Bottles()], time_scale=1.0)


CRATE = "Microsoft.Test/crates/one"
BODY = {"location": "East US", "properties": {"size": 3}}


def finish(plane):
    plane.clock.advance(3600)
    plane.operations.advance()


def test_a_create_is_accepted_and_ends_later(plane):
    answer = send(plane, "PUT", CRATE, BODY)
    assert (answer.status, answer.body["properties"]["provisioningState"]) == (201, "Updating")
    assert answer.body["location"] == "eastus"
    url = answer.headers["Azure-AsyncOperation"]
    assert len(url) > 3_500
    assert "Location" not in answer.headers
    path, _, query = url.removeprefix("https://management.lab").partition("?")
    parts = dict(pair.split("=", 1) for pair in query.split("&"))
    poll = send(plane, "GET", path, query=parts)
    assert (poll.status, poll.body) == (200, {"status": "InProgress"})
    finish(plane)
    assert send(plane, "GET", path, query=parts).body == {"status": "Succeeded"}
    assert send(plane, "GET", CRATE).body["properties"]["provisioningState"] == "Succeeded"
    assert send(plane, "GET", path, query={**parts, "s": "other"}).status == 401


@pytest.mark.parametrize(
    ("time_scale", "header", "value"),
    [
        (1.0, "Retry-After", "2"),
        (60.0, "Retry-After", "10"),
        (0.1, "x-ms-retry-after-ms", "150"),
        (0.0, "x-ms-retry-after-ms", "20"),
    ],
)
def test_a_client_is_told_when_to_ask_again(time_scale, header, value):
    plane = make_plane([*subscriptions.KINDS, Crates(), Bottles()], time_scale=time_scale)
    answer = send(plane, "PUT", CRATE, BODY)
    assert answer.headers[header] == value
    assert len({"Retry-After", "x-ms-retry-after-ms"} & set(answer.headers)) == 1


def test_what_is_left_of_the_request_limit_is_told_and_held(plane):
    told = "x-ms-ratelimit-remaining-subscription-{}"
    assert send(plane, "GET", CRATE).headers[told.format("reads")] == "249"
    plane.throttle.share = 0.01  # two writes, and one more each ten seconds
    writes = [send(plane, "PUT", CRATE, BODY) for _ in range(3)]
    assert [answer.headers[told.format("writes")] for answer in writes] == ["1", "0", "0"]
    assert [answer.status for answer in writes] == [201, 200, 429]
    assert writes[2].body["error"]["code"] == "SubscriptionRequestsThrottled"
    assert send(plane, "GET", CRATE).status == 200
    plane.clock.advance(float(writes[2].headers["Retry-After"]))
    assert send(plane, "PUT", CRATE, BODY).status == 200


def test_the_etag_changes_when_provisioning_ends(plane):
    first = send(plane, "PUT", CRATE, BODY).body["etag"]
    finish(plane)
    later = send(plane, "GET", CRATE)
    assert later.body["etag"] != first
    assert later.headers["ETag"] == later.body["etag"]
    assert send(plane, "PUT", CRATE, BODY, headers={"if-match": first}).status == 412
    assert send(plane, "PUT", CRATE, BODY, headers={"if-match": later.body["etag"]}).status == 200
    assert send(plane, "PUT", CRATE, BODY, headers={"if-none-match": "*"}).body["error"]["code"] == "PreconditionFailed"


def test_ids_are_the_same_in_any_case(plane):
    put(plane, CRATE, BODY)
    upper = f"{GROUP}/providers/microsoft.test/CRATES/ONE".upper().replace("/SUBSCRIPTIONS/", "/subscriptions/")
    shown = send(plane, "GET", upper).body
    assert shown["id"] == f"{GROUP}/providers/{CRATE}"
    assert shown["type"] == "Microsoft.Test/crates"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"location": "eastus", "properties": {}}, "MissingRequiredParameter"),
        ({"location": "eastus", "properties": {"size": 0}}, "InvalidRequestFormat"),
        ({"location": "eastus", "properties": {"size": "many"}}, "InvalidRequestFormat"),
        ({"location": "eastus", "properties": {"size": 1, "colour": "red"}}, "InvalidRequestFormat"),
        ({"location": "eastus", "properties": {"size": 1}, "colour": "red"}, "InvalidRequestContent"),
        ({"location": "atlantis", "properties": {"size": 1}}, "LocationNotAvailableForResourceType"),
        ({"properties": {"size": 1}}, "LocationRequired"),
        (["no object"], "InvalidRequestContent"),
        ({"location": "eastus", "properties": {"size": 1, "bottles": [{"properties": {}}]}}, "InvalidRequestFormat"),
    ],
)
def test_a_body_that_does_not_fit_changes_nothing(plane, body, code):
    answer = send(plane, "PUT", CRATE, body)
    assert (answer.status, answer.body["error"]["code"]) == (400, code)
    assert send(plane, "GET", CRATE).status == 404


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (CRATE, 404, "ResourceNotFound"),
        ("Microsoft.Test/crates/none/bottles/b", 404, "ResourceNotFound"),
        ("Microsoft.Test/barrels/b", 404, "InvalidResourceType"),
        (f"{GROUP}x/providers/{CRATE}", 404, "ResourceGroupNotFound"),
        (f"/subscriptions/none/resourceGroups/rg/providers/{CRATE}", 404, "SubscriptionNotFound"),
    ],
)
def test_what_is_missing_is_named(plane, path, status, code):
    answer = send(plane, "GET", path)
    assert (answer.status, answer.body["error"]["code"]) == (status, code)


def test_a_child_that_is_missing_below_its_parent(plane):
    put(plane, CRATE, BODY)
    assert send(plane, "GET", f"{CRATE}/bottles/b").body["error"]["code"] == "NotFound"
    missing = send(plane, "PUT", "Microsoft.Test/crates/none/bottles/b", {"properties": {"litres": 1}})
    assert (missing.status, missing.body["error"]["code"]) == (404, "ParentResourceNotFound")


@pytest.mark.parametrize(
    ("version", "code"),
    [
        ("", "MissingApiVersionParameter"),
        ("soon", "InvalidApiVersionParameter"),
        ("1999-01-01", "NoRegisteredProviderFound"),
    ],
)
def test_an_api_version_that_is_not_served(plane, version, code):
    answer = send(plane, "GET", CRATE, version=version)
    assert (answer.status, answer.body["error"]["code"]) == (400, code)


def test_a_list_comes_in_pages(plane):
    plane.page_size = 2
    for name in "abcde":
        put(plane, f"Microsoft.Test/crates/{name}", BODY)
    seen, query = [], {}
    while True:
        answer = send(plane, "GET", "Microsoft.Test/crates", query=query)
        seen += [item["name"] for item in answer.body["value"]]
        if "nextLink" not in answer.body:
            break
        assert len(answer.body["value"]) == 2
        query = {"$skiptoken": answer.body["nextLink"].rpartition("%24skiptoken=")[2]}
    assert seen == list("abcde")
    everywhere = send(plane, "GET", f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Test/crates")
    assert len(everywhere.body["value"]) == 2


def test_patch_changes_tags_alone(plane):
    put(plane, CRATE, {**BODY, "tags": {"a": "1"}})
    answer = send(plane, "PATCH", CRATE, {"tags": {"b": "2"}})
    assert (answer.status, answer.body["tags"]) == (200, {"b": "2"})
    assert answer.body["properties"]["size"] == 3


def test_secrets_and_read_only_values_of_a_request_do_not_come_back(plane):
    given = {"location": "eastus", "properties": {"size": 1, "key": "CANARY", "guid": "mine"}}
    shown = put(plane, CRATE, given)
    assert "CANARY" not in str(shown)
    assert "guid" not in shown["properties"]


def test_children_in_the_body_are_resources_of_their_own(plane):
    bottles = [{"name": "b1", "properties": {"litres": 1}}, {"name": "b2", "properties": {"litres": 2}}]
    answer = send(plane, "PUT", CRATE, {"location": "eastus", "properties": {"size": 1, "bottles": bottles}})
    child = answer.body["properties"]["bottles"][0]
    assert child["properties"] == {"litres": 1, "provisioningState": "Updating"}
    finish(plane)
    assert send(plane, "GET", f"{CRATE}/bottles/b2").body["properties"]["provisioningState"] == "Succeeded"
    put(plane, CRATE, {"location": "eastus", "properties": {"size": 1, "bottles": bottles[:1]}})
    assert send(plane, "GET", f"{CRATE}/bottles/b2").status == 404
    put(plane, CRATE, {"location": "eastus", "properties": {"size": 2}})
    assert send(plane, "GET", f"{CRATE}/bottles/b1").status == 200


def test_a_delete_takes_what_is_below_with_it(plane):
    put(plane, CRATE, BODY)
    put(plane, f"{CRATE}/bottles/b", {"properties": {"litres": 1}})
    finish(plane)
    answer = send(plane, "DELETE", CRATE)
    assert answer.status == 202
    assert {"Azure-AsyncOperation", "Location"} <= set(answer.headers)
    assert send(plane, "GET", CRATE).body["properties"]["provisioningState"] == "Deleting"
    assert send(plane, "PUT", CRATE, BODY).body["error"]["code"] == "AnotherOperationInProgress"
    finish(plane)
    assert send(plane, "GET", f"{CRATE}/bottles/b").status == 404
    assert send(plane, "DELETE", CRATE).status == 204


def test_a_newer_write_takes_over(plane):
    first = send(plane, "PUT", CRATE, BODY).headers["Azure-AsyncOperation"]
    send(plane, "PUT", CRATE, {"location": "eastus", "properties": {"size": 9}})
    path, _, query = first.removeprefix("https://management.lab").partition("?")
    poll = send(plane, "GET", path, query=dict(pair.split("=", 1) for pair in query.split("&")))
    assert poll.body["status"] == "Canceled"
    assert poll.body["error"]["code"] == "CanceledAndSupersededDueToAnotherOperation"


def test_a_group_takes_its_resources_with_it(plane):
    put(plane, CRATE, BODY)
    assert send(plane, "DELETE", GROUP, version="2021-04-01").status == 202
    assert send(plane, "PUT", CRATE, BODY).body["error"]["code"] == "ResourceGroupBeingDeleted"
    finish(plane)
    assert send(plane, "GET", GROUP, version="2021-04-01").status == 404
    assert send(plane, "GET", CRATE).body["error"]["code"] == "ResourceGroupNotFound"


def test_the_store_knows_who_refers_to_a_resource(plane):
    other = f"{GROUP}/providers/Microsoft.Test/crates/other"
    put(plane, CRATE, {**BODY, "tags": {"beside": f"{other.upper()}/"}})
    assert [resource.path.name for resource in plane.store.referrers(other)] == ["one"]
    assert plane.store.referrers(other, "Microsoft.Test/barrels") == []
    put(plane, CRATE, BODY)
    assert plane.store.referrers(other) == []


class Kegs(ResourceKind):
    type = "Microsoft.Test/kegs"
    api_versions = ()
    created = Answer(status=202, follow=Follow.LOCATION, duration_s=3)
    polling = provider_polling("Microsoft.Test", signed=False, location_at_end=True)

    def takes(self, api_version):
        return True

    def answer_get(self, plane, request, path):
        return ArmResponse(202, None, {"Location": "here"}) if path.name == "count" else None


def test_a_kind_may_say_itself_which_versions_it_takes():
    plane = make_plane([*subscriptions.KINDS, Kegs()])
    assert send(plane, "PUT", "Microsoft.Test/kegs/k", {}, version="1999-01-01").status == 202
    assert send(plane, "GET", "Microsoft.Test/kegs/k", version="tomorrow").status == 400


def test_a_get_may_be_answered_without_a_resource():
    plane = make_plane([*subscriptions.KINDS, Kegs()])
    answer = send(plane, "GET", "Microsoft.Test/kegs/count")
    assert (answer.status, answer.headers["Location"]) == (202, "here")


def test_the_last_answer_at_location_may_name_it_once_more():
    plane = make_plane([*subscriptions.KINDS, Kegs()])
    url = send(plane, "PUT", "Microsoft.Test/kegs/k", {}).headers["Location"]
    last = send(plane, "GET", url.removeprefix("https://management.lab").partition("?")[0])
    assert (last.status, last.headers["Location"]) == (200, url)


def test_a_namespace_that_nothing_is_in(plane):
    answer = send(plane, "GET", "Contoso.Nothing/things/one")
    assert (answer.status, answer.body["error"]["code"]) == (404, "InvalidResourceNamespace")


class Opening(ResourceKind):
    type = "Microsoft.Test/crates/listOpenings"
    api_versions = ("2025-01-01-preview",)
    methods = frozenset()

    def acts(self, plane, request, resource):
        return ArmResponse(200, {"value": [resource.path.name]})


def test_an_action_can_have_api_versions_of_its_own():
    plane = make_plane([*subscriptions.KINDS, Crates(), Bottles(), Opening()])
    put(plane, CRATE, BODY)
    opened = send(plane, "POST", f"{CRATE}/listOpenings", version="2025-01-01-preview")
    assert (opened.status, opened.body) == (200, {"value": ["one"]})
    assert send(plane, "POST", f"{CRATE}/listOpenings").status == 400


class Labels(ResourceKind):
    type = "Microsoft.Test/labels"
    api_versions = V
    conditions_fail_late = True
    created = Answer(status=202, follow=Follow.ASYNC_OPERATION, duration_s=1)
    updated = Answer(status=202, follow=Follow.ASYNC_OPERATION, duration_s=1)
    properties = Object(properties={"on": Text()})
    polling = provider_polling("Microsoft.Test", signed=False)

    def reference_removed(self, plane, resource, removed):
        plane.store.remove(resource)


@pytest.mark.parametrize("headers", [{"if-none-match": "*"}, {"if-match": "other"}])
def test_a_condition_can_fail_when_the_operation_ends(headers):
    plane = make_plane([*subscriptions.KINDS, Labels()])
    label = "Microsoft.Test/labels/l"
    put(plane, label, {"properties": {"on": "first"}})
    answer = send(plane, "PUT", label, {"properties": {"on": "second"}}, headers=headers)
    assert answer.status == 202
    path = answer.headers["Azure-AsyncOperation"].removeprefix("https://management.lab").partition("?")[0]
    polled = send(plane, "GET", path).body
    assert (polled["status"], polled["error"]["code"]) == ("Failed", "PreconditionFailed")
    assert send(plane, "GET", label).body["properties"]["on"] == "first"


def test_what_refers_to_a_resource_is_told_when_it_goes():
    plane = make_plane([*subscriptions.KINDS, Crates(), Bottles(), Labels()])
    put(plane, CRATE, BODY)
    put(plane, "Microsoft.Test/labels/l", {"properties": {"on": f"{GROUP}/providers/{CRATE}"}})
    assert send(plane, "DELETE", CRATE).status == 202
    plane.operations.advance()
    assert send(plane, "GET", "Microsoft.Test/labels/l").status == 404


class SlowBottles(Bottles):
    created = Answer(status=201, follow=Follow.ASYNC_OPERATION, duration_s=30)
    deleted = Answer(status=202, follow=Follow.BOTH, state="Deleting", duration_s=60)

    def settled(self, plane, resource):
        assert plane.store.find(resource.path) is resource

    def removed(self, plane, resource):
        assert plane.store.find(resource.path) is None


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_an_operation_on_what_went_with_its_parent_changes_nothing(method):
    plane = make_plane([*subscriptions.KINDS, Crates(), SlowBottles()], time_scale=1.0)
    put(plane, CRATE, BODY)
    bottle = f"{CRATE}/bottles/b"
    send(plane, "PUT", bottle, {"properties": {"litres": 1}})
    if method == "DELETE":
        finish(plane)
        send(plane, "DELETE", bottle)
    send(plane, "DELETE", CRATE)
    plane.clock.advance(10)
    send(plane, "PUT", CRATE, BODY)
    send(plane, "PUT", bottle, {"properties": {"litres": 2}})
    plane.clock.advance(55)
    assert send(plane, "GET", bottle).body["properties"] == {"litres": 2, "provisioningState": "Succeeded"}


@pytest.mark.parametrize("properties", [None, 7, "text", [1], True])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_properties_that_are_no_object_are_refused_or_taken_as_none(method, properties):
    class Free(Crates):
        patch = Patch.MERGE
        properties = Object(properties={"size": Number()})

    plane = make_plane([*subscriptions.KINDS, Free(), Bottles()])
    put(plane, CRATE, {"location": "eastus", "properties": {"size": 3}})
    answer = send(plane, method, CRATE, {"location": "eastus", "properties": properties})
    assert answer.status == (200 if properties is None else 400)


def test_words_of_a_path_are_spelled_as_azure_does(plane):
    path = f"{GROUP.replace('resourceGroups', 'resourcegroups')}/providers/Microsoft.Test/crates/lower"
    assert put(plane, path, {"location": "eastus", "properties": {"size": 1}})["id"].startswith(GROUP)


def test_location_of_a_type_that_has_none_is_passed_over(plane):
    put(plane, "Microsoft.Test/crates/a", {"location": "eastus", "properties": {"size": 1}})
    bottle = {"location": "eastus", "properties": {"litres": 1}}
    assert "location" not in put(plane, "Microsoft.Test/crates/a/bottles/b", bottle)


class Casks(Crates):
    type = "Microsoft.Test/casks"
    created = Answer(status=201, names_resource=True)
    rests_unchanged = True
    embeds = {"taps": "taps"}  # noqa: RUF012

    def delete_failure(self, plane, resource):
        return ArmError(409, "Leaking", "It leaks.") if resource.properties["open"] else None


class Taps(Bottles):
    type = "Microsoft.Test/casks/taps"

    def is_derived(self, plane, path):
        return path.name == "given"


CASK = "Microsoft.Test/casks/one"


@pytest.fixture
def casks():
    return make_plane([*subscriptions.KINDS, Casks(), Taps()], time_scale=1.0)


def test_a_write_that_is_done_at_once_can_name_the_resource(casks):
    url = f"https://management.lab{GROUP}/providers/{CASK}?api-version=2024-03-01"
    assert send(casks, "PUT", CASK, BODY).headers["Location"] == url
    assert "Location" not in send(casks, "PUT", CASK, BODY).headers


def test_what_changes_nothing_can_rest(casks):
    tap = {"name": "left", "properties": {"litres": 1}}
    body = {"location": "eastus", "properties": {"size": 3, "taps": [tap]}}
    send(casks, "PUT", CASK, body)

    def state(**changes):
        changed = {**body, "properties": {**body["properties"], **changes}}
        answer = send(casks, "PUT", CASK, changed)
        finish(casks)
        assert (answer.status, "Azure-AsyncOperation" in answer.headers) == (200, True)
        return answer.body["properties"]["provisioningState"]

    assert state() == "Succeeded"
    assert state(size=4) == "Updating"
    assert state(size=4) == "Succeeded"
    assert state(size=4, taps=[{**tap, "properties": {"litres": 2}}]) == "Updating"
    assert state(size=4, taps=[]) == "Updating"
    assert state(size=4, taps=[]) == "Succeeded"


def test_a_parents_body_can_carry_what_is_derived(casks):
    taps = [{"name": name, "properties": {"litres": 1}} for name in ("given", "own")]
    shown = put(casks, CASK, {"location": "eastus", "properties": {"size": 3, "taps": taps}})
    assert [tap["name"] for tap in shown["properties"]["taps"]] == ["own"]


def test_an_accepted_delete_can_fail(casks):
    send(casks, "PUT", CASK, {"location": "eastus", "properties": {"size": 3, "open": True}})
    assert send(casks, "DELETE", CASK).status == 202
    finish(casks)
    assert send(casks, "GET", CASK).body["properties"]["provisioningState"] == "Failed"
    assert send(casks, "PUT", CASK, BODY).status == 200
    finish(casks)
    assert send(casks, "DELETE", CASK).status == 202
    finish(casks)
    assert send(casks, "GET", CASK).status == 404
