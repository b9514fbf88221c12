"""A Gatehouse of its own for one test: real processes, a data directory, free ports."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import redis

from gatehouse.ops.embedded import running_valkey

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60.0


class Installation:
    """Runs `gatehouse` with settings in its environment."""

    def __init__(self, directory: Path, **settings: str) -> None:
        self.data_dir = directory / "data"
        self.settings = {
            "DATA_DIR": str(self.data_dir),
            "BIND": "127.0.0.1:0",
            "METRICS_BIND": "127.0.0.1:0",
            "LOG_FORMAT": "json",
            **settings,
        }
        self.log = directory / "log"
        self.output = ""
        self.process: subprocess.Popen[str] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What the program is given."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("GATEHOUSE_")}
        ours = {f"GATEHOUSE_{name}": value for name, value in self.settings.items()}
        return {**inherited, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **ours}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "gatehouse", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def start(self, command: Sequence[str] = (sys.executable, "-m", "gatehouse", "serve")) -> None:
        """Start the server; returns once it serves."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        self.output = ""
        for line in self.process.stdout:
            self.output += line
            if line.startswith("Metrics"):
                return
        raise AssertionError(f"it did not start: {self.log.read_text()}")

    @property
    def url(self) -> str:
        """Where it serves."""
        return self._said(r"serves http://localhost:(\d+)")

    @property
    def ops_url(self) -> str:
        """Where it has its metrics."""
        return self._said(r"Metrics +http://localhost:(\d+)")

    def _said(self, pattern: str) -> str:
        found = re.search(pattern, self.output)
        assert found is not None, self.output
        return f"http://127.0.0.1:{found[1]}"

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)

    def close(self) -> None:
        """End it, however it is."""
        if self.process is not None and self.process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        # A server that was killed leaves its Valkey to the next one, which here never comes.
        if url := running_valkey(self.data_dir):
            redis.Redis.from_url(url).shutdown(nosave=True)

    def children(self) -> list[int]:
        """The process ids of the workers."""
        assert self.process is not None
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        children = [int(pid) for path in tasks for pid in path.read_text().split()]
        return [pid for pid in children if b"gatehouse.ops.worker" in _command_line(pid)]

    def metric(self, name: str) -> float:
        """The sum of a metric's series."""
        text = httpx.get(f"{self.ops_url}/metrics").text
        values = re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.M)
        return sum(map(float, values))


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def eventually(condition: Callable[[], object]) -> None:
    """Wait until the condition holds; another process decides when."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.05)


def raw_connection(url: str) -> socket.socket:
    """A connection on which a test writes bytes itself."""
    parts = httpx.URL(url)
    assert parts.port is not None
    return socket.create_connection((parts.host, parts.port), timeout=PATIENCE_SECONDS)
