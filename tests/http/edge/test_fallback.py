"""Protocols that Hypercorn speaks for us: the connection is handed over with what was read."""

from __future__ import annotations

from typing import Any

import h2.config
import h2.connection
import h2.events
import trio
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, TextMessage
from wsproto.events import Request as WebSocketRequest

from gatehouse.http.edge import EdgeLimits
from tests.http.edge.serving import get, read_all, read_until, running


async def test_a_websocket_is_served() -> None:
    async with running() as server, await server.connect() as stream:
        client = WSConnection(ConnectionType.CLIENT)
        await stream.send_all(client.send(WebSocketRequest(host="localhost", target="/ws")))
        events: list[Any] = []
        while not any(isinstance(event, CloseConnection) for event in events):
            client.receive_data(await stream.receive_some())
            for event in client.events():
                events.append(event)
                if isinstance(event, AcceptConnection):
                    await stream.send_all(client.send(TextMessage("hello")))
        assert any(
            isinstance(event, TextMessage) and event.data == "echo hello" for event in events
        )
        assert server.stats.fallbacks == {"websocket": 1}


async def test_a_websocket_may_follow_requests_on_the_same_connection() -> None:
    client = WSConnection(ConnectionType.CLIENT)
    async with running() as server, await server.connect() as stream:
        handshake = client.send(WebSocketRequest(host="localhost", target="/ws"))
        await stream.send_all(get("/before") + handshake)
        answer = await read_until(stream, b"\r\n\r\n")
    assert b"[GET /before? ]HTTP/1.1 101 " in answer


class HTTP2Client:
    """Sends one request and reads its answer, with `h2` as the protocol."""

    def __init__(self) -> None:
        self.connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self.status = b""
        self.body = b""

    async def answer(self, stream: trio.SocketStream, read_already: bytes = b"") -> None:
        data = read_already or await stream.receive_some()
        while data:
            for event in self.connection.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    self.status = dict(event.headers)[b":status"]
                elif isinstance(event, h2.events.DataReceived):
                    self.body += event.data
                elif isinstance(event, h2.events.StreamEnded):
                    return
            await stream.send_all(self.connection.data_to_send())
            data = await stream.receive_some()

    def request(self, method: str, path: str, end: bool = True) -> None:
        fields = [
            (":method", method),
            (":path", path),
            (":scheme", "http"),
            (":authority", "localhost"),
        ]
        self.connection.send_headers(1, fields, end_stream=end)


async def test_http_2_known_beforehand_in_small_pieces() -> None:
    client = HTTP2Client()
    client.connection.initiate_connection()
    client.request("GET", "/h2")
    data = client.connection.data_to_send()
    async with running() as server, await server.connect() as stream:
        for at in range(len(data)):
            await stream.send_all(data[at : at + 1])
        await client.answer(stream)
        assert server.stats.fallbacks == {"h2": 1}
        assert server.stats.requests == 1
    assert (client.status, client.body) == (b"200", b"[GET /h2? ]")


async def test_an_upgrade_to_h2c() -> None:
    client = HTTP2Client()
    settings = client.connection.initiate_upgrade_connection()
    assert settings is not None
    request = get(
        "/h2c",
        "connection: Upgrade, HTTP2-Settings",
        "upgrade: h2c",
        f"http2-settings: {settings.decode()}",
    )
    async with running() as server, await server.connect() as stream:
        await stream.send_all(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += await stream.receive_some()
        head, _, rest = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        await stream.send_all(client.connection.data_to_send())
        await client.answer(stream, rest)
        assert server.stats.fallbacks == {"h2c": 1}
    assert (client.status, client.body) == (b"200", b"[GET /h2c? ]")


async def test_an_upgrade_that_is_not_offered_is_ignored() -> None:
    request = get("/", "connection: upgrade, close", "upgrade: h2c")  # without its settings
    async with running() as server:
        assert (await server.exchange(request)).endswith(b"[GET /? ]")
        assert not server.stats.fallbacks


async def test_a_smuggled_upgrade_is_refused_first() -> None:
    request = get(
        "/",
        "connection: upgrade, http2-settings",
        "upgrade: h2c",
        "http2-settings: AAMAAABkAAQAoAAAAAIAAAAA",
        "content-length: 1",
        "content-length: 2",
    )
    async with running() as server:
        assert (await server.exchange(request)).startswith(b"HTTP/1.1 400 ")


async def test_the_preface_of_http_2_is_no_later_request() -> None:
    async with running() as server:
        answer = await server.exchange(get() + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert b"HTTP/1.1 505 " in answer


async def test_a_body_over_http_2_is_held_to_the_limits() -> None:
    for ends in (True, False):  # where it does not end, the rest is not waited for
        client = HTTP2Client()
        client.connection.initiate_connection()
        client.request("POST", "/", end=False)
        async with (
            running(limits=EdgeLimits(body_bytes=1000, linger_seconds=0.1)) as server,
            await server.connect() as stream,
        ):
            client.connection.send_data(1, b"x" * 2000, end_stream=ends)
            await stream.send_all(client.connection.data_to_send())
            await client.answer(stream)
            assert client.status == b"413"
            assert server.stats.bad_requests == {"body_bytes": 1}


async def test_a_slow_body_over_http_2_is_refused() -> None:
    client = HTTP2Client()
    client.connection.initiate_connection()
    client.request("POST", "/", end=False)
    limits = EdgeLimits(transfer_seconds=0.05, linger_seconds=0.05)
    async with running(limits=limits) as server, await server.connect() as stream:
        await stream.send_all(client.connection.data_to_send())
        await client.answer(stream)
        assert client.status == b"408"
        assert server.stats.bad_requests == {"body_time": 1}


async def test_the_drain_ends_connections_of_http_2() -> None:
    client = HTTP2Client()
    client.connection.initiate_connection()
    client.request("GET", "/")
    async with (
        running(limits=EdgeLimits(drain_seconds=0.1)) as server,
        await server.connect() as stream,
    ):
        await stream.send_all(client.connection.data_to_send())
        await client.answer(stream)
        server.stop.set()
        with trio.fail_after(5):
            await read_all(stream)
            await server.stopped.wait()
