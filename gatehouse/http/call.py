"""What a handler is given and what it gives back.

A `Call` is one request after everything that is the same for every operation has been done: the
operation was found, the caller admitted, the input checked. A handler therefore reads its facts
from typed attributes and knows neither ASGI nor Quart. It answers with a model (the operation's
own status), with nothing (204) or, where status, headers or cookies matter, with a `Reply`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic

from typing_extensions import TypeVar

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.http.operation import Operation

B = TypeVar("B", default=Any)
Q = TypeVar("Q", default=Any)


class Headers:
    """Request headers by lower-case name. Of a repeated header the first counts, save cookies."""

    __slots__ = ("_cookies", "_first", "_raw")

    def __init__(self, raw: Sequence[tuple[bytes, bytes]]) -> None:
        self._raw = raw
        self._first: dict[bytes, bytes] | None = None
        self._cookies: dict[str, str] | None = None

    def get(self, name: str) -> str | None:
        """The header's value, or `None`. `name` is lower-case."""
        if self._first is None:
            self._first = dict(reversed(self._raw))
        value = self._first.get(name.encode("ascii"))
        return None if value is None else value.decode("latin-1")

    @property
    def cookies(self) -> Mapping[str, str]:
        """Cookies as sent, undecoded (RFC 6265, 5.4); of a repeated name the first counts."""
        if self._cookies is None:
            self._cookies = {}
            for name, value in self._raw:
                if name == b"cookie":
                    for pair in value.decode("latin-1").split(";"):
                        key, equals, text = pair.partition("=")
                        if equals:
                            self._cookies.setdefault(key.strip(), text.strip())
        return self._cookies


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling: the subject of the access token that was presented.

    For a machine-to-machine token `subject` and `client_id` are both the application's id.
    """

    subject: str
    client_id: str
    scopes: frozenset[str]
    claims: Mapping[str, Any] = field(default_factory=dict)


class Call(Generic[B, Q]):
    """One admitted, validated request.

    `body` and `query` are instances of the models that the operation declares, `None` where it
    declares none. `path` holds the template's parameters, decoded. `client_address` is the peer's
    address, or what a trusted proxy says it is; `via_proxy` tells whether one did, so that what it
    says besides can be believed. `raw_query` is the undecoded query string.
    """

    __slots__ = (
        "body",
        "client_address",
        "core",
        "cors_refused",
        "headers",
        "method",
        "operation",
        "path",
        "principal",
        "query",
        "raw_body",
        "raw_query",
        "request_id",
        "url_path",
        "via_proxy",
    )

    body: B
    query: Q

    def __init__(
        self,
        core: Core,
        operation: Operation,
        *,
        method: str,
        url_path: str,
        path: Mapping[str, str],
        raw_query: bytes,
        raw_body: bytes,
        headers: Headers,
        client_address: str,
        request_id: str,
        via_proxy: bool = False,
    ) -> None:
        self.core = core
        self.operation = operation
        self.method = method
        self.url_path = url_path
        self.path = path
        self.raw_query = raw_query
        self.raw_body = raw_body
        self.headers = headers
        self.client_address = client_address
        self.request_id = request_id
        self.via_proxy = via_proxy
        self.principal: Principal | None = None
        self.cors_refused = False

    @property
    def cookies(self) -> Mapping[str, str]:
        """The request's cookies, undecoded."""
        return self.headers.cookies

    def refuse_cors(self) -> None:
        """Send the answer without CORS headers: the client did not register this origin."""
        self.cors_refused = True


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer in full.

    `body` is bytes or text sent as it is (`content_type` then names it), or anything that becomes
    JSON: a model, a sequence of models, a struct, a mapping. `cookies` are whole `Set-Cookie`
    values.
    """

    status: int = 200
    body: object = None
    headers: Sequence[tuple[str, str]] = ()
    cookies: Sequence[str] = ()
    content_type: str | None = None


def redirect(location: str, *, status: int = 303, cookies: Sequence[str] = ()) -> Reply:
    """Send the browser elsewhere; `location` must be free of CR and LF, as every header is."""
    return Reply(status, None, (("location", location),), cookies)
