"""Clients that do nothing but sign in until they are stopped. Prints a line once it has begun."""

from __future__ import annotations

import json
import sys
from itertools import cycle
from typing import Any

from bench import api
from bench.client import drive
from bench.servers import Server
from gatehouse.storage.scheduling import stand_back

SECONDS = 3600.0


def main(what: dict[str, Any]) -> None:
    """Sign in again and again, on cores that the server leaves."""
    stand_back(0)
    server = Server(**what["server"])
    users = cycle(what["users"])

    def make() -> Any:
        return api.sign_in(server, next(users))

    drive(server.url, make, what["connections"], 1.0)
    print("begun", flush=True)
    drive(server.url, make, what["connections"], SECONDS)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
