"""Azure's regions, as far as the lab has them, and how their names are read."""

from __future__ import annotations

from airflow_provider_netconn.lab.arm.errors import ArmError

REGIONS = frozenset(
    """
    australiacentral australiacentral2 australiaeast australiasoutheast austriaeast belgiumcentral brazilsouth
    brazilsoutheast canadacentral canadaeast centralindia centralus centraluseuap chilecentral eastasia eastus
    eastus2 eastus2euap francecentral francesouth germanynorth germanywestcentral indonesiacentral israelcentral
    italynorth japaneast japanwest jioindiacentral jioindiawest koreacentral koreasouth malaysiawest mexicocentral
    newzealandnorth northcentralus northeurope norwayeast norwaywest polandcentral qatarcentral southafricanorth
    southafricawest southcentralus southeastasia southindia spaincentral swedencentral swedensouth
    switzerlandnorth switzerlandwest uaecentral uaenorth uksouth ukwest westcentralus westeurope westindia westus
    westus2 westus3 global usgovvirginia usgovarizona usgovtexas usdodeast usdodcentral chinaeast chinaeast2
    chinaeast3 chinanorth chinanorth2 chinanorth3
    """.split()
)
"""Names as Microsoft Learn's "Azure regions list" has them; ``global`` for what is in none."""


def read_region(location: str, resource_type: str) -> str:
    """Read a region as clients write it, such as ``West Europe``.

    :return: its name, such as ``westeurope``
    :raises ArmError: 400 LocationNotAvailableForResourceType
    """
    region = location.replace(" ", "").casefold()
    if region not in REGIONS:
        raise ArmError(
            400,
            "LocationNotAvailableForResourceType",
            f"The provided location '{location}' is not available for resource type '{resource_type}'. List of "
            f"available regions for the resource type is '{','.join(sorted(REGIONS - {'global'}))}'.",
        )
    return region
