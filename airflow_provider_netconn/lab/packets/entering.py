"""Programs inside the isolated lab: they see a machine's network, the lab's DNS, and otherwise this computer.

The calling process joins the machine's network itself, and has a first process started in namespaces of its own for
processes and mounts; that starts the program. So all of them end together: with the program, with the caller, and with
the lab, whichever ends first and however. ``/etc/resolv.conf`` and the like are covered in that mount namespace alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from airflow_provider_netconn.lab.packets.namespaces import (
    MOUNT_BIND,
    MOUNT_PRIVATE,
    NEW_MOUNTS,
    NEW_NETWORK,
    NEW_PROCESSES,
    NEW_USERS,
    IsolationError,
    die_with_parent,
    enter,
    keep_capabilities,
    mount,
    unmount,
    unshare,
)
from airflow_provider_netconn.lab.packets.places import RESOLVER_ADDRESS
from airflow_provider_netconn.lab.packets.publishing import Publishing

LAB_ENDED: Final = 125
"""Exit status where the lab ended before the program did, or did not let it in."""

CANNOT_RUN, NOT_FOUND = 126, 127
"""Exit status of a program that cannot be run, or is not there; as a shell's."""

FILES: Final = {
    "/etc/resolv.conf": f"nameserver {RESOLVER_ADDRESS}\noptions timeout:5 attempts:2\n",
    "/etc/hosts": "127.0.0.1 localhost\n::1 localhost ip6-localhost\n",
    "/etc/nsswitch.conf": (
        "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\nprotocols: files\n"
        "services: files\nethers: files\nrpc: files\n"
    ),
}
"""What programs read instead of this computer's own, so that names are asked for nowhere but in the lab."""

_CACHES: Final = ("/run/nscd", "/var/run/nscd", "/run/systemd/resolve")
"""Where services of this computer would answer names."""

_FORWARDED: Final = (signal.SIGTERM, signal.SIGHUP)


def run_inside(
    machine: Mapping[str, Any], command: Sequence[str], environment: Mapping[str, str], publishing: Publishing
) -> int:
    """Run a program on a machine of the lab and wait for its end. The calling process, which must have but one thread,
    stays in the machine's network.

    :param machine: as :meth:`.isolation.Isolation.machine` tells it
    :param environment: all of the program's
    :param publishing: forwards ports as long as the program runs
    :return: its exit status; 128 and the signal's number where one ended it
    :raises IsolationError: the lab's namespaces cannot be entered
    """
    try:
        lab = os.pidfd_open(machine["pid"])
        _join(machine)
    except OSError as error:
        raise IsolationError(
            f"the lab cannot be entered: {error.strerror}; run this as the user whose lab it is"
        ) from None
    first = _start_first(command, environment)
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)  # the terminal tells the program itself
    if not asyncio.run(_accompany(lab, first, publishing)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(first, signal.SIGKILL)
        os.waitpid(first, 0)
        sys.stderr.write("netconn lab: the lab has ended, and the program with it\n")
        return LAB_ENDED
    code = os.waitstatus_to_exitcode(os.waitpid(first, 0)[1])
    return code if code >= 0 else 128 - code


def _join(machine: Mapping[str, Any]) -> None:
    lab = Path("/proc") / str(machine["pid"])
    network = os.open(lab / "fd" / str(machine["network"]), os.O_RDONLY | os.O_CLOEXEC)
    users = os.open(lab / "ns" / "user", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if not os.path.samestat(os.fstat(users), Path("/proc/self/ns/user").stat()):
            enter(users, NEW_USERS)
            keep_capabilities()
        enter(network, NEW_NETWORK)
        unshare(NEW_PROCESSES)  # of children; the first one is their init
    finally:
        os.close(network)
        os.close(users)


def _start_first(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Fork the first process of the program's namespaces.

    :return: its number
    """
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    number = os.fork()
    if number:
        return number
    status = LAB_ENDED
    try:
        die_with_parent(signal.SIGKILL)
        if Path("/proc/self/stat").read_text(encoding="ascii").split()[3] not in {str(parent), "0"}:
            os._exit(status)  # it died before the kernel was told
        _cover_files()
        status = _be_first(command, environment)
    except Exception as error:  # noqa: BLE001 - this process must not return into its caller's
        sys.stderr.write(f"netconn lab: {error}\n")
    finally:
        os._exit(status)


def _cover_files() -> None:
    """Cover files of this computer that say how names are looked up, in a mount namespace of our own."""
    unshare(NEW_MOUNTS)
    mount("none", "/", flags=MOUNT_PRIVATE)
    with contextlib.suppress(OSError):  # a container may not; its processes' numbers are the outer ones then
        mount("proc", "/proc", "proc")
    # What is bound stays where it is bound when the place that it comes from is uncovered again.
    mount("tmpfs", "/tmp", "tmpfs", options="size=1m,mode=0755")  # noqa: S108 - ours, for a moment
    try:
        for name, text in FILES.items():
            target = os.path.realpath(name)
            if not os.path.exists(target):  # noqa: PTH110
                if name == "/etc/resolv.conf":
                    raise IsolationError(f"there is no {target} to cover; the lab makes no files there")
                continue
            own = Path("/tmp") / Path(name).name  # noqa: S108
            own.write_text(text, encoding="ascii")
            own.chmod(0o644)
            mount(str(own), target, flags=MOUNT_BIND)
        empty = Path("/tmp/empty")  # noqa: S108
        empty.mkdir()
        for folder in {os.path.realpath(one) for one in _CACHES if Path(one).is_dir()}:
            if not os.path.realpath("/etc/resolv.conf").startswith(f"{folder}/"):
                mount(str(empty), folder, flags=MOUNT_BIND)
    finally:
        unmount("/tmp")  # noqa: S108


def _be_first(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Start the program, bury whoever dies, and end with the program; the kernel then ends all that are left."""
    program = os.fork()
    if program == 0:
        _become(command, environment)

    def pass_on(received: int, _frame: object) -> None:
        with contextlib.suppress(ProcessLookupError):  # it has just ended, and we are about to
            os.kill(program, received)

    for forwarded in _FORWARDED:
        signal.signal(forwarded, pass_on)
    while True:
        dead, status = os.wait()
        if dead == program:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _become(command: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    status = CANNOT_RUN
    try:
        for number in (signal.SIGINT, signal.SIGPIPE):  # Python's own are none of the program's
            signal.signal(number, signal.SIG_DFL)
        os.execvpe(command[0], list(command), dict(environment))  # noqa: S606 - the caller's own words
    except OSError as error:
        status = NOT_FOUND if isinstance(error, FileNotFoundError) else CANNOT_RUN
        sys.stderr.write(f"netconn lab: {command[0]}: {error.strerror}\n")
    finally:
        os._exit(status)


async def _accompany(lab: int, first: int, publishing: Publishing) -> bool:
    """Forward ports and signals until the program or the lab ends.

    :return: whether the program ended by itself
    """
    loop = asyncio.get_running_loop()
    program = os.pidfd_open(first)
    ended: asyncio.Future[bool] = loop.create_future()

    def end(by_itself: bool) -> None:
        if not ended.done():
            ended.set_result(by_itself)

    loop.add_reader(program, end, True)
    loop.add_reader(lab, end, False)
    for number in _FORWARDED:
        loop.add_signal_handler(number, os.kill, first, number)
    await publishing.start()
    try:
        return await ended
    finally:
        loop.remove_reader(program)
        loop.remove_reader(lab)
        publishing.close()
