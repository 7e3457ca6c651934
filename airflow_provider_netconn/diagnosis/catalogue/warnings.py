"""Causes of warnings: the target works as expected, and something wants attention all the same."""

from __future__ import annotations

from typing import Final

from airflow_provider_netconn.diagnosis.cause import Cause
from airflow_provider_netconn.evidence import Stage

WARNINGS: Final = (
    Cause(
        code="RESOLVERS_DISAGREE",
        stage=Stage.RESOLVE,
        meaning="This system's resolver and its nameserver disagree on whether the name is private.",
        proof="getaddrinfo and the nameserver give addresses of which one set is private and the other is not.",
        seen="getaddrinfo gives {addresses} for {name}, while {dns_server} answers {dns_addresses}.",
        remedy="Look for the name in /etc/hosts or a local cache: what it says there outlives any change of the zone.",
        warning=True,
    ),
    Cause(
        code="SOME_ADDRESSES_FAIL",
        stage=Stage.CONNECT,
        meaning="Some of the name's addresses answer and others do not: clients fail now and then.",
        proof="At least one connected address and at least one that failed.",
        seen="TCP to port {port}: {attempts}.",
        remedy="Remove the dead addresses from the record, or mend the way to them.",
        warning=True,
    ),
    Cause(
        code="STRANGERS_REFUSED",
        stage=Stage.PROTOCOL,
        meaning="The service has no access rule for a stranger from here; whether it admits the connection's own user, "
        "only a login shows.",
        proof="PostgreSQL refuses an unknown user before it asks for a password (pg_hba.conf).",
        seen="{host}:{port} speaks {protocol} and says to an unknown user: {said}.",
        remedy="Where logins fail in the same words, admit this host's address in pg_hba.conf, or turn TLS on in the "
        "connection: a rule may be for connections with TLS alone.",
        warning=True,
    ),
    Cause(
        code="CONNECTION_NOT_ENCRYPTED",
        stage=Stage.TLS,
        meaning="The server offers no TLS within its protocol: passwords and data cross the network in the clear.",
        proof="The protocol's own word that TLS is not available.",
        seen="{host}:{port} speaks {protocol} and offers no TLS.",
        remedy="Turn TLS on at the server, and demand it in the connection.",
        warning=True,
    ),
    Cause(
        code="SIGN_IN_NOT_CHECKED",
        stage=Stage.AUTH,
        meaning="Signing in was asked for, and nothing here can do it for this type of connection.",
        proof="The connection's provider is not installed, or its hook has no test of its own.",
        seen="{host} answers; whether its credentials are good was not checked.",
        remedy="Install the provider of the connection's type where the check runs, or try the credentials yourself.",
        warning=True,
    ),
    Cause(
        code="CERTIFICATE_EXPIRES_SOON",
        stage=Stage.TLS,
        meaning="The certificate expires within 14 days.",
        proof="The end of the leaf certificate's validity.",
        seen="The certificate of {server_name} expires on {not_after}, in {days_left} days.",
        remedy="Renew the certificate before then.",
        warning=True,
    ),
    Cause(
        code="FACTS_NOT_VISIBLE",
        stage=Stage.CONNECT,
        meaning="All is well, and some of what Azure's control plane knows of the target could not be looked at.",
        proof="At least one fact that is not visible.",
        seen="Not visible: {not_visible}.",
        remedy="Give the identity of the check the role Reader on what is named there, and name the worker's network; "
        "or leave it: it only matters on the day when something fails.",
        warning=True,
    ),
)
