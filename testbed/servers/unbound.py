"""Unbound, a resolver with zones of its own."""

from __future__ import annotations

import dns.message
import dns.query

from testbed.servers.base import ServerProcess


class UnboundServer(ServerProcess):
    """Unbound that asks nobody: it answers from its local zones, and refuses what is said to be refused.

    :param zones: more lines of the ``server`` clause: ``local-zone``, ``local-data``
    """

    name = "unbound"
    package = "unbound"
    programs = ("unbound",)

    def __init__(self, *zones: str, host: str = "127.0.0.1") -> None:
        super().__init__(host=host)
        self.zones = zones

    @property
    def nameserver(self) -> str:
        """``IP:PORT``."""
        return f"{self.host}:{self.port}"

    def configure(self) -> list[str]:
        """Write ``unbound.conf``."""
        config = self.folder / "unbound.conf"
        lines = [
            "server:",
            f"interface: {self.host}",
            f"port: {self.port}",
            f"directory: {self.folder}",
            f"pidfile: {self.folder}/unbound.pid",
            'username: ""',
            'chroot: ""',
            "do-daemonize: no",
            "use-syslog: no",
            "module-config: iterator",
            f"access-control: {self.host}/32 allow",
            *self.zones,
            "",
        ]
        config.write_text("\n".join(lines))
        return [self.program("unbound"), "-d", "-c", str(config)]

    def is_ready(self) -> bool:
        """Whether it answers a question over UDP."""
        try:
            dns.query.udp(dns.message.make_query("localhost", "A"), self.host, port=self.port, timeout=0.5)
        except (TimeoutError, OSError, dns.exception.DNSException):
            return False
        return True
