"""The parser against another one: what ours accepts, h11 must understand the same way."""

from __future__ import annotations

import contextlib

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatehouse.http.edge import EdgeLimits
from gatehouse.http.edge_limits import RequestRefusedError
from gatehouse.http.edge_parser import Chunks, find_head, parse_head

LIMITS = EdgeLimits()
LINES = st.sampled_from(
    [
        *(b"GET / HTTP/1.1", b"POST /a%20b?c HTTP/1.1", b"GET http://a/x?y HTTP/1.1"),
        *(b"OPTIONS * HTTP/1.1", b"GET / HTTP/1.0", b"\r\nGET / HTTP/1.1", b"PUT //? HTTP/1.1"),
        *(b"get / HTTP/1.1", b"GET  / HTTP/1.1", b"GET / HTTP/1.2", b"GET /\0 HTTP/1.1", b"GET /"),
    ]
)
FIELDS = st.sampled_from(
    [
        *(b"host: a", b"Host:a", b"HOST: \ta \t", b"host:", b"host : a", b"host: a, b"),
        *(
            b"x: y",
            b"x:",
            b"x: y, z ; \xe4",
            b"X-Y:\t",
            b"x: \x0b",
            b"x",
            b": y",
            b"x: \0",
            b"x y: z",
        ),
        *(
            b"content-length: 5",
            b"Content-Length:05 ",
            b"content-length: +5",
            b"content-length: 5,5",
        ),
        *(b"transfer-encoding: chunked", b"transfer-encoding: CHUNKED", b"transfer-encoding: x"),
        *(
            b"connection: close",
            b"connection: x, Keep-Alive",
            b"expect: 100-continue",
            b"expect: x",
        ),
        *(b" folded: yes", b"x: a\rb", b"x: a\nb: c", b"upgrade: websocket"),
    ]
)
ENDS = st.sampled_from([b"\r\n"] * 12 + [b"\n", b"\r", b"\r\n "])
HEADS = st.builds(
    lambda line, host, fields: (
        line + b"\r\n" + host + b"".join(field + end for field, end in fields) + b"\r\n"
    ),
    LINES,
    st.sampled_from([b"", b"host: a\r\n"]),
    st.lists(st.tuples(FIELDS, ENDS), max_size=3),
)


def understood(head: bytes) -> tuple[str, bytes, bytes, list[tuple[bytes, bytes]]] | None:
    """Method, path, query and fields, as our parser sees them; None if it refuses."""
    try:
        end = find_head(head, 0, LIMITS)
        if end != len(head):
            return None
        request = parse_head(head, LIMITS)
    except RequestRefusedError:
        return None
    return request.method, request.raw_path, request.query, request.headers


@given(HEADS)
@example(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
@example(b"POST /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
def test_what_is_accepted_means_the_same_to_h11(head: bytes) -> None:
    ours = understood(head)
    if ours is None:
        return
    method, path, query, fields = ours
    other = h11.Connection(h11.SERVER)
    other.receive_data(head.removeprefix(b"\r\n"))
    event = other.next_event()
    assert isinstance(event, h11.Request)
    assert event.method == method.encode()
    assert event.target.removeprefix(b"http://a").partition(b"?")[::2] == (path, query)
    assert [(name.lower(), value) for name, value in event.headers] == [
        (name, value.lower() if name == b"transfer-encoding" else value) for name, value in fields
    ]


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_waited_for(data: bytes) -> None:
    for prefix in (b"", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nhost: a\r\n"):
        with contextlib.suppress(RequestRefusedError):
            end = find_head(prefix + data, 0, LIMITS)
            if end > 0:
                parse_head((prefix + data)[:end], LIMITS)


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=5), st.data())
def test_chunks_are_put_together_however_they_are_cut(
    pieces: list[bytes], data: st.DataObject
) -> None:
    wire = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    following = b"GET / HTTP/1.1"
    whole = wire + following
    cuts = sorted(data.draw(st.sets(st.integers(0, len(whole)), max_size=6)))
    chunks = Chunks()
    body = buffer = b""
    for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        found, buffer = chunks.feed(buffer + whole[begin:end])
        body += found
    assert chunks.done
    assert body == b"".join(pieces)
    assert buffer == following


@pytest.mark.parametrize("at", range(1, len(b"5\r\nhello\r\n0\r\n\r\n")))
def test_an_unfinished_chunked_body_is_not_done(at: int) -> None:
    chunks = Chunks()
    chunks.feed(b"5\r\nhello\r\n0\r\n\r\n"[:at])
    assert not chunks.done
