"""Processes, cores and processor time: the part of measuring that knows the operating system."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
SERVER_CORE = CORES[0] if CORES else None
CLIENT_CORE = CORES[-1] if CORES else None


def pin(core: int | None, pid: int = 0) -> None:
    """Keep a process (this one by default) on one core, where the system can do that."""
    if core is not None:
        os.sched_setaffinity(pid, {core})


def unpin(pid: int = 0) -> None:
    """Let a process use every core again."""
    if CORES:
        os.sched_setaffinity(pid, CORES)


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
        preexec_fn=lambda: unpin() if core is None else pin(core),  # noqa: PLW1509  # this program has one thread
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
    """Seconds of processor time of those threads that run at a lower priority than the first."""
    usual = os.getpriority(os.PRIO_PROCESS, pid)
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        if os.getpriority(os.PRIO_PROCESS, int(task.name)) > usual:
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
