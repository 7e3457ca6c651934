"""Linux namespaces, as far as Python 3.11 has no functions of its own for them (``unshare(2)``, ``setns(2)``).

Nothing is pinned anywhere: a namespace lives as long as a process is in it or holds a file of it, so all of them end
with the lab, however that ends.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from airflow_provider_netconn.lab.errors import LabError

NEW_MOUNTS: Final = 0x00020000
NEW_USERS: Final = 0x10000000
NEW_PROCESSES: Final = 0x20000000
NEW_NETWORK: Final = 0x40000000

MOUNT_BIND: Final = 4096
MOUNT_PRIVATE: Final = 1 << 18 | 16384
"""``MS_PRIVATE | MS_REC``."""

_PR_SET_PDEATHSIG: Final = 1
_PR_CAP_AMBIENT: Final = 47
_PR_CAP_AMBIENT_RAISE: Final = 2
_CAPABILITY_VERSION_3: Final = 0x20080522
_DETACH: Final = 2
_SYSTEM_PATHS: Final = "/usr/sbin:/sbin:/usr/bin:/bin"

_libc: Final = ctypes.CDLL(None, use_errno=True)
T = TypeVar("T")


class IsolationError(LabError):
    """This machine, or this user's place on it, does not let the lab isolate its network."""


def _called(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")


def unshare(flags: int) -> None:
    """Put the calling thread, or for users the process, into new namespaces.

    :raises OSError: the kernel refuses
    """
    _called("unshare", flags)


def enter(file: int, kind: int) -> None:
    """Put the calling thread into a namespace.

    :param file: open file of the namespace
    :param kind: one of the ``NEW_`` constants
    :raises OSError: the kernel refuses
    """
    _called("setns", file, kind)


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount something, as ``mount(2)``.

    :raises OSError: the kernel refuses
    """
    _called("mount", source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode())


def unmount(target: str) -> None:
    """Unmount what is mounted at a path; what was bound elsewhere from there stays.

    :raises OSError: the kernel refuses
    """
    _called("umount2", target.encode(), _DETACH)


def die_with_parent(signal_number: int) -> None:
    """Have the kernel send this process a signal when the thread that made it ends."""
    _called("prctl", _PR_SET_PDEATHSIG, ctypes.c_ulong(signal_number), 0, 0, 0)


def become_alone() -> None:
    """Put this process into a network of its own, and where it is not root into a user namespace in which it may.

    Its user stays who it is, and keeps the right to its own network over ``exec``, so that programs need not be root.

    :raises IsolationError: the kernel or its settings refuse
    """
    user, group = os.geteuid(), os.getegid()
    try:
        if user == 0:
            unshare(NEW_NETWORK)
            return
        unshare(NEW_USERS | NEW_NETWORK)
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
        keep_capabilities()
    except OSError as error:
        raise IsolationError(
            f"the lab cannot isolate its network here: {error.strerror}; run it as root, or allow unprivileged user "
            "namespaces (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns=0), or without "
            "--isolated"
        ) from None


def keep_capabilities() -> None:
    """Let the programs that this process starts keep what it may do in its user namespace (``capabilities(7)``).

    :raises OSError: the kernel refuses
    """
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()
    _called("capget", header, sets)
    sets[2], sets[5] = sets[1], sets[4]  # inheritable are all that are permitted
    _called("capset", header, sets)
    permitted = sets[1] | sets[4] << 32
    for capability in range(permitted.bit_length()):
        if permitted >> capability & 1:
            _called("prctl", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, ctypes.c_ulong(capability), 0, 0)


def new_network() -> int:
    """:return: the open file of a new network namespace, which lives until that is closed

    :raises OSError: the kernel refuses
    """

    def work() -> int:
        unshare(NEW_NETWORK)
        return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    return _in_thread(work)


def in_network(file: int, work: Callable[[], T]) -> T:
    """Do something in another network namespace: sockets that are made there stay there, programs run there.

    :raises Exception: whatever the work raises
    """

    def enter_and_work() -> T:
        enter(file, NEW_NETWORK)
        return work()

    return _in_thread(enter_and_work)


def _in_thread(work: Callable[[], T]) -> T:
    """Only a thread changes its network; one that did is thrown away."""
    given: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            given.append(work())
        except BaseException as error:  # noqa: BLE001 - raised where it was asked for
            raised.append(error)

    thread = threading.Thread(target=run, name="netconn-namespace")
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
    return given[0]


def run_tool(command: Sequence[str], text: str = "") -> str:
    """Run ``ip``, ``nft`` or ``tc`` in the calling thread's network.

    :param text: what it reads
    :return: what it wrote
    :raises IsolationError: it is not installed, or refuses
    """
    path = f"{os.environ.get('PATH', '')}:{_SYSTEM_PATHS}"
    try:
        ran = subprocess.run(  # noqa: S603 - our own words
            command, input=text, capture_output=True, text=True, env={**os.environ, "PATH": path}, check=False
        )
    except FileNotFoundError:
        package = {"ip": "iproute2", "tc": "iproute2", "nft": "nftables"}.get(command[0], command[0])
        raise IsolationError(f"{command[0]} is not installed (Debian: {package}); the isolated lab needs it") from None
    if ran.returncode != 0:
        raise IsolationError(f"{' '.join(command)}: {ran.stderr.strip()[:500]}")
    return ran.stdout


def write_setting(name: str, value: str) -> None:
    """Set a sysctl of the calling thread's network.

    :param name: below ``/proc/sys/net``, such as ``ipv4/ip_forward``
    :raises IsolationError: it cannot be written
    """
    file = Path("/proc/sys/net") / name
    try:
        if file.read_text(encoding="ascii").strip() != value:
            file.write_text(value, encoding="ascii")
    except OSError as error:
        raise IsolationError(
            f"{file} cannot be set in the lab's own network: {error.strerror}; in a container, give it a /proc/sys "
            "that can be written, or run the lab without --isolated"
        ) from None
