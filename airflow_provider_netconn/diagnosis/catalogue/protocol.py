"""Causes of the stage ``protocol``: what answers, and how."""

from __future__ import annotations

from typing import Final

from airflow_provider_netconn.diagnosis.cause import Cause
from airflow_provider_netconn.evidence import Stage

PROTOCOL_CAUSES: Final = (
    Cause(
        code="GATEWAY_ERROR",
        stage=Stage.PROTOCOL,
        meaning="A gateway or load balancer answered that the service behind it is away.",
        proof="HTTP status 502, 503 or 504.",
        seen="{host} answers HTTP {status}.",
        remedy="Look at the backends of the gateway or load balancer in front of the service.",
    ),
    Cause(
        code="SERVICE_REFUSES_CLIENT",
        stage=Stage.PROTOCOL,
        meaning="The service itself turns this client away before any login: its own access rules or limits.",
        proof="The protocol's own refusal, such as SMTP 554 instead of a greeting, Redis's protected mode, or MySQL's "
        "errors 1129 (host blocked) and 1130 (host not allowed).",
        seen="{host}:{port} says: {said}.",
        remedy="Admit this client's address in the service's own access rules, or raise the limit that its answer "
        "names; a host that MySQL has blocked for its many connection errors is freed by FLUSH HOSTS. The way through "
        "the network is open.",
    ),
    Cause(
        code="SERVICE_UNAVAILABLE",
        stage=Stage.PROTOCOL,
        meaning="The service answers that it cannot serve now: it starts, recovers, or has too much to do.",
        proof="The protocol's own word, such as SMTP 421, Redis's LOADING and MASTERDOWN, MySQL's error 1040, or "
        "PostgreSQL's SQLSTATE 53300 and 57P03.",
        seen="{host}:{port} says: {said}.",
        remedy="Wait and try again; where it lasts, look at the service itself. The way through the network is open.",
    ),
    Cause(
        code="AMQP_VERSION_MISMATCH",
        stage=Stage.PROTOCOL,
        meaning="The broker speaks AMQP in another version than the client: 0-9-1 and 1.0 are two protocols.",
        proof="A protocol header of another version in answer to the client's.",
        seen="{host}:{port} speaks {protocol_seen}, not {protocol_expected}.",
        remedy="Use a client and a target protocol of that version: amqp for 0-9-1 (RabbitMQ), amqp10 for 1.0 (Azure "
        "Service Bus and Event Hubs); RabbitMQ before 4.0 speaks 1.0 once rabbitmq_amqp1_0 is enabled.",
    ),
    Cause(
        code="PROTOCOL_VERSION_MISMATCH",
        stage=Stage.PROTOCOL,
        meaning="The service speaks the protocol in a version that clients no longer, or not yet, speak.",
        proof="The version that the service itself names.",
        seen="{host}:{port} speaks {protocol_seen}; clients need {protocol_expected}.",
        remedy="Bring the service up to date, or use a client of that version.",
    ),
    Cause(
        code="TLS_REQUIRED",
        stage=Stage.PROTOCOL,
        meaning="The port wants TLS, and the client begins without.",
        proof="A TLS alert, or the protocol's own demand for TLS, in answer to the client's first bytes.",
        seen="{host}:{port} wants TLS: {said}.",
        remedy="Turn TLS on in the connection and use the protocol with TLS (https, amqps, rediss, smtps), or the "
        "service's port without TLS.",
    ),
    Cause(
        code="NOT_THIS_PROTOCOL",
        stage=Stage.PROTOCOL,
        meaning="Something answers, but not in the expected protocol.",
        proof="The answer does not parse as the protocol.",
        seen="{host}:{port} does not speak {protocol}: {protocol_seen}.",
        remedy="Check host, port and protocol of the target.",
    ),
    Cause(
        code="ANSWER_NOT_FINISHED",
        stage=Stage.PROTOCOL,
        meaning="The peer began to speak and came to no end: it is too slow, hung up halfway, or speaks another "
        "protocol in which it now waits for the client.",
        proof="Bytes of the peer, and then its silence up to the stage's limit, or the end of the stream.",
        seen="{host}:{port} did not finish an answer in {protocol} within {timeout} s ({began}).",
        remedy="Check the protocol of the target by the first bytes; where they are of the right one, check the "
        "service, and the way to it for what slows or cuts connections (inspection, MTU).",
    ),
    Cause(
        code="CLOSED_WITHOUT_ANSWER",
        stage=Stage.PROTOCOL,
        meaning="The peer closed the connection without an answer.",
        proof="End of stream or reset before an answer.",
        seen="{host}:{port} closed the connection without an answer.",
        remedy="A service firewall or an unapproved endpoint does this; also a server that wants TLS on this port.",
    ),
    Cause(
        code="NO_ANSWER",
        stage=Stage.PROTOCOL,
        meaning="The connection stands, but the service stays silent.",
        proof="No answer within the stage's limit.",
        seen="{host}:{port} did not answer within {timeout} s.",
        remedy="Check the service itself: it accepts connections and does not serve them; or it waits for the "
        "client to begin with TLS.",
    ),
)
