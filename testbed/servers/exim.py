"""Exim, a mail server with STARTTLS; it takes no mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testbed.servers.base import ServerProcess

if TYPE_CHECKING:
    from testbed.endpoints.certificates import Certificate


class EximServer(ServerProcess):
    """exim4 in the foreground, with its spool in its own folder.

    :param settings: more lines of the main section of its configuration
    :param certificate: offer STARTTLS with it, and serve TLS from the first byte on :attr:`tls_port`; None offers none
    """

    name = "exim4"
    package = "exim4-daemon-light"
    programs = ("exim4",)
    user = "Debian-exim"

    def __init__(self, *settings: str, certificate: Certificate | None = None, host: str = "127.0.0.1") -> None:
        super().__init__(host=host)
        self.settings = settings
        self.certificate = certificate
        self.tls_port = 0

    def configure(self) -> list[str]:
        """Write the configuration file; only its main section has something in it."""
        lines = [
            "primary_hostname = mail.example.net",
            f"spool_directory = {self.folder / 'spool'}",
            f"log_file_path = {self.folder / '%s.log'}",
            f"pid_file_path = {self.folder / 'pid'}",
            "host_lookup =",
            "rfc1413_query_timeout = 0s",
            "keep_environment =",
        ]
        ports = [self.port]
        if self.certificate is not None:
            self.tls_port = self.free_port()
            ports.append(self.tls_port)
            (self.folder / "chain.pem").write_bytes(self.certificate.chain_pem)
            (self.folder / "key.pem").write_bytes(self.certificate.key_pem)
            lines += ["tls_advertise_hosts = *", f"tls_on_connect_ports = {self.tls_port}"]
            lines += [f"tls_certificate = {self.folder / 'chain.pem'}", f"tls_privatekey = {self.folder / 'key.pem'}"]
        else:
            lines += ["tls_advertise_hosts ="]
        listeners = " ; ".join(f"{self.host}.{port}" for port in ports)
        lines += [f"local_interfaces = <; {listeners}", *self.settings]
        config = self.folder / "exim.conf"
        config.write_text("\n".join([*lines, ""]))
        return [self.program("exim4"), "-bdf", "-C", str(config)]

    def main_log(self) -> str:
        """What it has logged of the conversations so far."""
        return (self.folder / "main.log").read_text(encoding="utf-8", errors="replace")
