"""POST /oidc/token with client credentials: a signed access token for the Management API."""

from __future__ import annotations

from bench import api
from bench.measure import Goal, Result, alternate, ratio
from bench.plan import Plan, worker

TITLE = "client_credentials: an ES384 access token"
OVER_HTTP = True


def run(plan: Plan) -> Result:
    """Measure it and stock Hypercorn's hello in alternating rounds."""
    signature = float(worker("signature", plan.seconds)["us"])
    with plan.stock() as stock, plan.server() as server:
        data = api.token_request(server)
        found = alternate(
            plan.rounds,
            {
                "stock Hypercorn hello": lambda: plan.hello(stock),
                "client_credentials": lambda: plan.repeat(server, data),
            },
        )
    cost = found["client_credentials"].cpu_us
    beyond = None if cost is None else cost - signature
    hello = found["stock Hypercorn hello"].cpu_us
    goal = Goal(
        "processor time beyond the signature / of a stock hello", 2, False, ratio(beyond, hello)
    )
    notes = [f"An ES384 signature costs {signature:.0f} us."]
    if beyond is not None:
        notes.append(f"A token costs {beyond:.0f} us beyond it.")
    return Result("token", TITLE, list(found.values()), [goal], notes)
