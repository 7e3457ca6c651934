"""Nothing of a connection but its addresses leaves this room."""

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_netconn.connections import CONNECTION_TYPES, ConnectionFields, read_targets
from airflow_provider_netconn.errors import InvalidConnectionError
from airflow_provider_netconn.evidence import to_json

CANARY = "c4n4ry"

HOSTS = (
    f"https://orders.example:443/{CANARY}?sig={CANARY}#{CANARY}",
    f"https://{CANARY}:{CANARY}@orders.example",
    f"https://{CANARY}:{CANARY}@orders.example:{CANARY}",
    f"https://orders.example:{CANARY}",
    f"https://[{CANARY}",
    f"wasbs://{CANARY}@orders.example",
    f"{CANARY}@orders.example",
    f"orders.example?sig={CANARY}",
    f"orders.example/{CANARY}",
    f"orders.example:{CANARY}",
    f"orders.example,{CANARY} {CANARY}",
    f"orders.example\n{CANARY}",
    f"bücher.example {CANARY}",
    f"bü..{CANARY}\u2028",
    f"\u00ad.{CANARY}!",
    f"AccountName=orders;AccountKey={CANARY}",
)
TEXTS = (
    *HOSTS,
    f"DefaultEndpointsProtocol={CANARY};AccountName=orders;AccountKey={CANARY};EndpointSuffix=core.windows.net",
    f"AccountName=orders;AccountKey={CANARY}==;EndpointSuffix=core.windows.net",
    f"BlobEndpoint=https://orders.example/?{CANARY};SharedAccessSignature=sv=1&sig={CANARY}",
    f"BlobEndpoint=https://orders.example:{CANARY};AccountKey={CANARY}",
    f"AccountName=orders {CANARY};AccountKey={CANARY}",
    f"AccountKey={CANARY}",
    CANARY + "=",
    f"sv=2024&sig={CANARY}",
)
KEYS = (
    "connection_string",
    "sas_token",
    "account_url",
    "account_name",
    "account",
    "host",
    "hostaddr",
    "port",
    "startup_nodes",
    "bootstrap.servers",
    "endpoint",
    "base_url",
    "fully_qualified_namespace",
    "cloud_environment",
    "key_path",
    "Server",
    "dsn",
    "driver",
    "Encrypt",
    "sslmode",
    "ssl",
    "security.protocol",
)


def connections():
    for conn_type in (*CONNECTION_TYPES, "our_own_type"):
        for host in HOSTS:
            yield {"conn_type": conn_type, "host": host}
            yield {"conn_type": conn_type, "host": "orders.example", "port": 443, "schema": host}
        for text in TEXTS:
            yield {"conn_type": conn_type, "login": text}
            yield {"conn_type": conn_type, "schema": text, "host": "orders.example"}
            yield {"conn_type": conn_type, "extra": {"key_json": {"resourceManagerEndpointUrl": text}}}
            for key in KEYS:
                for spelling in (key, f"extra__{conn_type}__{key}"):
                    yield {
                        "conn_type": conn_type,
                        "host": "orders.example",
                        "extra": {spelling: text, "cluster": CANARY},
                    }


def chain(error: BaseException | None):
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def test_no_secret_reaches_a_target_or_an_error():
    outcomes = {"read": 0, "refused": 0}
    for fields in connections():
        connection = ConnectionFields(conn_id="orders", **fields)
        try:
            targets = read_targets(connection)
        except InvalidConnectionError as error:
            outcomes["refused"] += 1
            shown = [repr(link) + str(link) + repr(vars(link)) for link in chain(error)]
            shown.append("".join(traceback.format_exception(error)))
        else:
            outcomes["read"] += 1
            shown = [repr(target) + str(to_json(target)) for target in targets]
        assert CANARY not in "".join(shown), fields
    assert min(outcomes.values()) > 100


@pytest.mark.parametrize("field", ["host", "login", "schema"])
def test_representation_shows_no_field_that_may_hold_a_secret(field):
    fields = ConnectionFields(conn_id="orders", conn_type="wasb", extra={"sas_token": CANARY}, **{field: CANARY})
    assert CANARY not in repr(fields)
    assert repr(fields) == "ConnectionFields(conn_id='orders', conn_type='wasb', port=None)"


def test_extra_that_is_no_object_is_refused():
    with pytest.raises(InvalidConnectionError, match="connection orders: extra: is no JSON object but list") as caught:
        ConnectionFields(conn_id="orders", conn_type="wasb", extra=[CANARY])
    assert CANARY not in str(caught.value)


def test_extra_that_is_no_text_is_named_by_its_kind():
    with pytest.raises(InvalidConnectionError, match=r"extra.connection_string: is no text but dict") as caught:
        read_targets(ConnectionFields(conn_id="orders", conn_type="wasb", extra={"connection_string": {"key": CANARY}}))
    assert CANARY not in str(caught.value)


SNIPPETS = st.sampled_from(
    ["https://", "://", "//", ":", "@", "/", "[", "]", "?", "#", ";", "=", ",", ".", "-", "%", "\\"]
)
WORDS = st.sampled_from(
    ["orders", "AccountName=a", "BlobEndpoint=", "EndpointSuffix=", "443", "a-" * 12 + "b", "ü", "::1"]
)
TEXT = st.lists(st.one_of(SNIPPETS, WORDS, st.text(max_size=3)), max_size=7).map("".join)


@given(st.sampled_from([*CONNECTION_TYPES, "our_own_type"]), TEXT, TEXT, st.sampled_from(KEYS), TEXT)
def test_any_text_at_all_is_read_or_refused(conn_type, host, login, key, value):
    fields = ConnectionFields(
        conn_id="orders", conn_type=conn_type, host=host, login=login, extra={key: value, "cluster": True}
    )
    try:
        outcome = [target.name for target in read_targets(fields)]
    except InvalidConnectionError as error:
        outcome = [str(error).removeprefix("connection ")]
    assert outcome
    assert all(line.startswith("orders") for line in outcome)
