"""Committed turns at a given concurrency: `turns <port> <concurrency> <seconds>`. Prints JSON."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass

import msgspec
import trio

from gatehouse.engine.actor import Kind, Turn
from gatehouse.engine.engine import Engine
from gatehouse.engine.redis import redis_from_url

TO_LIVE = 3_600_000


class Visit(msgspec.Struct, frozen=True):
    """A state of about a kilobyte, as an interaction's is."""

    count: int
    facts: dict[str, str]


FACTS = {f"fact_{number}": chr(97 + number) * 75 for number in range(12)}
VISIT = Kind("bench_visit", Visit)


@dataclass(frozen=True, slots=True)
class Come:
    """One more visit; answers how many there were."""

    def apply(self, state: Visit | None, now: int) -> Turn[Visit, int]:
        visit = Visit(1, FACTS) if state is None else Visit(state.count + 1, state.facts)
        return Turn(visit, visit.count, expires_at=now + TO_LIVE)


async def main(port: int, concurrency: int, seconds: float) -> None:
    """Let `concurrency` actors take turns, and check that none was lost."""
    link = redis_from_url(f"redis://127.0.0.1:{port}")
    engine = Engine(link, node="bench")
    done = 0

    async def work(number: int, end: float) -> None:
        nonlocal done
        address = VISIT.at("bench", f"{time.time_ns()}-{number}")
        mine = 0
        while trio.current_time() < end:
            mine += 1
            assert await engine.turn(address, Come()) == mine
        done += mine

    async with trio.open_nursery() as connections:
        await connections.start(link.run)
        used, began = time.process_time(), time.perf_counter()
        async with trio.open_nursery() as actors:
            for number in range(concurrency):
                actors.start_soon(work, number, trio.current_time() + seconds)
        took, used = time.perf_counter() - began, time.process_time() - used
        connections.cancel_scope.cancel()
    print(json.dumps({"done": done, "seconds": took, "cpu": used}))


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
