"""A node as a process of its own, for tests that need several: `python -m tests.engine.node`.

It makes turns on ledgers and writes one line of JSON for each reply, as soon as it has it; what
it does not get to write, nobody has seen. With `--deliveries`, each turn has an effect and a timer,
both named after it, and the handler appends the id and body of each delivery to that file.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import trio

from gatehouse.engine import (
    Address,
    Delivery,
    Effect,
    Engine,
    OutboxPolicy,
    SetTimer,
    redis_from_url,
    wall_clock,
)
from tests.engine.ledger import LEDGER, Book, Enter

ROOT = Path(__file__).parents[2]


def address(ledgers: str, number: int) -> Address[Book]:
    """One of the ledgers that a group of nodes works on."""
    return LEDGER.at("default", f"{ledgers} {number}")


async def main(options: argparse.Namespace) -> None:
    async with trio.open_nursery() as nursery:
        redis = redis_from_url(options.redis)
        await nursery.start(redis.run)
        engine = Engine(
            redis,
            node=options.name,
            cache_bytes=0 if options.uncached else 1 << 24,
            outbox=OutboxPolicy(handler_time=400, claim_after=500, poll=50, first_pause=20),
        )
        if options.deliveries:
            out = os.open(options.deliveries, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

            async def deliver(delivery: Delivery) -> None:
                line = json.dumps([delivery.id, delivery.body.decode()]) + "\n"
                os.write(out, line.encode())

            engine.on_effect("entered", deliver)
            await nursery.start(engine.run)
        # All nodes start together: everybody says ready, and goes on a line from the parent.
        print("ready", flush=True)
        await trio.to_thread.run_sync(sys.stdin.readline)
        async with trio.open_nursery() as workers:
            for worker in range(options.workers):
                workers.start_soon(work, engine, options, worker)
        if options.linger:
            await trio.sleep_forever()
        nursery.cancel_scope.cancel()


async def work(engine: Engine, options: argparse.Namespace, worker: int) -> None:
    for turn in range(options.turns):
        name = f"{options.name}-{worker}-{turn}"
        message = Enter(name)
        if options.deliveries:
            later = SetTimer(name, wall_clock() + 30, Effect("entered", f"{name} later".encode()))
            message = Enter(name, (Effect("entered", name.encode()),), (later,), record=True)
        actor = (worker + turn) % options.actors
        number, before = await engine.turn(address(options.ledgers, actor), message)
        os.write(1, (json.dumps([actor, number, before, name]) + "\n").encode())


class Node:
    """A running node, seen from the test."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdin is not None
        assert process.stdout is not None
        self.stdin: TextIO = process.stdin
        self.stdout: TextIO = process.stdout

    def go(self) -> None:
        """Let it begin, once it is ready."""
        assert self.stdout.readline() == "ready\n"
        self.stdin.write("go\n")
        self.stdin.flush()

    def replies(self) -> list[tuple[int, int, str, str]]:
        """(actor, number, entry before, entry) of each reply seen, once the node has ended.

        A last line that was cut short was not seen.
        """
        lines = self.stdout.read().split("\n")[:-1]
        return [tuple(json.loads(line)) for line in lines]


@contextmanager
def node(url: str, name: str, *options: str) -> Iterator[Node]:
    """A node process; killed at the end if it still runs."""
    command = [sys.executable, "-m", "tests.engine.node", url, name, *options]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Node(process)
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("redis")
    parser.add_argument("name")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--turns", type=int, default=0)
    parser.add_argument("--ledgers", default="ledger")
    parser.add_argument("--actors", type=int, default=1)
    memory = parser.add_mutually_exclusive_group()
    memory.add_argument("--cached", action="store_true")
    memory.add_argument("--uncached", action="store_true")
    parser.add_argument("--deliveries")
    parser.add_argument("--linger", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    trio.run(main, parse())
