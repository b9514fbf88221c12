"""Committed turns against the best that a C client gets out of the same server and script.

The yardstick is redis-benchmark (or valkey-benchmark) with pipelining, sending the engine's own
commit script with a value of the same size; where neither is installed, a client that sends
commands packed beforehand and only counts the answers.
"""

from __future__ import annotations

import shutil
import subprocess
from functools import partial

from bench import machine, servers
from bench.measure import Goal, Result, Sample, alternate, ratio
from bench.plan import Plan, worker
from bench.suites.link import CONCURRENT, load, sample
from bench.workers.redis_load import LARGE, STAMP, TO_LIVE, prepare, value
from gatehouse.engine.commit import COMMIT

TITLE = "Committed turns, 256 concurrent, 1 KB of state"
OVER_HTTP = False
SHAPES = {"1 connection, pipeline of 256": (1, 256), "32 connections, pipelines of 32": (32, 32)}


def run(plan: Plan) -> Result:
    """Measure turns and yardsticks in alternating rounds."""
    program = shutil.which("redis-benchmark") or shutil.which("valkey-benchmark")
    with servers.valkey(machine.CLIENT_CORE) as port:
        contenders = {"turns": lambda: sample(worker("turns", port, CONCURRENT, plan.seconds))}
        if program:
            prepare(port, 1, value(LARGE))
            for name, shape in SHAPES.items():
                contenders[name] = partial(_benchmark, program, port, shape, plan)
            note = f"The yardstick is {program}."
        else:
            contenders["commands packed beforehand"] = lambda: load(
                port, "pipeline", plan.seconds, LARGE
            )
            note = "redis-benchmark is not installed: a client of our own is the yardstick."
        found = alternate(plan.rounds, contenders)
    best = max(other.per_second for name, other in found.items() if name != "turns")
    goals = [
        Goal("turns / best compare-and-sets", 0.2, True, ratio(found["turns"].per_second, best)),
        Goal("processor time of a turn", 25, False, found["turns"].cpu_us, "us"),
    ]
    return Result("turns", TITLE, list(found.values()), goals, [note])


def _benchmark(program: str, port: int, shape: tuple[int, int], plan: Plan) -> Sample:
    connections, pipeline = shape
    count = int(100_000 * plan.seconds)
    command = [
        program,
        "-p",
        str(port),
        "-n",
        str(count),
        "-c",
        str(connections),
        "-P",
        str(pipeline),
    ]
    command += ["--csv", "EVALSHA", COMMIT.sha.decode(), "1", "{bench}:0"]
    command += [STAMP.decode(), value(LARGE).decode(), str(TO_LIVE)]
    machine.pin(machine.SERVER_CORE)
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=True)
    finally:
        machine.pin(machine.CLIENT_CORE)
    row = run.stdout.strip().splitlines()[-1].rstrip('"').split('","')
    return Sample(float(row[-7]))
