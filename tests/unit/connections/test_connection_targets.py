"""The addresses of each connection type, as its hook would dial them."""

import pytest

from airflow_provider_netconn.connections import CONNECTION_TYPES, ConnectionFields, read_targets
from airflow_provider_netconn.errors import InvalidConnectionError
from airflow_provider_netconn.evidence import Target
from airflow_provider_netconn.probing import protocols  # noqa: F401 - registers them
from airflow_provider_netconn.probing.registry import protocol_names

USUAL = {"postgres": 5432, "mysql": 3306, "sftp": 22, "ssh": 22}
"""Port of the types that have one, by type."""
SPOKEN = {"postgres": "postgres", "mysql": "mysql", "mssql": "tds", "redis": "redis", "sftp": "ssh", "ssh": "ssh"}
"""Protocol by type."""


def dialled(conn_type: str, **fields) -> list[tuple[str, int, str]]:
    """Host, port and protocol of each target of a connection."""
    connection = ConnectionFields(conn_id="orders", conn_type=conn_type, **fields)
    return [(target.host, target.port, target.protocol) for target in read_targets(connection)]


def refused(conn_type: str, **fields) -> str:
    """The message with which a connection is refused."""
    with pytest.raises(InvalidConnectionError) as caught:
        dialled(conn_type, **fields)
    assert str(caught.value).startswith("connection orders: ")
    assert caught.value.remedy
    return str(caught.value)


@pytest.mark.parametrize("conn_type", sorted(USUAL))
class TestUsualPort:
    def test_port_is_the_usual_one_unless_written(self, conn_type):
        port, protocol = USUAL[conn_type], SPOKEN[conn_type]
        assert dialled(conn_type, host="db.example.net") == [("db.example.net", port, protocol)]
        assert dialled(conn_type, host="db.example.net", port=7001) == [("db.example.net", 7001, protocol)]

    def test_port_zero_counts_as_none(self, conn_type):
        assert dialled(conn_type, host="db.example.net", port=0)[0][1] == USUAL[conn_type]


@pytest.mark.parametrize("conn_type", ["mssql", "redis"])
def test_port_must_be_written_where_the_hook_has_none_of_its_own(conn_type):
    assert "port: is empty" in refused(conn_type, host="db.example.net")
    assert "port: is empty" in refused(conn_type, host="db.example.net", port=0)


@pytest.mark.parametrize("conn_type", sorted(SPOKEN))
class TestHostAndPort:
    def test_target_is_called_as_the_connection(self, conn_type):
        (target,) = read_targets(
            ConnectionFields(conn_id="orders", conn_type=conn_type, host="db.example.net", port=7001)
        )
        assert target == Target(
            host="db.example.net",
            port=7001,
            protocol=SPOKEN[conn_type],
            name="orders",
            conn_id="orders",
            conn_type=conn_type,
        )

    @pytest.mark.parametrize(
        ("host", "name"),
        [
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.example", "xn--bcher-kva.example"),
            ("db.example.net.", "db.example.net"),
            ("db_1.internal", "db_1.internal"),
            ("10.20.0.4", "10.20.0.4"),
        ],
    )
    def test_names_are_made_fit_to_dial(self, conn_type, host, name):
        assert dialled(conn_type, host=host, port=7001)[0][0] == name

    def test_what_the_client_could_not_dial_is_refused(self, conn_type):
        for host in (" db.example.net", "db.example.net\n", "db example", "a..b", "-", "10.20.0.999", "b\u00fc cher"):
            assert "connection orders: host: " in refused(conn_type, host=host)
        assert "a URL" in refused(conn_type, host="https://db.example.net")
        assert "a user" in refused(conn_type, host="me@db.example.net")
        assert "brackets" in refused(conn_type, host="[fd00::4]")

    @pytest.mark.parametrize("port", [-1, 65536, True])
    def test_wrong_port_is_refused(self, conn_type, port):
        assert "connection orders: port: " in refused(conn_type, host="db.example.net", port=port)

    def test_empty_connection_is_told_where_its_address_lives(self, conn_type):
        for host in (None, ""):
            message = refused(conn_type, host=host)
            assert conn_type in message
            assert "host (" in message


def test_a_port_of_thousands_of_digits_is_refused():
    assert "host: the port is no number" in refused("mssql", host="db.example.net:" + "9" * 5000)


@pytest.mark.parametrize("conn_type", ["postgres", "mysql", "redis", "sftp", "ssh"])
def test_bare_host_takes_ipv6_but_no_port(conn_type):
    assert dialled(conn_type, host="fd00::4", port=7001)[0][0] == "fd00::4"
    assert "a port goes into the field port" in refused(conn_type, host="db.example.net:7001")


class TestPostgres:
    def test_several_hosts_become_several_targets(self):
        fields = ConnectionFields(conn_id="orders", conn_type="postgres", host="db1.example.net,db2.example.net")
        targets = read_targets(fields)
        assert [(target.name, target.host, target.port) for target in targets] == [
            ("orders[db1.example.net]", "db1.example.net", 5432),
            ("orders[db2.example.net]", "db2.example.net", 5432),
        ]

    def test_same_host_with_two_ports_is_told_apart(self):
        fields = ConnectionFields(
            conn_id="orders", conn_type="postgres", host="db.example.net,db.example.net", extra={"port": "5432,5433"}
        )
        assert [target.name for target in read_targets(fields)] == [
            "orders[db.example.net:5432]",
            "orders[db.example.net:5433]",
        ]

    def test_same_address_twice_is_one_target(self):
        fields = ConnectionFields(conn_id="orders", conn_type="postgres", host="db.example.net,db.example.net")
        assert [target.name for target in read_targets(fields)] == ["orders"]

    def test_one_port_serves_all_hosts(self):
        assert [port for _, port, _ in dialled("postgres", host="a.example,b.example", port=6000)] == [6000, 6000]
        assert [port for _, port, _ in dialled("postgres", host="a.example,b.example", extra={"port": 6001})] == [
            6001
        ] * 2

    def test_empty_port_of_a_list_is_the_usual_one(self):
        assert [port for _, port, _ in dialled("postgres", host="a.example,b.example", extra={"port": "6001,"})] == [
            6001,
            5432,
        ]

    def test_extra_host_and_port_win(self):
        extra = {"host": "other.example.net", "port": "6001", "sslmode": "require"}
        assert dialled("postgres", host="db.example.net", port=6000, extra=extra) == [
            ("other.example.net", 6001, "postgres")
        ]

    def test_empty_extra_host_leaves_no_address(self):
        assert "no address" in refused("postgres", host="db.example.net", extra={"host": ""})

    def test_hostaddr_is_dialled_in_place_of_the_host(self):
        fields = ConnectionFields(
            conn_id="orders", conn_type="postgres", host="db.example.net", extra={"hostaddr": "10.20.0.4"}
        )
        (target,) = read_targets(fields)
        assert (target.host, target.dial) == ("db.example.net", "10.20.0.4")

    def test_hostaddr_alone_is_the_host(self):
        (target,) = read_targets(
            ConnectionFields(conn_id="orders", conn_type="postgres", extra={"hostaddr": "10.20.0.4"})
        )
        assert (target.host, target.dial) == ("10.20.0.4", None)

    def test_hostaddr_is_no_name(self):
        assert "10.20.0.4" in refused("postgres", host="db.example.net", extra={"hostaddr": "db.example.net"})

    def test_lists_of_different_length_are_refused(self):
        assert "differ in number" in refused("postgres", host="a.example,b.example", extra={"port": "1,2,3"})
        assert "differ in number" in refused("postgres", host="a.example,b.example", extra={"hostaddr": "10.0.0.1"})

    def test_unix_socket_is_refused(self):
        assert "Unix socket" in refused("postgres", host="/var/run/postgresql")

    def test_redshift_with_iam_has_its_own_port(self):
        assert dialled("postgres", host="r.example", extra={"iam": True, "redshift": True})[0][1] == 5439
        assert dialled("postgres", host="r.example", extra={"iam": True})[0][1] == 5432
        assert dialled("postgres", host="r.example", port=1, extra={"iam": True, "redshift": True})[0][1] == 1


class TestMssql:
    def test_port_after_the_host_wins(self):
        assert dialled("mssql", host="sql.example.net:1444", port=1433) == [("sql.example.net", 1444, "tds")]

    def test_extra_host_wins(self):
        assert (
            dialled("mssql", host="sql.example.net", port=1433, extra={"host": "b.example.net"})[0][0]
            == "b.example.net"
        )
        assert dialled("mssql", host="sql.example.net", port=1433, extra={"host": ""})[0][0] == "sql.example.net"

    def test_dot_is_this_machine(self):
        assert dialled("mssql", host=".", port=1433) == [("localhost", 1433, "tds")]

    def test_instance_and_comma_are_refused(self):
        assert "instance" in refused("mssql", host="sql.example.net\\SQLEXPRESS")
        assert "','" in refused("mssql", host="tcp:sql.example.net,1433")

    def test_wrong_port_after_the_host_is_refused(self):
        assert "65535" in refused("mssql", host="sql.example.net:x")


class TestRedis:
    @pytest.mark.parametrize(
        ("ssl", "protocol"), [(True, "rediss"), ("false", "rediss"), (False, "redis"), ("", "redis")]
    )
    def test_ssl_is_whatever_python_takes_for_true(self, ssl, protocol):
        assert dialled("redis", host="r.example", port=6380, extra={"ssl": ssl}) == [("r.example", 6380, protocol)]

    def test_cluster_has_its_startup_nodes_besides(self):
        extra = {"cluster": True, "startup_nodes": "n2.example:7000, n3.example", "ssl": True}
        assert dialled("redis", host="n1.example", port=7001, extra=extra) == [
            ("n1.example", 7001, "rediss"),
            ("n2.example", 7000, "rediss"),
            ("n3.example", 6379, "rediss"),
        ]

    def test_node_named_twice_is_one_target(self):
        extra = {"cluster": True, "startup_nodes": "n1.example:6379"}
        assert dialled("redis", host="n1.example", port=6379, extra=extra) == [("n1.example", 6379, "redis")]

    def test_startup_nodes_alone_will_do(self):
        assert dialled("redis", extra={"cluster": True, "startup_nodes": "n2.example"}) == [
            ("n2.example", 6379, "redis")
        ]

    def test_host_without_port_is_passed_by_for_startup_nodes(self):
        extra = {"cluster": True, "startup_nodes": "n2.example:7000"}
        assert dialled("redis", host="n1.example", extra=extra) == [("n2.example", 7000, "redis")]

    def test_startup_nodes_count_in_cluster_mode_only(self):
        assert dialled("redis", host="n1.example", port=6379, extra={"startup_nodes": "n2.example"}) == [
            ("n1.example", 6379, "redis")
        ]

    def test_wrong_startup_nodes_are_refused(self):
        for nodes in ("n2.example:x", ":6379", "n2.example,"):
            assert "extra.startup_nodes" in refused("redis", extra={"cluster": True, "startup_nodes": nodes})
        assert "list" in refused("redis", extra={"cluster": True, "startup_nodes": ["n2.example"]})


class TestHttp:
    @pytest.mark.parametrize(
        ("fields", "address"),
        [
            ({"host": "api.example.net"}, ("api.example.net", 80, "http")),
            ({"host": "api.example.net", "schema": "https"}, ("api.example.net", 443, "https")),
            ({"host": "api.example.net", "schema": "HTTPS", "port": 8443}, ("api.example.net", 8443, "https")),
            ({"host": "https://api.example.net"}, ("api.example.net", 443, "https")),
            ({"host": "https://api.example.net", "schema": "http"}, ("api.example.net", 443, "https")),
            ({"host": "https://api.example.net:8443/v1?x=1"}, ("api.example.net", 8443, "https")),
            ({"host": "https://api.example.net", "port": 8443}, ("api.example.net", 8443, "https")),
            ({"host": "api.example.net/v1", "schema": "https"}, ("api.example.net", 443, "https")),
            # The hook writes the port behind the path, where it is none.
            ({"host": "https://api.example.net/v1", "port": 8443}, ("api.example.net", 443, "https")),
            ({"host": "http://[fd00::4]:8080"}, ("fd00::4", 8080, "http")),
            ({"host": "https://bücher.example"}, ("xn--bcher-kva.example", 443, "https")),
        ],
    )
    def test_base_url_is_made_as_the_hook_makes_it(self, fields, address):
        assert dialled("http", **fields) == [address]

    def test_two_ports_are_refused(self):
        assert "port of the URL" in refused("http", host="https://api.example.net:8443", port=8444)

    def test_other_schemes_are_refused(self):
        assert "neither http nor https" in refused("http", host="ftp://api.example.net")

    @pytest.mark.parametrize("value", [True, "true", "1"])
    def test_srv_name_is_no_host(self, value):
        assert "SRV" in refused("http", host="_http._tcp.example.net", extra={"srv_lookup": value})
        assert dialled("http", host="api.example.net", extra={"srv_lookup": False})

    def test_path_is_not_kept(self):
        (target,) = read_targets(
            ConnectionFields(conn_id="orders", conn_type="http", host="https://hooks.example.net/T0KEN?key=T0KEN")
        )
        assert target.http_path == "/"


class TestSnowflake:
    @pytest.mark.parametrize(
        ("extra", "host"),
        [
            ({"account": "xy12345"}, "xy12345.snowflakecomputing.com"),
            ({"extra__snowflake__account": "xy12345"}, "xy12345.snowflakecomputing.com"),
            ({"account": "org-acct"}, "org-acct.snowflakecomputing.com"),
            ({"account": "xy12345", "region": "west-europe.azure"}, "xy12345.west-europe.azure.snowflakecomputing.com"),
            ({"account": "xy12345.west-europe.azure"}, "xy12345.west-europe.azure.snowflakecomputing.com"),
            (
                {"account": "xy12345.west-europe.azure.privatelink"},
                "xy12345.west-europe.azure.privatelink.snowflakecomputing.com",
            ),
            ({"account": "xy12345.eu", "region": "us-east-1"}, "xy12345.us-east-1.snowflakecomputing.com"),
            ({"account": "xy12345", "region": "us-west-2"}, "xy12345.snowflakecomputing.com"),
            (
                {"account": "xy12345", "region": "cn-northwest-1.aws"},
                "xy12345.cn-northwest-1.aws.snowflakecomputing.cn",
            ),
            ({"account": "xy12345.cn-northwest-1.aws"}, "xy12345.cn-northwest-1.aws.snowflakecomputing.cn"),
            (
                {"account": "xy12345", "extra__snowflake__region": "eu-west-1"},
                "xy12345.eu-west-1.snowflakecomputing.com",
            ),
            ({"account": "xy12345", "host": "snow.internal.example"}, "snow.internal.example"),
        ],
    )
    def test_host_comes_from_account_and_region_unless_given(self, extra, host):
        assert dialled("snowflake", extra=extra) == [(host, 443, "https")]

    def test_port_is_the_one_of_extra(self):
        assert dialled("snowflake", port=1, extra={"account": "xy12345", "port": "8443"})[0][1] == 8443
        assert dialled("snowflake", port=1, extra={"account": "xy12345"})[0][1] == 443
        assert "port" in refused("snowflake", extra={"account": "xy12345", "port": "x"})

    def test_host_column_is_not_read(self):
        message = refused("snowflake", host="xy12345.snowflakecomputing.com")
        assert "extra.account" in message
        assert "extra.host" in message

    def test_url_as_account_is_refused(self):
        assert "Snowflake account" in refused("snowflake", extra={"account": "https://xy12345.snowflakecomputing.com"})


class TestDatabricks:
    @pytest.mark.parametrize(
        ("fields", "address"),
        [
            ({"host": "adb-1.2.azuredatabricks.net"}, ("adb-1.2.azuredatabricks.net", 443, "https")),
            ({"host": "https://adb-1.2.azuredatabricks.net/"}, ("adb-1.2.azuredatabricks.net", 443, "https")),
            ({"host": "adb-1.2.azuredatabricks.net", "port": 8443}, ("adb-1.2.azuredatabricks.net", 8443, "https")),
            # The hook drops the port and the scheme of a URL, but not the port after a bare host.
            ({"host": "http://adb-1.2.azuredatabricks.net:8443"}, ("adb-1.2.azuredatabricks.net", 443, "https")),
            ({"host": "adb-1.2.azuredatabricks.net:8443"}, ("adb-1.2.azuredatabricks.net", 8443, "https")),
            ({"host": "proxy.example", "schema": "http", "port": 8080}, ("proxy.example", 8080, "http")),
            ({"host": "a.example", "schema": "sales"}, ("a.example", 443, "https")),
            ({"host": "a.example", "extra": {"host": "https://b.example"}}, ("b.example", 443, "https")),
        ],
    )
    def test_host_is_parsed_as_the_hook_does(self, fields, address):
        assert dialled("databricks", **fields) == [address]

    def test_extra_host_hides_the_column_even_when_empty(self):
        assert "no address" in refused("databricks", host="a.example", extra={"host": ""})


class TestUnknownType:
    @pytest.mark.parametrize("conn_type", ["generic", "our_own_type", ""])
    @pytest.mark.parametrize(
        ("fields", "address"),
        [
            ({"host": "broker.example", "port": 5672}, ("broker.example", 5672, "plain")),
            ({"host": "broker.example:5672"}, ("broker.example", 5672, "plain")),
            ({"host": "fd00::4", "port": 5672}, ("fd00::4", 5672, "plain")),
            ({"host": "[fd00::4]:5672"}, ("fd00::4", 5672, "plain")),
            ({"host": "https://api.example/x"}, ("api.example", 443, "https")),
            ({"host": "http://me:pw@api.example"}, ("api.example", 80, "http")),
            ({"host": "amqps://broker.example"}, ("broker.example", 5671, "amqps")),
            ({"host": "AMQP://broker.example"}, ("broker.example", 5672, "amqp")),
            ({"host": "own://broker.example", "port": 9000}, ("broker.example", 9000, "plain")),
            ({"host": "own://broker.example:9001", "port": 9000}, ("broker.example", 9001, "plain")),
        ],
    )
    def test_host_and_port_are_taken_as_they_are(self, conn_type, fields, address):
        assert dialled(conn_type, **fields) == [address]

    def test_host_without_any_port_is_refused(self):
        assert refused("our_own_type", host="broker.example").startswith("connection orders: port: ")
        assert refused("our_own_type", host="own://broker.example").startswith("connection orders: port: ")

    def test_no_host_is_refused(self):
        assert "host (a host name or URL)" in refused("our_own_type", port=5672)

    def test_broken_urls_are_refused(self):
        for host in ("https://", "https://[fd00::4", "https://a.example:99999", "https://a b", "https://a.example\n"):
            assert "connection orders: host: " in refused("our_own_type", host=host)


def test_every_row_names_its_source_and_its_fields():
    assert len(CONNECTION_TYPES) >= 25
    for conn_type, row in CONNECTION_TYPES.items():
        assert row.conn_type == conn_type
        assert row.source
        assert row.addresses or row.own
        if row.own is None:
            assert row.places in refused(conn_type)


def test_every_row_speaks_a_protocol_of_the_registry():
    for row in CONNECTION_TYPES.values():
        assert row.protocol in protocol_names()
