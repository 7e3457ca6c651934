"""PgBouncer, which stands in front of many a PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testbed.servers.base import ServerProcess

if TYPE_CHECKING:
    from testbed.endpoints.certificates import Certificate


class PgBouncerServer(ServerProcess):
    """PgBouncer in front of that server, for no user at all.

    :param to: host and port of the server behind it
    :param certificate: offer TLS with it
    """

    name = "pgbouncer"
    package = "pgbouncer"
    programs = ("pgbouncer",)
    # It refuses to run as root.
    user = "nobody"

    def __init__(self, to: tuple[str, int], *, certificate: Certificate | None = None, host: str = "127.0.0.1") -> None:
        super().__init__(host=host)
        self.to = to
        self.certificate = certificate

    def configure(self) -> list[str]:
        """Write ``pgbouncer.ini``."""
        host, port = self.to
        lines = ["[databases]", f"* = host={host} port={port}", "[pgbouncer]", "unix_socket_dir ="]
        lines += [f"listen_addr = {self.host}", f"listen_port = {self.port}", "auth_type = scram-sha-256"]
        lines += [f"auth_file = {self.folder}/users"]
        (self.folder / "users").touch()
        if self.certificate is not None:
            chain, key = self.folder / "chain.pem", self.folder / "key.pem"
            chain.write_bytes(self.certificate.chain_pem)
            key.write_bytes(self.certificate.key_pem)
            lines += ["client_tls_sslmode = allow", f"client_tls_cert_file = {chain}", f"client_tls_key_file = {key}"]
        config = self.folder / "pgbouncer.ini"
        config.write_text("\n".join([*lines, ""]))
        return [self.program("pgbouncer"), str(config)]
