"""Writing HTTP/1.1 response heads: framing is decided here, and nothing can be injected into them.

An application names a status and fields; how the message ends (length, chunks, or the connection's
end), which fields belong to this hop alone, and that no value smuggles a second line in, is the
server's business (RFC 9112 sections 6 and 9, RFC 9110 section 6.4).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from time import time
from typing import Final

from hypercorn import Config

_STATUS_LINES: Final = {
    status.value: b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode())
    for status in HTTPStatus
}
_FIELDS: Final = re.compile(rb"(?:[!#$%&'*+\-.^_`|~0-9a-z]++: [\t\x20-\x7e\x80-\xff]*+\r\n)*+")
_BODILESS: Final = frozenset((204, 304))


class ResponseError(Exception):
    """The application sent something that is no HTTP response: answered 500 if it still can be."""


class Clock:
    """The date and server fields, as Hypercorn's configuration asks, rendered once a second."""

    __slots__ = ("_config", "_fields", "_second")

    def __init__(self, config: Config) -> None:
        self._config = config
        self._second = 0
        self._fields = b""

    def fields(self) -> bytes:
        """Rendered fields that every response carries."""
        second = int(time())
        if second != self._second:
            self._second = second
            self._fields = b"".join(
                b"%b: %b\r\n" % field for field in self._config.response_headers("h11")
            )
        return self._fields


class ResponseHead:
    """A response as its application declared it. `rendered` decides the framing.

    Afterwards `length` is the number of body bytes promised (None: unknown), `chunked` whether the
    body goes out in chunks and `keep_alive` whether the connection may serve another request.
    """

    __slots__ = ("_fields", "chunked", "has_body", "keep_alive", "length", "status")

    def __init__(
        self, status: int, headers: Iterable[tuple[bytes, bytes]], method: str, keep_alive: bool
    ) -> None:
        if not 200 <= status <= 599:
            raise ResponseError(f"status {status}")
        self.status = status
        self.has_body = method != "HEAD" and status not in _BODILESS
        self.keep_alive = keep_alive
        self.length: int | None = None
        self.chunked = False
        fields = []
        for raw_name, value in headers:
            name = raw_name.lower()
            if name == b"content-length":
                if self.length is not None or not value.isdigit():
                    raise ResponseError("content-length")
                self.length = int(value)
                if status == 204:
                    continue
            elif name == b"connection":
                if b"close" in value.lower():
                    self.keep_alive = False
                continue
            elif name == b"transfer-encoding":
                continue
            fields.append(b"%b: %b\r\n" % (name, value))
        self._fields = b"".join(fields)
        # A value that holds a whole further line would match: hence the count.
        whole = _FIELDS.fullmatch(self._fields) is not None
        if not whole or self._fields.count(b"\n") != len(fields):
            raise ResponseError("a header field with a line break or an invalid name")

    def rendered(self, body: bytes, more: bool, http_version: str, clock: Clock) -> bytes:
        """The head's bytes, given the first piece of the body and whether more follows."""
        framing = b""
        if self.length is None and (self.has_body or body) and self.status not in _BODILESS:
            if not more:
                self.length = len(body)
                framing = b"content-length: %d\r\n" % self.length
            elif http_version == "1.1":
                self.chunked = self.has_body
                framing = b"transfer-encoding: chunked\r\n"
            else:
                self.keep_alive = False
        return b"%b%b%b%b%b\r\n" % (
            _STATUS_LINES.get(self.status) or b"HTTP/1.1 %d \r\n" % self.status,
            self._fields,
            framing,
            clock.fields(),
            b"" if self.keep_alive else b"connection: close\r\n",
        )

    def framed(self, body: bytes, more: bool, sent: int) -> bytes:
        """A piece of the body as it goes out; `sent` counts up to its end. Raises `ResponseError`
        when that is more than was promised, or less at the end.
        """
        if self.length is not None and (sent > self.length or (sent < self.length and not more)):
            raise ResponseError(f"{sent} bytes of a body of {self.length}")
        if not self.chunked:
            return body
        chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
        return chunk if more else chunk + b"0\r\n\r\n"


def error_response(status: int, clock: Clock) -> bytes:
    """A whole response of the edge's own, after which the connection is closed."""
    text = HTTPStatus(status).phrase.encode()
    return (
        b"%bcontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n"
        b"%bconnection: close\r\n\r\n%b"
    ) % (_STATUS_LINES[status], len(text), clock.fields(), text)
