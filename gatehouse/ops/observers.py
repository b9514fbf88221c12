"""Where the packages' measuring points meet the metrics: one class that hears of everything."""

from __future__ import annotations

import structlog

from gatehouse.actors.core import CoreObserver
from gatehouse.actors.hashing import HashObserver
from gatehouse.engine.observer import Observer
from gatehouse.http.edge_limits import EdgeStats
from gatehouse.http.pipeline import HttpObserver
from gatehouse.ops.metrics import Recorder
from gatehouse.storage.observer import StorageObserver

log = structlog.get_logger("gatehouse.access")

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics(Observer, HttpObserver, CoreObserver, HashObserver, StorageObserver):
    """Counts what a worker does. `access_log`: also log each request."""

    def __init__(self, recorder: Recorder, *, access_log: bool = False) -> None:
        counts, distribution = recorder.counts, recorder.distribution
        self._access_log = access_log
        self._requests = counts("http_requests_total")
        self._request_seconds = distribution("http_request_duration_seconds")
        self._turns = counts("turns_total")
        self._conflicts = counts("turn_conflicts_total")
        self._commit_seconds = distribution("turn_commit_duration_seconds")
        self._mailbox_depth = distribution("mailbox_depth")
        self._mailbox_refused = counts("mailbox_refused_total")
        self._effects = counts("outbox_effects_total")
        self._lag = distribution("outbox_lag_seconds")
        self._backlog = counts("outbox_waiting")
        self._oldest = counts("outbox_oldest_seconds")
        self._dead = counts("outbox_dead_letters")
        self._timers = counts("timers_fired_total")
        self._batch = distribution("redis_batch_size")
        self._in_flight = distribution("redis_in_flight")
        self._connects = counts("redis_connects_total")
        self._lost = counts("redis_connections_lost_total")
        self._redis_refused = counts("redis_refused_total")
        self._hash_queue = counts("password_hash_queue")
        self._hash_seconds = distribution("password_hash_duration_seconds")
        self._hash_refused = counts("password_hash_refused_total")
        self._sign_ins = counts("sign_ins_total")
        self._lockouts = counts("lockouts_total")
        self._tokens = counts("tokens_issued_total")
        self._database_wait = distribution("database_wait_seconds")
        self._database_seconds = distribution("database_unit_duration_seconds")
        self._database_failures = counts("database_unit_failures_total")
        self._database_connections = counts("database_connections")
        self._database_waiting = counts("database_waiting")
        self._recorder = recorder

    # HTTP

    def answered(self, dialect: str, route: str, method: str, status: int, seconds: float) -> None:
        name = method if method in _METHODS else "other"
        self._requests.add(dialect, route, name, str(status))
        self._request_seconds.observe(seconds, dialect, route, name)
        if self._access_log:
            log.info(
                "request",
                dialect=dialect,
                route=route,
                method=name,
                status=status,
                milliseconds=round(seconds * 1000, 2),
            )

    def edge(self, stats: EdgeStats) -> None:
        """Take over what the edge counts by itself. Called before each snapshot."""
        counts = self._recorder.counts
        counts("http_connections").set(stats.open_connections)
        counts("http_connections_total").set(stats.connections)
        counts("http_connections_refused_total").set(stats.refused_connections)
        counts("http_application_errors_total").set(stats.application_errors)
        for reason, number in stats.bad_requests.items():
            counts("http_bad_requests_total").set(number, reason)
        for protocol, number in stats.fallbacks.items():
            counts("http_fallbacks_total").set(number, protocol)

    # Engine

    def turn_finished(self, kind: str, outcome: str) -> None:
        self._turns.add(kind, outcome)

    def turn_conflicted(self, kind: str) -> None:
        self._conflicts.add(kind)

    def commit_finished(self, seconds: float) -> None:
        self._commit_seconds.observe(seconds)

    def mailbox_depth(self, kind: str, depth: int) -> None:
        self._mailbox_depth.observe(depth, kind)

    def mailbox_refused(self, kind: str) -> None:
        self._mailbox_refused.add(kind)

    def effect_delivered(self, kind: str) -> None:
        self._effects.add(kind, "delivered")

    def effect_failed(self, kind: str) -> None:
        self._effects.add(kind, "failed")

    def effect_dead(self, kind: str) -> None:
        self._effects.add(kind, "dead")

    def outbox_lag(self, seconds: float) -> None:
        self._lag.observe(seconds)

    def outbox_backlog(self, waiting: int, oldest_seconds: float, dead: int) -> None:
        self._backlog.set(waiting)
        self._oldest.set(oldest_seconds)
        self._dead.set(dead)

    def timers_fired(self, count: int) -> None:
        self._timers.add(amount=count)

    def link_batch(self, commands: int, in_flight: int) -> None:
        self._batch.observe(commands)
        self._in_flight.observe(in_flight)

    def link_connected(self, node: str) -> None:
        self._connects.add(node)

    def link_lost(self, node: str, reason: str) -> None:
        self._lost.add(node)
        log.warning("redis_connection_lost", node=node, reason=reason)

    def link_refused(self) -> None:
        self._redis_refused.add()

    # Core

    def sign_in(self, factor: str, outcome: str) -> None:
        self._sign_ins.add(factor, outcome)

    def lockout(self) -> None:
        self._lockouts.add()

    def token_issued(self, grant_type: str) -> None:
        self._tokens.add(grant_type)

    def hash_queue(self, waiting: int) -> None:
        self._hash_queue.set(waiting)

    def hash_finished(self, seconds: float) -> None:
        self._hash_seconds.observe(seconds)

    def hash_refused(self) -> None:
        self._hash_refused.add()

    # Storage

    def pool_changed(self, pool: str, size: int, in_use: int, waiting: int) -> None:
        self._database_connections.set(in_use, pool, "busy")
        self._database_connections.set(size - in_use, pool, "idle")
        self._database_waiting.set(waiting, pool)

    def unit_finished(self, pool: str, waited: float, took: float, failed: bool) -> None:
        self._database_wait.observe(waited, pool)
        self._database_seconds.observe(took, pool)
        if failed:
            self._database_failures.add(pool)
