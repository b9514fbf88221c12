"""Whether this process is alive, and whether what it depends on lets it serve.

`/healthz` answers while the event loop turns: a restart would not help a server whose database is
away. `/readyz` asks the dependencies, so that a load balancer sends people elsewhere meanwhile. It
names what is missing and nothing more: addresses and reasons are in the log.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import structlog
import trio

log = structlog.get_logger(__name__)

Check = Callable[[], Awaitable[object]]

CHECK_SECONDS: Final = 2.0
"""What a dependency gets to answer."""

FRESH_SECONDS: Final = 0.5
"""How long an answer counts, so that probes cost nothing however many come."""

OK: Final = "ok"
UNAVAILABLE: Final = "unavailable"


class Health:
    """The checks of one worker."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = dict(checks)
        self._found: dict[str, str] = {}
        self._checked_at = -FRESH_SECONDS
        self._lock = trio.Lock()
        self.draining = False
        """Set when the worker was told to stop: it serves on, but wants no new clients."""

    async def check(self) -> dict[str, str]:
        """Each dependency's state, `ok` or `unavailable`, at most half a second old."""
        async with self._lock:
            if trio.current_time() - self._checked_at >= FRESH_SECONDS:
                found: dict[str, str] = {}
                async with trio.open_nursery() as nursery:
                    for name, check in self._checks.items():
                        nursery.start_soon(self._ask, name, check, found)
                self._found = {name: found[name] for name in self._checks}
                self._checked_at = trio.current_time()
        return self._found

    async def alive(self) -> tuple[int, Mapping[str, Any]]:
        """The answer of `/healthz`."""
        return 200, {"status": OK}

    async def ready(self) -> tuple[int, Mapping[str, Any]]:
        """The answer of `/readyz`."""
        return readiness(await self.check(), draining=self.draining)

    async def _ask(self, name: str, check: Check, found: dict[str, str]) -> None:
        found[name] = UNAVAILABLE
        try:
            with trio.fail_after(CHECK_SECONDS):
                await check()
            found[name] = OK
        except Exception as error:
            if self._found.get(name, OK) == OK:
                log.warning("dependency_unavailable", dependency=name, error=type(error).__name__)
            return
        if self._found.get(name, OK) != OK:
            log.info("dependency_available", dependency=name)


def readiness(
    dependencies: Mapping[str, str], *, draining: bool = False
) -> tuple[int, Mapping[str, Any]]:
    """Status and body for these dependencies."""
    state = OK if all(one == OK for one in dependencies.values()) else UNAVAILABLE
    if draining:
        state = "draining"
    return (200 if state == OK else 503), {"status": state, "dependencies": dict(dependencies)}
