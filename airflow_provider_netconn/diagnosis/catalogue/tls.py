"""Causes of the stage ``tls``: the handshake, or the certificate."""

from __future__ import annotations

from typing import Final

from airflow_provider_netconn.diagnosis.cause import Cause
from airflow_provider_netconn.evidence import Stage

TLS_CAUSES: Final = (
    Cause(
        code="CERTIFICATE_EXPIRED",
        stage=Stage.TLS,
        meaning="The server's certificate, or one of its chain, has expired.",
        proof="Verification fails with 'certificate has expired'.",
        seen="The certificate of {server_name} expired on {not_after}.",
        remedy="Renew the certificate; where an appliance on the way presents it ({issuer}), renew it there.",
    ),
    Cause(
        code="CERTIFICATE_NOT_YET_VALID",
        stage=Stage.TLS,
        meaning="The server's certificate is not valid yet: it is too new, or this host's clock is behind.",
        proof="Verification fails with 'certificate is not yet valid'.",
        seen="The certificate of {server_name} is valid from {not_before} on.",
        remedy="Check this host's clock, then the certificate.",
    ),
    Cause(
        code="PRIVATELINK_NAME_NOT_IN_CERTIFICATE",
        stage=Stage.TLS,
        meaning="The connection uses the privatelink name, which the service's certificate does not carry.",
        proof="A host name mismatch for a privatelink name.",
        seen="The certificate carries {names}, not {server_name}.",
        remedy="Use the service's public name, which leads to the private address through the private zone.",
    ),
    Cause(
        code="CERTIFICATE_WRONG_NAME",
        stage=Stage.TLS,
        meaning="The certificate is for other names: the packets reached another service, or the host is not its name.",
        proof="Verification fails with 'Hostname mismatch' or 'IP address mismatch'.",
        seen="The certificate carries {names}, not {server_name}.",
        remedy="Use a name that the certificate carries; where it is the right name, check what answers at "
        "{addresses}.",
    ),
    Cause(
        code="TLS_INTERCEPTED",
        stage=Stage.TLS,
        meaning="Something on the way presents a certificate of its own: an intercepting proxy or firewall.",
        proof="A certificate for an Azure name whose issuer no public authority vouches for.",
        seen="The certificate for {server_name} is issued by {issuer}, which is not trusted here; Azure's own are.",
        remedy="Exempt {server_name} from TLS inspection, or trust that authority (--ca, ca_files) in every client.",
    ),
    Cause(
        code="CERTIFICATE_SELF_SIGNED",
        stage=Stage.TLS,
        meaning="The server signed its certificate itself.",
        proof="Verification fails with 'self-signed certificate'.",
        seen="The certificate of {server_name} is signed by itself ({subject}).",
        remedy="Install a certificate of an authority that clients trust, or trust this one (--ca, ca_files).",
    ),
    Cause(
        code="CERTIFICATE_ISSUER_UNKNOWN",
        stage=Stage.TLS,
        meaning="The certificate's issuer is not trusted here: a private authority, or an incomplete chain.",
        proof="Verification fails with 'unable to get local issuer certificate' or 'self-signed certificate in chain'.",
        seen="The certificate of {server_name} is issued by {issuer}, which is not trusted here.",
        remedy="Trust the issuing authority (--ca, ca_files), or have the server send its whole chain.",
    ),
    Cause(
        code="CERTIFICATE_INVALID",
        stage=Stage.TLS,
        meaning="The certificate fails verification for another reason.",
        proof="Any other verification error of OpenSSL.",
        seen="The certificate of {server_name} does not verify: {tls_problem}.",
        remedy="Read the problem above with the chain in the evidence at hand; the certificate must be issued anew.",
    ),
    Cause(
        code="TLS_NOT_SPOKEN",
        stage=Stage.TLS,
        meaning="The port answers, but not in TLS.",
        proof="The answer to ClientHello is no TLS record.",
        seen="{host}:{port} does not speak TLS ({tls_problem}).",
        remedy="Check the port, or use the protocol without TLS.",
    ),
    Cause(
        code="TLS_NOT_OFFERED",
        stage=Stage.TLS,
        meaning="The client demands TLS, and the server offers none within the protocol.",
        proof="The protocol's own word that TLS is not available, and a connection that asks for it.",
        seen="{host}:{port} speaks {protocol} and offers no TLS.",
        remedy="Turn TLS on at the server, or, where the path itself is trusted, let the connection go without.",
    ),
    Cause(
        code="TLS_CLOSED",
        stage=Stage.TLS,
        meaning="The peer accepted the connection and hung up at the first TLS message.",
        proof="End of stream or reset in answer to ClientHello.",
        seen="{host}:{port} closed the connection during the TLS handshake.",
        remedy="A service firewall, a proxy by server name, or an endpoint that is not approved does this: check "
        "that the "
        "service admits this network and name.",
    ),
    Cause(
        code="TLS_NO_ANSWER",
        stage=Stage.TLS,
        meaning="The peer accepted the connection and then stayed silent.",
        proof="No answer to ClientHello within the stage's limit.",
        seen="{host}:{port} did not answer the TLS handshake within {timeout} s.",
        remedy="Large packets may be lost on the way (MTU on VPN or hub), or the service hangs: try from another "
        "network.",
    ),
    Cause(
        code="TLS_HANDSHAKE_FAILED",
        stage=Stage.TLS,
        meaning="The peer speaks TLS but would not agree: version, cipher, server name or client certificate.",
        proof="A TLS alert, or another error of OpenSSL before the certificate was judged.",
        seen="{host}:{port} ended the TLS handshake: {tls_problem}.",
        remedy="Compare TLS versions and ciphers of both sides, the server name, and whether a client certificate "
        "is asked.",
    ),
)
