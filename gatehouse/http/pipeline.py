"""From a request that was routed to the answer that is sent: the same steps for every operation.

Admission, then validation, then the handler, under one deadline; whatever goes wrong on the way is
put into words by the dialect. What every answer carries (request id, the dialect's headers, CORS,
ETag) is added here. Quart and the thin dispatcher are two ways to reach this one function.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from time import perf_counter
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
import trio
from pydantic import BaseModel
from structlog.contextvars import bind_contextvars, clear_contextvars

from gatehouse.http.call import Call, Headers, Reply
from gatehouse.http.operation import Cors, Dialect, Operation
from gatehouse.http.validation import check_path, read_body, read_query

if TYPE_CHECKING:
    from gatehouse.actors.core import Core

log = structlog.get_logger(__name__)

RawHeaders = list[tuple[bytes, bytes]]

MAX_PROXIES = 8
"""How far back through `X-Forwarded-For` a chain of trusted proxies is followed."""

_JSON = "application/json; charset=utf-8"


class HttpObserver:
    """Hears of every answer; operators' metrics implement it."""

    def answered(self, dialect: str, route: str, method: str, status: int, seconds: float) -> None:
        """One request was answered. `route` is the path template, or `unmatched`."""


class DeadlineExceeded(Exception):  # noqa: N818
    """The handler did not finish in its operation's time."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came off the wire, body complete."""

    method: str
    url_path: str
    raw_query: bytes
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    peer: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as it goes onto the wire."""

    status: int
    headers: RawHeaders
    body: bytes


class Pipeline:
    """Serves operations. `trusted_proxies` are networks whose `X-Forwarded-For` is believed."""

    def __init__(
        self,
        core: Core,
        *,
        observer: HttpObserver | None = None,
        trusted_proxies: Iterable[str] = (),
    ) -> None:
        self._core = core
        self._observer = observer or HttpObserver()
        self._proxies = tuple(ip_network(network) for network in trusted_proxies)
        self._dialect_headers: dict[int, RawHeaders] = {}

    async def serve(
        self, dialect: Dialect, operation: Operation, request: Request, path: dict[str, str]
    ) -> Answer:
        """Answer a request for an operation. Raises nothing but cancellation."""
        started = perf_counter()
        headers = Headers(request.headers)
        call: Call[Any, Any] = Call(
            self._core,
            operation,
            method=request.method,
            url_path=request.url_path,
            path=path,
            raw_query=request.raw_query,
            raw_body=request.body,
            headers=headers,
            client_address=self._client(request.peer, headers),
            via_proxy=bool(self._proxies) and self._trusts(request.peer),
            request_id=_request_id(),
        )
        clear_contextvars()
        bind_contextvars(request_id=call.request_id)
        reply = await self._reply(dialect, call)
        try:
            answer = await self._finish(dialect, call, reply)
        except Exception as error:
            answer = await self._finish(dialect, call, self._refuse(dialect, error, call))
        self._observer.answered(
            dialect.name, operation.path, request.method, answer.status, perf_counter() - started
        )
        return answer

    def refuse(self, dialect: Dialect, request: Request, reply: Reply) -> Answer:
        """Answer a request that no operation will see: unknown path, wrong method, too large."""
        headers = self._base_headers(dialect)
        headers.append((_id_header(dialect), _request_id().encode()))
        body = _render(reply, None, headers)
        headers.append((b"vary", b"Accept-Encoding, Origin"))
        self._observer.answered(dialect.name, "unmatched", request.method, reply.status, 0.0)
        return Answer(reply.status, headers, body)

    async def preflight(
        self, dialect: Dialect, request: Request, operations: Mapping[str, Operation]
    ) -> Answer:
        """Answer OPTIONS: a CORS preflight from an origin that is allowed, else what is allowed."""
        asked = Headers(request.headers)
        origin = asked.get("origin")
        wanted = operations.get(asked.get("access-control-request-method") or "")
        cors = None if wanted is None else wanted.cors
        if cors is None or origin is None or not await cors.allows(self._core, origin):
            allow = (("allow", allowed_methods(operations)),)
            return self.refuse(
                dialect, request, Reply(200, b"", allow, content_type="text/plain; charset=utf-8")
            )
        headers = [
            ("access-control-allow-origin", origin),
            ("access-control-allow-methods", cors.methods or ",".join(operations)),
        ]
        if cors.max_age is not None:
            headers.append(("access-control-max-age", str(cors.max_age)))
        requested = asked.get("access-control-request-headers")
        if requested is not None:
            headers.append(("access-control-allow-headers", requested))
        return self.refuse(dialect, request, Reply(204, None, headers))

    async def _reply(self, dialect: Dialect, call: Call[Any, Any]) -> Reply:
        operation = call.operation
        try:
            with trio.move_on_after(operation.deadline) as scope:
                if operation.access.admit is not None:
                    call.principal = await operation.access.admit(call)
                if call.path:
                    check_path(call.path)
                call.query = read_query(operation, call.raw_query)
                call.body = read_body(operation, call.raw_body, call.headers.get("content-type"))
                outcome = await operation.handler(call)
        except Exception as error:
            return self._refuse(dialect, error, call)
        if scope.cancelled_caught:
            return self._refuse(dialect, DeadlineExceeded(operation.operation_id), call)
        if isinstance(outcome, Reply):
            return outcome
        return Reply(204) if outcome is None else Reply(operation.status, outcome)

    def _refuse(self, dialect: Dialect, error: Exception, call: Call[Any, Any]) -> Reply:
        while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        reply = dialect.refuse(error, call)
        if reply.status == 500:
            log.error("request_failed", operation=call.operation.operation_id, exc_info=error)
        return reply

    async def _finish(self, dialect: Dialect, call: Call[Any, Any], reply: Reply) -> Answer:
        operation = call.operation
        headers = self._base_headers(dialect)
        headers.append((_id_header(dialect), call.request_id.encode()))
        status = reply.status
        body = _render(reply, operation, headers)
        if operation.cors is None:
            headers.append((b"vary", b"Accept-Encoding"))
        else:
            headers.append((b"vary", b"Accept-Encoding, Origin"))
            if not call.cors_refused:
                await self._add_cors(operation.cors, call, headers)
        if call.method in ("GET", "HEAD"):
            if status == 200 and body:
                tag = _etag(body)
                headers.append((b"etag", tag))
                if _matches(call.headers.get("if-none-match"), tag.decode()):
                    status = 304
                    headers = [pair for pair in headers if not pair[0].startswith(b"content-")]
            if call.method == "HEAD" or status == 304:
                body = b""
        return Answer(status, headers, body)

    async def _add_cors(self, cors: Cors, call: Call[Any, Any], headers: RawHeaders) -> None:
        origin = call.headers.get("origin")
        if cors.any_origin:
            headers.append((b"access-control-allow-origin", b"*"))
        elif origin is not None and await cors.allows(self._core, origin):
            headers.append((b"access-control-allow-origin", origin.encode("latin-1")))
        else:
            return
        if cors.expose:
            headers.append((b"access-control-expose-headers", cors.expose.encode()))

    def _base_headers(self, dialect: Dialect) -> RawHeaders:
        known = self._dialect_headers.get(id(dialect))
        if known is None:
            known = [(name.lower().encode(), value.encode()) for name, value in dialect.headers]
            self._dialect_headers[id(dialect)] = known
        return known.copy()

    def _client(self, peer: str, headers: Headers) -> str:
        """The nearest address in the chain that is not a trusted proxy's."""
        if not self._proxies or not self._trusts(peer):
            return peer
        chain = (headers.get("x-forwarded-for") or "").split(",")
        for hop in reversed(chain[-MAX_PROXIES:]):
            address = hop.strip()
            try:
                ip_address(address)
            except ValueError:
                return peer
            peer = address
            if not self._trusts(address):
                break
        return peer

    def _trusts(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._proxies)


def allowed_methods(operations: Mapping[str, Operation]) -> str:
    """The value of `Allow` for a path (RFC 9110, 10.2.1)."""
    methods = list(operations)
    if "GET" in methods:
        methods.insert(0, "HEAD")
    return ", ".join(methods)


def _id_header(dialect: Dialect) -> bytes:
    return dialect.request_id_header.lower().encode()


def _request_id() -> str:
    return secrets.token_urlsafe(12)


def _render(reply: Reply, operation: Operation | None, headers: RawHeaders) -> bytes:
    """The body's bytes; appends the headers that describe it and those the reply brings."""
    for name, value in reply.headers:
        headers.append((name.encode("latin-1"), _one_line(value)))
    for cookie in reply.cookies:
        headers.append((b"set-cookie", _one_line(cookie)))
    content = reply.body
    if content is None:
        if reply.status not in (204, 304):
            headers.append((b"content-length", b"0"))
        return b""
    kind = reply.content_type
    if isinstance(content, bytes):
        body = content
    elif isinstance(content, str):
        body = content.encode()
    else:
        body = _json(content, operation if reply.status < 300 else None)
    headers.append((b"content-type", (kind or _JSON).encode("latin-1")))
    headers.append((b"content-length", str(len(body)).encode()))
    return body


def _one_line(value: str) -> bytes:
    if "\r" in value or "\n" in value:
        raise ValueError("a header value must be one line")
    return value.encode("latin-1")


def _json(content: object, operation: Operation | None) -> bytes:
    if isinstance(content, BaseModel):
        return content.__pydantic_serializer__.to_json(content, by_alias=True, exclude_unset=True)
    listed = isinstance(content, list | tuple)
    if listed and operation is not None and operation.response_type is not None:
        return operation.response_type.dump_json(content, by_alias=True, exclude_unset=True)
    return msgspec.json.encode(content)


def _etag(body: bytes) -> bytes:
    digest = b64encode(hashlib.blake2b(body, digest_size=18).digest())
    return b'"%x-%s"' % (len(body), digest)


def _matches(condition: str | None, tag: str) -> bool:
    """Weak comparison of `If-None-Match` with the answer's tag (RFC 9110, 13.1.2)."""
    if condition is None:
        return False
    offered = (one.strip().removeprefix("W/") for one in condition.split(","))
    return condition.strip() == "*" or tag in offered
