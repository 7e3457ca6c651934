"""MariaDB, in the clear and with TLS."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from testbed.servers.base import ServerProcess

if TYPE_CHECKING:
    from testbed.endpoints.certificates import Certificate

_SMALL = ("--innodb-log-file-size=4M", "--innodb-flush-method=nosync", "--innodb-buffer-pool-size=8M")


class MariaDbServer(ServerProcess):
    """A server of its own, made by mariadb-install-db; ``root`` has no password.

    :param settings: more options of mariadbd
    :param certificate: offer TLS with it
    :param hosts: lines that ``/etc/hosts`` has for this server alone, which needs root
    """

    name = "mariadbd"
    package = "mariadb-server"
    programs = ("mariadbd", "mariadb-install-db", "mariadb", "unshare")
    user = "nobody"
    start_limit_s = 60.0

    def __init__(
        self,
        *settings: str,
        certificate: Certificate | None = None,
        hosts: str = "",
        host: str = "127.0.0.1",
    ) -> None:
        super().__init__(host=host)
        self.settings = settings
        self.certificate = certificate
        self.hosts = hosts

    def configure(self) -> list[str]:
        """Make the data folder; the options stand in the command."""
        data = self.folder / "data"
        data.mkdir()
        self._give_to_user()
        make = [self.program("mariadb-install-db"), "--no-defaults", f"--datadir={data}", *_SMALL]
        make += ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
        subprocess.run(
            [*super()._as_user(), *make], check=True, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True
        )
        command = [self.program("mariadbd"), "--no-defaults", f"--datadir={data}", *_SMALL]
        command += [f"--port={self.port}", f"--bind-address={self.host}", f"--socket={self.folder}/socket"]
        command += [f"--pid-file={self.folder}/pid", "--performance-schema=ON", *self.settings]
        if self.certificate is not None:
            (self.folder / "chain.pem").write_bytes(self.certificate.chain_pem)
            (self.folder / "key.pem").write_bytes(self.certificate.key_pem)
            command += [f"--ssl-cert={self.folder}/chain.pem", f"--ssl-key={self.folder}/key.pem"]
        return command

    def is_ready(self) -> bool:
        """Whether it serves: it says so in its log, and not by a connection, which would count."""
        return "ready for connections" in self.log()

    def query(self, sql: str) -> str:
        """Run SQL as the superuser on the local socket; give the rows, with tabs between columns."""
        command = [self.program("mariadb"), "--no-defaults", f"--socket={self.folder}/socket", "--user=root"]
        command += ["--batch", "--skip-column-names", "--execute", sql]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout.strip()

    def _as_user(self) -> list[str]:
        account = super()._as_user()
        if not self.hosts:
            return account
        own = self.folder / "hosts"
        own.write_text(self.hosts)
        own_mounts = [self.program("unshare"), "--mount", "--propagation", "private", "--"]
        return [*own_mounts, "sh", "-euc", 'mount --bind "$0" /etc/hosts; exec "$@"', str(own), *account]
