"""Does hashing starve the rest? GET /api/status while 32 clients do nothing but sign in.

The server may use every core here, as it does in life: its hashing threads then compete with its
event loop for all of them. Those who sign in would be elsewhere then, and so let it go first.
"""

from __future__ import annotations

import json

from bench import api, machine
from bench.client import pace, percentile, request
from bench.measure import Goal, Result, Sample, alternate, ratio
from bench.plan import CONNECTIONS, Plan
from bench.servers import Server

TITLE = "Latency of GET /api/status beside 32 clients that sign in"
OVER_HTTP = True
PAUSE_SECONDS = 0.002


def run(plan: Plan) -> Result:
    """Measure the idle server and the busy one in alternating rounds."""
    with plan.server(core=None) as server:
        users = api.make_users(server, CONNECTIONS)
        found = alternate(
            plan.rounds,
            {
                "idle": lambda: _probe(server, plan.seconds),
                "while 32 clients sign in": lambda: _probe_busy(server, users, plan),
            },
        )
    idle, busy = found["idle"], found["while 32 clients sign in"]
    slower = ratio(busy.extra["p99_ms"], idle.extra["p99_ms"])
    goal = Goal("p99 while others sign in / p99 when idle", 3, False, slower)
    return Result("latency", TITLE, list(found.values()), [goal])


def _probe(server: Server, seconds: float) -> Sample:
    data = request("GET", "/api/status", api.host_of(server.url))
    latencies = pace(server.url, data, seconds, PAUSE_SECONDS)
    return Sample(
        len(latencies) / seconds,
        None,
        {f"p{part}_ms": percentile(latencies, part / 100) * 1000 for part in (50, 99)},
    )


def _probe_busy(server: Server, users: list[str], plan: Plan) -> Sample:
    what = json.dumps({"server": vars(server), "users": users, "connections": CONNECTIONS})
    others = machine.start_module("bench.workers.sign_ins", what, core=machine.CLIENT_CORE)
    try:
        assert others.stdout is not None
        others.stdout.readline()  # the first sign-ins are done
        return _probe(server, plan.seconds)
    finally:
        machine.stop(others)
