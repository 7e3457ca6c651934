"""SecantusDB: a document database on WiredTiger that speaks MongoDB's wire protocol, from its PyPI package."""

from __future__ import annotations

import shutil
import sysconfig
from typing import TYPE_CHECKING

from testbed.servers.base import ServerProcess

if TYPE_CHECKING:
    from testbed.endpoints.certificates import Certificate

_PROGRAM = "secantusd-py"


class SecantusServer(ServerProcess):
    """A server without persistence, in the clear or with TLS alone.

    :param certificate: serve TLS with it, and nothing else
    :param replica_set: say hello as the one member of a replica set
    """

    name = "secantus"
    package = "SecantusDB of PyPI"
    programs = (_PROGRAM,)

    def __init__(
        self, *, certificate: Certificate | None = None, replica_set: bool = False, host: str = "127.0.0.1"
    ) -> None:
        super().__init__(host=host)
        self.certificate = certificate
        self.replica_set = replica_set

    @classmethod
    def missing(cls) -> str | None:
        """Why this environment cannot run it; None where it can."""
        return None if cls._found() else "SecantusDB not installed (PyPI: SecantusDB)"

    @classmethod
    def program(cls, name: str) -> str:
        """The absolute path of a program of this environment."""
        return cls._found() or super().program(name)

    def configure(self) -> list[str]:
        """The options stand in the command."""
        command = [self.program(_PROGRAM), "--host", self.host, "--port", str(self.port)]
        command += ["--storage-path", str(self.folder / "data"), "--cache-size", "64M"]
        if not self.replica_set:
            command.append("--standalone")
        if self.certificate is not None:
            chain, key = self.folder / "chain.pem", self.folder / "key.pem"
            chain.write_bytes(self.certificate.chain_pem)
            key.write_bytes(self.certificate.key_pem)
            command += ["--tls-cert-file", str(chain), "--tls-key-file", str(key)]
        return command

    @staticmethod
    def _found() -> str | None:
        return shutil.which(_PROGRAM, path=sysconfig.get_path("scripts"))
