"""Metrics: counted as plain integers where things happen, put together where they are read.

A worker counts into dictionaries, which costs well under a microsecond, and about once a second
leaves a snapshot of them in a file. The supervisor adds up the snapshots when Prometheus asks.
What a worker counted outlives it: the supervisor takes over the totals of those that ended, so
counters never go down. prometheus_client writes the exposition format; its own multi-process mode
is not used, because it costs a lock and a write to mapped memory for each count and must be
switched on before the first import.

`METRICS` is the whole of what can be measured; `gatehouse.ops.reference` makes the operators' table
of it.
"""

from __future__ import annotations

import os
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import msgspec

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

Labels = tuple[str, ...]

MAX_SERIES: Final = 10_000
"""Label combinations of one metric. Labels are bounded by design; this holds if one is not."""

OVERFLOW: Final = "overflow"
"""Every label's value in the series that counts what no longer fits."""

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SHORT_SECONDS: Final = (0.0001, 0.00025, 0.0005, *SECONDS)
LONG_SECONDS: Final = (*SECONDS, 30.0, 60.0, 300.0, 1800.0)
SIZES: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0)


@dataclass(frozen=True, slots=True)
class Definition:
    """A metric: its name by Prometheus' conventions, what it is, and its labels."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: Labels = ()
    buckets: tuple[float, ...] = ()
    shared: bool = False
    """A gauge of what all workers see alike: the largest value counts, not the sum."""


def _counter(name: str, help: str, *labels: str) -> Definition:
    return Definition(f"gatehouse_{name}_total", "counter", help, labels)


def _gauge(name: str, help: str, *labels: str) -> Definition:
    return Definition(f"gatehouse_{name}", "gauge", help, labels)


def _shared_gauge(name: str, help: str) -> Definition:
    return Definition(f"gatehouse_{name}", "gauge", help, shared=True)


def _histogram(name: str, help: str, buckets: tuple[float, ...], *labels: str) -> Definition:
    return Definition(f"gatehouse_{name}", "histogram", help, labels, buckets)


_ROUTE = ("dialect", "route", "method")

METRICS: Final = (
    _counter("http_requests", "Requests answered, by path template.", *_ROUTE, "status"),
    _histogram(
        "http_request_duration_seconds", "From routing to the answer.", SHORT_SECONDS, *_ROUTE
    ),
    _gauge("http_connections", "Open connections."),
    _counter("http_connections", "Connections accepted."),
    _counter("http_connections_refused", "Connections refused because too many were open."),
    _counter("http_bad_requests", "Requests the edge refused, by reason.", "reason"),
    _counter("http_fallbacks", "Connections that spoke another protocol.", "protocol"),
    _counter("http_application_errors", "Requests that ended in an error nobody handled."),
    _counter("turns", "Messages to actors, by how they ended.", "kind", "outcome"),
    _counter("turn_conflicts", "Turns decided again because another node was first.", "kind"),
    _histogram("turn_commit_duration_seconds", "Round trip of a turn to Redis.", SHORT_SECONDS),
    _histogram("mailbox_depth", "Messages waiting for one actor, at arrival.", SIZES, "kind"),
    _counter("mailbox_refused", "Messages shed because a mailbox was full.", "kind"),
    _counter("outbox_effects", "Effects handled: delivered, failed or dead.", "kind", "outcome"),
    _histogram("outbox_lag_seconds", "Age of an effect at its first delivery.", LONG_SECONDS),
    _shared_gauge("outbox_waiting", "Effects that wait or are being handled, of all nodes."),
    _shared_gauge("outbox_oldest_seconds", "Age of the oldest of them; 0 if there is none."),
    _shared_gauge("outbox_dead_letters", "Effects given up that nobody has dealt with."),
    _counter("timers_fired", "Timers that came due."),
    _histogram("redis_batch_size", "Requests in one write to Redis.", SIZES),
    _histogram("redis_in_flight", "Requests awaiting a reply, after a write.", SIZES),
    _counter("redis_connects", "Connections made to a Redis node.", "node"),
    _counter("redis_connections_lost", "Connections lost, or attempts that failed.", "node"),
    _counter("redis_refused", "Requests shed because too many were in flight."),
    _gauge("password_hash_queue", "Password hashes waiting or being computed."),
    _histogram("password_hash_duration_seconds", "Computing one password hash.", SECONDS),
    _counter("password_hash_refused", "Password hashes shed because the queue was full."),
    _counter("sign_ins", "Sign-in attempts, by factor and outcome.", "factor", "outcome"),
    _counter("lockouts", "Identifiers locked after too many failures."),
    _counter("tokens_issued", "Answers of the token endpoint with tokens.", "grant_type"),
    _counter("messages", "Mails and text messages handed to their sender.", "channel"),
    _histogram("database_wait_seconds", "Units of work waiting for a thread.", SECONDS, "pool"),
    _histogram("database_unit_duration_seconds", "Running a unit of work.", SECONDS, "pool"),
    _counter("database_unit_failures", "Units of work that raised.", "pool"),
    _gauge("database_connections", "Connections of the pool, by state.", "pool", "state"),
    _gauge("database_waiting", "Units of work waiting for a connection.", "pool"),
    _counter("process_cpu_seconds", "Processor time of all workers."),
    _gauge("process_resident_memory_bytes", "Memory of all workers that run."),
    _gauge("workers", "Workers that run."),
    _counter("worker_restarts", "Workers that ended unasked and were started again."),
)

_BY_NAME: Final = {definition.name: definition for definition in METRICS}


class Counts:
    """A counter or a gauge in this process."""

    __slots__ = ("_labels", "values")

    def __init__(self, definition: Definition) -> None:
        self._labels = len(definition.labels)
        self.values: dict[Labels, float] = {}

    def add(self, *labels: str, amount: float = 1) -> None:
        """Count. `labels` are in the definition's order."""
        values = self.values
        if labels in values:
            values[labels] += amount
        else:
            labels = self._admit(labels)
            values[labels] = values.get(labels, 0) + amount

    def set(self, value: float, *labels: str) -> None:
        """Set a gauge, or a counter to a total that is counted elsewhere."""
        self.values[labels if labels in self.values else self._admit(labels)] = value

    def _admit(self, labels: Labels) -> Labels:
        return labels if len(self.values) < MAX_SERIES else (OVERFLOW,) * self._labels


class Distribution:
    """A histogram in this process: for each series the counts of its buckets, and the sum."""

    __slots__ = ("_bounds", "_labels", "values")

    def __init__(self, definition: Definition) -> None:
        self._bounds = definition.buckets
        self._labels = len(definition.labels)
        self.values: dict[Labels, list[float]] = {}

    def observe(self, value: float, *labels: str) -> None:
        """Count a value. `labels` are in the definition's order."""
        cells = self.values.get(labels)
        if cells is None:
            if len(self.values) >= MAX_SERIES:
                labels = (OVERFLOW,) * self._labels
            cells = self.values.setdefault(labels, [0] * (len(self._bounds) + 2))
        cells[bisect_left(self._bounds, value)] += 1
        cells[-1] += value


class Snapshot(msgspec.Struct, array_like=True):
    """What a process has counted until now, and whether it is fit to serve."""

    taken_at: float
    counters: dict[str, list[tuple[Labels, float]]] = {}
    gauges: dict[str, list[tuple[Labels, float]]] = {}
    histograms: dict[str, list[tuple[Labels, list[float]]]] = {}
    dependencies: dict[str, str] = {}


class Recorder:
    """All metrics of one process."""

    def __init__(self) -> None:
        self._counts = {d.name: Counts(d) for d in METRICS if d.kind != "histogram"}
        self._distributions = {d.name: Distribution(d) for d in METRICS if d.kind == "histogram"}

    def counts(self, name: str) -> Counts:
        """The counter or gauge `gatehouse_<name>`. Raises KeyError if there is none."""
        return self._counts[f"gatehouse_{name}"]

    def distribution(self, name: str) -> Distribution:
        """The histogram `gatehouse_<name>`. Raises KeyError if there is none."""
        return self._distributions[f"gatehouse_{name}"]

    def snapshot(self, dependencies: dict[str, str] | None = None) -> Snapshot:
        """Everything counted until now; later counts do not change it."""
        self.counts("process_cpu_seconds_total").set(time.process_time())
        self.counts("process_resident_memory_bytes").set(_resident_bytes())
        snapshot = Snapshot(time.time(), dependencies=dependencies or {})
        for name, counts in self._counts.items():
            if counts.values:
                group = snapshot.counters if _is_counter(name) else snapshot.gauges
                group[name] = list(counts.values.items())
        for name, distribution in self._distributions.items():
            if distribution.values:
                snapshot.histograms[name] = [
                    (labels, cells.copy()) for labels, cells in distribution.values.items()
                ]
        return snapshot


class SnapshotFile:
    """Where a worker leaves its snapshots for the supervisor."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._draft = path.with_suffix(".draft")

    def write(self, snapshot: Snapshot) -> None:
        """Replace the snapshot; a reader sees the old one or the new one whole."""
        self._draft.write_bytes(msgspec.msgpack.encode(snapshot))
        self._draft.replace(self.path)

    def read(self) -> Snapshot | None:
        """The newest snapshot, or `None` if there is none that can be read."""
        try:
            return msgspec.msgpack.decode(self.path.read_bytes(), type=Snapshot)
        except (OSError, msgspec.MsgspecError):
            return None

    def remove(self) -> None:
        """Forget the snapshot."""
        self.path.unlink(missing_ok=True)
        self._draft.unlink(missing_ok=True)


class Total:
    """Snapshots put together: counters and histograms of all, gauges of those that still run."""

    def __init__(self) -> None:
        self._counters: dict[str, dict[Labels, float]] = {}
        self._gauges: dict[str, dict[Labels, float]] = {}
        self._histograms: dict[str, dict[Labels, list[float]]] = {}

    def add(self, snapshot: Snapshot, *, running: bool = True) -> None:
        """Add what one process counted."""
        _sum(self._counters, snapshot.counters)
        if running:
            _sum(self._gauges, snapshot.gauges)
        for name, series in snapshot.histograms.items():
            sums = self._histograms.setdefault(name, {})
            for labels, cells in series:
                known = sums.get(labels)
                sums[labels] = (
                    cells.copy()
                    if known is None
                    else [a + b for a, b in zip(known, cells, strict=True)]
                )

    def as_snapshot(self) -> Snapshot:
        """The sum, to be added to others."""
        return Snapshot(
            time.time(),
            {name: list(series.items()) for name, series in self._counters.items()},
            {name: list(series.items()) for name, series in self._gauges.items()},
            {name: list(series.items()) for name, series in self._histograms.items()},
        )

    def collect(self) -> Iterator[Metric]:
        """prometheus_client's collector interface."""
        from prometheus_client.metrics_core import (  # noqa: PLC0415
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )

        for name, definition in _BY_NAME.items():
            if definition.kind == "histogram":
                histogram = HistogramMetricFamily(name, definition.help, labels=definition.labels)
                for labels, cells in self._histograms.get(name, {}).items():
                    buckets = _cumulative(definition.buckets, cells)
                    histogram.add_metric(labels, buckets, cells[-1])
                yield histogram
            elif definition.kind == "counter":
                counter = CounterMetricFamily(name, definition.help, labels=definition.labels)
                for labels, value in self._counters.get(name, {}).items():
                    counter.add_metric(labels, value)
                yield counter
            else:
                gauge = GaugeMetricFamily(name, definition.help, labels=definition.labels)
                for labels, value in self._gauges.get(name, {}).items():
                    gauge.add_metric(labels, value)
                yield gauge


def exposition(total: Total) -> tuple[str, bytes]:
    """(content type, body) for Prometheus."""
    # Imported when first asked: it costs a start 40 ms, and many installations never ask.
    from prometheus_client import CollectorRegistry  # noqa: PLC0415
    from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest  # noqa: PLC0415
    from prometheus_client.registry import Collector  # noqa: PLC0415

    class _Totals(Collector):
        def collect(self) -> Iterable[Metric]:
            return total.collect()

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Totals())
    return CONTENT_TYPE_LATEST, generate_latest(registry)


def _is_counter(name: str) -> bool:
    return _BY_NAME[name].kind == "counter"


def _sum(sums: dict[str, dict[Labels, float]], more: dict[str, list[tuple[Labels, float]]]) -> None:
    for name, series in more.items():
        known = sums.setdefault(name, {})
        shared = _BY_NAME[name].shared
        for labels, value in series:
            before = known.get(labels, 0)
            known[labels] = max(before, value) if shared else before + value


def _cumulative(bounds: Sequence[float], cells: Sequence[float]) -> list[tuple[str, float]]:
    running = 0.0
    buckets = []
    for bound, count in zip((*map(str, bounds), "+Inf"), cells, strict=False):
        running += count
        buckets.append((bound, running))
    return buckets


def _resident_bytes() -> float:
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[1])
    except OSError:
        return 0.0
    return float(pages * os.sysconf("SC_PAGE_SIZE"))
