"""Which name a connection is to use: by policy, by what its client verifies, by what was pinned."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.connections.private_names import NamesPolicy, Pin, Pins, decide, verifies
from airflow_provider_netconn.errors import InvalidOptionError
from airflow_provider_netconn.evidence import Target, TlsUse

LAKE, PRIVATE_LAKE = "lake.blob.core.windows.net", "lake.privatelink.blob.core.windows.net"
SERVER = "orders.postgres.database.azure.com"
BLOB = Target(host=LAKE, port=443, protocol="https")


def pin(name=LAKE, private_name=PRIVATE_LAKE, **seen):
    given = {"addresses": ("10.1.1.4",), "private": True, "covered": True, "seen_at": "2026-11-28T00:00:00+00:00"}
    return Pin(name=name, private_name=private_name, **{**given, **seen})


def pins(*given):
    return Pins().with_pins(given)


@pytest.mark.parametrize(
    ("seen", "use"),
    [
        (None, LAKE),
        (pin(), PRIVATE_LAKE),
        (pin(covered=False), LAKE),
        (pin(covered=None), LAKE),
        (pin(private=False, addresses=("198.51.100.7",)), LAKE),
        (pin(private=False, addresses=()), LAKE),
    ],
    ids=["no pin", "covered", "not covered", "no certificate", "public", "nowhere"],
)
def test_verified_takes_the_privatelink_name_only_where_a_pin_shows_that_the_client_will_accept_it(seen, use):
    decision = decide(BLOB, NamesPolicy.VERIFIED, pins(*([seen] if seen else [])))
    assert decision.use == use
    assert decision.reason


@pytest.mark.parametrize(
    ("protocol", "tls", "use"),
    [
        ("postgres", None, True),
        ("postgres", TlsUse.NO_VERIFY, True),
        ("postgres", TlsUse.VERIFY, False),
        ("redis", None, True),
        ("tds", None, False),  # the gateway routes by name
        ("https", TlsUse.NO_VERIFY, False),  # and so do front ends of sites
        ("https", None, False),
    ],
)
def test_a_client_that_verifies_no_name_may_use_it_though_the_certificate_lacks_it(protocol, tls, use):
    target = Target(host=SERVER, port=5432, protocol=protocol, tls=tls)
    private = "orders.privatelink.postgres.database.azure.com"
    decision = decide(target, NamesPolicy.VERIFIED, pins(pin(SERVER, private, covered=False)))
    assert decision.use == (private if use else SERVER)


def test_privatelink_does_what_it_is_told_and_says_that_tls_will_fail_and_what_to_use_instead():
    for known in ([], [pin(covered=False)], [pin(covered=None)]):
        decision = decide(BLOB, NamesPolicy.PRIVATELINK, pins(*known))
        assert decision.use == PRIVATE_LAKE
        assert "TLS will fail" in decision.warning
        assert "private_resolution" in decision.warning
    assert decide(BLOB, NamesPolicy.PRIVATELINK, pins(pin())).warning == ""
    postgres = Target(host=SERVER, port=5432, protocol="postgres")
    assert decide(postgres, NamesPolicy.PRIVATELINK, Pins()).warning == ""


def warning(host, protocol="https", *known, tls=None):
    target = Target(host=host, port=443, protocol=protocol, tls=tls)
    return decide(target, NamesPolicy.PRIVATELINK, pins(*known)).warning


def test_where_nobody_has_looked_what_is_known_of_the_service_is_said_and_a_look_replaces_it():
    assert warning(LAKE).startswith("TLS will fail: certificates carry *.blob.core.windows.net")
    assert "documented: learn.microsoft.com" in warning(LAKE)
    assert "inferred" in warning(SERVER, "postgres", tls=TlsUse.VERIFY)
    assert "documented" not in warning(LAKE, "https", pin(covered=False))
    assert "did not carry" in warning(LAKE, "https", pin(covered=False))
    assert warning("apps.azure-api.net").startswith("TLS will fail unless")
    assert warning(LAKE, "https", pin(covered=None)).startswith("TLS will fail unless")
    assert "did not carry" in warning(
        "api.westeurope.azmk8s.io", "https", pin("api.westeurope.azmk8s.io", covered=False)
    )


def test_a_service_that_routes_by_name_is_warned_of_without_verification_too():
    assert "does not answer" in warning("orders.database.windows.net", "tds", tls=TlsUse.NO_VERIFY)
    assert "does not answer" in warning("vault.vault.azure.net", tls=TlsUse.NO_VERIFY)
    assert "may not answer" in warning("registry.azurecr.io", tls=TlsUse.NO_VERIFY)
    assert warning("keep.redis.cache.windows.net", "redis") == ""


def test_a_service_whose_own_name_is_the_privatelink_name_is_not_warned_of():
    assert warning("api.westeurope.azmk8s.io") == ""


@pytest.mark.parametrize("host", [LAKE, "api.westeurope.azmk8s.io", "orders.database.windows.net"])
def test_what_is_known_of_a_service_never_chooses_a_name(host):
    assert decide(Target(host=host, port=443, protocol="https"), NamesPolicy.VERIFIED, Pins()).use == host


@pytest.mark.parametrize("policy", NamesPolicy)
@pytest.mark.parametrize("host", ["db.example.net", "10.1.2.3", PRIVATE_LAKE, "one.wvd.microsoft.com"])
def test_what_has_no_one_privatelink_name_or_is_one_stays(policy, host):
    decision = decide(Target(host=host, port=443, protocol="https"), policy, pins(pin()))
    assert (decision.use, decision.changes) == (host, False)


def test_a_decision_is_the_same_when_it_is_made_again():
    first = decide(BLOB, NamesPolicy.PRIVATELINK, Pins())
    again = decide(Target(host=first.use, port=443, protocol="https"), NamesPolicy.PRIVATELINK, Pins())
    assert again.use == first.use


def test_public_changes_nothing():
    assert not decide(BLOB, NamesPolicy.PUBLIC, pins(pin())).changes


def test_pins_are_kept_in_a_file(tmp_path):
    file = tmp_path / "pins.json"
    assert Pins.read(file) == Pins()
    kept = pins(pin(), pin(SERVER, "x.privatelink.postgres.database.azure.com", covered=None, addresses=()))
    kept.write(file)
    assert Pins.read(file) == kept
    assert kept.get(LAKE.upper() + ".") == pin()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 2, "pins": []}', '{"version": 1, "pins": [{"x": 1}]}'])
def test_a_file_of_something_else_is_refused(tmp_path, text):
    file = tmp_path / "pins.json"
    file.write_text(text)
    with pytest.raises(InvalidOptionError, match="pins"):
        Pins.read(file)


def test_clients_verify_as_their_protocols_do():
    assert verifies(BLOB)
    assert not verifies(Target(host=SERVER, port=5432, protocol="postgres"))
