"""A lab for tests: in the test's own process, on a thread of its own, clean again within milliseconds."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from airflow_provider_netconn.lab import environment
from airflow_provider_netconn.lab.background import Background
from airflow_provider_netconn.lab.clients import MANAGEMENT, LabClients
from airflow_provider_netconn.lab.effects import Meets, effect_named
from airflow_provider_netconn.lab.errors import LabError
from airflow_provider_netconn.lab.faults import Fault, FaultRule
from airflow_provider_netconn.lab.journal import Entry, Query
from airflow_provider_netconn.lab.local_azure import LocalAzure
from airflow_provider_netconn.lab.names.values import View
from airflow_provider_netconn.lab.seed import DEFAULT, PrincipalSeed, load_seed
from airflow_provider_netconn.lab.settings import Settings
from airflow_provider_netconn.lab.state import state_of

if TYPE_CHECKING:
    from dns.resolver import Resolver

T = TypeVar("T")
GROUP: Final = "test-networks"
"""The resource group in which :meth:`AzureLab.networks` makes networks."""


class RequestRefusedError(LabError):
    """The control plane refused a request that a test made on the short way.

    :param status: HTTP status
    :param code: Azure's error code
    """

    def __init__(self, method: str, path: str, status: int, error: dict[str, Any]) -> None:
        self.status = status
        self.code = str(error.get("code"))
        super().__init__(f"{method} {path}: {status} {self.code}: {error.get('message')}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A virtual network of the lab."""

    id: str
    name: str
    address_prefix: str

    def to(self, other: Network) -> Peering:
        """The peering that leads from here to another network; nothing is made by this."""
        return Peering(local=self, remote=other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peering:
    """One side of a peering, whether it is there or not."""

    local: Network
    remote: Network

    @property
    def name(self) -> str:
        """Its name: ``to-`` and that of the other network."""
        return f"to-{self.remote.name}"

    @property
    def id(self) -> str:
        """Its id in Resource Manager."""
        return f"{self.local.id}/virtualNetworkPeerings/{self.name}"

    @property
    def body(self) -> dict[str, Any]:
        """A body that a PUT makes it with."""
        return {
            "properties": {
                "remoteVirtualNetwork": {"id": self.remote.id},
                "allowVirtualNetworkAccess": True,
                "allowForwardedTraffic": True,
            }
        }


class AzureLabNetwork:
    """The network of a lab, as tests use it: what names resolve to, from where.

    :param lab: a running lab
    """

    def __init__(self, lab: AzureLab) -> None:
        self.lab = lab

    def resolver(self, network: Network | str | None = None, *, server: str | None = None) -> Resolver:
        """A resolver of dnspython that asks the lab, without a cache.

        :param network: as whose machines it resolves: a network or its id; None for the internet
        :param server: instead, the name of one of the seed's ``dns_servers``
        :raises LabError: the lab has no such network or server
        """
        import dns.resolver

        resolver = dns.resolver.Resolver(configure=False)
        host, resolver.port = self.lab.name_server(network, server=server)
        resolver.nameservers = [host]
        return resolver

    def fault(
        self,
        fault: str,
        *,
        name: str | None = None,
        network: Network | str | None = None,
        server: str | None = None,
        **rule: Any,
    ) -> Fault:
        """Have names fail to resolve, or connections to services fail.

        :param fault: of the catalogue, such as ``dns-servfail``, or ``intercepted``
        :param name: a pattern of the names that it is about, in queries and of services; None: all
        :param network: of names: only as this network's machines resolve: a network or its id
        :param server: of names: only at one of the seed's ``dns_servers``
        :param rule: the other parts of :class:`~airflow_provider_netconn.lab.faults.FaultRule`
        :return: the fault; its ``applied`` grows as it hits
        :raises LabError: it is one of packets: an isolated lab alone has them
        """
        where = network.id if isinstance(network, Network) else network or server
        of_names = effect_named(fault).meets is Meets.QUERY
        given = {"path" if of_names else "host": name, "query": where}
        return self.lab.fault(fault, **{key: value for key, value in given.items() if value is not None}, **rule)


class AzureLab(LabClients):
    """A running lab, as tests use it. Its methods may be called from any thread but the lab's own.

    :param seed: a YAML file, or the name of a landscape that comes with the lab
    :param settings: by default operations end at once
    """

    def __init__(self, seed: str | Path = DEFAULT, settings: Settings | None = None) -> None:
        self.local = LocalAzure(load_seed(seed), settings=settings)
        self._background = Background(self.local)
        self._folder = tempfile.TemporaryDirectory(prefix="netconn-lab-")
        self.ca_file: str = str(self.local.certificates.write_ca_file(Path(self._folder.name) / "ca.pem"))
        self._prefixes = itertools.count()

    def stop(self) -> None:
        """End the lab; may be called twice."""
        self._background.stop()
        self._folder.cleanup()

    def reset(self) -> None:
        """Return to the seed: no fault, an empty journal, the machine's time."""
        self._prefixes = itertools.count()
        self._call(self.local.reset)

    def _call(self, function: Callable[[], T]) -> T:
        return self._background.call(function)

    # -- where it is, and as whom to ask it ------------------------------------------------------

    @property
    def arm_url(self) -> str:
        """Resource Manager."""
        return self.local.url("arm")

    @property
    def authority_url(self) -> str:
        """Entra ID; the authority of a tenant is this and its id."""
        return self.local.url("authority")

    @property
    def graph_url(self) -> str:
        """Microsoft Graph."""
        return self.local.url("graph")

    @property
    def astro_url(self) -> str:
        """The Astro API, without its version."""
        return self.local.url("astro")

    @property
    def managed_identity_url(self) -> str:
        """The instance metadata service; plain http."""
        return self.local.url("managed_identity")

    @property
    def tenant_id(self) -> str:
        """The owner's tenant."""
        return self.local.seed.tenant(self.principal().tenant).id

    @property
    def subscription_id(self) -> str:
        """The first subscription of the owner's tenant."""
        return str(self.state()["subscription_id"])

    def principal(self, name: str | None = None) -> PrincipalSeed:
        """A principal of the seed, with its secret.

        :param name: by default the owner
        """
        return self.local.seed.principal(name or self.local.seed.owner)

    def state(self) -> dict[str, Any]:
        """What a state file would tell."""
        return self._call(lambda: state_of(self.local, Path(self.ca_file)))

    def environment(self, principal: str | None = None) -> dict[str, str]:
        """Environment variables for clients, as ``netconn lab env`` prints them.

        :param principal: whose secret they carry; by default the owner's
        """
        return environment.variables(self.state(), principal)

    def token(self, principal: str | None = None, *, audience: str = MANAGEMENT) -> str:
        """An access token, without asking the authority for it.

        :param principal: by default the owner
        """
        return self._call(lambda: self.local.token(principal, audience=audience))

    def application(self, principal: str | None) -> tuple[str, str, str]:
        """Tenant, application id and secret of an application of the seed; by default the owner."""
        chosen = self.principal(principal)
        if chosen.app_id is None or chosen.client_secret is None:
            raise LabError(f"principal {chosen.name!r} has no secret; choose an application of the seed")
        return self.local.seed.tenant(chosen.tenant).id, chosen.app_id, chosen.client_secret

    def endpoints(self) -> list[dict[str, Any]]:
        """What is served behind the resources now, and where; as the state file's ``endpoints``."""
        return self._call(self.local.services.endpoints)

    def endpoint(self, host: str, port: int = 443, *, private_endpoint: str | None = None) -> tuple[str, int]:
        """Where on this machine a service is reached: address and port.

        :param host: its public name
        :param port: its true port
        :param private_endpoint: id of the private endpoint to go by; by default its public address
        :raises LabError: the lab serves nothing there
        """
        wanted = (private_endpoint or "").casefold()
        for one in self.endpoints():
            by = (one["private_endpoint"] or "").casefold()
            if by == wanted and one["port"] == port and host.casefold() in one["hosts"]:
                return one["local_address"], one["local_port"]
        raise LabError(f"{host} port {port}: the lab serves nothing there; see endpoints()")

    # -- what it does ----------------------------------------------------------------------------

    def fault(self, fault: str, **rule: Any) -> Fault:
        """Have requests fail.

        :param fault: of the catalogue, such as ``throttled:1`` or ``reset-after``
        :param rule: the other parts of :class:`~airflow_provider_netconn.lab.faults.FaultRule`
        :return: the fault; its ``applied`` grows as it hits
        :raises LabError: it is one of packets: these labs have none
        """
        return self.local.add_fault(FaultRule(fault=fault, **rule))

    def journal(self, **query: Any) -> list[Entry]:
        """The requests that clients made since the reset.

        :param query: the parts of :class:`~airflow_provider_netconn.lab.journal.Query`
        """
        return self.local.journal.entries(Query(**query))

    # -- names -----------------------------------------------------------------------------------

    def name_server(self, network: Network | str | None = None, *, server: str | None = None) -> tuple[str, int]:
        """Address and port of a DNS server of the lab, over UDP and TCP.

        :param network: as whose machines it resolves: a network or its id; None for the internet
        :param server: instead, the name of one of the seed's ``dns_servers``
        :raises LabError: the lab has no such network or server
        """
        network_id = network.id if isinstance(network, Network) else network
        return self._call(lambda: self.local.names.address(View(network=network_id, server=server)))

    def queries(self, **query: Any) -> list[Entry]:
        """The DNS queries since the reset: ``method`` is the type asked for, ``path`` the name, ``status`` the response
        code (None: not answered), ``query`` whom was asked: the network's id in lower case, or nothing for public DNS.

        :param query: the parts of :class:`~airflow_provider_netconn.lab.journal.Query`
        """
        return self.local.names.journal.entries(Query(**query))

    def advance(self, seconds: float) -> None:
        """Move the lab's clock on."""
        self._call(lambda: self.local.clock.advance(seconds))

    def change_settings(self, **changes: float | str) -> None:
        """Set how fast and how late the lab is, and what its DNS answers carry, until the next reset: see
        :class:`.Settings`."""
        self._call(lambda: self.local.change_settings(self.local.settings.changed(changes)))

    # -- what is in it ---------------------------------------------------------------------------

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        api_version: str | None = None,
        principal: str | None = None,
    ) -> Any:
        """Ask Resource Manager on the short way: no network, no fault, no entry in the journal.

        :param path: a resource id, or any other path below the endpoint
        :param api_version: by default the type's newest
        :param principal: by default the owner
        :return: the answer's body
        :raises RequestRefusedError: it was refused
        """

        def ask() -> Any:
            token = self.local.token(principal)
            answer = self.local.request(method, path, body, api_version=api_version, token=token)
            if answer.status >= 400:
                error = answer.body.get("error", answer.body) if isinstance(answer.body, dict) else {}
                raise RequestRefusedError(method, path, answer.status, error)
            return answer.body

        return self._call(ask)

    def put(self, resource_id: str, body: Any, *, api_version: str | None = None) -> Any:
        """Make or change a resource; gives it as it reads then."""
        self.request("PUT", resource_id, body, api_version=api_version)
        return self.get(resource_id, api_version=api_version)

    def get(self, resource_id: str, *, api_version: str | None = None) -> Any:
        """Read a resource; None where there is none."""
        try:
            return self.request("GET", resource_id, api_version=api_version)
        except RequestRefusedError as refused:
            if refused.status == 404:
                return None
            raise

    def delete(self, resource_id: str, *, api_version: str | None = None) -> None:
        """Delete a resource."""
        self.request("DELETE", resource_id, api_version=api_version)

    def networks(self, *names: str) -> tuple[Network, ...]:
        """Make networks whose addresses do not overlap, in a resource group of their own."""
        group = f"/subscriptions/{self.subscription_id}/resourceGroups/{GROUP}"
        if self.get(group) is None:
            self.put(group, {"location": "westeurope"})
        return tuple(self._network(group, name) for name in names)

    def _network(self, group: str, name: str) -> Network:
        number = next(self._prefixes)
        prefix = f"10.{100 + number // 256}.{number % 256}.0/24"
        network = Network(
            id=f"{group}/providers/Microsoft.Network/virtualNetworks/{name}", name=name, address_prefix=prefix
        )
        self.put(network.id, {"location": "westeurope", "properties": {"addressSpace": {"addressPrefixes": [prefix]}}})
        return network

    def peering(self, peering: Peering) -> tuple[str, str] | None:
        """``peeringState`` and ``peeringSyncLevel`` of a peering; None where there is none."""
        found = self.get(peering.id)
        return None if found is None else (found["properties"]["peeringState"], found["properties"]["peeringSyncLevel"])
