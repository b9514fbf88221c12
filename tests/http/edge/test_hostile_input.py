"""Bytes that careless and malicious clients send: refused, counted, and the connection closed."""

from __future__ import annotations

import pytest
import trio

from gatehouse.http.edge import EdgeLimits
from tests.http.edge.serving import read_all, running

HOST = b"host: localhost\r\n"
POST = b"POST / HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"
LIMITS = EdgeLimits(
    header_bytes=4096, header_count=20, url_bytes=1024, body_bytes=1000, linger_seconds=0.2
)

# name: (what is sent, the status that answers it, the reason it is counted under)
HOSTILE: dict[str, tuple[bytes, int, str]] = {
    # two ways to say where the request ends
    "both length headers": (
        POST + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled",
        400,
        "transfer_encoding",
    ),
    "two different lengths": (
        POST + b"content-length: 5\r\ncontent-length: 6\r\n\r\n",
        400,
        "length",
    ),
    "the same length twice": (
        POST + b"content-length: 5\r\ncontent-length: 5\r\n\r\n",
        400,
        "length",
    ),
    "a list of lengths": (POST + b"content-length: 5, 5\r\n\r\n", 400, "length"),
    "signed length": (POST + b"content-length: +5\r\n\r\n", 400, "length"),
    "negative length": (POST + b"content-length: -5\r\n\r\n", 400, "length"),
    "hexadecimal length": (POST + b"content-length: 0x5\r\n\r\n", 400, "length"),
    "empty length": (POST + b"content-length:\r\n\r\n", 400, "length"),
    "length beyond 64 bits": (
        POST + b"content-length: 99999999999999999999\r\n\r\n",
        400,
        "length",
    ),
    "transfer-encoding of another name": (
        POST + b"transfer-encoding: xchunked\r\n\r\n",
        400,
        "transfer_encoding",
    ),
    "chunked and something": (
        POST + b"transfer-encoding: gzip, chunked\r\n\r\n",
        400,
        "transfer_encoding",
    ),
    "chunked twice": (
        POST + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n",
        400,
        "transfer_encoding",
    ),
    "identity": (POST + b"transfer-encoding: identity\r\n\r\n", 400, "transfer_encoding"),
    "quoted chunked": (POST + b'transfer-encoding: "chunked"\r\n\r\n', 400, "transfer_encoding"),
    "vertical tab before chunked": (
        POST + b"transfer-encoding:\x0bchunked\r\n\r\n",
        400,
        "malformed",
    ),
    "transfer-encoding in HTTP/1.0": (
        b"POST / HTTP/1.0\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n",
        400,
        "transfer_encoding",
    ),
    "bad length in HTTP/1.0 without a host": (
        b"POST / HTTP/1.0\r\ncontent-length: 1x\r\n\r\n",
        400,
        "length",
    ),
    # chunks
    "chunk extension": (CHUNKED + b"5;a=b\r\nhello\r\n0\r\n\r\n", 400, "chunk"),
    "chunk size with 0x": (CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n", 400, "chunk"),
    "chunk size with a sign": (CHUNKED + b"+5\r\nhello\r\n0\r\n\r\n", 400, "chunk"),
    "chunk size with a space": (CHUNKED + b"5 \r\nhello\r\n0\r\n\r\n", 400, "chunk"),
    "chunk size with an underscore": (CHUNKED + b"1_0\r\nhello\r\n0\r\n\r\n", 400, "chunk"),
    "chunk size of nine digits": (CHUNKED + b"000000005\r\nhello\r\n0\r\n\r\n", 400, "chunk"),
    "empty chunk size": (CHUNKED + b"\r\nhello\r\n0\r\n\r\n", 400, "chunk"),
    "bare line feed after a chunk size": (CHUNKED + b"5\nhello\r\n0\r\n\r\n", 400, "chunk"),
    "bare line feed after a chunk": (CHUNKED + b"5\r\nhello\n0\r\n\r\n", 400, "chunk"),
    "chunk longer than its size": (CHUNKED + b"3\r\nhello\r\n0\r\n\r\n", 400, "chunk"),
    "trailer": (CHUNKED + b"0\r\nx: y\r\n\r\n", 400, "chunk"),
    # line ends, folding and white space
    "bare line feeds": (b"GET / HTTP/1.1\nhost: localhost\n\n", 400, "malformed"),
    "one bare line feed": (b"GET / HTTP/1.1\r\nhost: localhost\nx: y\r\n\r\n", 400, "malformed"),
    "bare carriage return": (b"GET / HTTP/1.1\r\n" + HOST + b"x: a\rb\r\n\r\n", 400, "malformed"),
    "folded header": (b"GET / HTTP/1.1\r\n" + HOST + b"x: a\r\n b\r\n\r\n", 400, "malformed"),
    "tab-folded header": (b"GET / HTTP/1.1\r\n" + HOST + b"x: a\r\n\tb\r\n\r\n", 400, "malformed"),
    "first header folded": (b"GET / HTTP/1.1\r\n host: localhost\r\n\r\n", 400, "malformed"),
    "space before the colon": (
        POST + b"content-length : 5\r\n\r\nhello",
        400,
        "malformed",
    ),
    "tab before the colon": (POST + b"content-length\t: 5\r\n\r\nhello", 400, "malformed"),
    "no header name": (b"GET / HTTP/1.1\r\n" + HOST + b": x\r\n\r\n", 400, "malformed"),
    "no colon": (b"GET / HTTP/1.1\r\n" + HOST + b"x\r\n\r\n", 400, "malformed"),
    "non-ASCII header name": (
        b"GET / HTTP/1.1\r\n" + HOST + b"\xc3\xa4: x\r\n\r\n",
        400,
        "malformed",
    ),
    "NUL in a header": (b"GET / HTTP/1.1\r\n" + HOST + b"x: a\0b\r\n\r\n", 400, "malformed"),
    "two empty lines first": (b"\r\n\r\nGET / HTTP/1.1\r\n" + HOST + b"\r\n", 400, "malformed"),
    # the request line
    "two spaces": (b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n", 400, "malformed"),
    "tab instead of a space": (b"GET\t/ HTTP/1.1\r\n" + HOST + b"\r\n", 400, "malformed"),
    "space in the target": (b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n", 400, "malformed"),
    "space at the end": (b"GET / HTTP/1.1 \r\n" + HOST + b"\r\n", 400, "malformed"),
    "no version": (b"GET /\r\n" + HOST + b"\r\n", 400, "malformed"),
    "lower-case protocol": (b"GET / http/1.1\r\n" + HOST + b"\r\n", 400, "malformed"),
    "long version": (b"GET / HTTP/1.10\r\n" + HOST + b"\r\n", 400, "malformed"),
    "unknown version": (b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", 505, "version"),
    "HTTP/0.9": (b"GET /\r\n\r\n", 400, "malformed"),
    "lower-case method": (b"get / HTTP/1.1\r\n" + HOST + b"\r\n", 400, "malformed"),
    "method with a digit": (b"GE7 / HTTP/1.1\r\n" + HOST + b"\r\n", 400, "malformed"),
    "method with a bracket": (b"G(T / HTTP/1.1\r\n" + HOST + b"\r\n", 400, "malformed"),
    "very long method": (b"A" * 64 + b" / HTTP/1.1\r\n" + HOST + b"\r\n", 400, "malformed"),
    "NUL first": (b"\0garbage", 400, "malformed"),
    "TLS on a plain port": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "malformed"),
    "NUL in the target": (b"GET /\0 HTTP/1.1\r\n" + HOST + b"\r\n", 400, "malformed"),
    "encoded NUL in the target": (b"GET /%00 HTTP/1.1\r\n" + HOST + b"\r\n", 400, "url"),
    "no UTF-8 in the target": (b"GET /%ff HTTP/1.1\r\n" + HOST + b"\r\n", 400, "url"),
    "raw bytes in the target": (b"GET /\xc3\xa4 HTTP/1.1\r\n" + HOST + b"\r\n", 400, "malformed"),
    "fragment": (b"GET /#x HTTP/1.1\r\n" + HOST + b"\r\n", 400, "malformed"),
    "relative target": (b"GET x HTTP/1.1\r\n" + HOST + b"\r\n", 400, "url"),
    "absolute target of another host": (
        b"GET http://evil/ HTTP/1.1\r\n" + HOST + b"\r\n",
        400,
        "url",
    ),
    "absolute target of another scheme": (
        b"GET ftp://localhost/ HTTP/1.1\r\n" + HOST + b"\r\n",
        400,
        "url",
    ),
    "authority form": (b"CONNECT localhost:443 HTTP/1.1\r\n" + HOST + b"\r\n", 400, "url"),
    "asterisk with GET": (b"GET * HTTP/1.1\r\n" + HOST + b"\r\n", 400, "url"),
    # the host
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400, "host"),
    "two hosts": (b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400, "host"),
    "two hosts in HTTP/1.0": (b"GET / HTTP/1.0\r\n" + HOST + HOST + b"\r\n", 400, "host"),
    "empty host": (b"GET / HTTP/1.1\r\nhost:\r\n\r\n", 400, "host"),
    "host with a path": (b"GET / HTTP/1.1\r\nhost: a/b\r\n\r\n", 400, "host"),
    "host with user information": (b"GET / HTTP/1.1\r\nhost: a@b\r\n\r\n", 400, "host"),
    "host list": (b"GET / HTTP/1.1\r\nhost: a, b\r\n\r\n", 400, "host"),
    "host with an odd port": (b"GET / HTTP/1.1\r\nhost: a:b\r\n\r\n", 400, "host"),
    "unclosed address": (b"GET / HTTP/1.1\r\nhost: [::1\r\n\r\n", 400, "host"),
    # too much
    "unknown expectation": (
        POST + b"expect: a-miracle\r\ncontent-length: 1\r\n\r\n",
        417,
        "expectation",
    ),
    "long target": (b"GET /" + b"a" * 2000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414, "url"),
    "endless target": (b"GET /" + b"a" * 3000, 414, "url"),
    "long headers": (
        b"GET / HTTP/1.1\r\n" + HOST + b"x: " + b"a" * 5000 + b"\r\n\r\n",
        431,
        "header_bytes",
    ),
    "endless headers": (b"GET / HTTP/1.1\r\n" + HOST + b"x: " + b"a" * 9000, 431, "header_bytes"),
    "many headers": (
        b"GET / HTTP/1.1\r\n" + HOST + b"x: y\r\n" * 30 + b"\r\n",
        431,
        "header_count",
    ),
    "long body announced": (POST + b"content-length: 1001\r\n\r\n", 413, "body_bytes"),
    "long body in one chunk": (CHUNKED + b"3e9\r\n" + b"a" * 1001, 413, "body_bytes"),
    "long body in many chunks": (CHUNKED + b"1\r\na\r\n" * 1001, 413, "body_bytes"),
    "huge chunk announced": (CHUNKED + b"ffffffff\r\n" + b"a" * 2000, 413, "body_bytes"),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_input_is_refused_and_the_connection_closed(name: str) -> None:
    sent, status, reason = HOSTILE[name]
    async with running(limits=LIMITS) as server:
        answer = await server.exchange(sent)
        assert answer.startswith(b"HTTP/1.1 %d " % status), answer
        assert b"\r\nconnection: close\r\n" in answer
        assert answer.count(b"HTTP/1.1") == 1, "what follows a refused request is not answered"
        assert b"smuggled" not in answer
        assert server.stats.bad_requests == {reason: 1}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_input_in_small_pieces_is_refused_alike(name: str) -> None:
    sent, status, reason = HOSTILE[name]
    size = 1 if len(sent) < 300 else 251  # the long ones need not take all day
    async with running(limits=LIMITS) as server, await server.connect() as stream:
        try:
            for at in range(0, len(sent), size):
                await stream.send_all(sent[at : at + size])
        except trio.BrokenResourceError:
            pass  # refused before its end
        answer = await read_all(stream)
        assert answer.startswith(b"HTTP/1.1 %d " % status), answer
        assert server.stats.bad_requests == {reason: 1}


async def test_a_refusal_leaves_other_connections_alone() -> None:
    async with running(limits=LIMITS) as server:
        request = b"GET /a HTTP/1.1\r\nhost: localhost\r\n"
        async with await server.connect() as other:
            await other.send_all(request)
            await server.exchange(b"\0")
            await other.send_all(b"connection: close\r\n\r\n")
            answer = await read_all(other)
        assert answer.endswith(b"[GET /a? ]")
