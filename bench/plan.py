"""How much to measure, and of what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench import machine, servers
from bench.client import LoadError, Session, drive, hammer, request
from bench.measure import Sample
from bench.servers import Server

HELLO_MS_OF_THE_GOALS = 0.37
"""What a stock hello costs on the machine on which goals were set in milliseconds."""

CONNECTIONS = 32


@dataclass(frozen=True)
class Plan:
    """Rounds and their length, and the server to load if it is not our own."""

    rounds: int = 5
    seconds: float = 3.0
    target: Server | None = None
    people: int = 100_000
    """How many people the databases hold whose operations are measured."""

    @contextmanager
    def server(self, core: int | None = machine.SERVER_CORE) -> Iterator[Server]:
        """The target, or a Gatehouse of our own."""
        if self.target is not None:
            yield self.target
        else:
            with servers.gatehouse(core) as server:
                yield server

    @contextmanager
    def stock(self) -> Iterator[Server]:
        """Stock Hypercorn's hello, which other costs are compared with."""
        with servers.hello("stock") as server:
            yield server

    def hello(self, server: Server) -> Sample:
        """A round of hello requests."""
        return self.repeat(server, request("GET", "/hello", "localhost"))

    def repeat(self, server: Server, data: bytes) -> Sample:
        """A round of the same request on all connections."""

        def session() -> Session:
            answer = yield data
            if answer.status >= 400:
                raise LoadError(f"the server answers {answer.status}: {answer.body[:300]!r}")

        before = server.used()
        if server is self.target:  # whose answers may differ in length, or close connections
            load = drive(server.url, session, CONNECTIONS, self.seconds)
        else:
            load = hammer(server.url, data, CONNECTIONS, self.seconds)
        return Sample(load.answers / load.seconds, server.cost(before, load.answers))


def worker(name: str, *arguments: object, core: int | None = machine.SERVER_CORE) -> dict[str, Any]:
    """Run a program of `bench.workers` to its end; the JSON that it prints."""
    process = machine.start_module(f"bench.workers.{name}", *map(str, arguments), core=core)
    output, _ = process.communicate()
    if process.returncode:
        raise LoadError(f"bench.workers.{name} failed")
    found: dict[str, Any] = json.loads(output)
    return found
