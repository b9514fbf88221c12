"""Passwords at rest, and a bounded place to compute them that never starves the rest.

A password hash is slow on purpose: 17 ms of processor time here, against well under a millisecond
for everything else a request does. So hashes are computed by a few threads of their own, which run
at a lower priority of the operating system, and fewer than there are cores: Linux may let a thread
that computes keep its core until the next tick, up to 4 ms, whoever else has something to do there.
With a thread on each of two cores, the slowest hundredth of other requests waited that long.
Their queue is bounded; what does not fit is refused at once, because a sign-in that waits for ten
seconds is a sign-in that is tried again.

A name that nobody has takes as long as a wrong password: it is verified against a digest that
matches nothing. Digests of other systems verify too (see `imported.py`), and the caller replaces
them once the password is known.
"""

from __future__ import annotations

import contextlib
import os
import queue
import secrets
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import trio
from argon2.exceptions import HashingError, InvalidHashError, VerificationError
from argon2.low_level import Type, hash_secret, verify_secret

from gatehouse.actors.imported_hashes import verify_imported
from gatehouse.engine.errors import Overloaded
from gatehouse.storage.scheduling import stand_back

T = TypeVar("T")

ARGON2ID = "Argon2id"
"""The algorithm's name in the user's record."""
TIME_COST = 4
MEMORY_COST_KIB = 9 * 1024
PARALLELISM = 1
"""Argon2id over 9 MiB in four passes and one lane: of the settings that OWASP's Password Storage
Cheat Sheet holds equally strong, one that leaves the processor's caches to the requests beside it.
Two passes over 19 MiB cost a sign-in a sixth more outside of the hash itself."""
SALT_BYTES = 16
HASH_BYTES = 32

MAX_PASSWORD_LENGTH = 4096
"""Characters. Longer input is no password and is not worth hashing."""
MAX_QUEUED = 256
"""Hashes waiting or running in one process: at 17 ms each on two threads, about two seconds."""
RETRY_AFTER_SECONDS = 2.0
LOWER_PRIORITY = 10
"""Added to the threads' niceness: enough for the event loop to be served first."""

_ARGON2_PREFIX = f"$argon2id$v=19$m={MEMORY_COST_KIB},t={TIME_COST},p={PARALLELISM}$"
_ARGON2_TYPES = {"$argon2id$": Type.ID, "$argon2i$": Type.I, "$argon2d$": Type.D}


class HashObserver:
    """What the hasher reports; the default ignores it. Operations measure it."""

    def hash_queue(self, waiting: int) -> None:
        """How many hashes are waiting or running, after a change."""

    def hash_finished(self, seconds: float) -> None:
        """One hash was computed; the time does not include waiting."""

    def hash_refused(self) -> None:
        """The queue was full."""


@dataclass(frozen=True, slots=True)
class StoredPassword:
    """A digest and the name of its algorithm, as a user's record holds them."""

    digest: str
    algorithm: str


@dataclass(slots=True)
class _Job(Generic[T]):
    work: Callable[[], T]
    token: trio.lowlevel.TrioToken
    done: trio.Event
    abandoned: bool = False
    result: T | None = None
    error: BaseException | None = None


def hash_now(password: str) -> StoredPassword:
    """Hash a password in the calling thread, for commands that have no event loop."""
    digest = hash_secret(
        password.encode(),
        secrets.token_bytes(SALT_BYTES),
        time_cost=TIME_COST,
        memory_cost=MEMORY_COST_KIB,
        parallelism=PARALLELISM,
        hash_len=HASH_BYTES,
        type=Type.ID,
    )
    return StoredPassword(digest.decode(), ARGON2ID)


def verify_now(stored: StoredPassword, password: str) -> bool:
    """Whether the password is the stored one; a digest that cannot be read matches nothing."""
    for prefix, variant in _ARGON2_TYPES.items():
        if stored.digest.startswith(prefix):
            try:
                return verify_secret(stored.digest.encode(), password.encode(), variant)
            except (VerificationError, InvalidHashError, HashingError):
                return False
    return verify_imported(stored.algorithm, stored.digest, password)


def is_current(stored: StoredPassword) -> bool:
    """Whether the digest was made as new ones are; if not, replace it at the next sign-in."""
    return stored.algorithm == ARGON2ID and stored.digest.startswith(_ARGON2_PREFIX)


class PasswordHasher:
    """Computes and verifies password hashes on threads of its own."""

    def __init__(
        self,
        threads: int,
        *,
        max_queued: int = MAX_QUEUED,
        observer: HashObserver | None = None,
    ) -> None:
        """Make a hasher of this many threads, which start with the first hash and never end."""
        self._size = threads
        self._max_queued = max_queued
        self._observer = observer or HashObserver()
        self._jobs: queue.SimpleQueue[_Job[object]] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._waiting = 0
        self._nobody = _nobodys_password()

    async def hash(self, password: str) -> StoredPassword:
        """Hash a new password. Raises `Overloaded` if too many are waiting."""
        return await self._run(lambda: hash_now(password))

    async def verify(self, stored: StoredPassword | None, password: str) -> bool:
        """Whether the password is the stored one; `None` takes as long and is never right.

        A digest in a faster algorithm also takes as long as one of ours, so that the time of an
        answer tells nobody whether an account exists. Raises `Overloaded` if too many are waiting.
        """
        if len(password) > MAX_PASSWORD_LENGTH:
            return False

        def work() -> bool:
            matches = stored is not None and verify_now(stored, password)
            if stored is None or not is_current(stored):
                verify_now(self._nobody, password)
            return matches

        return await self._run(work)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= self._max_queued:
            self._observer.hash_refused()
            raise Overloaded(
                "too many passwords wait to be hashed", retry_after=RETRY_AFTER_SECONDS
            )
        self._start_threads()
        job = _Job(work, trio.lowlevel.current_trio_token(), trio.Event())
        self._count(+1)
        self._jobs.put(job)  # type: ignore[arg-type]  # the result goes back to this job alone
        try:
            await job.done.wait()
        except trio.Cancelled:
            job.abandoned = True
            raise
        finally:
            self._count(-1)
        if job.error is not None:
            raise job.error
        return job.result  # type: ignore[return-value]  # set whenever there is no error

    def _count(self, change: int) -> None:
        self._waiting += change
        self._observer.hash_queue(self._waiting)

    def _start_threads(self) -> None:
        while len(self._threads) < self._size:
            name = f"hash-{len(self._threads)}"
            thread = threading.Thread(target=self._serve, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self) -> None:
        stand_back(threading.get_native_id(), LOWER_PRIORITY)
        while True:
            job = self._jobs.get()
            if job.abandoned:
                continue
            began = time.perf_counter()
            try:
                job.result = job.work()
            except BaseException as error:  # it is raised where it was asked for
                job.error = error
            self._finish(job, time.perf_counter() - began)
            del job

    def _finish(self, job: _Job[object], seconds: float) -> None:
        def wake() -> None:
            self._observer.hash_finished(seconds)
            job.done.set()

        with contextlib.suppress(trio.RunFinishedError):
            job.token.run_sync_soon(wake)


def _nobodys_password() -> StoredPassword:
    """A digest that nothing was hashed to, and that takes as long to verify as any other."""
    salt, digest = (
        b64encode(secrets.token_bytes(size)).decode().rstrip("=")
        for size in (SALT_BYTES, HASH_BYTES)
    )
    return StoredPassword(f"{_ARGON2_PREFIX}{salt}${digest}", ARGON2ID)


def threads_for(workers: int) -> int:
    """How many threads each of the machine's workers has for hashing, so that a core stays free."""
    linux = sys.platform == "linux"
    cores = len(os.sched_getaffinity(0)) if linux else os.cpu_count() or 1
    return max(1, (cores - 1) // workers)
