"""OpenSSH's server."""

from __future__ import annotations

import subprocess

from testbed.servers.base import ServerProcess


class SshServer(ServerProcess):
    """sshd with a host key of its own, that nobody can log in to.

    :param settings: more lines of ``sshd_config``
    """

    name = "sshd"
    package = "openssh-server"
    programs = ("sshd", "ssh-keygen")
    # As root it would want /run/sshd, which belongs to the system's own instance.
    user = "nobody"

    def __init__(self, *settings: str, host: str = "127.0.0.1") -> None:
        super().__init__(host=host)
        self.settings = settings

    def configure(self) -> list[str]:
        """Write ``sshd_config`` and a host key."""
        key, config = self.folder / "host_key", self.folder / "sshd_config"
        command = [self.program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)
        lines = [f"Port {self.port}", f"ListenAddress {self.host}", f"HostKey {key}", "UsePAM no", "PidFile none"]
        config.write_text("\n".join([*lines, *self.settings, ""]))
        return [self.program("sshd"), "-D", "-e", "-f", str(config)]
