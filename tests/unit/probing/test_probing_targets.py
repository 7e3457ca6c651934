"""What people write becomes a target, or an error that names the field and the mend; never anything else."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_provider_netconn.errors import InvalidTargetError
from airflow_provider_netconn.evidence import Expectation, Target, from_json, to_json
from airflow_provider_netconn.probing.registry import protocol_names
from airflow_provider_netconn.probing.targets import parse_target

CANARY = "hunter2canary"


@pytest.mark.parametrize(
    ("text", "host", "port", "protocol"),
    [
        ("db.example.net:5432", "db.example.net", 5432, "plain"),
        ("  db.example.net:5432\n", "db.example.net", 5432, "plain"),
        ("my_host:1", "my_host", 1, "plain"),
        ("db.example.net.:65535", "db.example.net.", 65535, "plain"),
        ("10.20.0.4:22", "10.20.0.4", 22, "plain"),
        ("[fd00::4]:22", "fd00::4", 22, "plain"),
        ("http://web.example.net", "web.example.net", 80, "http"),
        ("https://web.example.net", "web.example.net", 443, "https"),
        ("HTTPS://Web.Example.net:8443/", "web.example.net", 8443, "https"),
        ("https://[fd00::4]:8443/", "fd00::4", 8443, "https"),
        ("https://web.example.net:/", "web.example.net", 443, "https"),
        ("tls://broker.example.net:9093", "broker.example.net", 9093, "tls"),
        ("tls://broker.example.net", "broker.example.net", 443, "tls"),
        ("tcp://db.example.net:1433", "db.example.net", 1433, "plain"),
        ("plain://db.example.net:1433", "db.example.net", 1433, "plain"),
    ],
)
def test_text_gives_host_port_and_protocol(text, host, port, protocol):
    target = parse_target(text)
    assert (target.host, target.port, target.protocol) == (host, port, protocol)


@pytest.mark.parametrize(
    ("text", "ascii_name"),
    [
        ("bücher.example:443", "xn--bcher-kva.example"),
        ("BÜCHER.example:443", "xn--bcher-kva.example"),
        # IDNA 2008, as connections/ and the clients (requests, httpx) have it; IDNA 2003 would dial strasse.example.
        ("straße.example:443", "xn--strae-oqa.example"),
        ("https://bücher.example/", "xn--bcher-kva.example"),
    ],
)
def test_a_name_beyond_ascii_is_dialled_as_dns_has_it(text, ascii_name):
    assert parse_target(text).host == ascii_name


@pytest.mark.parametrize("host", ["ü" * 64 + ".example", "\u200d.example", "xn--\udcff", "ü..example", "ü" * 100_000])
def test_a_name_that_idna_refuses_is_bad_input(host):
    with pytest.raises(InvalidTargetError, match=r"^target\.host: "):
        parse_target(f"{host}:443")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("db.example.net", "target: 'db.example.net' has no port; write host:port, [IPv6]:port or a URL such as "
                           "https://host"),
        ("10.0.0.4", "target: '10.0.0.4' has no port; write host:port or a URL such as https://host"),
        ("fd00::4", "target: 'fd00::4' has no port; write host:port or a URL such as https://host"),
        ("", "target: '' has no port; write host:port, [IPv6]:port or a URL such as https://host"),
        ("db:0", "target.port: 0 is no TCP port; write a number from 1 to 65535"),
        ("db:65536", "target.port: 65536 is no TCP port; write a number from 1 to 65535"),
        ("db:x", "target.port: 'x' is no TCP port; write a number from 1 to 65535"),
        ("db:", "target.port: '' is no TCP port; write a number from 1 to 65535"),
        ("db:٤٤٣", "target.port: '٤٤٣' is no TCP port; write a number from 1 to 65535"),
        ("db:-1", "target.port: '-1' is no TCP port; write a number from 1 to 65535"),
        (":5432", "target.host: '' is no host name or address; write a name such as db.example.net"),
        ("d\u00adb:5432", "target.name: holds an unprintable character; write it in plain letters, on one line"),
        ("[]:5432", "target.host: '' is no host name or address; write a name such as db.example.net"),
        ("a b:5432", "target.host: 'a b' is no host name or address; write a name such as db.example.net"),
        ("-db:5432", "target.host: '-db' is no host name or address; write a name such as db.example.net"),
        ("a..b:5432", "target.host: 'a..b' is no host name or address; write a name such as db.example.net"),
        ("1.2.3:5432", "target.host: '1.2.3' looks like an IPv4 address but is none; write four numbers 0-255"),
        ("256.1.1.1:53", "target.host: '256.1.1.1' looks like an IPv4 address but is none; write four numbers 0-255"),
        ("ftp://files.example.net", "target.protocol: unknown scheme 'ftp'; write one of {schemes}"),
        ("https://", "target.host: 'https://' has no host; write a URL such as https://host/"),
        ("https://:443/", "target.host: 'https://:443/' has no host; write a URL such as https://host/"),
        ("tcp://db.example.net", "target.port: no port is given; write one, as in db.example.net:5432"),
    ],
)  # fmt: skip
def test_bad_text_is_answered_by_field_and_mend(text, message):
    with pytest.raises(InvalidTargetError) as caught:
        parse_target(text)
    assert str(caught.value) == message.format(schemes=", ".join(sorted([*protocol_names(), "tcp"])))


@pytest.mark.parametrize(
    "text",
    ["https://h:99999/", "https://h:x/", "https://[::1/", "https://[zz]/", "https://h:0/", "db:00000000443", "::1:80"],
)
def test_a_port_or_address_that_cannot_be_is_bad_input(text):
    with pytest.raises(InvalidTargetError):
        parse_target(text)


@pytest.mark.parametrize("scope", ["%", "%\r\nHost: evil", "%\x00", "% x", "%" + "x" * 300])
def test_an_address_with_an_unfit_scope_is_bad_input(scope):
    with pytest.raises(InvalidTargetError):
        parse_target(f"[fe80::1{scope}]:80")


def test_an_address_may_name_its_interface():
    assert parse_target("[fe80::1%eth0]:80").host == "fe80::1%eth0"


@pytest.mark.parametrize(
    "given",
    [
        f"https://user:{CANARY}@web.example.net/",
        f"https://{CANARY}@web.example.net/",
        f"https://web.example.net/?sig={CANARY}",
        f"https://web.example.net/x#access_token={CANARY}",
        {"url": f"https://user:{CANARY}@web.example.net/?sig={CANARY}"},
    ],
)
def test_a_credential_in_a_url_is_not_kept(given):
    target = parse_target(given)
    assert CANARY not in repr(target)
    assert CANARY not in str(to_json(target))


@pytest.mark.parametrize(
    "given",
    [
        f"https://user:{CANARY}@web.example.net:x/",
        f"https://user:{CANARY}/more@web.example.net/",
        f"https://user:{CANARY}#more@web.example.net/",
        f"https://user:{CANARY}?more@web.example.net/",
        f"https://user:p@{CANARY}@/",
        f"https://user:{CANARY}@[::1/",
        f"https://user:{CANARY}@we b/",
        f"ftp://user:{CANARY}@web.example.net/",
        f"https://?sig={CANARY}",
        f"https://we b/?sig={CANARY}",
        f"https://[/?sig={CANARY}",
        f"https://web.example.net:x/#token={CANARY}",
        f"{CANARY}@db.example.net:5432",
        f"user:{CANARY}@db.example.net:5432",
        f"user:{CANARY}@db.example.net",
        f"{CANARY}@db.example.net",
        f"db.example.net:5432?password={CANARY}",
        f"db.example.net?password={CANARY}",
        f"db.example.net/?password={CANARY}:5432",
        f"db.example.net:5432/#password={CANARY}",
        f"[{CANARY}@fd00::4]:5432",
        f"üser:{CANARY}@db.example.net:5432",
        f"{CANARY}@dü:5432",
        {"host": f"https://user:{CANARY}@web.example.net/", "port": 1},
        {"host": f"user:{CANARY}@web.example.net", "port": 1},
        {"host": f"web.example.net/?sig={CANARY}", "port": 1},
        {"host": f"ü{CANARY}@\udcff", "port": 1},
        {"host": "web.example.net", "port": 1, "dial": f"user:{CANARY}@web.example.net"},
        {"url": f"user:{CANARY}@web.example.net"},
        {"url": f"https://user:{CANARY}@web.example.net:x/"},
        {"url": f"https://user:{CANARY}@web.example.net/", "port": "x"},
        {"url": f"https://user:{CANARY}@web.example.net/", "host": "x"},
        {"url": [f"https://user:{CANARY}@web.example.net/"]},
    ],
)
def test_an_error_does_not_repeat_a_credential(given):
    with pytest.raises(InvalidTargetError) as caught:
        parse_target(given)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("https://user:secret@web.example.net/a?b#c", "https://web.example.net/a"),
        ("web.example.net:443", "web.example.net:443"),
        ("tcp://[::1]:5432", "tcp://[::1]:5432"),
    ],
)
def test_a_target_is_called_as_it_was_written(text, name):
    assert parse_target(text).name == name


def test_a_target_of_a_mapping_is_called_by_its_address():
    assert parse_target({"host": "fd00::4", "port": 5432}).name == "plain://[fd00::4]:5432"


@pytest.mark.parametrize("path", ["/", "/health", "/a%20b"])
def test_the_path_of_a_url_is_asked_for(path):
    assert parse_target(f"https://web.example.net{path}").http_path == path


@pytest.mark.parametrize("path", ["/a b", "/ä", "/\x7f"])
def test_a_path_that_http_cannot_carry_is_bad_input(path):
    with pytest.raises(InvalidTargetError, match=r"^target\.http_path: "):
        parse_target({"host": "web.example.net", "protocol": "http", "http_path": path})


def test_a_mapping_gives_every_field():
    target = parse_target(
        {
            "host": "Web.example.net",
            "port": 8443,
            "protocol": "https",
            "name": "the shop",
            "dial": "10.20.0.4",
            "http_path": "/health",
            "expect": "ANY",
            "expect_networks": ["10.20.0.0/16", "fd00:20::/32"],
            "expect_addresses": "10.20.0.4",
        }
    )
    assert target == Target(
        host="Web.example.net",
        port=8443,
        protocol="https",
        name="the shop",
        dial="10.20.0.4",
        http_path="/health",
        expect=Expectation.ANY,
        expect_networks=("10.20.0.0/16", "fd00:20::/32"),
        expect_addresses=("10.20.0.4",),
    )


def test_what_is_expected_by_default_is_taken_where_the_mapping_is_silent():
    target = parse_target({"url": "https://h"}, expect=Expectation.PUBLIC, expect_networks=("10.1.0.0/16",))
    assert (target.expect, target.expect_networks) == (Expectation.PUBLIC, ("10.1.0.0/16",))


def test_what_the_mapping_expects_beats_the_default():
    given = {"url": "https://h", "expect": "any", "expect_networks": []}
    target = parse_target(given, expect=Expectation.PUBLIC, expect_networks=("10.1.0.0/16",))
    assert (target.expect, target.expect_networks) == (Expectation.ANY, ())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "target.host: None is no host; write a name or an address"),
        ({"host": ""}, "target.host: '' is no host; write a name or an address"),
        ({"host": 5, "port": 1}, "target.host: 5 is no host; write a name or an address"),
        ({"host": "h"}, "target.port: no port is given; write one, as in h:5432"),
        ({"host": "h", "port": "5432"}, "target.port: '5432' is no TCP port; write a number from 1 to 65535"),
        ({"host": "h", "port": True}, "target.port: True is no TCP port; write a number from 1 to 65535"),
        ({"host": "h", "port": 1.5}, "target.port: 1.5 is no TCP port; write a number from 1 to 65535"),
        ({"host": "h", "port": 1, "protocol": "ssh2"},
         "target.protocol: unknown protocol 'ssh2'; write one of {protocols}"),
        ({"host": "h", "port": 1, "protocol": 5}, "target.protocol: 5 is no text; write it in quotes"),
        ({"host": "h", "port": 1, "name": 5}, "target.name: 5 is no text; write it in quotes"),
        ({"host": "h", "port": 1, "dial": 5}, "target.dial: 5 is no text; write it in quotes"),
        ({"host": "h", "port": 1, "dial": "a b"},
         "target.dial: 'a b' is no host name or address; write a name such as db.example.net"),
        ({"host": "h", "port": 1, "http_path": "x"},
         "target.http_path: 'x' is no path; write one that starts with '/', in ASCII, with %20 for a blank"),
        ({"host": "h", "port": 1, "expect": "privat"},
         "target.expect: 'privat' is no expectation; write one of private, public, any"),
        ({"host": "h", "port": 1, "expect_networks": [5]},
         "target.expect_networks[0]: 5 is no text; write it in quotes"),
        ({"host": "h", "port": 1, "expect_networks": {"a": "b"}},
         "target.expect_networks: a mapping is no list; write one such as [first, second]"),
        ({"host": "h", "port": 1, "expect_networks": "10.0.0.1/8"},
         "target.expect_networks: 10.0.0.1/8 has host bits set; write a network such as 10.20.0.0/16"),
        ({"host": "h", "port": 1, "expect_addresses": ["10.0.0.0/8"]},
         "target.expect_addresses: '10.0.0.0/8' is no address; write one such as 10.20.0.4"),
        ({"host": "h", "url": "https://h"}, "target.url: stands beside host; write one of them"),
        ({"url": "https://h", "port": 1}, "target.url: stands beside port; write one of them"),
        ({"url": "https://h", "protocol": "tls"}, "target.url: stands beside protocol; write one of them"),
        ({"url": 5}, "target.url: 5 is no text; write it in quotes"),
        ({"url": "h:5"}, "target.url: 'h:5' is no URL; write one such as https://host:443/"),
        ({"host": "h", "port": 1, "protcol": "tls"}, "target.protcol: unknown key; did you mean 'protocol'?"),
        ({"host": "h", "port": 1, 5: 6}, "target.5: unknown key; known keys are host, port, url, protocol, name, dial, "
                                         "http_path, tls, expect, expect_networks, expect_addresses"),
    ],
)  # fmt: skip
def test_a_bad_mapping_is_answered_by_field_and_mend(given, message):
    with pytest.raises(InvalidTargetError) as caught:
        parse_target(given)
    assert str(caught.value) == message.format(protocols=", ".join(protocol_names()))


@pytest.mark.parametrize("given", [None, 5, ["h:1"], b"h:1", True])
def test_what_is_neither_text_nor_mapping_is_bad_input(given):
    with pytest.raises(InvalidTargetError, match=r"is no target; write text such as db\.example\.net:5432"):
        parse_target(given)


@pytest.mark.parametrize("name", ["a\x1b[31mb", "a\nb", "\udcff", ""])
def test_a_name_that_would_break_a_report_is_not_kept(name):
    try:
        target = parse_target({"host": "h", "port": 1, "name": name})
    except InvalidTargetError:
        return
    assert target.name.isprintable()
    assert target.name


def parses_or_refuses(given):
    try:
        target = parse_target(given)
    except InvalidTargetError:
        return
    assert from_json(Target, to_json(target)) == target


words = st.one_of(
    st.text(max_size=30),
    st.text(st.characters(), max_size=30),  # lone surrogates too, as a shell's odd bytes become
    st.text("[]@:/?#%.-_ax0159é\udcff\x00\n ", max_size=30),
)
schemes = st.sampled_from(["", "http://", "https://", "tcp://", "tls://", "//", "ftp://", "HTTPS://", "://"])
ends = st.sampled_from(["", ":443", ":0", ":99999", "/x y", "/", "?q", "]:1", "%eth0]:1"])


@settings(max_examples=1500, deadline=None)
@given(st.builds(lambda *parts: "".join(parts), schemes, words, ends))
@example("tcp://h:80/\udcff")
@example("https://h/\udcff")
@example("https://h/a b")
@example("h\udcff:80")
@example("[::1%\udcff]:80")
def test_any_text_is_a_target_or_bad_input(text):
    parses_or_refuses(text)


values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), words, st.binary(max_size=4), st.dates(),
    st.lists(st.one_of(words, st.integers(), st.none()), max_size=3), st.dictionaries(words, words, max_size=2),
    st.builds(lambda *parts: "".join(parts), schemes, words, ends),
)  # fmt: skip
keys = st.sampled_from(
    [
        "host",
        "port",
        "url",
        "protocol",
        "name",
        "dial",
        "http_path",
        "tls",
        "expect",
        "expect_networks",
        "expect_addresses",
    ]
)


@settings(max_examples=1500, deadline=None)
@given(st.one_of(values, st.dictionaries(st.one_of(keys, words, st.integers(), st.none()), values, max_size=8)))
@example({"host": "h", "port": 1, "name": "\udcff"})
@example({"host": "h", "port": 1, "expect_networks": ["fe80::%x/10"]})
@example({"host": "h", "port": 1, "expect_addresses": ["::1%\udcff"]})
def test_anything_is_a_target_or_bad_input(given_value):
    parses_or_refuses(given_value)


@settings(max_examples=500, deadline=None)
@given(values, st.sampled_from(["host", "name", "dial", "http_path", "expect_networks", "expect_addresses", "port"]))
def test_a_good_mapping_with_any_one_field_is_a_target_or_bad_input(value, key):
    parses_or_refuses({"host": "h", "port": 1, "protocol": "http"} | {key: value})
