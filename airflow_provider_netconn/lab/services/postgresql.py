"""Servers of PostgreSQL on the wire: TLS as the protocol begins it, the firewall, and a real server where it is there.

PostgreSQL's documentation, "Frontend/Backend Protocol" (SSLRequest, StartupMessage, ErrorResponse); Microsoft Learn,
"Networking overview for Azure Database for PostgreSQL" and its connection errors (``no pg_hba.conf entry for host``).
"""

from __future__ import annotations

import asyncio
import os
import pwd
import re
import shutil
import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from airflow_provider_netconn.lab.resources.firewall_rules import Wire
from airflow_provider_netconn.lab.services.processes import Program, ProgramError, find_program, run_to_end
from airflow_provider_netconn.lab.services.relay import relay

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.store import Resource
    from airflow_provider_netconn.lab.services.backends import Backends
    from airflow_provider_netconn.lab.services.values import Call, Stream

SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST, PROTOCOL_3 = 80877103, 80877104, 80877102, 196608
LONGEST_STARTUP: Final = 10_000
START_LIMIT_S: Final = 60.0
_PORT: Final = 5432
_READY: Final = "database system is ready to accept connections"
_FOLDERS: Final = "usr/lib/postgresql/*/bin"
"""Below the root: Debian has a folder for each version, on nobody's PATH."""
_UNPRIVILEGED: Final = "nobody"
"""Who runs it where we are root, as whom it refuses to run."""


class PostgreSqlServer:
    """A server with a cluster of its own, which listens on a socket in its folder alone."""

    def __init__(self, folder: Path, program: Program) -> None:
        self._folder = folder
        self._program = program

    @classmethod
    async def start(cls, resource: Resource) -> PostgreSqlServer:
        """Make a cluster with the server's administrator, and start it.

        :raises ProgramError: there is none on this machine, or it does not start
        """
        initdb, postgres = _program("initdb"), _program("postgres")
        folder = Path(tempfile.mkdtemp(prefix="netconn-lab-postgresql-"))
        try:
            program = await cls._start(resource, folder, initdb, postgres)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return cls(folder, program)

    @classmethod
    async def _start(cls, resource: Resource, folder: Path, initdb: str, postgres: str) -> Program:
        data = folder / "data"
        as_user = _as_user(folder)
        make = [initdb, f"--pgdata={data}", "--username=azuresu", "--no-sync", "--no-locale", "--encoding=UTF8"]
        await run_to_end([*as_user, *make, "--auth=trust"], folder=folder, limit_s=START_LIMIT_S)
        settings = ["listen_addresses = ''", f"unix_socket_directories = '{folder}'", "fsync = off"]
        with (data / "postgresql.conf").open("a") as file:
            file.write("\n".join([*settings, "shared_buffers = 16MB", ""]))
        (data / "pg_hba.conf").write_text("local all azuresu trust\nlocal all all scram-sha-256\n")
        await run_to_end(
            [*as_user, postgres, "--single", "-D", str(data), "postgres"],
            folder=folder,
            limit_s=START_LIMIT_S,
            said=_administrator(resource),
        )
        program = await Program.start("postgres", [*as_user, postgres, "-D", str(data)], folder=folder)
        async with asyncio.timeout(START_LIMIT_S):
            while _READY not in await program.line():
                pass
        return program

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to it."""
        return await asyncio.open_unix_connection(str(self._folder / f".s.PGSQL.{_PORT}"))

    async def stop(self) -> None:
        """End it."""
        await self._program.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def _program(name: str) -> str:
    newest = sorted(Path("/").glob(f"{_FOLDERS}/{name}"), key=lambda path: path.parts[-3].zfill(3))
    found = str(newest[-1]) if newest else find_program(name)
    if found is None:
        raise ProgramError(f"{name} of PostgreSQL is not installed")
    return found


def _as_user(folder: Path) -> list[str]:
    """What to put before a command; the folder is given to who runs it."""
    if os.geteuid() != 0:
        return []
    setpriv = find_program("setpriv")
    try:
        account = pwd.getpwnam(_UNPRIVILEGED)
        os.chown(folder, account.pw_uid, account.pw_gid)
    except (KeyError, OSError) as error:
        raise ProgramError(f"PostgreSQL does not run as root, and nobody else is here to: {error}") from None
    if setpriv is None:
        raise ProgramError("PostgreSQL does not run as root, and setpriv is not installed")
    return [setpriv, f"--reuid={_UNPRIVILEGED}", f"--regid={account.pw_gid}", "--init-groups", "--"]


def _administrator(resource: Resource) -> str:
    """SQL that makes the administrator of the resource; no superuser, as in Azure."""
    login = str(resource.properties.get("administratorLogin") or "postgres").replace('"', '""')
    password = str(resource.properties.get("administratorLoginPassword") or "").replace("'", "''")
    return (
        f"CREATE ROLE azure_pg_admin;\n"
        f"CREATE ROLE \"{login}\" LOGIN CREATEDB CREATEROLE PASSWORD '{password}' IN ROLE azure_pg_admin;\n"
        f'GRANT ALL ON SCHEMA public TO "{login}";\n'
    )


class PostgreSqlServers:
    """Serves all servers."""

    def __init__(self, backends: Backends) -> None:
        self._backends = backends

    async def serve(self, call: Call, stream: Stream) -> None:
        """Serve one connection, which begins in the clear."""
        resource = call.resource
        admission = call.admission()
        if resource is None or (admission.refusal is not None and admission.refusal.wire is Wire.CLOSED):
            return
        startup, encrypted = await self._startup(call, stream)
        if startup is None:
            return
        parameters = _parameters(startup)
        user = parameters.get("user", "")
        who = f'user "{user}", database "{parameters.get("database") or user}"'
        refusal = admission.refusal
        if refusal is not None or not encrypted:
            entry = f'no pg_hba.conf entry for host "{call.caller}"' if refusal is None else refusal.message
            await stream.send(_error("28000", f"{entry}, {who}, {'SSL encryption' if encrypted else 'no encryption'}"))
            return
        server = await self._backends.of(resource, PostgreSqlServer)
        if server is None:
            await stream.send(_error("57P03", "the lab has no PostgreSQL to serve this: it is not installed"))
            return
        reader, writer = await server.connect()
        writer.write(startup)
        await relay(stream, reader, writer)

    @staticmethod
    async def _startup(call: Call, stream: Stream) -> tuple[bytes | None, bool]:
        """:return: the whole startup message, None where none came; and whether it came under TLS"""
        encrypted = False
        while True:
            head = await stream.reader.readexactly(8)
            length, code = struct.unpack(">II", head)
            if not 8 <= length <= LONGEST_STARTUP:
                return None, encrypted
            rest = await stream.reader.readexactly(length - 8)
            if code == SSL_REQUEST and not encrypted:
                await stream.send(b"S")
                await stream.start_tls(call.context())
                encrypted = True
            elif code == GSS_REQUEST:
                await stream.send(b"N")
            elif code >> 16 == PROTOCOL_3 >> 16:
                return head + rest, encrypted
            else:
                return None, encrypted


def _parameters(startup: bytes) -> dict[str, str]:
    words = [word.decode("utf-8", "replace") for word in re.split(rb"\0", startup[8:])]
    return dict(zip(words[::2], words[1::2], strict=False))


def _error(code: str, message: str) -> bytes:
    """A fatal ErrorResponse."""
    fields = {"S": "FATAL", "V": "FATAL", "C": code, "M": message}
    body = b"".join(name.encode() + value.encode() + b"\0" for name, value in fields.items()) + b"\0"
    return b"E" + struct.pack(">I", 4 + len(body)) + body
