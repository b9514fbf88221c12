"""One worker: every part put together, served until it is told to stop.

This is the composition root. Parts are started from the bottom up (Redis, database, engine, core,
application, edge) and end in the opposite order, so that the last request still finds everything
that it needs.

Run as a program (`python -m gatehouse.ops.worker`) it is a child of the supervisor: it inherits
the listening sockets, says `ready` on standard output once it serves, and stops on SIGTERM or when
its standard input ends, which is how it learns that the supervisor is gone.
"""

from __future__ import annotations

import gc
import os
import secrets
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import trio

from gatehouse.ops.metrics import Recorder, SnapshotFile
from gatehouse.ops.sockets import edge_config, edge_sockets

if TYPE_CHECKING:
    from gatehouse.http.edge import EdgeStats
    from gatehouse.ops.health import Health
    from gatehouse.ops.observers import Metrics
    from gatehouse.ops.settings import Settings

TENANT: Final = "default"
"""The tenant of this installation."""

SNAPSHOT_SECONDS: Final = 1.0
"""How often what was counted is left for the supervisor."""

SWITCH_SECONDS: Final = 0.0001
"""How long the event loop waits for the interpreter before a thread has to hand it over: what the
threads of the database and of hashing do with it takes longer than most requests."""

NEW_OBJECTS: Final = 20_000
"""New containers after which the collector looks for unreachable cycles. Few requests leave any,
and Python's 700 would have it look several times in one sign-in."""

READY: Final = b"ready\n"


async def serve_worker(
    settings: Settings,
    sockets: list[socket.socket],
    file: SnapshotFile,
    stop: trio.Event,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve on `sockets` until `stop` is set, then finish what was accepted, then return.

    Started once clients are served. Redis or the database may be away: the worker serves, says
    what is missing, and recovers by itself.
    """
    # Imported here: the supervisor of several workers needs none of it.
    from gatehouse.actors.assets import LocalAssets  # noqa: PLC0415
    from gatehouse.actors.connectors.messengers import Messengers  # noqa: PLC0415
    from gatehouse.actors.core import build_core  # noqa: PLC0415
    from gatehouse.actors.hashing import PasswordHasher, threads_for  # noqa: PLC0415
    from gatehouse.actors.outbound import Outbound  # noqa: PLC0415
    from gatehouse.actors.relay import Relay  # noqa: PLC0415
    from gatehouse.engine.engine import Engine  # noqa: PLC0415
    from gatehouse.engine.redis import redis_from_url  # noqa: PLC0415
    from gatehouse.http.app import build_app  # noqa: PLC0415
    from gatehouse.http.edge import EdgeLimits, EdgeStats, serve  # noqa: PLC0415
    from gatehouse.ops import datadir, delivery  # noqa: PLC0415
    from gatehouse.ops.demo import WithDemo  # noqa: PLC0415
    from gatehouse.ops.health import Health  # noqa: PLC0415
    from gatehouse.ops.observers import Metrics  # noqa: PLC0415
    from gatehouse.storage.database import Database  # noqa: PLC0415

    _prepare_interpreter()
    recorder = Recorder()
    metrics = Metrics(recorder, access_log=settings.access_log)
    vault = datadir.vault(settings)
    stats = EdgeStats()
    async with (
        Database.open(
            settings.database,
            vault=vault,
            pool_size=_pool_size(settings),
            observer=metrics,
        ) as db,
        trio.open_nursery() as links,
    ):
        redis = redis_from_url(settings.redis_url.get_secret_value(), observer=metrics)
        engine = Engine(redis, node=_node_name(), observer=metrics)
        outbound = Outbound(allow_private=settings.allow_private_addresses)
        core = build_core(
            tenant_id=TENANT,
            public_url=settings.origin,
            engine=engine,
            redis=redis,
            db=db,
            hasher=PasswordHasher(
                settings.hash_threads or threads_for(settings.workers), observer=metrics
            ),
            ring=datadir.secret_ring(settings),
            observer=metrics,
            outbound=outbound,
            protected_app_domain=settings.protected_app_domain,
            assets=LocalAssets(settings.data_dir / "assets"),
            messengers=Messengers(
                db, outbound, settings.development_inbox, settings.mock_connectors
            ),
        )
        health = Health({"database": db.ping, "redis": lambda: redis.execute("PING")})
        app: Any = build_app(
            core,
            health={"/healthz": health.alive, "/readyz": health.ready},
            observer=metrics,
            trusted_proxies=settings.trusted_proxies,
        )
        if settings.demo:
            app = WithDemo(app)
        delivery.handle_effects(core, recorder)
        await links.start(redis.run)
        async with trio.open_nursery() as parts:
            await parts.start(core.directory.run)
            await parts.start(core.activity.run)
            await parts.start(core.journal.run)
            await parts.start(engine.run)
            await parts.start(Relay(core).run)
            publishing = _Publishing(recorder, metrics, stats, health, file)
            await parts.start(publishing.run)
            parts.start_soon(_announce_draining, health, stop)
            async with trio.open_nursery() as serving:
                await serving.start(
                    lambda task_status: serve(
                        app,
                        edge_config(settings),
                        limits=EdgeLimits(
                            connections=settings.max_connections,
                            header_bytes=settings.max_header_bytes,
                            body_bytes=settings.max_body_bytes,
                            idle_seconds=settings.idle_seconds,
                        ),
                        stats=stats,
                        sockets=edge_sockets(sockets, tls=settings.tls_certificate is not None),
                        shutdown_trigger=stop.wait,
                        task_status=task_status,
                    )
                )
                gc.freeze()  # what the start made stays, and is not looked at again
                gc.set_threshold(NEW_OBJECTS)
                task_status.started()
            parts.cancel_scope.cancel()
        links.cancel_scope.cancel()
    await publishing.publish()


def _prepare_interpreter() -> None:
    from gatehouse.ops.struct_types import prepare_types  # noqa: PLC0415

    prepare_types()
    sys.setswitchinterval(SWITCH_SECONDS)


class _Publishing:
    """Leaves what the worker counts where the supervisor finds it."""

    def __init__(
        self,
        recorder: Recorder,
        metrics: Metrics,
        stats: EdgeStats,
        health: Health,
        file: SnapshotFile,
    ) -> None:
        self._recorder = recorder
        self._metrics = metrics
        self._stats = stats
        self._health = health
        self._file = file
        self._dependencies: dict[str, str] = {}

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        self._dependencies = await self._health.check()
        await self.publish()
        task_status.started()
        while True:
            await trio.sleep(SNAPSHOT_SECONDS)
            self._dependencies = await self._health.check()
            await self.publish()

    async def publish(self) -> None:
        self._metrics.edge(self._stats)
        snapshot = self._recorder.snapshot(self._dependencies)
        # A full disk stops the metrics, not the server.
        with suppress(OSError):
            await trio.to_thread.run_sync(self._file.write, snapshot)


async def _announce_draining(health: Health, stop: trio.Event) -> None:
    await stop.wait()
    health.draining = True


def _pool_size(settings: Settings) -> int | None:
    is_sqlite = settings.database.startswith("sqlite:")
    return None if is_sqlite else settings.database_connections


def _node_name() -> str:
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


async def _run(settings: Settings, descriptors: list[int], file: SnapshotFile) -> None:
    sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_stop_on_signal, stop)
        nursery.start_soon(_stop_without_supervisor, stop)
        async with trio.open_nursery() as worker:
            await worker.start(serve_worker, settings, sockets, file, stop)
            os.write(1, READY)
        nursery.cancel_scope.cancel()


async def _stop_on_signal(stop: trio.Event) -> None:
    with trio.open_signal_receiver(signal.SIGTERM) as signals:
        async for _ in signals:
            stop.set()


async def _stop_without_supervisor(stop: trio.Event) -> None:
    async with trio.lowlevel.FdStream(os.dup(0)) as supervisor:
        while await supervisor.receive_some():
            pass
    stop.set()


def main() -> None:
    """Entry point of a child; its arguments are what the supervisor found out."""
    from gatehouse.ops.logging import configure_logging  # noqa: PLC0415
    from gatehouse.ops.settings import load_settings  # noqa: PLC0415

    # A Ctrl-C reaches the whole terminal; when to stop is for the supervisor to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    origin, embedded_redis, snapshot, *descriptors = sys.argv[1:]
    settings = load_settings().resolved(origin, embedded_redis)
    configure_logging(settings)
    trio.run(_run, settings, [int(one) for one in descriptors], SnapshotFile(Path(snapshot)))


if __name__ == "__main__":
    main()
