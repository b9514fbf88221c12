"""A whole sign-in by password: nine requests from the authorization endpoint to the tokens."""

from __future__ import annotations

from itertools import cycle

from bench import api
from bench.client import drive, percentile
from bench.measure import Goal, Result, Sample, alternate, ratio
from bench.plan import CONNECTIONS, HELLO_MS_OF_THE_GOALS, Plan, worker
from bench.servers import Server

TITLE = f"Whole sign-in: {api.SIGN_IN_REQUESTS} requests"
OVER_HTTP = True


def run(plan: Plan) -> Result:
    """Measure it and stock Hypercorn's hello in alternating rounds."""
    hash_us = float(worker("costs", "hash", plan.seconds)["us"])
    with plan.stock() as stock, plan.server() as server:
        users = cycle(api.make_users(server, CONNECTIONS))
        found = alternate(
            plan.rounds,
            {
                "stock Hypercorn hello": lambda: plan.hello(stock),
                "sign-in": lambda: _sign_ins(server, users, plan.seconds),
            },
        )
    cost, hello = found["sign-in"].cpu_us, found["stock Hypercorn hello"].cpu_us
    beyond = None if cost is None else cost - hash_us
    goal = Goal(
        "processor time beyond the hash / of a stock hello",
        8 / HELLO_MS_OF_THE_GOALS,
        False,
        ratio(beyond, hello),
    )
    notes = [f"A password hash costs {hash_us / 1000:.1f} ms."]
    if beyond is not None:
        notes.append(f"A sign-in costs {beyond / 1000:.2f} ms beyond it.")
    return Result("sign-in", TITLE, list(found.values()), [goal], notes)


def _sign_ins(server: Server, users: cycle[str], seconds: float) -> Sample:
    before = server.used()
    load = drive(server.url, lambda: api.sign_in(server, next(users)), CONNECTIONS, seconds)
    # A session that is cut off by the end has done its share of the work all the same.
    cost = server.cost(before, load.answers)
    return Sample(
        load.answers / api.SIGN_IN_REQUESTS / load.seconds,
        None if cost is None else cost * api.SIGN_IN_REQUESTS,
        {"p99_ms": percentile(load.latencies, 0.99) * 1000},
    )
