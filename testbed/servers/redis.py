"""Redis, in the clear and with TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testbed.servers.base import ServerProcess

if TYPE_CHECKING:
    from testbed.endpoints.certificates import Certificate


class RedisServer(ServerProcess):
    """redis-server without persistence.

    :param settings: more lines of ``redis.conf``
    :param certificate: serve TLS with it, on :attr:`tls_port`, besides
    """

    name = "redis-server"
    package = "redis-server"
    programs = ("redis-server",)

    def __init__(self, *settings: str, certificate: Certificate | None = None, host: str = "127.0.0.1") -> None:
        super().__init__(host=host)
        self.settings = settings
        self.certificate = certificate
        self.tls_port = 0

    def configure(self) -> list[str]:
        """Write ``redis.conf``."""
        lines = [f"port {self.port}", f"bind {self.host}", f"dir {self.folder}", 'save ""', "daemonize no"]
        if self.certificate is not None:
            self.tls_port = self.free_port()
            (self.folder / "chain.pem").write_bytes(self.certificate.chain_pem)
            (self.folder / "key.pem").write_bytes(self.certificate.key_pem)
            lines += [f"tls-port {self.tls_port}", "tls-cert-file chain.pem", "tls-key-file key.pem"]
            lines += ["tls-auth-clients no"]
        config = self.folder / "redis.conf"
        config.write_text("\n".join([*lines, *self.settings, ""]))
        return [self.program("redis-server"), str(config)]
