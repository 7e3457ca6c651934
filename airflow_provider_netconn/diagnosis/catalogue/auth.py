"""The causes of the stage ``auth``: what a connection's own hook met when it signed in.

The codes of Azure Storage are those of
https://learn.microsoft.com/en-us/rest/api/storageservices/blob-service-error-codes and .../common-rest-api-error-codes.
"""

from __future__ import annotations

from typing import Final

from airflow_provider_netconn.diagnosis.cause import Cause
from airflow_provider_netconn.evidence import Stage

AUTH_CAUSES: Final = (
    Cause(
        code="ACCOUNT_FIREWALL",
        stage=Stage.AUTH,
        meaning="The service was reached and its firewall refuses this network or address.",
        proof="The service's own word: AuthorizationFailure of Azure Storage, 40615, 40914 or 47073 of Azure SQL, "
        "`no pg_hba.conf entry` of PostgreSQL, 9000 of Azure's MySQL, 390422 of Snowflake, and their like.",
        seen="{host} refuses this place before it looks at the credentials: {sign_in_error}.",
        remedy="Reach it by its private endpoint, or allow this network or address in the service's firewall. Where "
        "the path is PRIVATE, look whether the private endpoint's connection is approved.",
    ),
    Cause(
        code="PUBLIC_ACCESS_OFF",
        stage=Stage.AUTH,
        meaning="The storage account takes no anonymous requests, and this one had no credentials.",
        proof="409 PublicAccessNotPermitted of Azure Storage.",
        seen="{host} takes no anonymous requests: {sign_in_error}.",
        remedy="Put credentials into the connection: a managed identity, a client secret, a key or a SAS.",
    ),
    Cause(
        code="PERMISSION_MISSING",
        stage=Stage.AUTH,
        meaning="The credentials are good, and may not do what was asked.",
        proof="The service's own word: AuthorizationPermissionMismatch of Azure Storage, AuthorizationFailed of Azure "
        "Resource Manager, status 403, and their like.",
        seen="{host} knows the credentials and does not let them do this: {sign_in}; {sign_in_error}.",
        remedy="Give the identity a role that allows it, such as 'Storage Blob Data Reader' on the storage account, or "
        "make a SAS that does. A new role takes up to ten minutes to count.",
    ),
    Cause(
        code="KEYS_NOT_ALLOWED",
        stage=Stage.AUTH,
        meaning="The storage account takes no keys, and so no SAS that is signed with one.",
        proof="KeyBasedAuthenticationNotPermitted of Azure Storage.",
        seen="{host} takes no account keys: {sign_in_error}.",
        remedy="Sign in by Microsoft Entra ID: a managed identity or a client secret, with a role on the account.",
    ),
    Cause(
        code="NO_TOKEN",
        stage=Stage.AUTH,
        meaning="Microsoft Entra ID gave no token: there is no identity here, or it refuses the credentials.",
        proof="An authentication error of azure-identity before the service was asked.",
        seen="No token for {host}: {sign_in_error}.",
        remedy="Check tenant, client id and secret of the connection and the secret's expiry; or, for a managed "
        "identity, that this machine has it.",
    ),
    Cause(
        code="CREDENTIALS_REFUSED",
        stage=Stage.AUTH,
        meaning="The service was reached and refuses the connection's credentials.",
        proof="The service's own word: a failed login, status 401, AuthenticationFailed of Azure Storage, and such.",
        seen="{host} refuses the credentials: {sign_in_error}.",
        remedy="Check user, password, key or SAS of the connection, their expiry, and this machine's clock.",
    ),
    Cause(
        code="SIGN_IN_UNREACHABLE",
        stage=Stage.AUTH,
        meaning="The hook could not reach the service, or another host that it needs to sign in.",
        proof="A network error of the hook's own client.",
        seen="The connection's hook could not get through: {sign_in}; {sign_in_error}.",
        remedy="Where the stages before went well, look at what else the hook dials: Microsoft Entra ID "
        "(login.microsoftonline.com), further addresses of the service, or a proxy of the connection.",
    ),
    Cause(
        code="SIGN_IN_TIMED_OUT",
        stage=Stage.AUTH,
        meaning="The hook did not end within its time limit, and was ended.",
        proof="The hook's process was still running.",
        seen="The connection's hook did not end within {timeout} s: {sign_in}.",
        remedy="Raise the limit where the service has to wake first (serverless SQL, a warehouse); else look at what "
        "the hook dials besides the service.",
    ),
    Cause(
        code="SIGN_IN_FAILED",
        stage=Stage.AUTH,
        meaning="The hook failed, and its error says neither that it was refused nor that it got no answer.",
        proof="An error of a kind that is not known here.",
        seen="The connection's hook failed: {sign_in}; {sign_in_error}.",
        remedy="Run the hook in a task of its own and read its error there: it may quote secrets, so it is not shown.",
    ),
)
