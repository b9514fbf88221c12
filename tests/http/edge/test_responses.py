"""What an application may answer, and what becomes of an application that answers wrongly."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import trio

from tests.http.edge.serving import CLOSE, get, read_all, running, site


def answering(*messages: dict[str, Any], fail: bool = False) -> Any:
    """An application that sends these messages, and then fails or returns."""

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await site(scope, receive, send)
            return
        for message in messages:
            await send(message)
        if fail:
            raise RuntimeError("as the test demands")

    return app


def start(status: int = 200, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(data: bytes = b"", more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


def length(size: int) -> tuple[bytes, bytes]:
    return (b"content-length", b"%d" % size)


async def answer_to(app: Any, request: bytes = get("/", CLOSE), **settings: Any) -> bytes:
    async with running(app, **settings) as server:
        return await server.exchange(request)


async def test_a_body_in_one_piece_gets_its_length() -> None:
    answer = await answer_to(answering(start(), body(b"hello")))
    assert b"\r\ncontent-length: 5\r\n" in answer
    assert answer.endswith(b"\r\n\r\nhello")


async def test_a_body_in_pieces_is_chunked() -> None:
    app = answering(start(), body(b"hello", more=True), body(b"", more=True), body(b" you"))
    answer = await answer_to(app)
    assert b"\r\ntransfer-encoding: chunked\r\n" in answer
    assert answer.endswith(b"\r\n\r\n5\r\nhello\r\n4\r\n you\r\n0\r\n\r\n")


async def test_a_body_in_pieces_ends_with_the_connection_in_http_1_0() -> None:
    app = answering(start(), body(b"hello", more=True), body(b" you"))
    answer = await answer_to(app, b"GET / HTTP/1.0\r\n\r\n")
    assert b"chunked" not in answer
    assert answer.endswith(b"\r\n\r\nhello you")


async def test_a_promised_body_in_pieces_is_sent_as_it_is() -> None:
    app = answering(
        start(200, length(9)), body(b"hello", more=True), body(b" you", more=True), body()
    )
    answer = await answer_to(app)
    assert answer.endswith(b"\r\n\r\nhello you")


@pytest.mark.parametrize("status", [204, 304])
async def test_a_status_without_a_body(status: int) -> None:
    app = answering(start(status), body(b"must not be sent"))
    answer = await answer_to(app, get() + get("/", CLOSE))
    assert answer.count(b"HTTP/1.1 %d " % status) == 2
    assert b"must not" not in answer
    assert b"chunked" not in answer
    assert b"content-length" not in answer


async def test_head_is_answered_without_the_body() -> None:
    app = answering(start(200, length(5)), body(b"hello"))
    head = b"HEAD / HTTP/1.1\r\nhost: localhost\r\n"
    answer = await answer_to(app, head + b"\r\n" + head + b"connection: close\r\n\r\n")
    assert answer.count(b"content-length: 5\r\n") == 2
    assert b"hello" not in answer


async def test_the_date_and_server_fields_follow_the_configuration() -> None:
    app = answering(start(), body())
    answer = await answer_to(app)
    assert b"\r\ndate: " in answer
    assert b"\r\nserver: hypercorn-h11\r\n" in answer
    answer = await answer_to(app, include_date_header=False, include_server_header=False)
    assert b"date:" not in answer
    assert b"server:" not in answer


async def test_fields_of_this_hop_are_the_servers_own() -> None:
    app = answering(
        start(200, (b"Transfer-Encoding", b"chunked"), (b"Connection", b"keep-alive")), body(b"x")
    )
    answer = await answer_to(app)
    assert b"chunked" not in answer.lower()
    assert b"keep-alive" not in answer.lower()


async def test_an_application_may_close_the_connection() -> None:
    answer = await answer_to(answering(start(200, (b"connection", b"close")), body(b"x")), get())
    assert answer.count(b"connection: close\r\n") == 1


WRONG: dict[str, list[dict[str, Any]]] = {
    "nothing": [],
    "only the start": [start()],
    "line break in a value": [start(200, (b"location", b"/\r\nset-cookie: a=b")), body()],
    "line feed in a value": [start(200, (b"location", b"/\nset-cookie: a=b")), body()],
    "carriage return in a value": [start(200, (b"location", b"/\rx")), body()],
    "NUL in a value": [start(200, (b"location", b"/\0")), body()],
    "line break in a name": [start(200, (b"x: y\r\nset-cookie", b"a=b")), body()],
    "space in a name": [start(200, (b"set cookie", b"a=b")), body()],
    "empty name": [start(200, (b"", b"a=b")), body()],
    "text for bytes": [start(200, ("x", "y")), body()],  # type: ignore[arg-type]
    "informational status": [start(101), body()],
    "impossible status": [start(1000), body()],
    "two lengths": [start(200, length(1), length(1)), body(b"x")],
    "odd length": [start(200, (b"content-length", b"+1")), body(b"x")],
    "too much": [start(200, length(1)), body(b"xy")],
    "too little": [start(200, length(2)), body(b"x")],
    "the body first": [body(b"x")],
    "an unknown message": [{"type": "http.response.magic"}],
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_answer_becomes_a_500(name: str) -> None:
    async with running(answering(*WRONG[name])) as server:
        answer = await server.exchange(get())
    assert answer.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert answer.endswith(b"\r\n\r\nInternal Server Error")
    assert b"set-cookie" not in answer
    assert b"connection: close\r\n" in answer


async def test_a_failing_application_is_a_500_and_counted() -> None:
    async with running(answering(fail=True)) as server:
        answer = await server.exchange(get())
        assert server.stats.application_errors == 1
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"as the test demands" not in answer


async def test_the_500_to_a_head_request_has_no_body() -> None:
    answer = await answer_to(answering(fail=True), b"HEAD / HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("messages", "sent"),
    [
        ([start(), body(b"part", more=True)], b"4\r\npart\r\n"),
        ([start(200, length(9)), body(b"part", more=True)], b"part"),
        ([start(200, length(9)), body(b"part", more=True), body(b"too little")], b"part"),
        ([start(200, length(5)), body(b"part", more=True), body(b"too much")], b"part"),
    ],
)
@pytest.mark.parametrize("fail", [False, True])
async def test_a_broken_off_answer_does_not_look_complete(
    messages: list[dict[str, Any]], sent: bytes, fail: bool
) -> None:
    answer = await answer_to(answering(*messages, fail=fail), get())
    assert answer.endswith(b"\r\n\r\n" + sent)


async def test_failing_after_the_answer_closes_the_connection() -> None:
    async with running(answering(start(), body(b"whole"), fail=True)) as server:
        answer = await server.exchange(get())
        assert server.stats.application_errors == 1
    assert answer.endswith(b"\r\n\r\nwhole")


async def test_a_late_message_does_not_reach_the_next_answer() -> None:
    late: list[Any] = []

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await site(scope, receive, send)
            return
        for old in late:
            with pytest.raises(Exception, match="out of place"):
                await old(body(b"late"))
        late.append(send)
        await send(start())
        await send(body(b"timely"))

    answer = await answer_to(app, get() + get("/", CLOSE))
    assert b"late" not in answer
    assert answer.count(b"timely") == 2


async def test_a_client_that_leaves_does_not_fail_the_application() -> None:
    finished = trio.Event()

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await site(scope, receive, send)
            return
        await send(start())
        for _ in range(100):
            await send(body(b"x" * 100_000, more=True))
        await send(body())
        finished.set()

    async with running(app) as server:
        stream = await server.connect()
        await stream.send_all(get())
        await stream.receive_some(10)
        await stream.aclose()
        with trio.fail_after(5):
            await finished.wait()
        assert server.stats.application_errors == 0


async def test_a_large_answer_arrives_whole() -> None:
    size = 5_000_000
    async with running(answering(start(), body(b"x" * size))) as server:
        stream = await server.connect()
        await stream.send_all(get("/", CLOSE))
        answer = await read_all(stream)
    assert len(answer.partition(b"\r\n\r\n")[2]) == size


async def test_the_access_log_of_hypercorn_is_written(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("tests.edge.access")
    settings = {"accesslog": log, "access_log_format": "%(r)s %(s)s"}
    with caplog.at_level(logging.INFO, log.name):
        await answer_to(answering(start(202), body()), get("/logged", CLOSE), **settings)
        await answer_to(answering(fail=True), get("/failed"), **settings)
    assert [record.getMessage() for record in caplog.records] == [
        "GET /logged 1.1 202",
        "GET /failed 1.1 500",
    ]
