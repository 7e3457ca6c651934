"""How targets are to be probed: the options that the CLI, the operator, the sensors and the YAML file share."""

from __future__ import annotations

import ipaddress
import re
import sys
from dataclasses import dataclass

from airflow_provider_netconn.errors import InvalidOptionError
from airflow_provider_netconn.evidence import MAX_PORT, Stage, is_address

MAX_RETRIES = 10
_NAMESERVER = re.compile(r"\[(?P<v6>[^\]]+)\](?::(?P<v6port>[0-9]{1,5}))?|(?P<v4>[0-9.]+)(?::(?P<v4port>[0-9]{1,5}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """How a check is to be run.

    :param nameserver: resolve through this server, ``IP``, ``IP:PORT`` or ``[IPV6]:PORT``, instead of the system's
    :param ca_files: PEM files of further certificate authorities to trust
    :param timeout_s: limit of each stage of each target, in seconds
    :param deadline_s: limit of all stages of one target together, retries included, in seconds
    :param retries: how many times a stage that met a passing failure is tried again
    :param concurrency: how many targets are probed at the same time
    :param use_proxy: whether HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the environment count, as for a real client
    :param last_stage: stop after this stage; None runs all
    """

    nameserver: str | None = None
    ca_files: tuple[str, ...] = ()
    timeout_s: float = 5.0
    deadline_s: float = 30.0
    retries: int = 1
    concurrency: int = 1000
    use_proxy: bool = True
    last_stage: Stage | None = None

    def __post_init__(self) -> None:
        if self.nameserver is not None:
            parse_nameserver(self.nameserver)
        for name in ("timeout_s", "deadline_s"):
            value = getattr(self, name)
            # An int may be too large to add to a time.
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= sys.float_info.max:
                raise InvalidOptionError(name, f"{value!r} is no time limit", "write seconds above 0, such as 5")
        if isinstance(self.retries, bool) or not isinstance(self.retries, int) or not 0 <= self.retries <= MAX_RETRIES:
            raise InvalidOptionError(
                "retries", f"{self.retries!r} is no number of retries", f"write 0 to {MAX_RETRIES}"
            )
        if isinstance(self.concurrency, bool) or not isinstance(self.concurrency, int) or self.concurrency < 1:
            raise InvalidOptionError("concurrency", f"{self.concurrency!r} is no number", "write a number from 1 up")


def parse_nameserver(text: str, field: str = "nameserver") -> tuple[str, int]:
    """Address and port of ``IP``, ``IP:PORT``, ``IPV6`` or ``[IPV6]:PORT``; the port is 53 by default.

    :raises InvalidOptionError: naming the field
    """
    remedy = "write an address such as 10.0.0.10, 10.0.0.10:53 or [fd00::10]:53"
    if is_address(text):
        return str(ipaddress.ip_address(text)), 53
    found = _NAMESERVER.fullmatch(text)
    if found is None:
        raise InvalidOptionError(field, f"{text!r} is no nameserver", remedy)
    address, port = found["v6"] or found["v4"], int(found["v6port"] or found["v4port"] or 53)
    if not is_address(address):
        raise InvalidOptionError(field, f"{address!r} is no address", remedy)
    if not 1 <= port <= MAX_PORT:
        raise InvalidOptionError(field, f"port {port} is no port", remedy)
    return str(ipaddress.ip_address(address)), port
