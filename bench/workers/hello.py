"""A raw ASGI application that says hello, on stock Hypercorn or on the edge: `hello stock`.

Prints the address once it serves.
"""

from __future__ import annotations

import signal
import sys
from typing import Any, cast

import trio
from hypercorn import Config
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.trio.run import worker_serve

from gatehouse.http.edge import EdgeLimits, serve

REQUESTS = 1_000_000_000  # of one connection: the load client does not reconnect


async def hello(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The least that an application can do."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello"})


async def main(flavour: str) -> None:
    """Serve until SIGTERM."""
    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.accesslog = config.errorlog = None
    config.keep_alive_max_requests = REQUESTS

    async def run(task_status: trio.TaskStatus[list[str]]) -> None:
        if flavour == "stock":
            await worker_serve(ASGIWrapper(cast(Any, hello)), config, task_status=task_status)
        else:
            limits = EdgeLimits(requests=REQUESTS)
            await serve(hello, config, limits=limits, task_status=task_status)

    async with trio.open_nursery() as nursery:
        (address,) = await nursery.start(run)
        with trio.open_signal_receiver(signal.SIGTERM) as signals:
            print(address, flush=True)
            async for _ in signals:
                nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main, sys.argv[1])
