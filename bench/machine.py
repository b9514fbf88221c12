"""Processes, cores and processor time: the part of measuring that knows the operating system."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from gatehouse.actors.hashing import LOWER_PRIORITY

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
SERVER_CORE = CORES[0] if CORES else None
CLIENT_CORE = CORES[-1] if CORES else None


def pin(core: int | None) -> None:
    """Keep this process on one core, or let it use all of them, where the system can do that."""
    if CORES:
        os.sched_setaffinity(0, CORES if core is None else {core})


def start(
    arguments: Sequence[str], core: int | None, env: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a program on a core, or on all of them, wherever this one runs.

    Its standard output is a pipe; errors are shown.
    """
    return subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env={**os.environ, **(env or {})},
        cwd=Path(__file__).parent.parent,
        preexec_fn=lambda: pin(core),  # noqa: PLW1509  # no other thread runs meanwhile
    )


def start_module(name: str, *arguments: str, core: int | None) -> subprocess.Popen[bytes]:
    """Start `python -m name` on a core."""
    return start([sys.executable, "-m", name, *arguments], core)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and insist if it does not."""
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()


def processor_time(pid: int) -> float:
    """Seconds of processor time that a process and its threads have used."""
    try:
        return time.clock_gettime((~pid << 3) | 2)  # Linux: another process's clock, in ns
    except (OSError, AttributeError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def background_time(pid: int) -> float:
    """Seconds of processor time of those threads that hash: their priority tells them apart."""
    hashing = os.getpriority(os.PRIO_PROCESS, pid) + LOWER_PRIORITY
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        if os.getpriority(os.PRIO_PROCESS, int(task.name)) == hashing:
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def facts() -> dict[str, str | int | float]:
    """What a reader of the numbers must know about the machine."""
    model = platform.processor() or platform.machine()
    if (cpuinfo := Path("/proc/cpuinfo")).exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {
        "processor": model,
        "cores": len(CORES) or os.cpu_count() or 1,
        "load_before": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
    }
