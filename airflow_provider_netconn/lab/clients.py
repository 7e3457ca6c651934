"""Azure's own clients, signed in at a lab: what each kind of lab gives to tests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from azure.identity import ClientSecretCredential

T = TypeVar("T")
MANAGEMENT: Final = "https://management.azure.com"


class LabClients(ABC):
    """Makes clients of a lab, wherever that runs."""

    ca_file: str
    """The certificate of the lab's authority, which clients have to trust."""

    @property
    @abstractmethod
    def arm_url(self) -> str:
        """Resource Manager."""

    @property
    @abstractmethod
    def authority_url(self) -> str:
        """Entra ID; the authority of a tenant is this and its id."""

    @property
    @abstractmethod
    def subscription_id(self) -> str:
        """The first subscription of the owner's tenant."""

    @abstractmethod
    def application(self, principal: str | None) -> tuple[str, str, str]:
        """:return: tenant, application id and secret of an application of the seed; by default the owner

        :raises LabError: there is none of that name, or it has no secret
        """

    def credential(self, principal: str | None = None, **options: Any) -> ClientSecretCredential:
        """A credential of azure-identity that signs in at the lab's authority.

        :param principal: an application of the seed; by default the owner
        :param options: for ``azure.identity.ClientSecretCredential``
        """
        from azure.identity import ClientSecretCredential

        tenant, application, secret = self.application(principal)
        return ClientSecretCredential(
            tenant,
            application,
            secret,
            authority=self.authority_url,
            disable_instance_discovery=True,
            connection_verify=self.ca_file,
            **options,
        )

    def client(self, kind: Callable[..., T], *arguments: Any, principal: str | None = None, **options: Any) -> T:
        """A client of one of Azure's management SDKs, signed in at the lab.

        :param kind: its class, such as ``azure.mgmt.network.NetworkManagementClient``
        :param arguments: what it takes behind the credential; by default the subscription
        :param principal: by default the owner
        :param options: further ones; polling does not wait unless they say so
        """
        defaults = {"base_url": self.arm_url, "connection_verify": self.ca_file, "polling_interval": 0}
        scopes = {"credential_scopes": [f"{MANAGEMENT}/.default"]}
        credential = self.credential(principal)
        return kind(credential, *(arguments or (self.subscription_id,)), **{**defaults, **scopes, **options})
