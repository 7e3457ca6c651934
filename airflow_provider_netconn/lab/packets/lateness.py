"""Packets that are late: a device of each machine that is held up, whose other end is this process.

Linux can delay packets by itself (netem), but not every kernel has that, and it knows no destinations. So nftables
marks what is to be late, routing sends it to a TUN device, and it is written back there when its time has come.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import ipaddress
import os
import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from airflow_provider_netconn.lab.packets.namespaces import IsolationError, run_tool

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.packets.machines import Machine
    from airflow_provider_netconn.lab.packets.packet_faults import Delay

DEVICE_FILE: Final = "/dev/net/tun"
_SET_DEVICE: Final = 0x400454CA
_LAYER_3_WITHOUT_HEADER: Final = 0x0001 | 0x1000
_LONGEST: Final = 65_535
_MOST_WAITING: Final = 10_000
"""Packets of a machine that are held up at once; more are lost, as from a full queue."""


def require_device_file() -> None:
    """Look whether packets can be late at all, for whoever is to promise it.

    :raises IsolationError: this computer, or this user, has no TUN devices
    """
    os.close(_open_device_file())


def _open_device_file() -> int:
    try:
        return os.open(DEVICE_FILE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise IsolationError(
            f"packets cannot be delayed here: {DEVICE_FILE}: {error.strerror}; have it be there, for this user to write"
        ) from None


class LateDevice:
    """The way that a machine's late packets take.

    :param machine: the machine as it is when its packets come back: see :attr:`.Machine.is_late`
    :raises IsolationError: this computer has no TUN devices
    """

    def __init__(self, machine: Machine) -> None:
        self.delays: tuple[Delay, ...] = ()
        self._waiting = 0
        self._loop = asyncio.get_running_loop()
        self._file = _open_device_file()
        try:
            fcntl.ioctl(
                self._file, _SET_DEVICE, struct.pack("16sH22x", machine.device.encode(), _LAYER_3_WITHOUT_HEADER)
            )
            number = machine.mark
            run_tool(
                ["ip", "-batch", "-"],
                f"link set {machine.device} up\n"
                f"route add default dev {machine.device} table {number}\n"
                f"rule add fwmark {number} lookup {number}\n",
            )
        except OSError as error:
            os.close(self._file)
            raise IsolationError(f"packets cannot be delayed here: {error.strerror}") from None
        except BaseException:
            os.close(self._file)
            raise
        self._loop.add_reader(self._file, self._hold_up)

    def close(self) -> None:
        """End the device; what is held up is lost."""
        self._loop.remove_reader(self._file)
        os.close(self._file)
        self._file = -1

    def _hold_up(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                packet = os.read(self._file, _LONGEST)
                if self._waiting < _MOST_WAITING:
                    self._waiting += 1
                    self._loop.call_later(delay_of(packet, self.delays), self._let_go, packet)

    def _let_go(self, packet: bytes) -> None:
        self._waiting -= 1
        if self._file >= 0:
            with contextlib.suppress(OSError):  # a full queue loses it
                os.write(self._file, packet)


def delay_of(packet: bytes, delays: Iterable[Delay]) -> float:
    """:return: how long a packet is held up, in seconds: the first that is about it says so

    :param packet: IPv4 from its header on
    """
    destination = ipaddress.IPv4Address(packet[16:20])
    header = 4 * (packet[0] & 0x0F)
    has_ports = packet[9] in {6, 17} and len(packet) >= header + 4
    port = int.from_bytes(packet[header + 2 : header + 4]) if has_ports else 0
    for one in delays:
        block = one.block
        if (not block.prefix or destination in ipaddress.ip_network(block.prefix)) and block.port in {0, port}:
            return one.seconds
    return 0.0
