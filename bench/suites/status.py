"""GET /api/status, the whole way through the server, against stock Hypercorn's hello."""

from __future__ import annotations

from bench import api
from bench.client import request
from bench.measure import Goal, Result, alternate, ratio
from bench.plan import Plan

TITLE = "GET /api/status"
OVER_HTTP = True


def run(plan: Plan) -> Result:
    """Measure both in alternating rounds."""
    with plan.stock() as stock, plan.server() as server:
        data = request("GET", "/api/status", api.host_of(server.url))
        found = alternate(
            plan.rounds,
            {
                "stock Hypercorn hello": lambda: plan.hello(stock),
                "GET /api/status": lambda: plan.repeat(server, data),
            },
        )
    share = ratio(found["GET /api/status"].cpu_us, found["stock Hypercorn hello"].cpu_us)
    goal = Goal("processor time of a request / of a stock hello", 0.4, False, share)
    return Result("status", TITLE, list(found.values()), [goal])
