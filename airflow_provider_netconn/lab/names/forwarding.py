"""Asking real DNS servers, those that a forwarding rule or a network names and that are not of the lab."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import dns.asyncquery
import dns.exception

from airflow_provider_netconn.lab.names.values import NOBODY, Answer
from airflow_provider_netconn.lab.names.wire import answer_of, question_message

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.names.own_servers import Target
    from airflow_provider_netconn.lab.names.values import Question

LIMIT_S: Final = 2.0
"""How long a server may take, in seconds, before the next one is asked: with several, an asker still gets an answer
within the 5 seconds for which the usual clients wait."""


async def ask_real_server(target: Target, question: Question) -> Answer:
    """Ask a server over UDP, and over TCP where its answer is too long for that.

    :return: its answer as it is; :data:`.NOBODY` where none comes in time, or one that is no answer
    """
    address, port = target
    try:
        message, _ = await dns.asyncquery.udp_with_fallback(
            question_message(question), address, timeout=LIMIT_S, port=port, ignore_unexpected=True
        )
    except (OSError, EOFError, dns.exception.DNSException):
        return NOBODY
    return answer_of(message)
