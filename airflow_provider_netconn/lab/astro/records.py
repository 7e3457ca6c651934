"""What the Astro API shows: organizations, workspaces, clusters, deployments and allowed address ranges.

A record holds the API's own JSON; its properties are those of the Astro API v1 (Astronomer, "Astro API reference").
Users write only what matters to them: the rest of what the API always gives is filled in here. Values are taken as they
are, also ones that the API has no word for yet: so a client can be tested against them.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final


class Kind(StrEnum):
    """The kinds of records, as messages call them."""

    ORGANIZATION = "Organization"
    WORKSPACE = "Workspace"
    CLUSTER = "Cluster"
    DEPLOYMENT = "Deployment"
    ALLOWED_RANGE = "AllowedIpAddressRange"


_EVERY: Final = "id createdAt updatedAt"
FIELDS: Final[Mapping[Kind, frozenset[str]]] = {
    kind: frozenset(f"{_EVERY} {names}".split())
    for kind, names in {
        Kind.ORGANIZATION: """
            name createdBy updatedBy allowEnhancedSupportAccess billingEmail hasAiFeaturesDisabled
            hasAllowedIpAddressRanges isBlockedEnableAiFeatures isScimEnabled managedDomains paymentMethod product
            productPlans shouldEnforceDedicatedClusters status trialExpiresAt""",
        Kind.WORKSPACE: """
            name createdBy updatedBy cicdEnforcedDefault defaultCloudProvider defaultClusterId defaultRegion
            description organizationId organizationName""",
        Kind.CLUSTER: """
            name cloudProvider dbInstanceType drPodSubnetRange drRegion drSecondaryVpcCidr drServicePeeringRange
            drServiceSubnetRange drVpcSubnetRange enableReplicationTimeControl failoverInProgress healthStatus
            isDrEnabled isFailedOver isLimited isPrivateNetworkEgressEnabled metadata nodePools organizationId
            podSubnetRange providerAccount region secondaryVpcCidr servicePeeringRange serviceSubnetRange status
            tags tenantId type vpcSubnetRange workspaceIds""",
        Kind.DEPLOYMENT: """
            name createdBy updatedBy airflowVersion apiUrl astroRuntimeVersion cloudProvider clusterId clusterName
            contactEmails dagTarballVersion defaultTaskPodCpu defaultTaskPodMemory description
            desiredDagTarballVersion drExternalIPs drOidcIssuerUrl effectiveDRWorkloadIdentity
            effectiveWorkloadIdentity environmentVariables executor externalIPs imageRepository imageTag
            imageVersion isCicdEnforced isDagDeployEnabled isDevelopmentMode isHighAvailability namespace
            oidcIssuerUrl organizationId region remoteExecution resourceQuotaCpu resourceQuotaMemory runtimeVersion
            scalingSpec scalingStatus schedulerAu schedulerCpu schedulerMemory schedulerReplicas schedulerSize
            status statusReason taskPodNodePoolId type uiUrl webServerAirflowApiUrl webServerCpu
            webServerIngressHostname webServerMemory webServerReplicas webServerUrl workerQueues workspaceId
            workspaceName""",
        Kind.ALLOWED_RANGE: "createdBy updatedBy ipAddressRange organizationId",
    }.items()
}
"""The properties that each kind may have."""

_NAMELESS: Final = {Kind.ALLOWED_RANGE}
_WITHOUT_AUTHOR: Final = {Kind.CLUSTER}
_DEFAULTS: Final[Mapping[Kind, Mapping[str, Any]]] = {
    Kind.ORGANIZATION: {
        "allowEnhancedSupportAccess": False,
        "isBlockedEnableAiFeatures": False,
        "isScimEnabled": False,
        "product": "HOSTED",
        "productPlans": [],
        "shouldEnforceDedicatedClusters": False,
        "status": "ACTIVE",
    },
    Kind.WORKSPACE: {"cicdEnforcedDefault": False},
    Kind.CLUSTER: {
        "cloudProvider": "AZURE",
        "dbInstanceType": "Standard_D2ds_v4",
        "drRegion": "",
        "isDrEnabled": False,
        "isLimited": False,
        "region": "westeurope",
        "status": "CREATED",
        "type": "DEDICATED",
        "vpcSubnetRange": "172.20.0.0/19",
        "workspaceIds": [],
    },
    Kind.DEPLOYMENT: {
        "airflowVersion": "3.1.0",
        "astroRuntimeVersion": "3.1-1",
        "runtimeVersion": "3.1-1",
        "executor": "ASTRO",
        "imageRepository": "images.astronomer.cloud/lab",
        "imageTag": "deploy-1",
        "isCicdEnforced": False,
        "isDagDeployEnabled": True,
        "schedulerCpu": "1",
        "schedulerMemory": "2Gi",
        "schedulerReplicas": 1,
        "status": "HEALTHY",
        "type": "STANDARD",
        "webServerCpu": "1",
        "webServerMemory": "2Gi",
    },
    Kind.ALLOWED_RANGE: {},
}
_AUTHOR: Final = {"subjectType": "SERVICEKEY", "apiTokenName": "lab"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One thing that the API shows.

    :param document: its JSON, as the API gives it; not to be changed
    """

    kind: Kind
    document: Mapping[str, Any] = field(repr=False)

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.document["id"])

    @property
    def name(self) -> str:
        """Its name; that of an address range is the range."""
        return str(self.document.get("name") or self.document.get("ipAddressRange") or "")

    @property
    def organization_id(self) -> str:
        """Id of the organization that it belongs to, or is."""
        return str(self.document["organizationId"]) if self.kind is not Kind.ORGANIZATION else self.id

    def get(self, name: str) -> Any:
        """A property; None where it is absent."""
        return self.document.get(name)


def make_record(kind: Kind, given: Mapping[str, Any], *, now: float, **filled_in: Any) -> Record:
    """A record with all that the API always gives.

    :param given: what is known of it, as the API spells it
    :param now: seconds since the epoch: when it was made, where ``given`` doesn't say
    :param filled_in: what follows from other records; ``given`` goes before it, None is left out
    :raises ValueError: a property is none of the kind's, or its name lacks; names property and mend
    """
    _check_names(kind, given)
    needed = "ipAddressRange" if kind in _NAMELESS else "name"
    if not isinstance(given.get(needed), str) or not given[needed]:
        raise ValueError(f"{needed}: a {kind} needs one")
    moment = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    identifier = made_id(kind, str(filled_in.get("organizationId", "")), given[needed])
    document = {
        "id": identifier,
        "createdAt": moment,
        "updatedAt": given.get("createdAt", moment),
        **_DEFAULTS[kind],
        **{name: value for name, value in filled_in.items() if value is not None},
        **given,
    }
    if kind not in _WITHOUT_AUTHOR:
        author = {"id": made_id(kind, "author", "lab"), **_AUTHOR}
        document = {"createdBy": author, "updatedBy": document.get("createdBy", author), **document}
    return Record(kind=kind, document=document)


def made_id(kind: Kind, owner: str, name: str) -> str:
    """An id in the API's form (25 letters and digits, the first a c) that is the same for the same things."""
    digest = hashlib.sha256(f"{kind}/{owner}/{name}".encode()).hexdigest()
    return f"cl{digest[:23]}"


def _check_names(kind: Kind, given: Mapping[str, Any]) -> None:
    for name in given:
        if name not in FIELDS[kind]:
            near = difflib.get_close_matches(name, FIELDS[kind], n=1)
            mend = f"did you mean {near[0]!r}?" if near else "see the Astro API's reference for its properties"
            raise ValueError(f"{name}: a {kind} has no such property; {mend}")
