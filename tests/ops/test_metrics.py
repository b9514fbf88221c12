"""Metrics: what is counted, added up over workers, and written for Prometheus."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gatehouse.actors.core import CoreObserver
from gatehouse.actors.hashing import HashObserver
from gatehouse.engine.observer import Observer
from gatehouse.http.edge_limits import EdgeStats
from gatehouse.http.pipeline import HttpObserver
from gatehouse.ops import metrics
from gatehouse.ops.metrics import METRICS, OVERFLOW, Recorder, SnapshotFile, Total, exposition
from gatehouse.ops.observers import Metrics
from gatehouse.ops.web import Workforce
from gatehouse.storage.observer import StorageObserver


def samples(total: Total) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    kind, body = exposition(total)
    assert kind.startswith("text/plain")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def test_a_request_is_counted_and_timed() -> None:
    recorder = Recorder()
    Metrics(recorder).answered("logto", "/api/users/{userId}", "GET", 200, 0.003)
    total = Total()
    total.add(recorder.snapshot())
    found = samples(total)
    route = (("dialect", "logto"), ("method", "GET"), ("route", "/api/users/{userId}"))
    assert found["gatehouse_http_requests_total", (*route, ("status", "200"))] == 1
    name = "gatehouse_http_request_duration_seconds"
    assert found[f"{name}_count", route] == 1
    assert found[f"{name}_sum", route] == pytest.approx(0.003)
    low = tuple(sorted((*route, ("le", "0.0025"))))
    high = tuple(sorted((*route, ("le", "0.005"))))
    assert (found[f"{name}_bucket", low], found[f"{name}_bucket", high]) == (0, 1)


def test_counters_of_departed_workers_stay_and_gauges_do_not(tmp_path: Path) -> None:
    workforce = Workforce()
    files = {name: SnapshotFile(tmp_path / name) for name in ("1", "2")}
    for name, file in files.items():
        recorder = Recorder()
        observer = Metrics(recorder)
        observer.turn_finished("session", "committed")
        observer.commit_finished(0.002)
        observer.hash_queue(3)
        workforce.arrived(name, file)
        file.write(recorder.snapshot())
    workforce.departed("1")
    found = samples(workforce.total())
    labels = (("kind", "session"), ("outcome", "committed"))
    assert found["gatehouse_turns_total", labels] == 2
    assert found["gatehouse_turn_commit_duration_seconds_count", ()] == 2
    assert found["gatehouse_password_hash_queue", ()] == 3
    assert found["gatehouse_workers", ()] == 1


def test_what_all_workers_see_alike_is_not_added_up(tmp_path: Path) -> None:
    workforce = Workforce()
    for name, waiting in (("1", 4), ("2", 3)):
        recorder = Recorder()
        Metrics(recorder).outbox_backlog(waiting, 60.0 + waiting, 1)
        file = SnapshotFile(tmp_path / name)
        workforce.arrived(name, file)
        file.write(recorder.snapshot())
    found = samples(workforce.total())
    assert found["gatehouse_outbox_waiting", ()] == 4
    assert found["gatehouse_outbox_oldest_seconds", ()] == 64.0
    assert found["gatehouse_outbox_dead_letters", ()] == 1


def test_a_label_that_is_not_bounded_cannot_fill_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "MAX_SERIES", 10)
    recorder = Recorder()
    observer = Metrics(recorder)
    for number in range(100):
        observer.sign_in("password", str(number))
        observer.answered("logto", str(number), "GET", 200, 0.1)
    for values in (
        recorder.counts("sign_ins_total").values,
        recorder.counts("http_requests_total").values,
        recorder.distribution("http_request_duration_seconds").values,
    ):
        assert len(values) == 11
        assert any(OVERFLOW in labels for labels in values)


def test_methods_that_clients_invent_are_one_label() -> None:
    recorder = Recorder()
    Metrics(recorder).answered("logto", "unmatched", "BREW", 405, 0.0)
    assert list(recorder.counts("http_requests_total").values) == [
        ("logto", "unmatched", "other", "405")
    ]


@pytest.mark.parametrize(
    "observed", [Observer, HttpObserver, CoreObserver, HashObserver, StorageObserver]
)
def test_nothing_that_the_packages_report_is_lost(observed: type) -> None:
    reported = {name for name, _ in inspect.getmembers(observed, inspect.isfunction)}
    assert reported
    assert {name for name in reported if name not in vars(Metrics)} <= {"__init__"}


def test_every_metric_can_be_counted_and_is_named_by_convention() -> None:
    recorder = Recorder()
    observer = Metrics(recorder)
    observer.edge(EdgeStats())
    for one in METRICS:
        assert one.name.startswith("gatehouse_")
        assert one.help.endswith(".")
        assert one.name.endswith("_total") == (one.kind == "counter")
        assert bool(one.buckets) == (one.kind == "histogram")
        assert list(one.buckets) == sorted(one.buckets)
    assert len({one.name for one in METRICS}) == len(METRICS)


def test_a_snapshot_that_is_half_written_is_not_read(tmp_path: Path) -> None:
    file = SnapshotFile(tmp_path / "1")
    assert file.read() is None
    file.path.write_bytes(b"\x93half")
    assert file.read() is None
