"""Where the connections of Azure Storage hold their account: URLs, names and connection strings."""

import itertools

import pytest
from azure.storage.blob import BlobServiceClient

from airflow_provider_netconn.connections import ConnectionFields, read_targets
from airflow_provider_netconn.errors import InvalidConnectionError

KEY = "a2V5"


def address(conn_type: str, **fields) -> tuple[str, int, str]:
    """Host, port and protocol of the connection's one target, or of Data Lake Storage's first."""
    target, *others = read_targets(ConnectionFields(conn_id="orders", conn_type=conn_type, **fields))
    assert [other.host for other in others] == [target.host.replace(".dfs.", ".blob.")] * (".dfs." in target.host)
    return target.host, target.port, target.protocol


def refused(conn_type: str, **fields) -> str:
    with pytest.raises(InvalidConnectionError) as caught:
        address(conn_type, **fields)
    return str(caught.value)


BLOB = ("orders.blob.core.windows.net", 443, "https")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"login": "orders"}, BLOB),
        ({"host": "https://orders.blob.core.windows.net"}, BLOB),
        ({"host": "https://orders.blob.core.windows.net/"}, BLOB),
        ({"host": "orders.blob.core.windows.net"}, BLOB),
        ({"host": "orders.blob.core.windows.net", "login": "other"}, BLOB),
        (
            {"host": "https://orders.privatelink.blob.core.windows.net"},
            ("orders.privatelink.blob.core.windows.net", 443, "https"),
        ),
        ({"host": "https://orders.blob.core.usgovcloudapi.net"}, ("orders.blob.core.usgovcloudapi.net", 443, "https")),
        # A host without a dot is taken for a directory id: the account is the login.
        ({"host": "0b7d8cb7-7a4d-4b0e-a7a5-54f5d0a3e7ae", "login": "orders"}, BLOB),
        ({"host": "http://azurite:10000/orders", "login": "orders"}, ("orders.blob.core.windows.net", 80, "http")),
        ({"host": "http://127.0.0.1:10000/devstoreaccount1"}, ("127.0.0.1", 10000, "http")),
        # The hook takes this for a scheme and a path, and the SDK mends it but for the port.
        ({"host": "orders.blob.core.windows.net:8443", "login": "x"}, BLOB),
        # The hook cuts the first label to the length of an account's name, whatever it is.
        ({"login": "a" * 30}, (f"{'a' * 24}.blob.core.windows.net", 443, "https")),
        ({"host": f"https://{'a' * 30}.corp.example:8443"}, (f"{'a' * 24}.corp.example", 8443, "https")),
        ({"login": "client", "host": "https://orders.blob.core.windows.net", "extra": {"tenant_id": "t"}}, BLOB),
        ({"login": "orders", "extra": {"sas_token": "sv=2024&sig=x"}}, BLOB),
        ({"login": "other", "extra": {"sas_token": "https://orders.blob.core.windows.net/?sv=2024&sig=x"}}, BLOB),
        ({"login": "other", "extra": {"extra__wasb__sas_token": "https://orders.blob.core.windows.net/?sig=x"}}, BLOB),
        # Other ways to sign in come before the signature, and with them the account's URL.
        ({"login": "orders", "extra": {"sas_token": "https://o.example/?sig=x", "shared_access_key": "k"}}, BLOB),
        (
            {"host": BLOB[0], "extra": {"sas_token": "https://o.example/?sig=x", "extra__wasb__tenant_id": "t"}},
            BLOB,
        ),
        ({"host": "https://o.example", "extra": {"connection_string": "AccountName=orders;AccountKey=a2V5"}}, BLOB),
        ({"extra": {"extra__wasb__connection_string": "AccountName=orders;AccountKey=a2V5"}}, BLOB),
        # The short spelling hides the long one, even when it is empty.
        (
            {"login": "orders", "extra": {"connection_string": "", "extra__wasb__connection_string": "AccountName=x"}},
            BLOB,
        ),
    ],
)
def test_wasb_account_is_found_as_the_hook_finds_it(fields, expected):
    assert address("wasb", **fields) == expected


def test_wasb_without_an_account_says_where_it_belongs():
    message = refused("wasb")
    for field in ("host", "login", "extra.connection_string", "extra.sas_token"):
        assert field in message
    assert "host" in refused("wasb", host="orders")
    assert "client id" in refused("wasb", login="client", extra={"tenant_id": "t"})
    assert refused("wasb", login="me@example.net").startswith("connection orders: login: ")
    assert "neither http nor https" in refused("wasb", host="wasbs://box@orders.blob.core.windows.net")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"host": "orders"}, "orders.dfs.core.windows.net"),
        (
            {"host": "other", "extra": {"account_url": "https://orders.dfs.core.windows.net"}},
            "orders.dfs.core.windows.net",
        ),
        ({"extra": {"account_url": "orders.dfs.core.chinacloudapi.cn"}}, "orders.dfs.core.chinacloudapi.cn"),
        ({"extra": {"connection_string": "AccountName=orders;AccountKey=a2V5"}}, "orders.dfs.core.windows.net"),
        (
            {"extra": {"extra__adls__connection_string": "BlobEndpoint=https://orders.blob.core.windows.net/"}},
            "orders.dfs.core.windows.net",
        ),
    ],
)
def test_adls_account_is_found_as_the_hook_finds_it(fields, expected):
    assert address("adls", **fields) == (expected, 443, "https")


def test_adls_host_is_an_account_and_no_url():
    for host in ("https://orders.dfs.core.windows.net", "orders.dfs.core.windows.net"):
        assert "bare name of an account" in refused("adls", host=host)


def test_adls_reads_account_url_in_its_short_spelling_only():
    assert address("adls", host="orders", extra={"extra__adls__account_url": "https://o.example"})[0].startswith(
        "orders."
    )
    assert "no address" in refused("adls", host="orders", extra={"account_url": ""})


def test_first_generation_data_lake_is_named_in_extra():
    for key in ("account_name", "extra__azure_data_lake__account_name"):
        assert address("azure_data_lake", host="no.example", extra={key: "lake"}) == (
            "lake.azuredatalakestore.net",
            443,
            "https",
        )
    assert "extra.account_name" in refused("azure_data_lake", host="lake")


PARTS = (
    ("AccountName=orders", "accountname=orders", ""),
    ("DefaultEndpointsProtocol=https", "DefaultEndpointsProtocol=http", ""),
    (
        "EndpointSuffix=core.windows.net",
        "EndpointSuffix=core.chinacloudapi.cn",
        "EndpointSuffix=internal.example:8443",
        "",
    ),
    (
        "BlobEndpoint=https://orders.privatelink.blob.core.windows.net/",
        "BlobEndpoint=http://10.20.0.4:10000/orders",
        "BlobEndpoint=blob.internal.example",
        "BlobEndpoint=https://orders.z3.blob.storage.azure.net/;SharedAccessSignature=sv=2024&sig=x%3D",
        "",
    ),
    ("UseDevelopmentStorage=true", "UseDevelopmentStorage=True", "QueueEndpoint=https://q.example", ""),
)


@pytest.mark.parametrize("parts", list(itertools.product(*PARTS)))
def test_connection_string_is_read_as_the_sdk_reads_it(parts):
    text = ";".join(part for part in (*parts, f"AccountKey={KEY}") if part)
    try:
        client = BlobServiceClient.from_connection_string(text)
    except ValueError:
        assert "connection string" in refused("wasb", extra={"connection_string": text})
        return
    host, port, scheme = address("wasb", extra={"connection_string": text})
    usual = {"http": 80, "https": 443}[scheme]
    assert client.scheme == scheme
    assert client.primary_hostname.partition("/")[0] in {f"{host}:{port}", host if port == usual else ""}


@pytest.mark.parametrize("text", ["nothing", "AccountName", "AccountName=orders;nonsense", ";", "AccountKey=a2V5"])
def test_broken_connection_string_is_refused(text):
    with pytest.raises(ValueError, match=r"[Cc]onnection string"):
        BlobServiceClient.from_connection_string(text)
    assert "extra.connection_string" in refused("wasb", extra={"connection_string": text})


def test_development_storage_is_on_this_machine_for_both_services():
    for conn_type in ("wasb", "adls"):
        assert address(conn_type, extra={"connection_string": "UseDevelopmentStorage=true"}) == (
            "127.0.0.1",
            10000,
            "http",
        )
