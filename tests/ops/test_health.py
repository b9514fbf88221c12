"""Alive is not ready: what probes are told, and how little it costs them."""

from __future__ import annotations

import httpx
import trio
from trio.testing import MockClock

from gatehouse.ops.health import CHECK_SECONDS, FRESH_SECONDS, Health
from tests.ops.conftest import Install
from tests.ops.installation import eventually
from tests.servers.valkey import Valkey


async def fine() -> None:
    await trio.lowlevel.checkpoint()


async def broken() -> None:
    raise OSError("10.1.2.3 says: no route")


async def test_a_server_without_its_database_is_alive_and_not_ready() -> None:
    health = Health({"database": broken, "redis": fine})
    assert await health.alive() == (200, {"status": "ok"})
    status, body = await health.ready()
    assert status == 503
    assert body == {
        "status": "unavailable",
        "dependencies": {"database": "unavailable", "redis": "ok"},
    }


async def test_a_dependency_that_hangs_is_not_waited_for(autojump_clock: MockClock) -> None:
    health = Health({"redis": trio.sleep_forever})
    with trio.fail_after(CHECK_SECONDS + 1):
        assert (await health.ready())[0] == 503


async def test_many_probes_are_one_check(autojump_clock: MockClock) -> None:
    asked = 0

    async def count() -> None:
        nonlocal asked
        asked += 1
        await trio.sleep(0.1)

    health = Health({"redis": count})
    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(health.ready)
    assert asked == 1
    await trio.sleep(FRESH_SECONDS)
    await health.ready()
    assert asked == 2


async def test_a_worker_that_stops_wants_no_new_clients() -> None:
    health = Health({"redis": fine})
    health.draining = True
    assert await health.ready() == (503, {"status": "draining", "dependencies": {"redis": "ok"}})


def test_both_addresses_follow_redis_as_it_goes_and_comes(install: Install, valkey: Valkey) -> None:
    gatehouse = install(REDIS_URL=valkey.url, WORKERS="2")
    gatehouse.start()
    probes = [f"{gatehouse.url}/readyz", f"{gatehouse.ops_url}/readyz"]

    def are(status: int) -> bool:
        return all(httpx.get(probe).status_code == status for probe in probes)

    eventually(lambda: are(200))
    valkey.stop()
    eventually(lambda: are(503))
    for url in (gatehouse.url, gatehouse.ops_url):
        answer = httpx.get(f"{url}/readyz")
        assert answer.json()["dependencies"]["redis"] == "unavailable"
        assert answer.json()["dependencies"]["database"] == "ok"
        assert str(valkey.url) not in answer.text
        assert httpx.get(f"{url}/healthz").json() == {"status": "ok"}
    valkey.start()
    eventually(lambda: are(200))
    assert gatehouse.stop() == 0
