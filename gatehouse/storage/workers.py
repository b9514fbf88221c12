"""A few threads that own database connections, and the bridge to them from trio.

A hop through trio's own thread cache costs more than the statement it carries, and knows nothing
of batches. Here a thread belongs to a connection; it takes what waits in its pool's queue, up to a
batch, and one wake-up of the event loop brings all outcomes of the batch back. Threads are started
when there is work for them.

**Cancellation.** A unit that still waits is taken out of the queue: nothing has happened. A unit
that writes and has begun is never abandoned: its caller gets the outcome, and is cancelled at its
next checkpoint. A unit that reads is abandoned at once, and its outcome dropped.

**Bounds.** The queue is bounded in length and in time (`Busy`). A unit that runs for longer than
its pool allows has its connection broken, so that a database that stands still holds nobody.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum
from typing import Any, Protocol

import outcome
import trio

from gatehouse.storage.errors import Busy
from gatehouse.storage.observer import StorageObserver
from gatehouse.storage.scheduling import stand_back

MAX_WAITING = 1024
"""Units that may wait for a thread of one pool: more would be answered too late to matter."""
MAX_WAIT = 5.0
"""Seconds a unit may wait for a thread."""
MAX_RUN = 15.0
"""Seconds a batch may take before its connection is broken."""
WATCH_INTERVAL = 0.5
"""Seconds between two looks at what waits and runs."""


class _State(Enum):
    WAITING = 0
    RUNNING = 1
    ABANDONED = 2


class Job:
    """A unit of work on its way through a pool."""

    __slots__ = (
        "args",
        "fn",
        "locks",
        "outcome",
        "queued_at",
        "reads",
        "started_at",
        "state",
        "task",
    )

    def __init__(
        self, fn: Callable[..., Any], args: tuple[Any, ...], *, reads: bool, locks: bool = False
    ) -> None:
        self.fn = fn
        self.args = args
        self.reads = reads
        self.locks = locks
        self.task = trio.lowlevel.current_task()
        self.state = _State.WAITING
        self.outcome: outcome.Outcome[Any] = outcome.Error(Busy())
        self.queued_at = time.monotonic()
        self.started_at = 0.0


class Session(Protocol):
    """What a thread of a pool owns: a connection, however it is kept alive."""

    def run(self, jobs: Sequence[Job]) -> None:
        """Give every job an outcome. Never raises."""

    def interrupt(self) -> None:
        """Make what runs now fail soon. Called from another thread."""

    def close(self) -> None:
        """Close the connection."""


class _Worker:
    __slots__ = ("jobs", "session", "since", "thread")

    def __init__(self, session: Session) -> None:
        self.session = session
        self.jobs: Sequence[Job] = ()
        self.since = 0.0
        self.thread: threading.Thread | None = None


class Workers:
    """A pool of threads with a connection each. Made within trio; `close` ends it."""

    def __init__(
        self,
        name: str,
        open_session: Callable[[], Session],
        *,
        size: int,
        batch: int = 1,
        observer: StorageObserver,
    ) -> None:
        self._name = name
        self._open_session = open_session
        self._size = size
        self._batch = batch
        self._observer = observer
        self._token = trio.lowlevel.current_trio_token()
        self._changed = threading.Condition()
        self._queue: deque[Job] = deque()
        self._workers: list[_Worker] = []
        self._idle = 0
        self._closing = False
        self._stopped = threading.Event()
        self._watchdog: threading.Thread | None = None

    async def submit(
        self, fn: Callable[..., Any], args: tuple[Any, ...], *, reads: bool, locks: bool = False
    ) -> Any:
        """Run a unit in a thread of the pool. Raises `Busy`, or what the unit raises."""
        await trio.lowlevel.checkpoint_if_cancelled()
        job = Job(fn, args, reads=reads, locks=locks)
        with self._changed:
            if self._closing or len(self._queue) >= MAX_WAITING:
                raise Busy
            self._queue.append(job)
            if self._idle:
                self._changed.notify()
            if len(self._queue) > self._idle and len(self._workers) < self._size:
                self._start_worker()

        def abort(_: object) -> trio.lowlevel.Abort:
            with self._changed:
                if job.state is _State.WAITING:
                    self._queue.remove(job)
                elif not job.reads:
                    return trio.lowlevel.Abort.FAILED
                job.state = _State.ABANDONED
            return trio.lowlevel.Abort.SUCCEEDED

        return await trio.lowlevel.wait_task_rescheduled(abort)

    def close(self) -> None:
        """Let what waits finish, then close the connections. Blocks: call it from a thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._stopped.set()
        for worker in self._workers:
            if worker.thread is not None:
                worker.thread.join(MAX_RUN)

    def _start_worker(self) -> None:
        worker = _Worker(self._open_session())
        self._workers.append(worker)
        name = f"{self._name}-{len(self._workers)}"
        worker.thread = threading.Thread(target=self._work, args=(worker,), name=name, daemon=True)
        worker.thread.start()
        if self._watchdog is None:
            self._watchdog = threading.Thread(
                target=self._watch, name=f"{self._name}-watch", daemon=True
            )
            self._watchdog.start()

    def _work(self, worker: _Worker) -> None:
        stand_back(threading.get_native_id())
        while jobs := self._take(worker):
            worker.session.run(jobs)
            with self._changed:
                worker.jobs = ()
            self._report(jobs)
        worker.session.close()

    def _take(self, worker: _Worker) -> Sequence[Job]:
        """Wait for work. Nothing means that the pool is closing."""
        with self._changed:
            while not self._queue:
                if self._closing:
                    return ()
                self._idle += 1
                self._changed.wait()
                self._idle -= 1
            fair_share = -(-len(self._queue) // self._size)
            count = min(self._batch, fair_share)
            jobs = [self._queue.popleft() for _ in range(count)]
            now = time.monotonic()
            for job in jobs:
                job.state = _State.RUNNING
                job.started_at = now
            worker.jobs, worker.since = jobs, now
        return jobs

    def _report(self, jobs: Sequence[Job]) -> None:
        """Bring the outcomes home. After trio has ended there is nobody to tell."""
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self._finish, jobs)

    def _finish(self, jobs: Sequence[Job]) -> None:
        now = time.monotonic()
        for job in jobs:
            started = job.started_at or now
            failed = isinstance(job.outcome, outcome.Error)
            self._observer.unit_finished(self._name, started - job.queued_at, now - started, failed)
            if job.state is _State.RUNNING:
                trio.lowlevel.reschedule(job.task, job.outcome)
        in_use = sum(1 for worker in self._workers if worker.jobs)
        self._observer.pool_changed(self._name, len(self._workers), in_use, len(self._queue))

    def _watch(self) -> None:
        while not self._stopped.wait(WATCH_INTERVAL):
            now = time.monotonic()
            stale: list[Job] = []
            with self._changed:
                stuck = [
                    worker
                    for worker in self._workers
                    if worker.jobs and now - worker.since > MAX_RUN
                ]
                while self._queue and now - self._queue[0].queued_at > MAX_WAIT:
                    job = self._queue.popleft()
                    job.state = _State.RUNNING
                    job.outcome = outcome.Error(Busy())
                    stale.append(job)
            for worker in stuck:
                worker.session.interrupt()
            if stale:
                self._report(stale)
