"""PostgreSQL, in the clear and with TLS."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from testbed.servers.base import ServerProcess

if TYPE_CHECKING:
    from testbed.endpoints.certificates import Certificate

_DEBIAN_FOLDERS = "/usr/lib/postgresql/*/bin"
TRUST_NOBODY = "host all all all scram-sha-256"


class PostgresServer(ServerProcess):
    """A cluster of its own, made by initdb.

    :param access: the lines of ``pg_hba.conf``
    :param settings: more lines of ``postgresql.conf``
    :param certificate: offer TLS with it
    """

    name = "postgres"
    package = "postgresql"
    programs = ("initdb", "postgres")
    # It refuses to run as root.
    user = "nobody"
    start_limit_s = 60.0

    def __init__(
        self,
        *,
        access: str = TRUST_NOBODY,
        settings: tuple[str, ...] = (),
        certificate: Certificate | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        super().__init__(host=host)
        self.access = access
        self.settings = settings
        self.certificate = certificate

    @classmethod
    def missing(cls) -> str | None:
        """Why this machine cannot run it; None where it can."""
        try:
            for program in cls.programs:
                cls.program(program)
        except FileNotFoundError as error:
            return str(error)
        return None

    @classmethod
    def program(cls, name: str) -> str:
        """The absolute path of a program; Debian has a folder for each version of the server, on nobody's PATH."""
        newest = sorted(Path("/").glob(f"{_DEBIAN_FOLDERS[1:]}/{name}"), key=lambda path: path.parts[-3].zfill(3))
        return str(newest[-1]) if newest else super().program(name)

    def configure(self) -> list[str]:
        """Make the cluster; write ``postgresql.conf`` and ``pg_hba.conf``."""
        data = self.folder / "data"
        self._give_to_user()
        make = [self.program("initdb"), f"--pgdata={data}", "--username=postgres", "--no-sync", "--no-locale"]
        subprocess.run(
            [*self._as_user(), *make, "--encoding=UTF8", "--auth=trust"],
            check=True,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
        lines = [
            f"port = {self.port}",
            f"listen_addresses = '{self.host}'",
            f"unix_socket_directories = '{self.folder}'",
        ]
        lines += ["fsync = off", "shared_buffers = 16MB", "log_connections = on"]
        if self.certificate is not None:
            (data / "chain.pem").write_bytes(self.certificate.chain_pem)
            (data / "key.pem").touch(mode=0o600)
            (data / "key.pem").write_bytes(self.certificate.key_pem)
            lines += ["ssl = on", "ssl_cert_file = 'chain.pem'", "ssl_key_file = 'key.pem'"]
        with (data / "postgresql.conf").open("a") as config:
            config.write("\n".join([*lines, *self.settings, ""]))
        (data / "pg_hba.conf").write_text(f"local all all trust\n{self.access}\n")
        return [self.program("postgres"), "-D", str(data)]

    def is_ready(self) -> bool:
        """Whether it serves: it says so in its log, and not by a connection, which would count."""
        return "database system is ready to accept connections" in self.log()

    def query(self, sql: str) -> str:
        """Run SQL as the superuser on the local socket; give the output without decoration."""
        psql = shutil.which("psql") or self.program("psql")
        command = [psql, "-X", "-A", "-t", "-h", str(self.folder), "-p", str(self.port), "-U", "postgres", "-c", sql]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=10).stdout.strip()
