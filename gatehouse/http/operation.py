"""An operation of an API, declared once.

Six hundred operations differ in their path, their models, who may call them and what they do, and
in nothing else. That is what an `Operation` states. Routing, admission, validation, the OpenAPI
document, metrics and the coverage table are all read from it, so none of them can disagree with
what is served.

    operations = Operations(tags=("Roles",), access=MANAGEMENT)

    @operations.patch("/api/roles/{id}", "UpdateRole", body=RolePatch, response=RoleView)
    async def update_role(call: Call[RolePatch]) -> RoleView: ...

A dialect is a folder that exports a `Dialect` and lists of operations.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter

from gatehouse.http.call import Call, Headers, Principal, Reply

if TYPE_CHECKING:
    from gatehouse.actors.core import Core

Handler = Callable[[Call[Any, Any]], Awaitable[object]]
H = TypeVar("H", bound=Callable[..., Awaitable[object]])

MAX_BODY_BYTES = 256 * 1024
"""What a JSON or form body may weigh unless its operation says otherwise."""

DEADLINE_SECONDS = 10.0
"""How long a handler may take before its caller is told to come back later."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call. `admit` returns the caller or raises the dialect's refusal; `None` is anyone.

    `security` is the operation's OpenAPI security requirement (scheme to scopes).
    """

    name: str
    admit: Callable[[Call[Any, Any]], Awaitable[Principal | None]] | None = None
    security: Mapping[str, Sequence[str]] = field(default_factory=dict)


PUBLIC = Access("public")


@dataclass(frozen=True, slots=True)
class Cors:
    """Which browser origins may read the answers (Fetch standard, CORS protocol).

    `allows` decides for one origin. `any_origin` answers `*` instead of repeating the origin.
    `methods` is the `Access-Control-Allow-Methods` of a preflight; empty means the path's own.
    """

    allows: Callable[[Core, str], Awaitable[bool]]
    any_origin: bool = False
    expose: str = ""
    max_age: int | None = None
    methods: str = ""


async def _everyone(core: Core, origin: str) -> bool:
    return True


EVERY_ORIGIN = Cors(_everyone, expose="*")


@dataclass(frozen=True, slots=True)
class Dialect:
    """The skin of an API: how its answers look when they are not the handler's own.

    `name` is a metric label. `prefix` decides whose 404 and 405 an unknown path gets (the longest
    matching prefix; `/` matches all). `refuse` turns any exception into an answer, and is the one
    place where it happens; it gets the call as far as it came, `None` before an operation is found.
    `not_found` gets the path, `method_not_allowed` the methods there are; both get the headers.
    `request_id_header` carries the request id of every answer.
    """

    name: str
    prefix: str
    refuse: Callable[[Exception, Call[Any, Any] | None], Reply]
    not_found: Callable[[str, Headers], Reply]
    method_not_allowed: Callable[[str, Headers], Reply]
    headers: tuple[tuple[str, str], ...] = ()
    request_id_header: str = "Request-Id"


@dataclass(frozen=True)
class Operation:
    """One method on one path template (`/api/users/{userId}`); see `Operations` for the fields."""

    method: str
    path: str
    operation_id: str
    handler: Handler
    access: Access = PUBLIC
    tags: tuple[str, ...] = ()
    query: Any = None
    body: Any = None
    response: Any = None
    status: int = 200
    statuses: tuple[int, ...] = ()
    content_type: str = "application/json"
    form: bool = False
    upload: bool = False
    hot: bool = False
    cors: Cors | None = None
    max_body: int = MAX_BODY_BYTES
    deadline: float = DEADLINE_SECONDS
    documented: bool = True

    @cached_property
    def query_type(self) -> TypeAdapter[Any] | None:
        """Validates the query string; `None` where the operation reads none."""
        return None if self.query is None else TypeAdapter(self.query)

    @cached_property
    def body_type(self) -> TypeAdapter[Any] | None:
        """Validates the body; `None` where the operation reads none."""
        return None if self.body is None else TypeAdapter(self.body)

    @cached_property
    def response_type(self) -> TypeAdapter[Any] | None:
        """Writes the response; `None` where the operation declares none."""
        return None if self.response is None else TypeAdapter(self.response)

    @property
    def summary(self) -> str:
        """The first line of the handler's docstring."""
        return (self.handler.__doc__ or "").strip().partition("\n")[0]


Skin = tuple[Dialect, Iterable[Operation]]
"""A dialect with the operations that wear it."""


class Operations:
    """A list of operations that share tags, access and CORS rules, filled by decorators.

    Keyword arguments of the decorators are the fields of `Operation`:

    - `query`, `body`, `response`: a pydantic model or any type pydantic validates;
    - `status`: of a success with a body (a handler that returns `None` answers 204);
    - `statuses`: what else the operation answers, for the documents;
    - `upload`: the body is a form with a file (see `http/multipart.py`);
    - `form`: a form body (`application/x-www-form-urlencoded`) is accepted as well as JSON;
    - `hot`: served by the thin dispatcher in front of Quart;
    - `access`, `cors`, `max_body` (bytes), `deadline` (seconds): override the group's.
    """

    def __init__(
        self, *, tags: tuple[str, ...] = (), access: Access = PUBLIC, cors: Cors | None = None
    ) -> None:
        self._shared: dict[str, Any] = {"tags": tags, "access": access, "cors": cors}
        self._declared: list[Operation] = []

    def __iter__(self) -> Iterator[Operation]:
        return iter(self._declared)

    def __len__(self) -> int:
        return len(self._declared)

    def declare(self, method: str, path: str, operation_id: str, **fields: Any) -> Callable[[H], H]:
        """Declare the decorated coroutine function as the operation's handler."""

        def keep(handler: H) -> H:
            settings = {**self._shared, **fields}
            self._declared.append(Operation(method, path, operation_id, handler, **settings))
            return handler

        return keep

    def get(self, path: str, operation_id: str, **fields: Any) -> Callable[[H], H]:
        """Declare a GET, which answers HEAD as well."""
        return self.declare("GET", path, operation_id, **fields)

    def post(self, path: str, operation_id: str, **fields: Any) -> Callable[[H], H]:
        """Declare a POST."""
        return self.declare("POST", path, operation_id, **fields)

    def put(self, path: str, operation_id: str, **fields: Any) -> Callable[[H], H]:
        """Declare a PUT."""
        return self.declare("PUT", path, operation_id, **fields)

    def patch(self, path: str, operation_id: str, **fields: Any) -> Callable[[H], H]:
        """Declare a PATCH."""
        return self.declare("PATCH", path, operation_id, **fields)

    def delete(self, path: str, operation_id: str, **fields: Any) -> Callable[[H], H]:
        """Declare a DELETE."""
        return self.declare("DELETE", path, operation_id, **fields)
