"""A server as a child process: started, waited for, stopped, paused, killed, started again.

Signals go to exactly the process that was started here, and a kill to its children too. A parent
that dies takes its servers with it (Linux), so that an aborted test run leaves nothing behind; the
kernel takes the starting thread for the parent, so start servers from the main thread, not from a
worker.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

START_TIMEOUT = 30.0
"""Seconds; generous, as the machine may be busy."""

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Server:
    """One server process, started and stopped as often as a test likes."""

    def __init__(
        self,
        command: list[str],
        directory: Path,
        *,
        ready: Callable[[], bool],
        user: int | None = None,
    ) -> None:
        self.directory = directory
        self.command = command
        self._ready = ready
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, wait: bool = True) -> None:
        """Start, and by default wait until it serves."""
        with (self.directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=self.directory,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, no lock
                user=self._user,
                group=self._user,
                extra_groups=None if self._user is None else [],
                # Its own group: Ctrl-C in a terminal is for pytest, which then stops it in order.
                start_new_session=True,
            )
        if wait:
            self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until it serves; raises with the end of its log if it does not."""
        deadline = time.monotonic() + START_TIMEOUT
        while not self._ready():
            if not self.running or time.monotonic() > deadline:
                log = (self.directory / "server.log").read_text(errors="replace")
                raise RuntimeError(f"{self.command[0]} did not start:\n{log[-2000:]}")
            time.sleep(0.02)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it and wait for the end; no matter if it is paused or gone already."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(how)
            process.send_signal(signal.SIGCONT)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._process = None

    def kill(self) -> None:
        """End it as a power cut would: with the processes it has started."""
        children = [] if self._process is None else _children(self._process.pid)
        self.stop(signal.SIGKILL)
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    def pause(self) -> None:
        """It keeps its sockets and does nothing, like a machine that hangs."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, which: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(which)


def _children(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = path.read_text().rpartition(")")[2].split()[1]
            if int(parent) == pid:
                found.append(int(path.parent.name))
    return found


def wait_until(condition: Callable[[], bool], what: str, timeout: float = START_TIMEOUT) -> None:
    """Poll until a condition that servers must bring about by themselves is true."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"it did not come about in {timeout} s that {what}")
        time.sleep(0.05)


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def unprivileged_user() -> int | None:
    """The user to run servers as that refuse to run as root; None where we are not root."""
    if os.geteuid() != 0:
        return None
    import pwd

    return pwd.getpwnam("nobody").pw_uid
