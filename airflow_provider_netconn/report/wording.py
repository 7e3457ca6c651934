"""What the formats share: the order of verdicts, the summary, and how times and hostile text are shown."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from airflow_provider_netconn.evidence import Report, Target, Vantage, Verdict

# What no reader sees and what can fool one: control characters (terminal escapes among them), lone surrogates,
# marks that reverse the direction of text, and the two non-characters that XML 1.0 forbids.
_UNPRINTABLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
_SECOND: Final = 1.0
_MINUTE: Final = 60.0


def printable(text: object) -> str:
    """The text with every character that cannot or must not be shown replaced by U+FFFD; keeps tab and newline."""
    return _UNPRINTABLE.sub("\ufffd", str(text).replace("\r\n", "\n"))


def one_line(text: object) -> str:
    """The printable text on one line, runs of white space made one space."""
    return " ".join(printable(text).split())


def unexpected_first(report: Report) -> tuple[Verdict, ...]:
    """The verdicts that are not as expected, then those that have a remedy all the same, then the others.

    Such a remedy is for what is yet to come, as a certificate that expires soon. Each group keeps the order given.
    """
    return tuple(sorted(report.verdicts, key=lambda verdict: (verdict.as_expected, verdict.remedy is None)))


def summary(report: Report) -> str:
    """The result in one sentence, such as ``3 of 12 targets are not as expected``."""
    total, wrong = len(report.verdicts), len(report.unexpected)
    if total == 0:
        return "No targets were checked"
    if total == 1:
        return "The one target is not as expected" if wrong else "The one target is as expected"
    if wrong == 0:
        return f"All {total:,} targets are as expected"
    if wrong == total:
        return f"None of {total:,} targets is as expected"
    return f"{wrong:,} of {total:,} targets {'is' if wrong == 1 else 'are'} not as expected"


def utc(moment: datetime) -> str:
    """The moment in UTC to the second, in ISO 8601: ``2025-03-01T06:00:00Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def duration(seconds: float) -> str:
    """A duration given in seconds as people say it: ``0.4 ms``, ``12 ms``, ``3.02 s``, ``2 min 5 s``."""
    if seconds < _SECOND:
        milliseconds = seconds * 1000
        return f"{milliseconds:.1f} ms" if 0 < milliseconds < 10 else f"{milliseconds:.0f} ms"  # noqa: PLR2004
    if seconds < _MINUTE:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def address_of(target: Target) -> str:
    """The target's host and port, and what is dialled in place of the host where that differs."""
    dialled = f", dialled at {target.dial}" if target.dial else ""
    return f"{target.authority}{dialled}"


def vantage_rows(vantage: Vantage) -> tuple[tuple[str, str], ...]:
    """Where the check ran as pairs of a label and a text; what does not apply is left out."""
    rows = (
        ("Host", vantage.hostname),
        ("Process", vantage.process),
        ("Queue", vantage.queue),
        ("Resolvers", ", ".join(vantage.resolvers)),
        ("Proxies", ", ".join(f"{scheme}: {url}" for scheme, url in vantage.proxies.items())),
        ("No proxy for", vantage.no_proxy),
        ("Astro Deployment", vantage.astro_deployment),
        ("Astro namespace", vantage.astro_namespace),
    )
    return tuple((label, text) for label, text in rows if text)
