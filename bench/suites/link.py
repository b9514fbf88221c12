"""The engine's link to Redis against redis-py in trio's threads: compare-and-sets, 256 at once."""

from __future__ import annotations

from functools import partial

from bench import machine, servers
from bench.measure import Goal, Result, Sample, alternate, ratio
from bench.plan import Plan, worker
from bench.workers.redis_load import SMALL

TITLE = "Redis link: compare-and-set, 256 concurrent"
OVER_HTTP = False
CONCURRENT = 256


def run(plan: Plan) -> Result:
    """Measure both in alternating rounds."""
    with servers.valkey(machine.CLIENT_CORE) as port:
        kinds = {"redis-py in threads": "redis-py", "link": "link"}
        found = alternate(
            plan.rounds,
            {name: partial(load, port, kind, plan.seconds, SMALL) for name, kind in kinds.items()},
        )
    gain = ratio(found["link"].per_second, found["redis-py in threads"].per_second)
    goal = Goal("operations of the link / of redis-py in threads", 10, True, gain)
    return Result("link", TITLE, list(found.values()), [goal])


def load(port: int, kind: str, seconds: float, size: int) -> Sample:
    """A round of one way to talk to Redis, with values of this many bytes."""
    return sample(worker("redis_load", kind, port, CONCURRENT, seconds, size))


def sample(done: dict[str, float]) -> Sample:
    """What a worker has printed."""
    return Sample(done["done"] / done["seconds"], done["cpu"] / done["done"] * 1e6)
