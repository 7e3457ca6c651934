"""Azure's clouds: where each has its Resource Manager, and where its people and applications sign in.

Sources: azure-mgmt-core 1.6 (``tools.get_arm_endpoints``), azure-identity 1.27 (``AzureAuthorityHosts``), and the names
of the ``azure`` connection's ``cloud_environment`` (apache-airflow-providers-microsoft-azure 15.2.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from airflow_provider_netconn.errors import InvalidOptionError


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """One of Azure's clouds.

    :param name: as ``cloud_environment`` has it
    :param arm_url: Resource Manager, without a slash at the end
    :param authority_url: Microsoft Entra ID, likewise
    :param scope: what a token for Resource Manager is asked for
    :param portal_url: Azure's portal
    """

    name: str
    arm_url: str
    authority_url: str
    scope: str
    portal_url: str


PUBLIC: Final = Cloud(
    name="AzurePublicCloud",
    arm_url="https://management.azure.com",
    authority_url="https://login.microsoftonline.com",
    scope="https://management.azure.com/.default",
    portal_url="https://portal.azure.com",
)
GOVERNMENT: Final = Cloud(
    name="AzureUSGovernment",
    arm_url="https://management.usgovcloudapi.net",
    authority_url="https://login.microsoftonline.us",
    scope="https://management.core.usgovcloudapi.net/.default",
    portal_url="https://portal.azure.us",
)
CHINA: Final = Cloud(
    name="AzureChinaCloud",
    arm_url="https://management.chinacloudapi.cn",
    authority_url="https://login.chinacloudapi.cn",
    scope="https://management.chinacloudapi.cn/.default",
    portal_url="https://portal.azure.cn",
)
CLOUDS: Final[Mapping[str, Cloud]] = {cloud.name: cloud for cloud in (PUBLIC, GOVERNMENT, CHINA)}
_BY_NAME: Final = {name.casefold(): cloud for name, cloud in CLOUDS.items()} | {
    # As azure-cli spells two of them.
    "azurecloud": PUBLIC,
    "azureusgovernmentcloud": GOVERNMENT,
}


def cloud_named(name: str | None) -> Cloud:
    """The cloud of that name; the public one where there is none. Case does not matter.

    :raises InvalidOptionError: there is no such cloud
    """
    if not name:
        return PUBLIC
    cloud = _BY_NAME.get(name.strip().casefold())
    if cloud is None:
        raise InvalidOptionError("cloud_environment", f"{name!r} is no cloud", f"write one of {', '.join(CLOUDS)}")
    return cloud
