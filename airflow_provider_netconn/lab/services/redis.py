"""Caches on the wire: a real redis-server of its own behind each, where one is installed; else its greeting alone.

Microsoft Learn, "Azure Cache for Redis with Azure Private Link" and its "networking FAQ": who is kept out is not
answered.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from airflow_provider_netconn.lab.services.processes import Program, ProgramError, find_program
from airflow_provider_netconn.lab.services.relay import relay

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.store import Resource
    from airflow_provider_netconn.lab.services.backends import Backends
    from airflow_provider_netconn.lab.services.values import Call, Stream

START_LIMIT_S: Final = 20.0
_SOCKET: Final = "redis.sock"
NO_AUTH: Final = b"-NOAUTH Authentication required.\r\n"


class RedisServer:
    """A redis-server that listens on a socket in its folder, and keeps nothing on disk."""

    def __init__(self, folder: tempfile.TemporaryDirectory[str], program: Program) -> None:
        self._folder = folder
        self._program = program
        self._keys: tuple[str, ...] = ()

    @classmethod
    async def start(cls, _cache: Resource) -> RedisServer:
        """Start one.

        :raises ProgramError: there is none on this machine, or it does not start
        """
        path = find_program("redis-server")
        if path is None:
            raise ProgramError("redis-server is not installed")
        folder = tempfile.TemporaryDirectory(prefix="netconn-lab-redis-")
        command = [path, "--port", "0", "--unixsocket", _SOCKET, "--unixsocketperm", "700", "--save", "", "--dir", "."]
        try:
            program = await Program.start("redis-server", command, folder=Path(folder.name))
            async with asyncio.timeout(START_LIMIT_S):
                while "eady to accept connections" not in await program.line():
                    pass
        except BaseException:
            folder.cleanup()
            raise
        return cls(folder, program)

    async def connect(self, cache: Resource) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to it, after it has taken note of the cache's keys."""
        keys = tuple(cache.properties["keys"].values())
        if keys != self._keys:
            passwords = [f">{key}" for key in keys]
            reader, writer = await self._dial()
            if self._keys:
                writer.write(_command("AUTH", self._keys[0]))
                await reader.readline()
            writer.write(_command("ACL", "SETUSER", "default", "reset", "on", "~*", "&*", "+@all", *passwords))
            answer = await reader.readline()
            writer.close()
            if not answer.startswith(b"+OK"):
                raise ProgramError(f"redis-server refuses the cache's keys: {answer!r}")
            self._keys = keys
        return await self._dial()

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """By way of the open folder: a socket's path has 107 octets at most (unix(7)), and a folder's may have more."""
        folder = os.open(self._folder.name, os.O_PATH)
        try:
            return await asyncio.open_unix_connection(f"/proc/self/fd/{folder}/{_SOCKET}")
        finally:
            os.close(folder)

    async def stop(self) -> None:
        """End it."""
        await self._program.stop()
        self._folder.cleanup()


class RedisCaches:
    """Serves all caches."""

    def __init__(self, backends: Backends) -> None:
        self._backends = backends

    async def serve(self, call: Call, stream: Stream) -> None:
        """Serve one connection, which is under TLS already."""
        cache = call.resource
        if cache is None or not call.admission().allowed:
            return
        server = None
        if "keys" in cache.properties:
            server = await self._backends.of(cache, RedisServer)
        if server is None:
            await self._greet(stream)
            return
        await relay(stream, *await server.connect(cache))

    @staticmethod
    async def _greet(stream: Stream) -> None:
        """Without a server, every command is told to authenticate, and every key is wrong."""
        while line := await stream.reader.readline():
            parts = 1
            words = [line]
            if re.fullmatch(rb"\*\d+\r\n", line):
                parts = int(line[1:])
                words = []
                for _ in range(parts):
                    size = await stream.reader.readline()
                    words.append(await stream.reader.readexactly(int(size[1:]) + 2))
            is_auth = words[0].strip().split(b" ")[0].upper() == b"AUTH"
            wrong = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
            await stream.send(wrong if is_auth else NO_AUTH)


def _command(*words: str) -> bytes:
    parts = [word.encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)
