"""Compare-and-sets at a given concurrency, by one of the ways to talk to Redis.

`redis_load <link|redis-py|pipeline> <port> <concurrency> <seconds> <value bytes>`. Each worker
has a value of its own, and sets it to what it expects to find, so that every comparison holds.
Prints JSON.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from functools import partial

import redis
import trio

from gatehouse.engine.commit import COMMIT
from gatehouse.engine.redis import redis_from_url

STAMP = b"0123456789abcdef"
SMALL = 80
"""Bytes: the least that the engine stores. What it costs is the round trip."""
LARGE = 80 + 1051
"""Bytes: with a state as large as an interaction's."""
TO_LIVE = 3_600_000


def value(size: int) -> bytes:
    """What the comparison expects to find, followed by anything."""
    return STAMP.ljust(size, b"x")


def prepare(port: int, concurrency: int, stored: bytes) -> list[str]:
    """Store the values and the script; the keys."""
    keys = [f"{{bench}}:{number}" for number in range(concurrency)]
    with redis.Redis(port=port) as client:
        client.script_load(COMMIT.source)
        for key in keys:
            client.set(key, stored)
    return keys


def by_link(port: int, keys: list[str], seconds: float, stored: bytes) -> int:
    """The engine's own link: one connection, what waits goes out in one write."""

    async def main() -> int:
        link = redis_from_url(f"redis://127.0.0.1:{port}")
        done = 0

        async def work(key: str) -> None:
            nonlocal done
            while trio.current_time() < end:
                assert await link.eval(COMMIT, [key], [STAMP, stored, TO_LIVE]) == 1
                done += 1

        async with trio.open_nursery() as connections:
            await connections.start(link.run)
            end = trio.current_time() + seconds
            async with trio.open_nursery() as workers:
                for key in keys:
                    workers.start_soon(work, key)
            connections.cancel_scope.cancel()
        return done

    return trio.run(main)


def by_threads(port: int, keys: list[str], seconds: float, stored: bytes) -> int:
    """redis-py's client as a trio program calls it: each request in a worker thread."""
    client = redis.Redis(port=port, max_connections=len(keys))
    sha = COMMIT.sha.decode()

    async def main() -> int:
        done = 0
        limiter = trio.CapacityLimiter(len(keys))

        async def work(key: str) -> None:
            nonlocal done
            send = partial(client.evalsha, sha, 1, key, STAMP, stored, TO_LIVE)
            while trio.current_time() < end:
                assert await trio.to_thread.run_sync(send, limiter=limiter) == 1
                done += 1

        end = trio.current_time() + seconds
        async with trio.open_nursery() as workers:
            for key in keys:
                workers.start_soon(work, key)
        return done

    return trio.run(main)


def by_pipeline(port: int, keys: list[str], seconds: float, stored: bytes) -> int:
    """A yardstick where redis-benchmark is missing: packed beforehand, answers only counted."""
    words = [b"EVALSHA", COMMIT.sha, b"1", keys[0].encode(), STAMP, stored, b"%d" % TO_LIVE]
    one = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)
    batch, answers = one * len(keys), b":1\r\n" * len(keys)
    done = 0
    with socket.create_connection(("127.0.0.1", port)) as connection:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            connection.sendall(batch)
            left = len(answers)
            while left:
                left -= len(connection.recv(65_536))
            done += len(keys)
    return done


def main(kind: str, port: int, concurrency: int, seconds: float, size: int) -> None:
    """Run one of them and print what it did."""
    run = {"link": by_link, "redis-py": by_threads, "pipeline": by_pipeline}[kind]
    stored = value(size)
    keys = prepare(port, concurrency, stored)
    used, began = time.process_time(), time.perf_counter()
    done = run(port, keys, seconds, stored)
    found = {
        "done": done,
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - used,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]))
