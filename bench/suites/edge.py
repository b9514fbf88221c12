"""The edge against stock Hypercorn's trio worker: a raw ASGI hello, on one core."""

from __future__ import annotations

from bench import servers
from bench.measure import Goal, Result, alternate, ratio
from bench.plan import Plan

TITLE = "Edge: raw ASGI hello on one core"
OVER_HTTP = False


def run(plan: Plan) -> Result:
    """Measure both in alternating rounds."""
    with plan.stock() as stock, servers.hello("edge") as edge:
        found = alternate(
            plan.rounds,
            {"stock Hypercorn": lambda: plan.hello(stock), "edge": lambda: plan.hello(edge)},
        )
    gain = ratio(found["edge"].per_second, found["stock Hypercorn"].per_second)
    goals = [
        Goal("requests of the edge / of stock Hypercorn", 5, True, gain),
        Goal("processor time of a request", 60, False, found["edge"].cpu_us, "us"),
    ]
    return Result("edge", TITLE, list(found.values()), goals)
