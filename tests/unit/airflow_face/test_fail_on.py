"""``fail_on`` takes known words alone, and fails on what they name."""

import itertools
from dataclasses import replace

import pytest

from airflow_provider_netconn.diagnosis.diagnose import headline
from airflow_provider_netconn.errors import InvalidOptionError
from airflow_provider_netconn.evidence import Expectation, Outcome, Path
from airflow_provider_netconn.operators.fail_on import HEADLINES, parse_fail_on, unexpected_verdict_error
from tests.unit.airflow_face.reports import make_report, make_verdict

GOOD = make_verdict("good")
PUBLIC = make_verdict("public", path=Path.PUBLIC, headline="PUBLIC", cause="PUBLIC_ADDRESS", as_expected=False)
REFUSED = make_verdict(
    "refused", outcome=Outcome.UNREACHABLE, headline="UNREACHABLE", cause="CONNECTION_REFUSED", as_expected=False
)
REPORT = make_report(GOOD, PUBLIC, REFUSED)


@pytest.mark.parametrize(
    ("fail_on", "hits"),
    [
        ("unexpected", (PUBLIC, REFUSED)),
        (None, (PUBLIC, REFUSED)),
        ("", (PUBLIC, REFUSED)),
        ("never", ()),
        (["public"], (PUBLIC,)),
        ("PUBLIC,connection_refused", (PUBLIC, REFUSED)),
        ('["CONNECTION_REFUSED"]', (REFUSED,)),
        (["AUTH_FAILED"], ()),
        (["unexpected", "PRIVATE"], (GOOD, PUBLIC, REFUSED)),
    ],
)
def test_what_fails(fail_on, hits):
    assert parse_fail_on(fail_on).hits(REPORT) == hits


def test_an_unknown_word_is_named_with_the_nearest_known_one():
    with pytest.raises(InvalidOptionError, match=r"fail_on: 'CONECTION_REFUSED' .* did you mean 'CONNECTION_REFUSED'"):
        parse_fail_on("CONECTION_REFUSED")


def test_never_stands_alone():
    with pytest.raises(InvalidOptionError, match="never"):
        parse_fail_on(["never", "PUBLIC"])


def test_every_headline_that_a_diagnosis_gives_is_known():
    made = {headline(*axes) for axes in itertools.product(Path, Outcome, Expectation)}
    assert made <= set(HEADLINES)


def test_the_error_names_the_first_ones_with_cause_and_remedy_and_counts_the_rest():
    hits = tuple(replace(REFUSED, target=f"db-{number}") for number in range(8))
    message = str(unexpected_verdict_error(hits, 9, ("connection lost: there is none",)))
    assert "8 of 9" in message
    assert "db-4: UNREACHABLE (CONNECTION_REFUSED)" in message
    assert "mend refused" in message
    assert "db-5" not in message
    assert "3 more" in message
    assert "connection lost" in message
