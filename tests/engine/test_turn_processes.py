"""Many processes at one actor: the replies are a serial order, and no turn is lost."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.engine.ledger import Book
from tests.engine.node import address, node
from tests.engine.running import engine_at

PROCESSES = 4
WORKERS = 8
TURNS = 25


@pytest.mark.parametrize("memory", ["cached", "uncached"])
async def test_concurrent_turns_of_many_processes_are_in_a_serial_order(
    deployment: str, memory: str
) -> None:
    options = ["--workers", str(WORKERS), "--turns", str(TURNS), f"--{memory}"]
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(node(deployment, f"node{number}", *options))
            for number in range(PROCESSES)
        ]
        for each in nodes:
            each.go()
        replies = [reply for each in nodes for reply in each.replies()]
        assert [each.process.wait() for each in nodes] == [0] * PROCESSES

    replies.sort(key=lambda reply: reply[1])
    total = PROCESSES * WORKERS * TURNS
    assert [number for _, number, _, _ in replies] == list(range(1, total + 1))
    last = ""
    for _, _, before, name in replies:
        assert before == last
        last = name
    async with engine_at(deployment) as engine:
        assert await engine.read(address("ledger", 0)) == Book(total, last)
