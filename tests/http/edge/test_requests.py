"""Valid requests, however they are cut into packets: what the application gets to see."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatehouse.http.edge import EdgeLimits
from tests.http.edge.serving import CLOSE, get, read_all, read_until, respond, running, site

PIPELINE = (
    get("/one?a=1")
    + b"POST /two HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"
    + b"\r\n"  # an empty line before a request is ignored: RFC 9112 section 2.2
    + b"POST /three HTTP/1.1\r\nhost: localhost\r\nTransfer-Encoding: Chunked\r\n\r\n"
    + b"3\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\n"
    + get("/four", CLOSE)
)
ANSWERS = [
    b"[GET /one?a=1 ]",
    b"[POST /two? hello]",
    b"[POST /three? abc0123456789]",
    b"[GET /four? ]",
]


def bodies(answer: bytes) -> list[bytes]:
    return [b"[" + part.partition(b"]")[0] + b"]" for part in answer.split(b"[")[1:]]


async def test_pipelined_requests_are_answered_in_their_order() -> None:
    async with running() as server:
        answer = await server.exchange(PIPELINE)
    assert bodies(answer) == ANSWERS
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 4
    assert answer.count(b"connection: close\r\n") == 1


async def test_requests_cut_at_any_byte_are_answered_the_same() -> None:
    async with running() as server:
        for at in range(1, len(PIPELINE)):
            answer = await server.exchange(PIPELINE[:at], PIPELINE[at:])
            assert bodies(answer) == ANSWERS, f"cut at {at}"


async def test_requests_in_single_bytes_are_answered_the_same() -> None:
    async with running() as server:
        pieces = [PIPELINE[at : at + 1] for at in range(len(PIPELINE))]
        assert bodies(await server.exchange(*pieces)) == ANSWERS


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    cuts=st.lists(st.integers(1, len(PIPELINE) - 1), max_size=8),
    repeats=st.integers(1, 4),
)
def test_any_chunking_of_pipelined_requests_gives_the_same_answers(
    cuts: list[int], repeats: int
) -> None:
    data = PIPELINE[: -len(get("/four", CLOSE))] * (repeats - 1) + PIPELINE
    edges = [0, *sorted(set(cuts)), len(data)]
    pieces = [data[a:b] for a, b in pairwise(edges)]

    async def exchange() -> bytes:
        async with running() as server:
            return await server.exchange(*pieces)

    assert bodies(trio.run(exchange)) == ANSWERS[:3] * repeats + ANSWERS[3:]


async def test_the_scope_is_what_asgi_demands() -> None:
    seen: dict[str, Any] = {}

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await site(scope, receive, send)
            return
        seen.update(scope)
        await respond(send, b"")

    async with running(app, root_path="/root") as server:
        await server.exchange(
            get("/a%20b/%C3%A4?q=%20&r", "X-Two:  spaced\t", "x-two: again", "X-Empty:", CLOSE)
        )
    assert seen["type"] == "http"
    assert seen["asgi"]["version"] == "3.0"
    assert seen["http_version"] == "1.1"
    assert seen["method"] == "GET"
    assert seen["scheme"] == "http"
    assert seen["path"] == "/a b/ä"
    assert seen["raw_path"] == b"/a%20b/%C3%A4"
    assert seen["query_string"] == b"q=%20&r"
    assert seen["root_path"] == "/root"
    assert seen["headers"] == [
        (b"host", b"localhost"),
        (b"x-two", b"spaced"),
        (b"x-two", b"again"),
        (b"x-empty", b""),
        (b"connection", b"close"),
    ]
    assert seen["client"][0] == "127.0.0.1"
    assert seen["server"] == ("127.0.0.1", server.port)


@pytest.mark.parametrize(
    ("request_line", "said"),
    [
        ("GET http://localhost/x?y HTTP/1.1", b"[GET /x?y ]"),
        ("GET HTTP://LOCALHOST/x HTTP/1.1", b"[GET /x? ]"),
        ("OPTIONS * HTTP/1.1", b"[OPTIONS *? ]"),
        ("M-SEARCH //a/../b HTTP/1.1", b"[M-SEARCH //a/../b? ]"),
    ],
)
async def test_other_forms_of_the_target(request_line: str, said: bytes) -> None:
    async with running() as server:
        answer = await server.exchange(
            f"{request_line}\r\nhost: localhost\r\n{CLOSE}\r\n\r\n".encode()
        )
    assert answer.endswith(said)


@pytest.mark.parametrize("host", ["localhost:3001", "[::1]:3001", "127.0.0.1", "a-b.example."])
async def test_hosts_that_are_valid(host: str) -> None:
    async with running() as server:
        answer = await server.exchange(
            f"GET / HTTP/1.1\r\nHost: {host}\r\n{CLOSE}\r\n\r\n".encode()
        )
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_http_1_0_needs_no_host_and_is_closed() -> None:
    async with running() as server:
        answer = await server.exchange(b"GET /old HTTP/1.0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"connection: close\r\n" in answer
    assert answer.endswith(b"[GET /old? ]")


async def test_expect_continue_is_answered_when_the_application_wants_the_body() -> None:
    async with running() as server, await server.connect() as stream:
        await stream.send_all(
            b"POST / HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n"
            b"content-length: 5\r\nconnection: close\r\n\r\n"
        )
        assert await read_until(stream, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await stream.send_all(b"hello")
        assert (await read_all(stream)).endswith(b"[POST /? hello]")


async def test_expect_continue_is_not_answered_when_the_body_is_not_wanted() -> None:
    async with running(ignore_body) as server:
        answer = await server.exchange(
            b"POST / HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n"
            b"content-length: 5\r\n\r\n"
        )
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"connection: close\r\n" in answer


async def ignore_body(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await site(scope, receive, send)
    else:
        await respond(send, f"[{scope['path']}]".encode())


async def test_an_unread_body_that_has_arrived_is_skipped() -> None:
    async with running(ignore_body) as server:
        answer = await server.exchange(
            b"POST /a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\nGET /"
            b"POST /b HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
            b"5\r\nGET /\r\n0\r\n\r\n" + get("/c", CLOSE)
        )
    assert bodies(answer) == [b"[/a]", b"[/b]", b"[/c]"]


async def test_an_unread_body_still_on_its_way_ends_the_connection() -> None:
    async with running(ignore_body, EdgeLimits(linger_seconds=0.1)) as server:
        answer = await server.exchange(
            b"POST /a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 50\r\n\r\nhello"
        )
    assert answer.endswith(b"[/a]")
    assert b"connection: close\r\n" in answer


async def test_a_waiting_application_learns_that_the_client_left() -> None:
    left = trio.Event()

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await site(scope, receive, send)
            return
        assert (await receive())["type"] == "http.request"
        assert (await receive())["type"] == "http.disconnect"
        left.set()

    async with running(app) as server:
        stream = await server.connect()
        await stream.send_all(get())
        await trio.testing.wait_all_tasks_blocked()
        await stream.aclose()
        with trio.fail_after(5):
            await left.wait()


async def test_a_client_that_leaves_within_the_body_is_a_disconnect() -> None:
    messages: list[str] = []
    left = trio.Event()

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await site(scope, receive, send)
            return
        while not messages or messages[-1] != "http.disconnect":
            messages.append((await receive())["type"])
        left.set()

    async with running(app) as server:
        await server.exchange(
            b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 50\r\n\r\nhello", close=True
        )
        with trio.fail_after(5):
            await left.wait()
    assert messages == ["http.request", "http.disconnect"]


async def test_receive_returns_disconnect_once_the_response_is_finished() -> None:
    """Frameworks leave a task waiting in `receive` while another one answers."""
    told: list[str] = []

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await site(scope, receive, send)
            return
        await receive()

        async def watch() -> None:
            told.append((await receive())["type"])

        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            await trio.testing.wait_all_tasks_blocked()
            await respond(send, b"[done]")

    async with running(app) as server:
        answer = await server.exchange(get(), get("/", CLOSE))
    assert bodies(answer) == [b"[done]"] * 2
    assert told == ["http.disconnect"] * 2
