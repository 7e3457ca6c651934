"""A YAML file of targets is read strictly: whatever does not fit is named with file, line, path and mend."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from airflow_provider_netconn.checks import CheckOptions, CheckPlan, load_plan
from airflow_provider_netconn.errors import InvalidConfigError
from airflow_provider_netconn.evidence import Expectation, Target
from airflow_provider_netconn.probing.registry import protocol_names

CANARY = "hunter2canary"


@pytest.fixture
def load(tmp_path):
    def read(text):
        file = tmp_path / "netconn.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
        return load_plan(file)

    return read


@pytest.fixture
def refused(load):
    def read(text):
        with pytest.raises(InvalidConfigError) as caught:
            load(text)
        return str(caught.value)

    return read


def test_the_file_of_the_docs_is_read(load):
    plan = load(
        """\
defaults: {expect: private, timeout_s: 3}
connections: [wasb_orders, sql_dw]
targets:
  - https://orders.blob.core.windows.net
  - {host: broker.internal, port: 5672, protocol: plain, expect: any}
"""
    )
    assert plan == CheckPlan(
        targets=(
            Target(
                host="orders.blob.core.windows.net",
                port=443,
                protocol="https",
                name="https://orders.blob.core.windows.net",
            ),
            Target(host="broker.internal", port=5672, expect=Expectation.ANY),
        ),
        conn_ids=("wasb_orders", "sql_dw"),
        options=CheckOptions(timeout_s=3),
    )


def test_every_option_and_default_is_read(load):
    plan = load(
        """\
defaults: {expect: public, expect_networks: [10.20.0.0/16], deadline_s: 9}
options:
  nameserver: 10.0.0.10:53
  ca_files: [a.pem, b.pem]
  timeout_s: 0.5
  retries: 2
  concurrency: 7
  use_proxy: false
targets: ["h:1"]
"""
    )
    assert plan.options == CheckOptions(
        nameserver="10.0.0.10:53",
        ca_files=("a.pem", "b.pem"),
        timeout_s=0.5,
        deadline_s=9,
        retries=2,
        concurrency=7,
        use_proxy=False,
    )
    assert (plan.expect, plan.expect_networks) == (Expectation.PUBLIC, ("10.20.0.0/16",))
    assert (plan.targets[0].expect, plan.targets[0].expect_networks) == (Expectation.PUBLIC, ("10.20.0.0/16",))


def test_options_beat_defaults(load):
    assert load("defaults: {timeout_s: 1}\noptions: {timeout_s: 2}\n").options.timeout_s == 2


@pytest.mark.parametrize(
    "text", ["", "\n", "# nothing\n", "---\n", "targets:\n", "targets: []\nconnections: []\n", "{}"]
)
def test_a_file_of_nothing_is_a_plan_of_nothing(load, text):
    assert load(text) == CheckPlan()


def test_a_byte_order_mark_is_no_fault(load):
    assert len(load(b"\xef\xbb\xbftargets: ['h:1']\n").targets) == 1


def test_merge_keys_and_aliases_of_a_handwritten_file_work(load):
    plan = load(
        """\
targets:
  - &broker {host: broker, port: 5672, expect: any}
  - {<<: *broker, port: 5673}
"""
    )
    assert [(target.port, target.expect) for target in plan.targets] == [
        (5672, Expectation.ANY),
        (5673, Expectation.ANY),
    ]


KNOWN = ", ".join(protocol_names())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("targets:\n- h:1\n- host: h\n  protcol: tls\n",
         "netconn.yaml:4: targets[1].protcol: unknown key; did you mean 'protocol'?"),
        ("target:\n- h:1\n", "netconn.yaml:1: target: unknown key; did you mean 'targets'?"),
        ("\n\nxyz: 1\n", "netconn.yaml:3: xyz: unknown key; known keys are defaults, options, connections, targets"),
        ("1: 2\n", "netconn.yaml:1: 1: unknown key; known keys are defaults, options, connections, targets"),
        ("options:\n  a: 1\n  timeout: 1\n", "netconn.yaml:2: options.a: unknown key; known keys are nameserver, "
         "ca_files, timeout_s, deadline_s, retries, concurrency, use_proxy"),
        ("options:\n  timeout: 1\n", "netconn.yaml:2: options.timeout: unknown key; did you mean 'timeout_s'?"),
        ("options: {expect: any}\n", "netconn.yaml:1: options.expect: unknown key; known keys are nameserver, "
         "ca_files, timeout_s, deadline_s, retries, concurrency, use_proxy"),
        ("defaults:\n\n  expct: any\n", "netconn.yaml:3: defaults.expct: unknown key; did you mean 'expect'?"),
        ("targets:\n- h:1\ntargets:\n- h:2\n", "netconn.yaml:3: targets: stands twice; keep one of them"),
        ("targets:\n- host: h\n  port: 1\n  host: i\n",
         "netconn.yaml:4: targets[0].host: stands twice; keep one of them"),
        ("- h:1\n", "netconn.yaml:1: the file is no mapping; write keys such as defaults, options, connections, "
         "targets"),
        ("h:1", "netconn.yaml:1: the file is no mapping; write keys such as defaults, options, connections, targets"),
        ("targets: h:1\n", "netconn.yaml:1: targets: 'h:1' is no list; write one item a line, each behind '- '"),
        ("\ntargets: {a: b}\n",
         "netconn.yaml:2: targets: a mapping is no list; write one item a line, each behind '- '"),
        ("defaults: [a]\n", "netconn.yaml:1: defaults: a list is no mapping; write defaults: {expect: ...}"),
        ("options: 5\n", "netconn.yaml:1: options: 5 is no mapping; write options: {nameserver: ...}"),
        ("targets:\n- h:1\n- 5\n",
         "netconn.yaml:3: targets[1]: 5 is no target; write text such as db.example.net:5432"),
        ("targets:\n-\n", "netconn.yaml:2: targets[0]: None is no target; write text such as db.example.net:5432"),
        ("targets:\n- [h, 1]\n",
         "netconn.yaml:2: targets[0]: a list is no target; write text such as db.example.net:5432"),
        ("targets:\n- h\n",
         "netconn.yaml:2: targets[0]: 'h' has no port; write host:port, [IPv6]:port or a URL such as https://host"),
        ("targets:\n- h:1\n- h:99999\n",
         "netconn.yaml:3: targets[1].port: 99999 is no TCP port; write a number from 1 to 65535"),
        ("targets:\n- host: h\n  port: x\n",
         "netconn.yaml:3: targets[0].port: 'x' is no TCP port; write a number from 1 to 65535"),
        ("targets:\n- host: h\n", "netconn.yaml:2: targets[0].port: no port is given; write one, as in h:5432"),
        ("targets:\n- port: 1\n", "netconn.yaml:2: targets[0].host: None is no host; write a name or an address"),
        ("targets:\n- {host: h, port: 1, protocol: x}\n",
         f"netconn.yaml:2: targets[0].protocol: unknown protocol 'x'; write one of {KNOWN}"),
        ("targets:\n- {host: h, port: 1,\n   expect: privat}\n",
         "netconn.yaml:3: targets[0].expect: 'privat' is no expectation; write one of private, public, any"),
        ("targets:\n- {host: h, port: 1, expect_networks: [10.0.0.1/8]}\n",
         "netconn.yaml:2: targets[0].expect_networks: 10.0.0.1/8 has host bits set; write a network such as "
         "10.20.0.0/16"),
        ("targets:\n- {host: h, port: 1, expect_addresses:\n   [10.0.0.4,\n    5]}\n",
         "netconn.yaml:4: targets[0].expect_addresses[1]: 5 is no text; write it in quotes"),
        ("defaults:\n  expect_networks:\n  - 10.0.0.0/8\n  - 10.0.0.0/33\n",
         "netconn.yaml:4: defaults.expect_networks[1]: '10.0.0.0/33' does not appear to be an IPv4 or IPv6 network; "
         "write a network such as 10.20.0.0/16"),
        ("defaults:\n  expect: 5\n", "netconn.yaml:2: defaults.expect: 5 is no expectation; write one of private, "
         "public, any"),
        ("connections:\n- a\n- 5\n", "netconn.yaml:3: connections[1]: 5 is no text; write it in quotes"),
        ("connections:\n- 2024-01-01\n",
         "netconn.yaml:2: connections[0]: a value of type date is no text; write it in quotes"),
        ("connections:\n- {a: b}\n", "netconn.yaml:2: connections[0]: a mapping is no text; write it in quotes"),
        ("connections: a\n", "netconn.yaml:1: connections: 'a' is no list; write one item a line, each behind '- '"),
        ("connections:\n- ''\n", "netconn.yaml:2: connections[0]: is empty; write a connection id"),
        ("options:\n  timeout_s: 0\n",
         "netconn.yaml:2: options.timeout_s: 0 is no time limit; write seconds above 0, such as 5"),
        ("targets: []\ndefaults:\n  timeout_s: soon\n",
         "netconn.yaml:3: defaults.timeout_s: 'soon' is no time limit; write seconds above 0, such as 5"),
        ("defaults: {timeout_s: 0}\noptions:\n  retries: -1\n  timeout_s: 5\n",
         "netconn.yaml:3: options.retries: -1 is no number of retries; write 0 to 10"),
        ("options:\n  concurrency: 0\n",
         "netconn.yaml:2: options.concurrency: 0 is no number; write a number from 1 up"),
        ("defaults:\n  nameserver: 10\n", "netconn.yaml:2: defaults.nameserver: 10 is no text; write it in quotes"),
        ("options:\n  nameserver: dns\n", "netconn.yaml:2: options.nameserver: 'dns' is no nameserver; write an "
         "address such as 10.0.0.10, 10.0.0.10:53 or [fd00::10]:53"),
        ("options:\n  ca_files: [a, 5]\n", "netconn.yaml:2: options.ca_files[1]: 5 is no text; write it in quotes"),
        ("defaults:\n  use_proxy: 'no'\n",
         "netconn.yaml:2: defaults.use_proxy: 'no' is no truth value; write true or false"),
        ("options:\n  last_stage: tls\n", "netconn.yaml:2: options.last_stage: unknown key; known keys are nameserver, "
         "ca_files, timeout_s, deadline_s, retries, concurrency, use_proxy"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_with_line_path_and_mend(refused, text, message):
    assert refused(text) == message


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("targets: [\n", 2),
        ("a: b\n c: d\n", 2),
        ("\ttargets: []\n", 1),
        ("targets:\n- *nobody\n", 2),
        ("targets:\n- !!python/object/apply:os.system ['true']\n", 2),
        ("targets:\n- !secret x\n", 2),
        ("a: 1\n---\nb: 2\n", 2),
        ("targets:\n- 'h:1\n", 3),
        ("targets:\n- h\x00:1\n", 2),
        ("? [a, b]\n: c\n", 1),
        ("targets: &a [*a]\n", 1),
    ],
)
def test_broken_yaml_is_named_with_its_line_in_one_line(refused, text, line):
    message = refused(text)
    assert message.startswith(f"netconn.yaml:{line}: ")
    assert "\n" not in message


@pytest.mark.parametrize(
    "value",
    ["!!timestamp x", "!!bool x", "!!int ''", "!!float ''", "!!int x", "1" + ":0" * 200 + ".5"],
)
def test_a_value_that_does_not_fit_its_tag_is_bad_input(refused, value):
    assert "no valid YAML: a value does not fit its tag" in refused(f"targets: [{value}]")


def test_a_key_that_a_terminal_would_obey_is_named_on_one_printable_line(refused):
    assert refused('options: {"time\\n\\e[31mout": 1}').isprintable()


def test_a_network_that_names_an_interface_is_bad_input(refused):
    assert "expect_networks[0]: 'fe80::%x/10' names an interface" in refused(
        "defaults: {expect_networks: ['fe80::%x/10']}"
    )


@pytest.mark.parametrize("text", [b"\xff\xfe", b"targets: [\xff]", b"\x80"])
def test_what_is_not_utf_8_is_named(refused, text):
    assert "netconn.yaml" in refused(text)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InvalidConfigError, match=r"none\.yaml: cannot be read: No such file or directory; give the "):
        load_plan(tmp_path / "none.yaml")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(InvalidConfigError, match="cannot be read: Is a directory"):
        load_plan(tmp_path)


def bomb(levels, width, key="targets"):
    lines = ["x0: &x0 [h]"] + [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join([*lines, f"{key}: *x{levels - 1}", ""])


def merging_bomb(levels, width):
    lines = ["x0: &x0 {a: b}"] + [
        f"x{n}: &x{n} {{<<: [{', '.join([f'*x{n - 1}'] * width)}]}}" for n in range(1, levels)
    ]
    return "\n".join([*lines, ""])


@pytest.mark.parametrize(
    "text",
    [bomb(12, 10), bomb(40, 2), bomb(12, 10, "connections"), bomb(12, 10, "defaults"), merging_bomb(12, 10)],
)
def test_a_file_that_grows_without_end_by_its_aliases_is_refused(refused, text):
    assert "aliases" in refused(text)


@pytest.mark.parametrize("text", ["[" * 20_000, "{a: " * 5_000, "- " * 20_000])
def test_a_file_nested_without_end_is_refused(refused, text):
    assert refused(text).startswith("netconn.yaml:")


def test_a_number_without_end_is_refused(refused):
    assert refused("targets: [0x" + "f" * 6000 + "]").startswith("netconn.yaml:1: targets[0]: ")


@pytest.mark.parametrize(
    "text",
    [
        f"targets: ['https://u:{CANARY}@h:x']",
        f"targets: ['{CANARY}@h:1']",
        f"targets: [[ 'https://u:{CANARY}@h' ]]",
        f"targets: [{{host: 'https://u:{CANARY}@h', port: 1}}]",
        f"targets: 'https://u:{CANARY}@h'",
        f"connections: 'postgres://u:{CANARY}@h/db'",
        f"connections: [['postgres://u:{CANARY}@h/db']]",
        f"defaults: 'https://u:{CANARY}@h'",
    ],
)
def test_no_error_repeats_a_credential(refused, text):
    assert CANARY not in refused(text)


texts = st.one_of(
    st.text(max_size=60),
    st.text("targetsopion:[]{}-,&*!<'\" \n\t#|>?%@`~=h1", max_size=80),
    st.builds("targets:\n{}".format, st.text("-:{}[] \nhosturlp1,'", max_size=60)),
)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts)
@example("targets: !!set {a}")
@example("targets: !!binary aGk=")
@example("targets: [!!binary aGk=, !!omap [a: 1], !!timestamp 2024-01-01]")
@example("targets: [!!timestamp 2024-13-45]")
@example("targets: [!!int x, !!float y, !!bool z]")
@example("!!python/name:os.system : 1")
@example("~: 1")
@example("x]: 1")
@example("'a.b[0]': 1")
@example("targets: [10:22]")
@example("connections: [.nan, .inf]")
@example("options: {timeout_s: .nan}")
@example("<<: 5")
@example("targets: [{<<: 5}]")
def test_any_file_is_a_plan_or_a_bad_config(load, text):
    message = None
    try:
        load(text)
    except InvalidConfigError as error:
        message = str(error)
    assert message is None or ("netconn.yaml:" in message and message.isprintable())
