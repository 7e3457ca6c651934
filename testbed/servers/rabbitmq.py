"""RabbitMQ as one node, with an Erlang port mapper of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testbed.servers.base import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testbed.endpoints.certificates import Certificate

_PROGRAM = "/usr/lib/rabbitmq/bin/rabbitmq-server"
"""Debian's wrapper on the PATH would take the system's folders and account."""


class RabbitMqServer(ServerProcess):
    """rabbitmq-server; AMQP 0-9-1 always, AMQP 1.0 by its plugin.

    :param plugins: plugins to enable, such as ``rabbitmq_amqp1_0``
    :param certificate: serve TLS with it, on :attr:`tls_port`, besides
    """

    name = "rabbitmq-server"
    package = "rabbitmq-server"
    programs = (_PROGRAM, "epmd")
    start_limit_s = 60.0

    def __init__(self, *plugins: str, certificate: Certificate | None = None, host: str = "127.0.0.1") -> None:
        super().__init__(host=host)
        self.plugins = plugins
        self.certificate = certificate
        self.tls_port = 0
        self._map_port = 0
        self._node_port = 0

    def configure(self) -> list[str]:
        """Write ``rabbitmq.conf`` and the list of plugins."""
        self._map_port, self._node_port = self.free_port(), self.free_port()
        lines = [f"listeners.tcp.1 = {self.host}:{self.port}", "log.console.level = info", "log.file = false"]
        if self.certificate is not None:
            self.tls_port = self.free_port()
            (self.folder / "chain.pem").write_bytes(self.certificate.chain_pem)
            (self.folder / "key.pem").write_bytes(self.certificate.key_pem)
            lines += [f"listeners.ssl.1 = {self.host}:{self.tls_port}"]
            lines += [f"ssl_options.certfile = {self.folder / 'chain.pem'}"]
            lines += [f"ssl_options.keyfile = {self.folder / 'key.pem'}"]
        (self.folder / "rabbitmq.conf").write_text("\n".join([*lines, ""]))
        (self.folder / "plugins").write_text(f"[{','.join(self.plugins)}].\n")
        (self.folder / "environment.conf").write_text("")
        return [self.program(_PROGRAM)]

    def environment(self) -> Mapping[str, str]:
        """Everything in its own folder, and nothing listens beyond loopback."""
        return {
            "RABBITMQ_NODENAME": f"testbed{self.port}@localhost",
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "environment.conf"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "logs"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_DIST_PORT": str(self._node_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_PORT": str(self._map_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def is_ready(self) -> bool:
        """It accepts connections before all listeners and plugins are up; it says when they are."""
        return "Server startup complete" in self.log() and super().is_ready()
