"""The directory: one application, a principal of its own in each tenant that has it."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.lab.clock import Clock
from airflow_provider_netconn.lab.directory import (
    Application,
    ClientCertificate,
    ClientSecret,
    Directory,
    Principal,
    PrincipalKind,
    ServicePrincipalType,
    Tenant,
)

HOME, AWAY = "11111111-aaaa-4111-8111-111111111111", "22222222-aaaa-4222-8222-222222222222"


@pytest.fixture
def directory():
    made = Directory(Clock())
    made.add_tenant(Tenant(tenant_id=HOME, domain="home.example", display_name="Home"))
    made.add_tenant(Tenant(tenant_id=AWAY, domain="away.example", display_name="Away"))
    made.add_application(
        Application(app_id="app-A", object_id="registration", tenant_id=HOME, display_name="a", multi_tenant=True)
    )
    made.add_application(Application(app_id="app-B", object_id="other", tenant_id=HOME, display_name="b"))
    return made


def user(name, **more):
    return Principal(
        object_id=name,
        tenant_id=HOME,
        kind=PrincipalKind.USER,
        display_name=name,
        user_principal_name=f"{name}@home.example",
        **more,
    )


def group(name):
    return Principal(object_id=name, tenant_id=HOME, kind=PrincipalKind.GROUP, display_name=name)


@pytest.mark.parametrize("name", [HOME, HOME.upper(), "home.example", "Home.Example"])
def test_a_tenant_has_an_id_and_a_domain(directory, name):
    assert directory.tenant(name).display_name == "Home"


def test_consent_makes_a_principal_in_that_tenant_alone(directory):
    home = directory.consent("app-A", HOME)
    away = directory.consent("app-A", "away.example", object_id="away-object")
    assert home.object_id != away.object_id == "away-object"
    assert directory.service_principal(HOME, "APP-A") == home
    assert directory.service_principal(AWAY, "app-A") == away
    assert away.service_principal_type is ServicePrincipalType.APPLICATION
    assert directory.principal("AWAY-OBJECT") == away


@pytest.mark.parametrize(("app_id", "tenant"), [("app-C", HOME), ("app-A", "none.example"), ("app-B", AWAY)])
def test_consent_that_cannot_be(directory, app_id, tenant):
    with pytest.raises(ValueError, match="app"):
        directory.consent(app_id, tenant)


def test_consent_is_given_once(directory):
    directory.consent("app-A", HOME)
    with pytest.raises(ValueError, match="has a service principal"):
        directory.consent("app-A", HOME)


def test_a_principals_age_is_known(directory):
    before = directory._clock.now()
    assert before <= directory.add(user("ann")).created_at <= directory._clock.now()
    assert directory.add(user("bob", created_at=0.0)).created_at == 0.0


def test_a_removed_principal_is_gone(directory):
    directory.add(user("ann"))
    directory.remove("ANN")
    assert directory.principal("ann") is None
    assert directory.principals(HOME, PrincipalKind.USER) == ()


def test_a_removed_application_takes_its_principals_and_credentials_along(directory):
    directory.consent("app-A", HOME)
    directory.consent("app-A", AWAY)
    directory.add_credential("app-A", ClientSecret(value="canary"))
    directory.remove_application("APP-A")
    assert directory.principals() == ()
    assert directory.credentials("app-A") == ()


def test_groups_are_known_by_way_of_groups_and_circles_end(directory):
    for one in (group("inner"), group("outer"), user("ann")):
        directory.add(one)
    directory.set_members("inner", ["Ann", "outer"])
    directory.set_members("outer", ["inner"])
    assert directory.groups_of("ann") == {"inner", "outer"}
    assert directory.members("inner") == {"ann", "outer"}
    directory.remove("inner")
    assert directory.groups_of("ann") == set()


def test_two_principals_of_one_application_in_a_tenant_are_refused(directory):
    home = directory.consent("app-A", HOME)
    with pytest.raises(ValueError, match=home.object_id):
        directory.add(
            Principal(
                object_id="second",
                tenant_id=HOME,
                kind=PrincipalKind.SERVICE_PRINCIPAL,
                display_name="a",
                app_id="app-a",
            )
        )


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"kind": PrincipalKind.SERVICE_PRINCIPAL}, "app_id"),
        ({"kind": PrincipalKind.GROUP, "app_id": "a"}, "app_id"),
        ({"kind": PrincipalKind.USER}, "user_principal_name"),
    ],
)
def test_a_principal_that_cannot_be(given, named):
    with pytest.raises(ValueError, match=named):
        Principal(object_id="o", tenant_id=HOME, display_name="x", **given)


def test_a_principal_has_a_known_tenant(directory):
    with pytest.raises(ValueError, match="tenant_id"):
        directory.add(Principal(object_id="o", tenant_id="none", kind=PrincipalKind.GROUP, display_name="x"))


def test_what_is_no_certificate_is_refused_at_once():
    with pytest.raises(ValueError, match="pem"):
        ClientCertificate(pem="canary")


def test_secrets_are_in_no_repr():
    assert "canary" not in repr(ClientSecret(value="canary"))
