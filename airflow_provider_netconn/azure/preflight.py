"""Looking before the first write: is a right missing at any of the places that a task is going to write?"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from airflow_provider_netconn.errors import AzureForbiddenError

if TYPE_CHECKING:
    from airflow_provider_netconn.azure.session import AzureSession

log = logging.getLogger("airflow_provider_netconn.azure")


async def require(azure: AzureSession, needed: Mapping[str, Sequence[str]]) -> None:
    """Refuse to go on where a right is known to be missing; where that is unknown, the write itself will tell.

    :param needed: for each scope (id of a resource, group or subscription) the actions that are needed there
    :raises AzureForbiddenError: naming every action that is missing, and where
    """
    found = await asyncio.gather(
        *(azure.missing_permissions(scope, actions) for scope, actions in needed.items() if actions)
    )
    for one in found:
        if one.unknown:
            log.info("Permissions are not listed beforehand, the writes will tell: %s", one)
    lacking = [one for one in found if one.missing]
    if not lacking:
        return
    if len(lacking) == 1:
        lacking[0].check()
    raise AzureForbiddenError(
        lacking[0].scope,
        f"nothing was written, since actions are missing: {'; '.join(str(one) for one in lacking)}",
        action=lacking[0].missing[0],
        scope=lacking[0].scope,
        remedy="give the principal roles with them at these scopes or above them",
    )
