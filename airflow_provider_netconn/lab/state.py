"""The state file: where a running lab is and how to get in. It holds secrets, for its owner alone."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.lab.errors import StateError
from airflow_provider_netconn.lab.files import write_in_one_step

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.local_azure import LocalAzure

ENVIRONMENT: Final = "NETCONN_LAB_STATE"
"""Environment variable that names the state file where no option does."""


def state_path(given: str | None = None) -> Path:
    """Where the state file is: as given, as the environment says, or in the user's folder for state (XDG)."""
    named = given or os.environ.get(ENVIRONMENT)
    if named:
        return Path(named).expanduser().absolute()
    folder = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return (Path(folder) / "netconn" / "lab.json").expanduser()


def state_of(lab: LocalAzure, ca_file: Path) -> dict[str, Any]:
    """What the state file tells of a running lab."""
    from airflow_provider_netconn.lab.clients import MANAGEMENT
    from airflow_provider_netconn.lab.local_azure import NAMES, OWNER_TOKEN_LIFETIME_S

    seed = lab.seed
    owner = seed.principal(seed.owner)
    urls = {f"{name}_url": lab.url(name) for name in NAMES}
    own = next((one for one in seed.subscriptions if one.tenant == owner.tenant), seed.subscriptions[0])
    return {
        **urls,
        "ca_file": str(ca_file),
        "token": lab.token(audience=MANAGEMENT, lifetime_s=OWNER_TOKEN_LIFETIME_S),
        "tenant_id": seed.tenant(owner.tenant).id,
        "subscription_id": own.id,
        "owner": owner.name,
        "tenants": [{"name": one.name, "tenant_id": one.id, "domain": one.domain} for one in seed.tenants],
        "subscriptions": [
            {"name": one.name, "subscription_id": one.id, "tenant_id": seed.tenant(one.tenant).id}
            for one in seed.subscriptions
        ],
        "principals": list(_principals(lab)),
        "identity_header": lab.identity_header,
        "federated_issuer": lab.issuer.url,
        "astro": lab.astro_access(),
        "dns": lab.names.directory(),
        "endpoints": lab.services.endpoints(),
        "isolated": lab.isolation is not None,
        "admin_token": lab.admin_token,
        "pid": os.getpid(),
    }


def dns_lines(directory: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The DNS servers that a state file tells of, for people.

    :param directory: its ``dns``
    :return: whose view, by the resource's name, and address and port
    """
    places = [("dns", directory.get("public"))]
    places += [(f"dns {key.rpartition('/')[2]}", place) for key, place in directory.get("networks", {}).items()]
    places += [(f"dns {key}", place) for key, place in directory.get("servers", {}).items()]
    return [(name, f"{place['address']} port {place['port']}") for name, place in places if place]


def endpoint_lines(endpoints: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """The endpoints that a state file tells of, for people.

    :param endpoints: its ``endpoints``
    :return: name, and by which address and port it is reached in Azure and here
    """
    return [
        (
            f"{next(iter(one['hosts']), one['resource'])}{' (private)' if one['private_endpoint'] else ''}",
            f"{one['address']} port {one['port']}{_here(one)}",
        )
        for one in endpoints
    ]


def _here(endpoint: Mapping[str, Any]) -> str:
    place = (endpoint["local_address"], endpoint["local_port"])
    is_true = place == (endpoint["address"], endpoint["port"])
    return "" if is_true else f", here {place[0]} port {place[1]}"


def _principals(lab: LocalAzure) -> Iterator[dict[str, Any]]:
    """Each principal in each of its tenants, its home first."""
    for principal in lab.seed.principals:
        for tenant, object_id in {principal.tenant: principal.object_id, **principal.also_in}.items():
            yield {
                "name": principal.name,
                "kind": principal.kind,
                "object_id": object_id,
                "app_id": principal.app_id,
                "tenant_id": lab.seed.tenant(tenant).id,
                "client_secret": principal.client_secret,
                "user_principal_name": principal.user_principal_name,
            }


def read_state(path: Path) -> Mapping[str, Any]:
    """What a state file tells.

    :raises StateError: there is none, or it cannot be read
    """
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StateError(f"no lab: {path} does not exist; start one with 'netconn lab up'") from None
    except (OSError, ValueError) as error:
        raise StateError(f"{path} cannot be read: {error}; remove it, and start a lab with 'netconn lab up'") from None
    if not isinstance(state, dict) or not {"admin_url", "admin_token", "ca_file", "pid"} <= set(state):
        raise StateError(f"{path} is no state file of a lab; name another one with --state")
    return state


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Be the one lab that this state file tells of, as long as the process lives; clear up in the end.

    What counts is a lock that ends with its process, and not the process id in the file, which may be another's by now.
    Nothing lets go of it sooner: whoever waits for it (:func:`holding`) waits for the process and its namespaces.

    :raises StateError: a living lab holds the file, or its folder cannot be written
    """
    own_lock = lock_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _locked(own_lock)
    except OSError as error:
        raise StateError(f"{own_lock} cannot be written: {error.strerror}; name another place with --state") from None
    if lock is None:
        raise StateError(f"a lab is up already at {path}; end it with 'netconn lab down', or name another --state")
    try:
        yield
    finally:
        for file in (path, ca_path(path), own_lock):
            file.unlink(missing_ok=True)


def is_held(path: Path) -> bool:
    """Whether a living lab holds the state file."""
    with holding(path) as is_alive:
        return is_alive()


@contextmanager
def holding(path: Path) -> Iterator[Callable[[], bool]]:
    """Watch the lab that holds a state file, also once it has removed its files.

    :return: a function that says whether that lab's process lives; where there is none, it never does
    """
    try:
        handle = os.open(lock_path(path), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        yield lambda: False
        return

    def is_alive() -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False

    try:
        yield is_alive
    finally:
        os.close(handle)


def write_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write the state file so that nobody but its owner reads it, and nobody sees half of it."""
    write_in_one_step(path, (json.dumps(state, indent=2) + "\n").encode(), mode=0o600)


def ca_path(path: Path) -> Path:
    """Where the certificate of the lab's authority is written: beside the state file."""
    return _beside(path, "-ca.pem")


def lock_path(path: Path) -> Path:
    """What a living lab has locked: beside the state file."""
    return _beside(path, ".lock")


def log_path(path: Path) -> Path:
    """Where a detached lab writes what it has to say: beside the state file."""
    return _beside(path, ".log")


def _locked(path: Path) -> int | None:
    """The locked file, or None where another process has it."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        try:
            if os.path.samestat(os.fstat(handle), path.stat()):
                return handle
        except FileNotFoundError:
            pass
        os.close(handle)  # its last holder removed it between our opening and locking it


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.stem}{ending}")
