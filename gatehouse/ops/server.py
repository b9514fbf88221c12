"""The supervisor: it prepares an installation, keeps its workers running, and stops them gently.

One worker runs inside the supervisor's own process, which starts fastest and needs least memory.
Several are processes of their own that inherit the listening sockets: one that crashes is replaced
and the kernel keeps its new clients waiting meanwhile. On SIGTERM or SIGINT the workers go first,
each finishing what it accepted; then the operators' address, and the private Valkey last.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog
import trio

from gatehouse.ops import datadir
from gatehouse.ops.embedded import private_valkey
from gatehouse.ops.metrics import SnapshotFile
from gatehouse.ops.settings import check_urls
from gatehouse.ops.sockets import bind, close, edge_config, edge_sockets, url_of
from gatehouse.ops.web import OpsApp, Workforce
from gatehouse.ops.worker import READY, TENANT, serve_worker

if TYPE_CHECKING:
    from gatehouse.ops.seed import Seeded
    from gatehouse.ops.settings import Settings
    from gatehouse.storage.records import Message

log = structlog.get_logger(__name__)

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0
STEADY_SECONDS: Final = 60.0
"""A worker that ran so long is started again at once: whatever it was, it is not a loop."""

START_SECONDS: Final = 60.0
"""How long a worker may take until it serves."""

STOP_MARGIN_SECONDS: Final = 10.0
"""What a worker gets beyond its drain to close connections, before it is killed."""


class ServerError(Exception):
    """The server cannot start or go on; the message says why."""


@dataclass(frozen=True, slots=True)
class Started:
    """What a server that is up has to tell."""

    settings: Settings
    urls: list[str]
    ops_url: str | None
    seeded: Seeded | None


async def serve(settings: Settings, announce: Callable[[Started], None]) -> None:
    """Run an installation until SIGTERM or SIGINT; a second signal ends it at once.

    Raises SettingsError, DataDirError, BindError, EmbeddedError, ServerError, and StorageError
    where the database cannot be migrated.
    """
    check_urls(settings)
    data_dir = datadir.prepare_data_dir(settings)
    stop = trio.Event()
    with datadir.sole_owner(data_dir):
        async with trio.open_nursery() as signals:
            await signals.start(_listen_for_signals, stop)
            async with AsyncExitStack() as stack:
                await _serve(settings, announce, stop, stack)
            signals.cancel_scope.cancel()


async def prepare(settings: Settings) -> Seeded | None:
    """Migrate the database and seed it; what was made, if anything was."""
    from gatehouse.ops.seed import seed  # noqa: PLC0415
    from gatehouse.storage.database import Database  # noqa: PLC0415
    from gatehouse.storage.migrate import migrate  # noqa: PLC0415

    if await trio.to_thread.run_sync(migrate, settings.database):
        log.info("database_migrated")
    vault = datadir.vault(settings)
    async with Database.open(settings.database, vault=vault, pool_size=1) as db:
        seeded = await seed(db, settings, TENANT)
    if seeded is not None and seeded.management_client_id:
        _keep(settings, seeded)
    return seeded


def _keep(settings: Settings, seeded: Seeded) -> None:
    import msgspec  # noqa: PLC0415

    known = datadir.read_credentials(settings) or {}
    datadir.keep_credentials(settings, {**known, **msgspec.to_builtins(seeded)})


async def _serve(
    settings: Settings,
    announce: Callable[[Started], None],
    stop: trio.Event,
    stack: AsyncExitStack,
) -> None:
    tls = settings.tls_certificate is not None
    sockets = bind(settings.bind)
    stack.callback(close, sockets)
    urls = [url_of(one, tls=tls) for one in sockets]
    embedded = ""
    if not settings.redis_url.get_secret_value():
        embedded = await stack.enter_async_context(private_valkey(settings.data_dir))
    settings = settings.resolved(settings.public_url or urls[0], embedded)
    seeded = await prepare(settings)
    workforce = Workforce()
    ops_url = await stack.enter_async_context(_operators_address(settings, workforce))
    started = Started(settings, urls, ops_url, seeded)
    run_dir = _empty_run_dir(settings.data_dir)
    crew = _Crew(settings, embedded, sockets, run_dir, workforce, stop)
    run = crew.run_here if settings.workers == 1 else crew.run
    await run(lambda: announce(started))


async def _listen_for_signals(
    stop: trio.Event, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for number in signals:
            if stop.is_set():
                raise ServerError("ended at once by a second signal")
            log.info("stopping", signal=signal.Signals(number).name)
            stop.set()


def _empty_run_dir(data_dir: Path) -> Path:
    path = data_dir / "run"
    path.mkdir(mode=0o700, exist_ok=True)
    for old in path.iterdir():
        old.unlink()
    return path


@asynccontextmanager
async def _operators_address(settings: Settings, workforce: Workforce) -> AsyncIterator[str | None]:
    if settings.metrics_address is None:
        yield None
        return
    from gatehouse.http.edge import EdgeLimits  # noqa: PLC0415
    from gatehouse.http.edge import serve as serve_edge  # noqa: PLC0415

    sockets = bind([settings.metrics_address])
    url = url_of(sockets[0])
    config = edge_config(settings.model_copy(update={"tls_certificate": None, "drain_seconds": 1}))
    done = trio.Event()

    async def read_inbox(limit: int) -> list[Message]:
        return await _read_inbox(settings, limit)

    async with trio.open_nursery() as nursery:
        await nursery.start(
            lambda task_status: serve_edge(
                OpsApp(workforce, read_inbox),
                config,
                limits=EdgeLimits(connections=256, body_bytes=1024, drain_seconds=0.05),
                sockets=edge_sockets(sockets, tls=False),
                shutdown_trigger=done.wait,
                task_status=task_status,
            )
        )
        try:
            yield url
        finally:
            done.set()


async def _read_inbox(settings: Settings, limit: int) -> list[Message]:
    """The development inbox, which is asked for so rarely that no connection is kept for it."""
    from gatehouse.ops.delivery import newest_messages  # noqa: PLC0415
    from gatehouse.storage.database import Database  # noqa: PLC0415

    async with Database.open(settings.database, pool_size=1) as db:
        return await db.read(newest_messages, TENANT, limit)


@dataclass(slots=True)
class _Crew:
    """The workers of a server."""

    settings: Settings
    embedded: str
    sockets: list[socket.socket]
    run_dir: Path
    workforce: Workforce
    stop: trio.Event
    _spawned: int = 0
    _processes: set[trio.Process] = field(default_factory=set)

    async def run_here(self, announce: Callable[[], None]) -> None:
        """Run the only worker in this process."""
        name, file = self._next()
        self.workforce.arrived(name, file)
        async with trio.open_nursery() as nursery:
            await nursery.start(serve_worker, self.settings, self.sockets, file, self.stop)
            announce()

    async def run(self, announce: Callable[[], None]) -> None:
        """Keep the workers running until told to stop. Raises ServerError if they cannot start."""
        async with trio.open_nursery() as nursery:
            async with trio.open_nursery() as starting:
                for _ in range(self.settings.workers):
                    starting.start_soon(nursery.start, self._keep_one)
            announce()
            await self.stop.wait()
            # The workers hold the sockets until they have served whoever waits at them.
            close(self.sockets)
            for process in self._processes:
                process.terminate()

    async def _keep_one(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Keep one worker running."""
        pause = FIRST_PAUSE_SECONDS
        first = True
        while not self.stop.is_set():
            began = trio.current_time()
            ready = await self._run_one(task_status if first else trio.TASK_STATUS_IGNORED)
            if first and not ready:
                if not self.stop.is_set():
                    raise ServerError("a worker could not start: its log says why")
                task_status.started()
            if self.stop.is_set():
                return
            first = False
            self.workforce.recorder.counts("worker_restarts_total").add()
            if trio.current_time() - began > STEADY_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            log.error("worker_ended", restart_in_seconds=pause)
            with trio.move_on_after(pause):
                await self.stop.wait()
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _run_one(self, task_status: trio.TaskStatus[None]) -> bool:
        """Run one worker to its end; whether it ever served."""
        self._spawned += 1
        name = str(self._spawned)
        file = SnapshotFile(self.run_dir / f"worker-{name}")
        process = await self._spawn(file)
        self._processes.add(process)
        self.workforce.arrived(name, file)
        ready = False
        try:
            ready = await _is_ready(process)
            if ready:
                task_status.started()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._kill_when_late, process)
                await process.wait()
                nursery.cancel_scope.cancel()
        finally:
            self._processes.discard(process)
            with trio.CancelScope(shield=True):
                process.kill()
                await process.wait()
            self.workforce.departed(name)
        return ready

    def _next(self) -> tuple[str, SnapshotFile]:
        self._spawned += 1
        name = str(self._spawned)
        return name, SnapshotFile(self.run_dir / f"worker-{name}")

    async def _spawn(self, file: SnapshotFile) -> trio.Process:
        descriptors = [one.fileno() for one in self.sockets]
        return await trio.lowlevel.open_process(
            [
                sys.executable,
                "-m",
                "gatehouse.ops.worker",
                self.settings.origin,
                self.embedded,
                str(file.path),
                *map(str, descriptors),
            ],
            # Its end tells the worker that the supervisor is gone.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=descriptors,
        )

    async def _kill_when_late(self, process: trio.Process) -> None:
        await self.stop.wait()
        process.terminate()
        await trio.sleep(self.settings.drain_seconds + STOP_MARGIN_SECONDS)
        log.error("worker_killed", reason="it did not stop in time")
        process.kill()


async def _is_ready(process: trio.Process) -> bool:
    """Wait until a worker says that it serves; false if it ended or took too long."""
    assert process.stdout is not None  # noqa: S101  # it was asked for
    said = b""
    with trio.move_on_after(START_SECONDS):
        while more := await process.stdout.receive_some():
            said += more
            if READY in said:
                return True
    return False
