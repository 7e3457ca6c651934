"""The command ``netconn`` as a shell runs it: exit status, what stands on which stream, what is written."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from airflow_provider_netconn import __version__
from testbed.endpoints import ClosedPort, DnsServer, DroppingPort, HttpServer, SilentServer

ROOT = Path(__file__).resolve().parents[2]
NETCONN = [sys.executable, "-m", "airflow_provider_netconn.cli"]
CANARY = "hunter2canary"
LOOPBACK = ("--expect-network", "127.0.0.0/8")
LIMIT_S = 100


@pytest.fixture
def environment(tmp_path):
    """A user's environment: no proxies, no connections, an Airflow home of its own."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and not name.startswith(("AIRFLOW", "_AIRFLOW", "ASTRO", "PYTHON"))
    }
    return kept | {"AIRFLOW_HOME": str(tmp_path / "airflow"), "COLUMNS": "120", "TERM": "xterm"}


@pytest.fixture
def netconn(environment, tmp_path):
    """Run ``netconn`` with these arguments in a folder of its own."""

    def run(*arguments, **variables):
        return subprocess.run(
            [*NETCONN, *map(str, arguments)],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment | {"PYTHONPATH": str(ROOT)} | variables,
            timeout=LIMIT_S,
        )

    return run


@pytest.fixture(scope="module")
def web():
    with HttpServer() as server:
        yield server


@pytest.fixture(scope="module")
def url(web):
    return f"http://127.0.0.1:{web.port}"


# --- exit status ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("arguments", "status"), [(LOOPBACK, 0), (("--expect", "any"), 0), ((), 1)])
def test_the_exit_status_says_whether_all_is_as_expected(netconn, url, arguments, status):
    assert netconn("check", url, *arguments).returncode == status


def test_one_target_that_is_not_as_expected_is_enough(netconn, url):
    with ClosedPort() as closed:
        done = netconn("check", url, f"127.0.0.1:{closed.port}", *LOOPBACK)
    assert done.returncode == 1


BAD_INPUT = [
    ((), "usage: netconn"),
    (("check",), "netconn: TARGET: nothing to check; give a target, --conn-id or --config\n"),
    (("check", "h"), "netconn: target: 'h' has no port; write host:port, [IPv6]:port or a URL such as https://host\n"),
    (("check", "h:1", "--timeout", "0"),
     "netconn: --timeout: 0.0 is no time limit; write seconds above 0, such as 5\n"),
    (("check", "h:1", "--timeout", "nan"),
     "netconn: --timeout: nan is no time limit; write seconds above 0, such as 5\n"),
    (("check", "h:1", "--timeout", "soon"), "argument --timeout: invalid float value: 'soon'"),
    (("check", "h:1", "--retries", "-1"), "netconn: --retries: -1 is no number of retries; write 0 to 10\n"),
    (("check", "h:1", "--concurrency", "0"), "netconn: --concurrency: 0 is no number; write a number from 1 up\n"),
    (("check", "h:1", "--nameserver", "dns"), "netconn: --nameserver: 'dns' is no nameserver; write an address such as "
     "10.0.0.10, 10.0.0.10:53 or [fd00::10]:53\n"),
    (("check", "h:1", "--expect-network", "10.0.0.1/8"), "netconn: --expect-network: 10.0.0.1/8 has host bits set; "
     "write a network such as 10.20.0.0/16\n"),
    (("check", "h:1", "--expect", "privat"), "argument --expect: invalid choice: 'privat'"),
    (("check", "h:1", "--ca", "none.pem"), "netconn: --ca: none.pem: No such file or directory; give a PEM file of "
     "certificates\n"),
    (("check", "h:1", "--dial", "a b"), "netconn: --dial: 'a b' is no host name or address; write a name such as "
     "db.example.net\n"),
    (("check", "--config", "none.yaml"), "netconn: none.yaml: cannot be read: No such file or directory; give the path "
     "of a YAML file\n"),
    (("check", "h:1", "--no-such-option"), "unrecognized arguments: --no-such-option"),
    (("zones",), "netconn: HOST: give either a host or --resource-type\n"),
    (("zones", "h", "--resource-type", "x"), "netconn: HOST: give either a host or --resource-type\n"),
    (("zones", "a b"), "netconn: HOST: 'a b' is no host name or address; write a name such as db.example.net\n"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), BAD_INPUT)
def test_bad_input_is_named_with_its_mend_and_exits_2(netconn, arguments, message):
    done = netconn(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_every_bad_target_is_named_at_once(netconn):
    done = netconn("check", "one", "two:x", "ftp://three", "--conn-id", "four")
    assert done.returncode == 2
    for named in ("'one' has no port", "'x' is no TCP port", "unknown scheme 'ftp'", "four"):
        assert named in done.stderr


@pytest.mark.parametrize("arguments", [("--help",), ("check", "--help"), ("zones", "--help")])
def test_help_is_given(netconn, arguments):
    done = netconn(*arguments)
    assert (done.returncode, "usage: netconn" in done.stdout) == (0, True)


def test_the_version_is_given(netconn):
    assert netconn("--version").stdout == f"netconn {__version__}\n"


def test_the_installed_script_is_the_same_command(environment):
    script = Path(sys.executable).with_name("netconn")
    done = subprocess.run([script, "--version"], check=False, capture_output=True, text=True, env=environment)
    assert done.stdout == f"netconn {__version__}\n"


# --- what is printed -----------------------------------------------------------------------------------------------


def test_json_is_a_list_of_verdicts(netconn, url):
    done = netconn("check", url, "--json", *LOOPBACK)
    (verdict,) = json.loads(done.stdout)
    assert {name: verdict[name] for name in ("target", "path", "outcome", "headline", "cause", "remedy")} == {
        "target": url,
        "path": "PRIVATE",
        "outcome": "OK",
        "headline": "PRIVATE",
        "cause": None,
        "remedy": None,
    }
    assert [stage["stage"] for stage in verdict["stages"]] == ["resolve", "address", "connect", "protocol"]
    for stage in verdict["stages"]:
        assert stage["ok"] is True
        assert stage["duration_s"] >= 0
        assert isinstance(stage["detail"], dict)


def test_json_has_the_targets_in_their_order(netconn, url):
    with SilentServer() as silent:
        slow = f"http://127.0.0.1:{silent.port}"
        done = netconn("check", slow, url, "--json", "--timeout", "0.5", "--retries", "0", *LOOPBACK)
    assert [verdict["target"] for verdict in json.loads(done.stdout)] == [slow, url]


def test_nothing_but_the_result_is_printed_into_a_pipe(netconn, url):
    done = netconn("check", url, *LOOPBACK)
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert re.search(rf"^ok +{re.escape(url)} ", done.stdout, flags=re.MULTILINE)


def test_a_remedy_is_printed_for_what_is_not_as_expected(netconn):
    with ClosedPort() as closed:
        done = netconn("check", f"127.0.0.1:{closed.port}", *LOOPBACK)
    assert "CONNECTION_REFUSED" in done.stdout
    assert f"Check the port {closed.port}" in " ".join(done.stdout.split())


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_a_terminal_without_the_letters_is_no_crash(netconn, web, arguments):
    target = f"http://bücher.example:{web.port}"
    done = netconn("check", target, "--dial", "127.0.0.1", *arguments, *LOOPBACK, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")


def test_control_characters_of_a_server_do_not_reach_the_terminal(netconn):
    with HttpServer(headers={"Server": "a\x1b[31mb\x07"}) as server:
        done = netconn("check", f"http://127.0.0.1:{server.port}", *LOOPBACK, "--junit", "junit.xml")
    assert "\x1b" not in done.stdout
    assert "\x07" not in done.stdout


# --- options -------------------------------------------------------------------------------------------------------


def test_a_nameserver_is_asked(netconn, web):
    with DnsServer() as dns:
        dns.set("web.localhost.example", "127.0.0.1")
        target = f"http://web.localhost.example:{web.port}"
        done = netconn("check", target, "--nameserver", dns.nameserver, "--json", *LOOPBACK)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["stages"][0]["detail"]["dns"]["server"] == dns.nameserver


def test_another_address_is_dialled_and_an_authority_trusted(netconn, certificates, tmp_path):
    certificates.write_pem(tmp_path / "ca.pem")
    with HttpServer(tls=certificates.issue("web.example.net").server_context()) as server:
        target = f"https://web.example.net:{server.port}"
        good = netconn("check", target, "--dial", "127.0.0.1", "--ca", "ca.pem", *LOOPBACK)
        bad = netconn("check", target, "--dial", "127.0.0.1", "--json", *LOOPBACK)
    assert (good.returncode, bad.returncode) == (0, 1)
    assert json.loads(bad.stdout)[0]["cause"] == "CERTIFICATE_ISSUER_UNKNOWN"


def test_a_proxy_of_the_environment_counts_unless_it_is_ignored(netconn, url):
    with ClosedPort() as closed:
        proxy = f"http://user:{CANARY}@127.0.0.1:{closed.port}"
        used = netconn("check", url, "--json", *LOOPBACK, http_proxy=proxy)
        ignored = netconn("check", url, "--ignore-proxy", *LOOPBACK, http_proxy=proxy)
        excepted = netconn("check", url, *LOOPBACK, http_proxy=proxy, no_proxy="127.0.0.0/8")
    assert (json.loads(used.stdout)[0]["cause"], used.returncode) == ("PROXY_UNREACHABLE", 1)
    assert (ignored.returncode, excepted.returncode) == (0, 0)
    assert CANARY not in used.stdout + used.stderr


def test_a_file_is_checked_with_the_targets_of_the_command_line(netconn, url, web, tmp_path):
    (tmp_path / "netconn.yaml").write_text(
        f"defaults: {{expect_networks: [127.0.0.0/8]}}\ntargets:\n- {{url: '{url}', name: from the file}}\n"
    )
    done = netconn("check", "--config", "netconn.yaml", f"127.0.0.1:{web.port}", "--json")
    assert done.returncode == 0, done.stderr
    assert [verdict["target"] for verdict in json.loads(done.stdout)] == [f"127.0.0.1:{web.port}", "from the file"]


def test_a_slip_in_a_file_is_named_with_its_line(netconn, tmp_path):
    (tmp_path / "netconn.yaml").write_text("targets:\n- h:1\n- host: h\n  protcol: tls\n")
    done = netconn("check", "--config", "netconn.yaml")
    assert (done.returncode, done.stderr) == (
        2,
        "netconn: netconn.yaml:4: targets[1].protcol: unknown key; did you mean 'protocol'?\n",
    )


def test_options_of_the_command_line_beat_the_file(netconn, tmp_path):
    (tmp_path / "netconn.yaml").write_text("options: {timeout_s: 60, retries: 9, deadline_s: 90}\n")
    with SilentServer() as silent:
        target = f"http://127.0.0.1:{silent.port}"
        done = netconn("check", target, "--config", "netconn.yaml", "--timeout", "0.3", "--retries", "0", "--json")
    assert json.loads(done.stdout)[0]["stages"][-1]["detail"]["timeout_s"] == 0.3


# --- reports -------------------------------------------------------------------------------------------------------


def test_every_report_is_written(netconn, url, tmp_path):
    done = netconn("check", url, *LOOPBACK, "--junit", "out/junit.xml", "--html", "a.html", "--markdown", "a.md")
    assert done.returncode == 0, done.stderr
    suite = ET.parse(tmp_path / "out" / "junit.xml").getroot()
    assert [case.get("name") for case in suite.iter("testcase")] == [url]
    assert "<html" in (tmp_path / "a.html").read_text().lower()
    assert url in (tmp_path / "a.md").read_text()


def test_a_failure_is_a_failure_in_junit(netconn, tmp_path):
    with ClosedPort() as closed:
        netconn("check", f"127.0.0.1:{closed.port}", *LOOPBACK, "--junit", "junit.xml")
    assert [f.get("type") for f in ET.parse(tmp_path / "junit.xml").getroot().iter("failure")] == ["CONNECTION_REFUSED"]


def test_a_report_that_cannot_be_written_is_named_and_the_verdicts_are_not_lost(netconn, url, tmp_path):
    (tmp_path / "file").write_text("")
    done = netconn("check", url, *LOOPBACK, "--html", "file/a.html", "--junit", "junit.xml")
    assert (done.returncode, "file/a.html" in done.stderr, url in done.stdout) == (2, True, True)
    assert (tmp_path / "junit.xml").exists()


def test_a_report_is_written_though_the_reader_of_the_verdicts_has_gone(environment, url, tmp_path):
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [*NETCONN, "check", url, *LOOPBACK, "--html", "a.html"]
    variables = environment | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    try:
        subprocess.run(command, check=False, stdout=write_end, cwd=tmp_path, env=variables, timeout=LIMIT_S)
    finally:
        os.close(write_end)
    assert (tmp_path / "a.html").exists()


# --- connections ---------------------------------------------------------------------------------------------------


@pytest.fixture
def connections(web):
    """Connections whose every field holds a secret."""
    return {
        "AIRFLOW_CONN_SHOP": json.dumps(
            {
                "conn_type": "http",
                "host": "127.0.0.1",
                "port": web.port,
                "login": f"login-{CANARY}",
                "password": CANARY,
                "extra": {"token": CANARY},
            }
        ),
        "AIRFLOW_CONN_URI": f"http://u-{CANARY}:{CANARY}@127.0.0.1:{web.port}/?token={CANARY}",
        "AIRFLOW_CONN_BROKEN": json.dumps({"conn_type": "wasb", "host": f"https://u:{CANARY}@[", "password": CANARY}),
    }


def test_a_connection_is_checked_and_its_secrets_are_shown_nowhere(netconn, connections, tmp_path):
    reports = ("--junit", "junit.xml", "--html", "a.html", "--markdown", "a.md")
    done = netconn("check", "--conn-id", "shop", "--conn-id", "uri", "--json", *LOOPBACK, *reports, **connections)
    assert done.returncode == 0, done.stderr
    verdicts = json.loads(done.stdout)
    assert [(verdict["target"], verdict["endpoint"]["conn_type"]) for verdict in verdicts] == [
        ("shop", "http"),
        ("uri", "http"),
    ]
    written = [file.read_text() for file in (tmp_path / name for name in reports[1::2])]
    assert not any(CANARY in text for text in (done.stdout, done.stderr, *written))


def test_a_connection_that_cannot_be_read_is_named_without_its_secrets(netconn, connections):
    done = netconn("check", "--conn-id", "broken", "--conn-id", "missing", **connections)
    assert done.returncode == 2
    assert "broken" in done.stderr
    assert "missing" in done.stderr
    assert CANARY not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", f"https://u:{CANARY}@127.0.0.1:x/"),
        ("check", f"{CANARY}@127.0.0.1:1"),
        ("check", "127.0.0.1:1", "--dial", f"u:{CANARY}@h"),
        ("zones", f"https://orders.blob.core.windows.net/?sig={CANARY}"),
    ],
)
def test_a_secret_in_an_argument_is_not_repeated(netconn, arguments):
    done = netconn(*arguments)
    assert (done.returncode, CANARY in done.stderr) == (2, False)


# --- zones ---------------------------------------------------------------------------------------------------------


def test_the_zones_of_a_host_are_found(netconn):
    done = netconn("zones", "orders.blob.core.windows.net", "--json")
    assert done.returncode == 0
    assert any("privatelink.blob.core.windows.net" in entry["zones"] for entry in json.loads(done.stdout))


def test_the_zones_of_a_resource_type_are_found(netconn):
    done = netconn("zones", "--resource-type", "Microsoft.Storage/storageAccounts", "--group-id", "blob")
    assert (done.returncode, "privatelink.blob.core.windows.net" in done.stdout) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "stdout", "stderr"),
    [
        (("www.example.net",), "", "netconn: no Private Link zone for www.example.net\n"),
        (("www.example.net", "--json"), "[]\n", ""),
    ],
)
def test_a_host_without_a_zone_exits_1_and_says_so(netconn, arguments, stdout, stderr):
    done = netconn("zones", *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (1, stdout, stderr)


def test_an_unknown_resource_type_is_answered_with_the_nearest_known_ones(netconn):
    done = netconn("zones", "--resource-type", "Microsoft.Storage/storageAcounts")
    assert (done.returncode, "did you mean Microsoft.Storage/storageAccounts" in done.stderr) == (2, True)


# --- pipes, terminals, signals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_a_reader_that_has_gone_is_no_traceback(environment, url, arguments):
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        done = subprocess.run(
            [*NETCONN, "check", url, *LOOPBACK, *arguments],
            check=False, stdout=write_end, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment,
            timeout=LIMIT_S,
        )  # fmt: skip
    finally:
        os.close(write_end)
    assert done.stderr == ""


def test_the_first_line_can_be_taken(environment, url):
    command = (
        f"{sys.executable} -m airflow_provider_netconn.cli check {' '.join([url] * 200)} {' '.join(LOOPBACK)} --json"
    )
    done = subprocess.run(
        ["/bin/sh", "-c", f"{command} | head -1"],
        check=False, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=LIMIT_S,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("[\n", "")


class OnTerminal:
    """``netconn`` with a terminal as its standard error, and as its standard output where asked."""

    def __init__(self, arguments, environment, *, stdout=False):
        self.master, terminal = pty.openpty()
        self.process = subprocess.Popen(
            [*NETCONN, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=terminal if stdout else subprocess.DEVNULL,
            stderr=terminal,
            cwd=ROOT,
            env=environment,
            start_new_session=True,
        )
        os.close(terminal)
        self.shown = ""

    def read_until(self, wanted):
        """Read what is shown until it matches, or with None until the command has ended."""
        until = time.monotonic() + LIMIT_S
        while wanted is None or not re.search(wanted, self.shown):
            readable, _, _ = select.select([self.master], [], [], max(0.0, until - time.monotonic()))
            assert readable, f"still not there: {wanted!r} in {self.shown!r}"
            try:
                data = os.read(self.master, 65536)
            except OSError:  # Linux says so where nobody has the terminal open any more
                data = b""
            if not data:
                assert wanted is None, self.shown
                break
            self.shown += data.decode("utf-8", "replace")

    def end(self):
        """Wait for the end; give the exit status."""
        self.read_until(None)
        os.close(self.master)
        return self.process.wait(LIMIT_S)


def test_progress_is_shown_on_a_terminal_and_taken_away(environment, url):
    run = OnTerminal(["check", *[url] * 3, *LOOPBACK], environment)
    assert run.end() == 0
    assert "3/3" in run.shown
    assert run.shown.count("\x1b[?25l") == run.shown.count("\x1b[?25h")


def test_a_terminal_shows_a_table(environment, url):
    run = OnTerminal(["check", url, *LOOPBACK], environment, stdout=True)
    assert run.end() == 0
    assert "PRIVATE" in run.shown
    assert url in run.shown


def interrupted(run, server):
    until = time.monotonic() + LIMIT_S
    while not server.accepted and time.monotonic() < until:
        time.sleep(0.01)
    assert server.accepted
    run.process.send_signal(signal.SIGINT)
    return run.end()


def test_an_interrupt_exits_130_without_a_traceback_and_with_the_cursor_back(environment):
    with SilentServer() as silent:
        target = f"http://127.0.0.1:{silent.port}"
        run = OnTerminal(["check", target, "--timeout", "90", "--deadline", "90"], environment)
        status = interrupted(run, silent)
    assert (status, "Traceback" in run.shown) == (130, False)
    assert run.shown.rfind("\x1b[?25h") > run.shown.rfind("\x1b[?25l")


def test_a_bad_option_found_late_leaves_the_terminal_as_it_was(environment):
    run = OnTerminal(["check", "127.0.0.1:1", "--ca", "/none.pem"], environment)
    assert run.end() == 2
    assert run.shown.count("\x1b[?25l") == run.shown.count("\x1b[?25h")


def test_markup_in_a_name_is_shown_as_it_is(environment, web, tmp_path):
    file = tmp_path / "netconn.yaml"
    file.write_text(f"targets:\n- {{host: 127.0.0.1, port: {web.port}, name: '[/red][bold]x'}}\n")
    run = OnTerminal(["check", "--config", str(file), *LOOPBACK], environment, stdout=True)
    run.end()
    assert "Traceback" not in run.shown
    assert "[/red][bold]x" in run.shown


def test_many_targets_that_drop_end_together(netconn):
    with DroppingPort() as dropping:
        targets = [f"127.0.0.1:{dropping.port}"] * 20
        done = netconn("check", *targets, "--timeout", "0.5", "--retries", "0", "--json", *LOOPBACK)
    verdicts = json.loads(done.stdout)
    assert {verdict["cause"] for verdict in verdicts} == {"PRIVATE_PATH_DROPPED"}
    assert len(verdicts) == 20
