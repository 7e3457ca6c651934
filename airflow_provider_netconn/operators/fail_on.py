"""Which verdicts fail a task: ``unexpected``, ``never``, or headlines and causes by name."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from airflow_provider_netconn.errors import InvalidOptionError, UnexpectedVerdictError
from airflow_provider_netconn.evidence import Outcome, Path
from airflow_provider_netconn.templated import as_texts

if TYPE_CHECKING:
    from airflow_provider_netconn.evidence import Report, Verdict

UNEXPECTED: Final = "unexpected"
NEVER: Final = "never"
HEADLINES: Final = tuple(dict.fromkeys((*(path.value for path in Path), *(outcome.value for outcome in Outcome))))
"""The words that a verdict's headline may be."""
_NAMED_IN_FULL: Final = 5


@dataclass(frozen=True, slots=True)
class FailOn:
    """The verdicts that fail a task: any that is not as expected, or those of the named headlines and causes."""

    unexpected: bool
    words: frozenset[str] = frozenset()

    def hits(self, report: Report) -> tuple[Verdict, ...]:
        """The report's verdicts that fail the task."""
        return tuple(
            verdict
            for verdict in report.verdicts
            if (self.unexpected and not verdict.as_expected)
            or not self.words.isdisjoint((verdict.headline, verdict.cause))
        )


def parse_fail_on(value: object) -> FailOn:
    """Read ``fail_on``: one word or a list of them, in any case; nothing at all means ``unexpected``.

    :raises InvalidOptionError: naming the word that is no headline and no cause, with the nearest known one
    """
    from airflow_provider_netconn.diagnosis import CAUSES

    words = as_texts("fail_on", value) or (UNEXPECTED,)
    if NEVER in words:
        if len(words) > 1:
            raise InvalidOptionError("fail_on", "'never' stands beside other words", "write it alone, or leave it out")
        return FailOn(unexpected=False)
    known = {word.casefold(): word for word in (UNEXPECTED, *HEADLINES, *CAUSES)}
    found = set()
    for word in words:
        if word.casefold() not in known:
            near = difflib.get_close_matches(word.casefold(), known, n=1, cutoff=0.5)
            raise InvalidOptionError(
                "fail_on",
                f"{word!r} is no headline and no cause",
                f"did you mean {known[near[0]]!r}?" if near else "see the catalogue of causes",
            )
        found.add(known[word.casefold()])
    return FailOn(unexpected=UNEXPECTED in found, words=frozenset(found - {UNEXPECTED}))


def unexpected_verdict_error(
    hits: tuple[Verdict, ...], total: int, notes: tuple[str, ...] = ()
) -> UnexpectedVerdictError:
    """The error that fails the task: how many of how many, the first ones with cause and remedy, and further notes."""
    lines = [f"{len(hits)} of {total} verdicts fail this task (fail_on)"]
    for verdict in hits[:_NAMED_IN_FULL]:
        why = f" ({verdict.cause})" if verdict.cause else ""
        mend = f" To mend it: {verdict.remedy}" if verdict.remedy else ""
        lines.append(f"{verdict.target}: {verdict.headline}{why}: {verdict.explanation}{mend}")
    if len(hits) > _NAMED_IN_FULL:
        lines.append(f"and {len(hits) - _NAMED_IN_FULL} more: see the report")
    return UnexpectedVerdictError("\n".join((*lines, *notes)))
