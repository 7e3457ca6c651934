"""nginx, in the clear and with TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testbed.servers.base import ServerProcess

if TYPE_CHECKING:
    from testbed.endpoints.certificates import Certificate


class NginxServer(ServerProcess):
    """nginx with one host: ``/`` answers 200, ``/away`` asks a backend that is not there, ``/moved`` redirects.

    :param certificate: serve TLS with it, on :attr:`tls_port`, besides
    """

    name = "nginx"
    package = "nginx-light"
    programs = ("nginx",)

    def __init__(self, *, certificate: Certificate, host: str = "127.0.0.1") -> None:
        super().__init__(host=host)
        self.certificate = certificate
        self.tls_port = 0

    def configure(self) -> list[str]:
        """Write ``nginx.conf`` and the certificate."""
        self.tls_port = self.free_port()
        (self.folder / "chain.pem").write_bytes(self.certificate.chain_pem)
        (self.folder / "key.pem").write_bytes(self.certificate.key_pem)
        temporary = "".join(
            f"{kind}_temp_path {self.folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        config = self.folder / "nginx.conf"
        config.write_text(f"""
daemon off; worker_processes 1; pid {self.folder}/nginx.pid; error_log stderr;
events {{ worker_connections 64; }}
http {{
  access_log off; {temporary}
  server {{
    listen {self.host}:{self.port};
    listen {self.host}:{self.tls_port} ssl;
    ssl_protocols TLSv1.3; ssl_certificate {self.folder}/chain.pem; ssl_certificate_key {self.folder}/key.pem;
    location / {{ return 200 "ok"; }}
    location /moved {{ return 302 https://elsewhere.example.net/login?token=hunter2; }}
    location /away {{ proxy_pass http://{self.host}:{self.free_port()}; }}
  }}
}}
""")
        return [self.program("nginx"), "-p", str(self.folder), "-e", "stderr", "-c", str(config)]
