"""The lab's own certificate authority, made anew for each lab, and the certificates of its services."""

from __future__ import annotations

import datetime
import ssl
import tempfile
from pathlib import Path

import trustme

from airflow_provider_netconn.lab.files import write_in_one_step


class Authority:
    """An authority whose key never leaves this process: who trusts it trusts one lab, for as long as that runs.

    :param organization: whose it is, as its certificates tell
    :param unit: part of that
    """

    def __init__(self, organization: str = "netconn lab", unit: str = "local Azure, not for production") -> None:
        self._root = trustme.CA(organization_name=organization, organization_unit_name=unit)

    @property
    def certificate_pem(self) -> bytes:
        """The authority's own certificate, PEM: what a client has to trust."""
        return self._root.cert_pem.bytes()

    def write_ca_file(self, path: Path) -> Path:
        """Write the authority's certificate so that only its owner can change it, in one step.

        :param path: file to be made or replaced; its folder exists
        :return: the path
        :raises OSError: the file cannot be written
        """
        write_in_one_step(path, self.certificate_pem, mode=0o644)
        return path

    def server_context(self, *names: str, expired: bool = False) -> ssl.SSLContext:
        """A TLS context that serves a certificate for these names.

        :param names: host names, wildcards and addresses
        :param expired: whether it ended yesterday
        """
        ended = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1) if expired else None
        begun = None if ended is None else ended - datetime.timedelta(days=365)
        leaf = self._root.issue_cert(*names, not_before=begun, not_after=ended)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2  # as Resource Manager since 2025
        # The ssl module reads keys from files only; this one is its owner's alone, and gone at once.
        with tempfile.TemporaryDirectory(prefix="netconn-lab-") as folder:
            file = Path(folder) / "server.pem"
            write_in_one_step(file, leaf.private_key_and_cert_chain_pem.bytes(), mode=0o600)
            context.load_cert_chain(file)
        return context
