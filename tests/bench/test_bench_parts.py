"""The parts of the bench whose mistakes would look like results."""

from __future__ import annotations

import itertools

import pytest

from bench.client import Answer, percentile, split_answer
from bench.measure import Goal, Sample, alternate

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 201 \r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
EMPTY = b"HTTP/1.1 204 No Content\r\nx: y\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "status", "body"),
    [(LENGTH, 200, b"hello"), (CHUNKED, 201, b"hello"), (EMPTY, 204, b"")],
)
def test_an_answer_is_complete_only_when_all_of_it_is_there(
    data: bytes, status: int, body: bytes
) -> None:
    for size in range(len(data)):
        assert split_answer(data[:size]) is None
    found = split_answer(data + LENGTH)
    assert found is not None
    answer, end = found
    assert (answer.status, answer.body, end) == (status, body, len(data))


def test_all_values_of_a_header_are_found() -> None:
    answer = Answer(200, b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nset-cookie:c=d", b"")
    assert answer.header("set-cookie") == ["a=b", "c=d"]


def test_contenders_alternate_and_medians_are_taken() -> None:
    order = []
    speeds = itertools.count(1)

    def run(name: str) -> Sample:
        order.append(name)
        return Sample(next(speeds), None, {"p99_ms": 1.0})

    found = alternate(3, {"a": lambda: run("a"), "b": lambda: run("b")})
    assert order == ["a", "b"] * 3
    assert (found["a"].per_second, found["b"].per_second) == (3, 4)
    assert found["a"].cpu_us is None


@pytest.mark.parametrize(
    ("at_least", "value", "met"),
    [
        (True, 5, True),
        (True, 4.9, False),
        (False, 5, True),
        (False, 5.1, False),
        (True, None, None),
    ],
)
def test_a_goal_is_met_missed_or_open(
    at_least: bool, value: float | None, met: bool | None
) -> None:
    assert Goal("what", 5, at_least, value).met is met


def test_percentiles() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert percentile(values, 0.5) == 51
    assert percentile(values, 0.99) == 100
    assert percentile([1.0], 0.99) == 1
