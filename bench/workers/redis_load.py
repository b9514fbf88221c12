"""Compare-and-sets at a given concurrency, by one of the ways to talk to Redis.

`redis_load <link|redis-py|pipeline> <socket> <concurrency> <seconds>`. Each worker has a value of
its own, and sets it to what it expects to find, so that every comparison holds. Prints JSON.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time

import redis
import trio
from redis.connection import UnixDomainSocketConnection

from gatehouse.engine.commit import COMMIT
from gatehouse.engine.redis import redis_from_url

STAMP = b"0123456789abcdef"
VALUE = STAMP + b"x" * 56 + b"y" * 1051
"""Stamp, history, and a state as large as an interaction's."""
TO_LIVE = 3_600_000


def prepare(path: str, concurrency: int) -> list[str]:
    """Store the values and the script; the keys."""
    keys = [f"{{bench}}:{number}" for number in range(concurrency)]
    with redis.Redis(unix_socket_path=path) as client:
        client.script_load(COMMIT.source)
        for key in keys:
            client.set(key, VALUE)
    return keys


def by_link(path: str, keys: list[str], seconds: float) -> int:
    """The engine's own link: one connection, what waits goes out in one write."""

    async def main() -> int:
        link = redis_from_url(f"unix://{path}")
        done = 0

        async def work(key: str) -> None:
            nonlocal done
            while trio.current_time() < end:
                assert await link.eval(COMMIT, [key], [STAMP, VALUE, TO_LIVE]) == 1
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


def by_threads(path: str, keys: list[str], seconds: float) -> int:
    """redis-py's client, a thread and a connection for each worker."""
    pool = redis.ConnectionPool(
        connection_class=UnixDomainSocketConnection, path=path, max_connections=len(keys) + 1
    )
    client = redis.Redis(connection_pool=pool)
    sha = COMMIT.sha.decode()
    done = [0] * len(keys)
    end = time.monotonic() + seconds

    def work(number: int) -> None:
        while time.monotonic() < end:
            assert client.evalsha(sha, 1, keys[number], STAMP, VALUE, TO_LIVE) == 1
            done[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(keys))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done)


def by_pipeline(path: str, keys: list[str], seconds: float) -> int:
    """A yardstick where redis-benchmark is missing: packed beforehand, answers only counted."""
    words = [b"EVALSHA", COMMIT.sha, b"1", keys[0].encode(), STAMP, VALUE, b"%d" % TO_LIVE]
    one = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)
    batch, answers = one * len(keys), b":1\r\n" * len(keys)
    done = 0
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            connection.sendall(batch)
            left = len(answers)
            while left:
                left -= len(connection.recv(65_536))
            done += len(keys)
    return done


def main(kind: str, path: str, concurrency: int, seconds: float) -> None:
    """Run one of them and print what it did."""
    run = {"link": by_link, "redis-py": by_threads, "pipeline": by_pipeline}[kind]
    keys = prepare(path, concurrency)
    used, began = time.process_time(), time.perf_counter()
    done = run(path, keys, seconds)
    found = {
        "done": done,
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - used,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
