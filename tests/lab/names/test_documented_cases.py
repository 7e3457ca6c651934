"""The lab's DNS servers answer as Microsoft's documentation says: a table written by hand, asked over UDP."""

from __future__ import annotations

import fnmatch
import ipaddress
from pathlib import Path

import pytest
import yaml

from tests.lab.names.asking import LIMIT_S, SILENCE_S, ask

TABLE = yaml.safe_load(Path(__file__).with_name("cases.yaml").read_text())
CASES = TABLE["cases"]
ENDS = {"NXDOMAIN", "NODATA", "SERVFAIL", "nothing"}
INTERNET = ipaddress.ip_network("198.18.0.0/15")


def fits(wanted, found):
    """Whether a record, or an end, is what a case wants."""
    if wanted in ENDS or found in ENDS:
        return wanted == found
    record_type, _, rest = wanted.partition(" ")
    if found[0] != record_type:
        return False
    if rest == "public":
        return ipaddress.ip_address(found[1]) in INTERNET
    # Names have no case, and a server may repeat the asker's (RFC 4343).
    data = found[1].lower() if record_type == "CNAME" else found[1]
    texts = {data, f"{data} {found[2]}", data.removesuffix("."), f"{data.removesuffix('.')} {found[2]}"}
    return any(fnmatch.fnmatchcase(text, rest) for text in texts) if "*" in rest else rest in texts


def in_order(found):
    """Records with those of one set sorted: a set has no order."""
    ends = [one for one in found if one in ENDS]
    aliases = [one for one in found if one not in ENDS and one[0] == "CNAME"]
    return [*aliases, *sorted(one for one in found if one not in ENDS and one[0] != "CNAME"), *ends]


def test_the_table_is_large_enough_and_names_its_sources():
    assert len(CASES) >= 60
    assert {case["source"] for case in CASES} == set(TABLE["sources"])
    assert all(url.startswith("https://learn.microsoft.com/azure/") for url in TABLE["sources"].values())
    questions = [(case["from"], case["ask"]) for case in CASES]
    assert len(questions) - len(set(questions)) <= 1


@pytest.mark.parametrize("case", CASES, ids=[f"{case['from']}: {case['ask']}" for case in CASES])
def test_answer_is_the_documented_one(named, case):
    limit_s = SILENCE_S if case["get"] == ["nothing"] else LIMIT_S
    found = in_order(ask(named, case["from"], case["ask"], limit_s=limit_s))
    wanted = [one for one in case["get"] if one.startswith("CNAME")]
    wanted += sorted(one for one in case["get"] if not one.startswith("CNAME"))
    assert len(found) == len(wanted), found
    assert all(fits(*pair) for pair in zip(wanted, found, strict=True)), found
