"""A whole sign-in by password: nine requests from the authorization endpoint to the tokens.

The server hashes passwords on threads of lower priority, by which the processor time of hashing is
told apart from the rest.
"""

from __future__ import annotations

from itertools import cycle

from bench import api
from bench.client import drive, percentile
from bench.measure import Goal, Result, Sample, alternate, ratio
from bench.plan import CONNECTIONS, HELLO_MS_OF_THE_GOALS, Plan
from bench.servers import Server

TITLE = f"Whole sign-in: {api.SIGN_IN_REQUESTS} requests"
OVER_HTTP = True


def run(plan: Plan) -> Result:
    """Measure it and stock Hypercorn's hello in alternating rounds."""
    with plan.stock() as stock, plan.server() as server:
        users = cycle(api.make_users(server, CONNECTIONS))
        found = alternate(
            plan.rounds,
            {
                "stock Hypercorn hello": lambda: plan.hello(stock),
                "sign-in": lambda: _sign_ins(server, users, plan.seconds),
            },
        )
    beyond = found["sign-in"].extra.get("beyond_the_hash_us")
    goal = Goal(
        "processor time beyond the hash / of a stock hello",
        8 / HELLO_MS_OF_THE_GOALS,
        False,
        ratio(beyond, found["stock Hypercorn hello"].cpu_us),
    )
    return Result("sign-in", TITLE, list(found.values()), [goal])


def _sign_ins(server: Server, users: cycle[str], seconds: float) -> Sample:
    used, hashed = server.used(), server.hashed()
    load = drive(server.url, lambda: api.sign_in(server, next(users)), CONNECTIONS, seconds)
    extra = {"p99_ms": percentile(load.latencies, 0.99) * 1000}
    cost = server.cost(used, load.sessions)
    hashing = (server.hashed() - hashed) / load.sessions * 1e6
    if cost is not None and hashing:
        extra["beyond_the_hash_us"] = cost - hashing
    return Sample(load.sessions / load.seconds, cost, extra)
