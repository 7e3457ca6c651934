"""The lab as a whole: every service of a local Azure in one process and one loop, from a seed, and back to it."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import secrets
import socket
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final, Self

from airflow_provider_netconn.lab.admin import admin_application
from airflow_provider_netconn.lab.arm.application import ArmApplication
from airflow_provider_netconn.lab.arm.engine import ControlPlane
from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import MalformedPathError, parse_path
from airflow_provider_netconn.lab.arm.operations import OperationFault
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.asgi import Application
from airflow_provider_netconn.lab.astro.application import application as astro_application
from airflow_provider_netconn.lab.astro.records import Kind
from airflow_provider_netconn.lab.astro.state import AstroState
from airflow_provider_netconn.lab.certificates import Authority
from airflow_provider_netconn.lab.clients import MANAGEMENT
from airflow_provider_netconn.lab.clock import Clock
from airflow_provider_netconn.lab.cloud_metadata import cloud_metadata
from airflow_provider_netconn.lab.directory import Directory, Principal
from airflow_provider_netconn.lab.effects import DelayPackets, FailOperation, Meets, NeverEndOperation
from airflow_provider_netconn.lab.errors import LabError
from airflow_provider_netconn.lab.faults import Fault, FaultBook, FaultRule
from airflow_provider_netconn.lab.gate import Gate, note_fault
from airflow_provider_netconn.lab.graph.application import application as graph_application
from airflow_provider_netconn.lab.identity import managed_identity
from airflow_provider_netconn.lab.identity.application import application as authority_application
from airflow_provider_netconn.lab.identity.federation import FederatedIssuer, Federation
from airflow_provider_netconn.lab.identity.resources import Resources
from airflow_provider_netconn.lab.identity.tokens import Tokens
from airflow_provider_netconn.lab.journal import Journal
from airflow_provider_netconn.lab.masking import masked
from airflow_provider_netconn.lab.names.addresses import AsTheyAre
from airflow_provider_netconn.lab.names.values import View
from airflow_provider_netconn.lab.names.views import Views
from airflow_provider_netconn.lab.packets.addresses import LoopbackAddresses
from airflow_provider_netconn.lab.packets.isolation import Isolation
from airflow_provider_netconn.lab.packets.lateness import require_device_file
from airflow_provider_netconn.lab.packets.listeners import DNS_PORT, Role, listeners
from airflow_provider_netconn.lab.packets.local_answers import LocalAnswers
from airflow_provider_netconn.lab.packets.namespaces import become_alone
from airflow_provider_netconn.lab.packets.places import PLATFORM_HOSTS, RESOLVER_ADDRESS
from airflow_provider_netconn.lab.planting import SeedingAccess, plant_control_plane, plant_directory
from airflow_provider_netconn.lab.resources.catalogue import resource_kinds
from airflow_provider_netconn.lab.resources.generic import generic_kind
from airflow_provider_netconn.lab.seed import Seed, load_seed
from airflow_provider_netconn.lab.services.running import Services as DataPlane
from airflow_provider_netconn.lab.serving import Servers, Service, listening_socket
from airflow_provider_netconn.lab.settings import Answers, SettingError, Settings

LOOPBACK: Final = "127.0.0.1"
OWNER_TOKEN_LIFETIME_S: Final = 30 * 86_400
"""Of the token that the state file carries: a lab may stay up for weeks."""
NAMES: Final = ("arm", "authority", "managed_identity", "graph", "astro", "admin")
ANY_VERSION: Final = "2024-01-01"
"""An api-version for types that take any."""
_ISSUER_PATH: Final = "lab/issuer"


class LocalAzure:
    """A local Azure. As an asynchronous context it serves; everything else is there as soon as it is made.

    Not for several threads: whoever is not on its loop goes through
    :class:`~airflow_provider_netconn.lab.background.Background`.

    :param seed: what it begins with; by default the landscape that comes with the lab
    :param settings: what it begins with and returns to at a reset
    :param bind: address to listen on; another than a loopback one serves the network
    :param host_name: by which clients reach it, where it is not the address
    :param ports: of services, by :data:`NAMES`; the others take free ones
    :raises LabError: an address cannot be listened on, or the seed is refused
    """

    def __init__(
        self,
        seed: Seed | None = None,
        *,
        settings: Settings | None = None,
        bind: str = LOOPBACK,
        host_name: str | None = None,
        ports: Mapping[str, int] | None = None,
    ) -> None:
        self.seed = seed or load_seed()
        self.initial_settings = self.settings = settings or Settings()
        self.clock = Clock()
        self.faults = FaultBook()
        self.journal = Journal()
        self.certificates = Authority()
        self.directory = Directory(self.clock)
        self.resources = Resources()
        self.tokens = Tokens(self.directory, self.resources, self.clock)
        self.federation = Federation()
        self.astro = AstroState(self.clock)
        self.access = SeedingAccess(self.directory, self.tokens, self.resources.management)
        self.plane = ControlPlane(
            clock=self.clock,
            access=self.access,
            kinds=tuple(resource_kinds()),
            fallback=generic_kind,
            base_url=lambda: self.url("arm"),
            operation_fault=self._operation_fault,
        )
        self.access.attach(self.plane)
        self.names = Views(
            self.plane,
            servers=self.seed.dns_servers,
            addresses=AsTheyAre(),
            faults=self.faults,
            clock=self.clock,
            where=lambda view: (bind if self.isolation is None else LOOPBACK, 0),
            reached_as=_host_of(bind),
            platform={name: host.address for name, host in PLATFORM_HOSTS.items()},
        )
        self.admin_token = secrets.token_urlsafe(32)
        self.identity_header = secrets.token_urlsafe(16)
        self.stopping = asyncio.Event()
        """Set when somebody asked the lab to end."""
        address = _host_of(bind)
        self._host_name = host_name or address
        self.addresses = LoopbackAddresses()
        self.services = DataPlane(self, self.names.public, self.addresses)
        self._local_answers = LocalAnswers(self.plane, self.addresses, self.services.refresh)
        self.isolation: Isolation | None = None
        """Of a lab with packets of its own: set by :meth:`isolate`."""
        self._servers = Servers(self._services(bind, ports or {}))
        self.resources.add_management(self.url("arm"))
        self.resources.add_graph(self.url("graph"))
        self.issuer = self.federation.add(FederatedIssuer(f"{self.url('authority')}/{_ISSUER_PATH}", self.clock))
        try:
            self.reset()
        except BaseException:
            self.close()
            raise

    # -- serving ---------------------------------------------------------------------------------

    def _services(self, bind: str, ports: Mapping[str, int]) -> Iterator[Service]:
        unknown = sorted(set(ports) - set(NAMES))
        if unknown:
            raise LabError(f"ports: {unknown[0]!r} is no service of the lab; they are {', '.join(NAMES)}")
        names = dict.fromkeys((self._host_name, bind, LOOPBACK, "::1", "localhost"))
        tls = self.certificates.server_context(*(name for name in names if name not in {"0.0.0.0", "::"}))  # noqa: S104
        for name, application in self._applications().items():
            gated = application if name == "admin" else self._gated(name, application)
            is_plain = name == "managed_identity"  # as in Azure
            port = ports.get(name, 0)
            yield Service(name=name, application=gated, tls=None if is_plain else tls, host=bind, port=port)

    def _applications(self) -> dict[str, Application]:
        identities = managed_identity.AssignedIdentities(*self._assigned_identities())
        found: dict[str, Application] = {
            "arm": ArmApplication(self.plane, partial(cloud_metadata, self.url)),
            "authority": authority_application(
                self.directory, self.tokens, self.resources, self.clock, federation=self.federation
            ),
            "managed_identity": managed_identity.application(
                self.directory,
                self.tokens,
                self.resources,
                self.clock,
                identities=identities,
                identity_header=self.identity_header,
            ),
            "graph": graph_application(self.directory, self.tokens, self.resources, self.clock),
            "astro": astro_application(self.astro, self.clock),
            "admin": admin_application(self),
        }
        return found

    def _assigned_identities(self) -> tuple[str | None, tuple[str, ...]]:
        own = self.seed.system_assigned
        assigned = tuple(self.seed.principal(name).object_id for name in self.seed.user_assigned)
        return None if own is None else self.seed.principal(own).object_id, assigned

    def _gated(self, name: str, application: Application) -> Application:
        return Gate(application, service=name, faults=self.faults, journal=self.journal, clock=self.clock)

    async def __aenter__(self) -> Self:
        """Serve; returns when every service answers."""
        await self._servers.__aenter__()
        await self._serve_platform()
        await self.names.__aenter__()
        await self.services.__aenter__()
        if self.isolation is not None:
            await self.isolation.__aenter__()
        return self

    def isolate(self) -> None:
        """Put this process into a network of its own, in which it will serve. What listens by now stays where it is.

        To be called before it serves, by a process that has but one thread.

        :raises IsolationError: the machine does not let it
        :raises SettingError: its settings are not for one that is isolated
        """
        become_alone()
        self.isolation = Isolation(self)
        self.names.reached_at = self._resolver_inside
        self.change_settings(self.settings)
        self.isolation.prepare()

    def _resolver_inside(self, view: View) -> tuple[str, int]:
        """Where programs inside ask: for each place the same, unless it is a server of the seed's own."""
        own = next((one for one in self.seed.dns_servers if one.name == view.server), None)
        return (RESOLVER_ADDRESS, DNS_PORT) if own is None else (own.address, own.port)

    def own_addresses(self) -> Mapping[str, tuple[str, int]]:
        """Host and port of each of the services in :data:`NAMES`, on the machine that the lab runs on."""
        return self._servers.addresses

    async def also_serve(self, name: str, listener: socket.socket, hosts: Iterable[str] = ()) -> None:
        """Serve one of the services in :data:`NAMES` on a further socket.

        :param listener: it listens; it may be of another network namespace
        :param hosts: names that its certificate carries, instead of the lab's own
        """
        tls = self.certificates.server_context(*hosts) if hosts else None
        await self._servers.also_serve(name, listener, tls)

    async def _serve_platform(self) -> None:
        """Serve Resource Manager and the others at the addresses that their true names lead to."""
        for listener in listeners(self.plane, ()):
            if listener.role is Role.PLATFORM:
                local = self.addresses.local(listener.place, listener.address, listener.port)
                opened = listening_socket(local.address, local.port)
                await self.also_serve(listener.resource_id, opened, listener.hosts)

    async def __aexit__(self, *_: object) -> None:
        """Finish what is being answered, and end."""
        if self.isolation is not None:
            await self.isolation.__aexit__()
        await self.services.__aexit__()
        await self.names.__aexit__()
        await self._servers.__aexit__()
        self.close()

    def astro_access(self) -> dict[str, Any]:
        """How to use the Astro API: its tokens, and the variables that Astro sets in the first deployment."""
        tokens = [
            {"name": token.name, "scope": token.scope.value, "of": token.of, "token": token.value}
            for token in self.astro.tokens()
        ]
        variables = {}
        if tokens:
            variables["ASTRO_API_TOKEN"] = tokens[0]["token"]
        for organization in self.astro.records(Kind.ORGANIZATION)[:1]:
            variables["ASTRO_ORGANIZATION_ID"] = organization.id
        for deployment in self.astro.records(Kind.DEPLOYMENT)[:1]:
            variables["ASTRO_DEPLOYMENT_ID"] = deployment.id
            variables["ASTRO_DEPLOYMENT_NAMESPACE"] = str(deployment.get("namespace"))
        return {"tokens": tokens, "environment": variables}

    def close(self) -> None:
        """Give the sockets back; also without having served."""
        self._servers.close()
        self.addresses.close()

    def url(self, name: str) -> str:
        """The URL of one of the services, without a slash at its end."""
        _, port = self._servers.addresses[name]
        host = f"[{self._host_name}]" if ":" in self._host_name else self._host_name
        return f"{'http' if name == 'managed_identity' else 'https'}://{host}:{port}"

    # -- state -----------------------------------------------------------------------------------

    def reset(self) -> None:
        """Return to the seed: its resources, principals and settings, no fault, an empty journal, the machine's time.

        :raises SeedError: the seed is refused
        """
        self.clock.reset()
        self.faults.clear()
        self.journal.clear()
        self.change_settings(self.initial_settings)
        self.directory.clear()
        plant_directory(self.directory, self.seed, self.clock, issuer=self.issuer.url)
        self.astro.clear()
        for organization in self.seed.astro:
            self.astro.load(organization)
        self.plane.clear()
        plant_control_plane(self.plane, self.access, self.seed)
        self.names.reset()

    def change_settings(self, settings: Settings) -> None:
        """Set how fast and how late the lab is, and what its DNS answers carry, from now on.

        :raises SettingError: an isolated lab is to answer with addresses outside of it
        """
        is_local = settings.answers == Answers.LOCAL
        if is_local and self.isolation is not None:
            raise SettingError("answers: an isolated lab has the addresses of its landscape; leave it at landscape")
        self.settings = settings
        self.names.resolver.addresses = self._local_answers if is_local else AsTheyAre()
        self.plane.time_scale = settings.time_scale
        self.access.replication_delay_s = settings.role_delay_s
        self.access.principal_delay_s = settings.principal_delay_s
        self.plane.firewall_delay_s = settings.firewall_delay_s
        self.plane.throttle.share = settings.throttle_share or None
        self.tokens.lifetime_s = settings.token_lifetime_s

    def add_fault(self, rule: FaultRule) -> Fault:
        """Have requests, names or packets fail.

        :raises LabError: packets are to fail, and this lab has none, or cannot delay them
        """
        effect = rule.effect()
        if effect.meets is Meets.PACKETS and self.isolation is None:
            raise LabError(f"{rule.fault}: on loopback nothing decides about packets; use 'netconn lab up --isolated'")
        if isinstance(effect, DelayPackets):
            require_device_file()
        return self.faults.add(rule)

    def principal(self, name: str) -> Principal:
        """A principal of the seed, in its home tenant.

        :raises LabError: the seed has none of that name
        """
        for principal in self.seed.principals:
            if principal.name == name:
                found = self.directory.principal(principal.object_id)
                if found is not None:
                    return found
        known = ", ".join(principal.name for principal in self.seed.principals)
        raise LabError(f"principal {name!r}: the seed has none of that name; it has {known}")

    def token(self, name: str | None = None, *, audience: str = MANAGEMENT, lifetime_s: float | None = None) -> str:
        """An access token.

        :param name: of a principal of the seed; its owner by default
        :param lifetime_s: seconds; by default what the settings say
        """
        principal = self.principal(name or self.seed.owner)
        return self.tokens.issue(principal, audience=audience, lifetime_s=lifetime_s)

    def request(
        self, method: str, path: str, body: Any = None, *, api_version: str | None = None, token: str | None = None
    ) -> ArmResponse:
        """Send a request to Resource Manager without going over the network: no fault meets it, no journal tells of it.

        :param path: with its query, or without
        :param api_version: by default the type's newest
        :param token: by default the owner's
        """
        path, _, query = path.partition("?")
        version = api_version or self._newest_version(path)
        parameters = dict(part.partition("=")[::2] for part in query.split("&") if part)
        return self.plane.handle(
            ArmRequest(
                method=method,
                path=path,
                query={"api-version": version, **parameters},
                headers={"authorization": f"Bearer {token or self.token()}"},
                content=b"" if body is None else json.dumps(body).encode(),
            )
        )

    def _newest_version(self, path: str) -> str:
        try:
            kind = self.plane.kind(parse_path(path).type)
        except MalformedPathError:
            return ANY_VERSION
        versions = () if kind is None else tuple(kind.api_versions)
        stable = [version for version in versions if not version.endswith("preview")]
        return max(stable or versions, default=ANY_VERSION)

    def _operation_fault(self, method: str, path: str) -> OperationFault | None:
        fault = self.faults.take_operation(method, path)
        if fault is None:
            return None
        note_fault(fault)
        effect = fault.effect
        if isinstance(effect, FailOperation):
            return OperationFault(error=ArmError(500, effect.code, effect.message))
        if isinstance(effect, NeverEndOperation) and effect.seconds is not None:
            return OperationFault(error=None, late_s=effect.seconds)
        return OperationFault(error=None)

    def landscape(self) -> dict[str, Any]:
        """What there is now, for people and tests: tenants, principals and resources, without secrets."""
        return {
            "tenants": [{"id": tenant.tenant_id, "domain": tenant.domain} for tenant in self.directory.tenants()],
            "principals": [
                {
                    "object_id": principal.object_id,
                    "app_id": principal.app_id,
                    "tenant_id": principal.tenant_id,
                    "kind": principal.kind.value,
                    "name": principal.display_name,
                }
                for principal in self.directory.principals()
            ],
            "resources": [
                {
                    "id": resource.id,
                    "type": resource.kind.type,
                    "provisioning_state": resource.provisioning_state,
                    "is_busy": resource.is_busy,
                    "properties": masked({**resource.body.get("properties", {}), **resource.facts}),
                }
                for resource in self.plane.store
            ],
        }


def _host_of(bind: str) -> str:
    """By which name clients on this machine reach what listens there."""
    try:
        address = ipaddress.ip_address(bind)
    except ValueError:
        raise LabError(f"bind: {bind!r} is no address; write one of this machine's, such as {LOOPBACK}") from None
    if address.is_unspecified:
        return LOOPBACK if address.version == 4 else "::1"
    return str(address)
