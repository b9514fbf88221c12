"""The servers that are measured: hello servers, a Valkey, a whole Gatehouse."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench import machine
from bench.client import LoadError, ask, request
from gatehouse.ops.embedded import find_server

START_SECONDS = 60


@dataclass
class Server:
    """A server of HTTP, and its processes as far as they are ours to measure."""

    url: str
    processes: tuple[int, ...] = ()
    client_id: str = ""
    client_secret: str = ""
    application: str = "demo-app"
    redirect_uri: str = ""

    def used(self) -> float | None:
        """Processor time so far, in seconds."""
        if not self.processes:
            return None
        return sum(machine.processor_time(pid) for pid in self.processes)

    def hashed(self) -> float:
        """Processor time of hashing so far, in seconds: our server lowers its priority."""
        return sum(machine.background_time(pid) for pid in self.processes)

    def cost(self, before: float | None, count: int) -> float | None:
        """Microseconds of processor time for each of `count` since `before`."""
        after = self.used()
        if before is None or after is None or not count:
            return None
        return (after - before) / count * 1e6


@contextmanager
def hello(flavour: str) -> Iterator[Server]:
    """A hello server on the server's core: `stock` Hypercorn, or the `edge`."""
    process = machine.start_module("bench.workers.hello", flavour, core=machine.SERVER_CORE)
    try:
        yield Server(_line(process), (process.pid,))
    finally:
        machine.stop(process)


@contextmanager
def valkey(core: int | None) -> Iterator[int]:
    """A Valkey without persistence on a port of 127.0.0.1, as a Redis elsewhere is reached."""
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as directory:
        port = _free_port()
        options = ("--port", str(port), "--save", "", "--appendonly", "no")
        command = [str(find_server()), *options, "--dir", directory, "--logfile", "valkey.log"]
        process = machine.start(command, core)
        try:
            _wait_for(lambda: _listens(port), process)
            yield port
        finally:
            machine.stop(process)


@contextmanager
def gatehouse(core: int | None, **more: str) -> Iterator[Server]:
    """A whole Gatehouse as `./dev serve` starts it, in a data directory of its own.

    `more` are settings besides, by their names in lower case.
    """
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as directory:
        port = _free_port()
        url = f"http://localhost:{port}"
        client_id, client_secret = "bench0000000000000000", "bench-secret-bench-secret-bench"
        settings = {
            "DATA_DIR": directory,
            "BIND": f"127.0.0.1:{port}",
            "PUBLIC_URL": url,
            "METRICS_BIND": "off",
            "LOG_LEVEL": "error",
            "M2M_CLIENT_ID": client_id,
            "M2M_CLIENT_SECRET": client_secret,
            "DEMO_PASSWORD": "a-Password-for-the-bench-1",
            **{name.upper(): value for name, value in more.items()},
        }
        env = {f"GATEHOUSE_{name}": value for name, value in settings.items()}
        process = machine.start([sys.executable, "-m", "gatehouse", "serve"], core, env)
        try:
            _wait_for(lambda: _answers(url), process)
            yield Server(
                url,
                (process.pid,),
                client_id,
                client_secret,
                redirect_uri=f"{url}/demo-app",
            )
        finally:
            machine.stop(process)


def _line(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline().decode().strip()
    if not line:
        raise LoadError(f"{process.args!r} did not start")
    return line


def _wait_for(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            raise LoadError(f"{process.args!r} did not start")
        time.sleep(0.02)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _answers(url: str) -> bool:
    try:
        return ask(url, request("GET", "/api/status", "localhost")).status < 300
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
