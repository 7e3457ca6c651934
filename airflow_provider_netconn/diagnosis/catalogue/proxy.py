"""Causes of the stage ``proxy``: what a client meets that goes through a proxy."""

from __future__ import annotations

from typing import Final

from airflow_provider_netconn.diagnosis.cause import Cause
from airflow_provider_netconn.evidence import Stage

PROXY_CAUSES: Final = (
    Cause(
        code="PROXY_UNREACHABLE",
        stage=Stage.PROXY,
        meaning="Clients would use the environment's proxy, and it cannot be reached.",
        proof="HTTP_PROXY or HTTPS_PROXY applies to the target; connecting to it failed.",
        seen="A client would go through {proxy}, which cannot be reached: {proxy_problem}.",
        remedy="Mend or remove the proxy setting, or add {host} to NO_PROXY for a direct connection.",
    ),
    Cause(
        code="PROXY_AUTHENTICATION_REQUIRED",
        stage=Stage.PROXY,
        meaning="The proxy demands credentials that the environment does not give.",
        proof="Status 407 from the proxy.",
        seen="A client would go through {proxy}, which demands authentication (407).",
        remedy="Put the credentials into the proxy URL of the environment, or add {host} to NO_PROXY.",
    ),
    Cause(
        code="PROXY_REFUSED",
        stage=Stage.PROXY,
        meaning="The proxy does not open the tunnel to this target.",
        proof="Another status than 2xx to CONNECT, or a closed connection.",
        seen="A client would go through {proxy}, which refuses {host}:{port} ({proxy_status}).",
        remedy="Allow {host}:{port} on the proxy, or add {host} to NO_PROXY for a direct connection.",
    ),
    Cause(
        code="NOT_A_PROXY",
        stage=Stage.PROXY,
        meaning="What answers at the proxy's address is no HTTP proxy.",
        proof="The answer to CONNECT is no HTTP.",
        seen="A client would go through {proxy}, which does not speak HTTP: {proxy_problem}.",
        remedy="Correct HTTP_PROXY and HTTPS_PROXY, or add {host} to NO_PROXY.",
    ),
    Cause(
        code="PROXY_NOT_CHECKED",
        stage=Stage.PROXY,
        meaning="Clients would go through a proxy of a kind that cannot be tried here, such as SOCKS.",
        proof="HTTP_PROXY, HTTPS_PROXY or ALL_PROXY applies to the target, and its scheme is neither http nor https.",
        seen="A client would go through {proxy}, and whether that way works was not checked: {proxy_problem}.",
        remedy="Add {host} to NO_PROXY for a direct connection, or try the way through the proxy with a client that "
        "speaks its protocol.",
    ),
    Cause(
        code="FAILED_THROUGH_PROXY",
        stage=Stage.PROXY,
        meaning="The proxy opens the tunnel, but TLS or the protocol fails in it.",
        proof="A failed handshake or answer within the tunnel; a certificate of unknown issuer is the proxy's own.",
        seen="Through {proxy} the {proxy_stage} stage fails: {proxy_finding}; issuer {proxy_issuer}.",
        remedy="Where the proxy intercepts TLS, trust its authority (--ca, ca_files) in every client or exempt "
        "{host} from interception; else add {host} to NO_PROXY.",
    ),
    Cause(
        code="PROXY_IN_USE",
        stage=Stage.PROXY,
        meaning="Clients go through the environment's proxy: it resolves the name, and the private path is not used.",
        proof="HTTP_PROXY or HTTPS_PROXY applies to the target, NO_PROXY does not, and the way through the proxy "
        "works.",
        seen="A client of {host} would go through {proxy}: where the packets go from there cannot be seen from here.",
        remedy="Add {host} to NO_PROXY, so that clients connect directly.",
    ),
)
