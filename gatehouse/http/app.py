"""The web application: every dialect's operations behind one ASGI callable.

Adding a dialect means adding a folder under `http/` that exports a `Dialect` and its operations,
and one line to the list that is built here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable
from quart import Response, request
from quart.sessions import NullSession, SessionInterface
from quart_trio import QuartTrio
from quart_trio.asgi import TrioASGIHTTPConnection
from quart_trio.wrappers import TrioRequest
from werkzeug.exceptions import RequestEntityTooLarge

from gatehouse.http.call import Call, Reply
from gatehouse.http.front import FOUND, AsgiApp, Front, Unclaimed, request_from, send_answer
from gatehouse.http.logto.dialect import ROOT
from gatehouse.http.logto.management.domain_files import verification_file
from gatehouse.http.logto.skin import skins as logto_skins
from gatehouse.http.operation import Operations, Skin
from gatehouse.http.pages.custom_ui import custom_file
from gatehouse.http.pipeline import HttpObserver, Pipeline
from gatehouse.http.routes import Declared, Routes
from gatehouse.http.validation import BodyTooLarge

if TYPE_CHECKING:
    from gatehouse.actors.core import Core

ANSWER = "gatehouse.answer"
"""Where the scope carries what the view answered."""

HealthCheck = Callable[[], Awaitable[tuple[int, Mapping[str, Any]]]]


def build_app(
    core: Core,
    *,
    health: Mapping[str, HealthCheck] | None = None,
    observer: HttpObserver | None = None,
    trusted_proxies: Iterable[str] = (),
) -> AsgiApp:
    """The ASGI application of a server: every dialect, and an operator's checks by path.

    `trusted_proxies` are networks (`10.0.0.0/8`) whose `X-Forwarded-For` is believed.
    """
    skins = [*logto_skins(), (ROOT, health_operations(health or {}))]
    return assemble(
        core,
        skins,
        observer=observer,
        trusted_proxies=trusted_proxies,
        unclaimed=partial(_unclaimed, core),
    )


async def _unclaimed(core: Core, host: str, path: str) -> Reply | None:
    """What the operator uploaded: a file of one domain, or of the pages."""
    return await verification_file(core, host, path) or await custom_file(core, path)


def assemble(
    core: Core,
    skins: Iterable[Skin],
    *,
    observer: HttpObserver | None = None,
    trusted_proxies: Iterable[str] = (),
    unclaimed: Unclaimed | None = None,
) -> AsgiApp:
    """The ASGI application that serves these dialects' operations and nothing else."""
    routes = Routes(
        Declared(dialect, operation) for dialect, operations in skins for operation in operations
    )
    pipeline = Pipeline(core, observer=observer, trusted_proxies=trusted_proxies)
    return Front(pipeline, routes, _quart(pipeline), unclaimed)


def health_operations(checks: Mapping[str, HealthCheck]) -> Operations:
    """Operations for an operator's checks by path; each answers a status and a JSON object."""
    operations = Operations(tags=("Health",))
    for path, check in checks.items():
        operations.get(path, path.strip("/"), documented=False)(_asking(check))
    return operations


def _asking(check: HealthCheck) -> Callable[[Call], Awaitable[Reply]]:
    async def ask(call: Call) -> Reply:
        status, body = await check()
        return Reply(status, body, (("cache-control", "no-store"),))

    return ask


class _Connection(TrioASGIHTTPConnection):
    """A request whose body came with its headers needs no task to watch for the rest of it."""

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        first = await receive()
        if first["type"] == "http.disconnect":
            return
        if first.get("more_body"):
            await super().__call__(cast(ASGIReceiveCallable, _after(first, receive)), send)
            return
        incoming = self._create_request_from_scope(send)
        incoming.body.append(cast(bytes, first.get("body", b"")))
        incoming.body.set_complete()
        await self._send_response(send, await self.app.handle_request(incoming))

    async def _send_response(self, send: ASGISendCallable, response: Any) -> None:
        """Send what the pipeline answered, in two messages instead of Quart's three."""
        answer = cast(dict[str, Any], self.scope).get(ANSWER)
        if answer is None:
            await super()._send_response(send, response)
        else:
            await send_answer(answer, cast(Any, send))


def _after(first: Any, receive: ASGIReceiveCallable) -> Callable[[], Awaitable[Any]]:
    waiting = [first]

    async def next_message() -> Any:
        return waiting.pop() if waiting else await receive()

    return next_message


class _NoSession(SessionInterface):
    """Sessions are actors; Quart keeps none."""

    _empty = NullSession()

    async def open_session(self, app: Any, request: Any) -> NullSession:
        return self._empty

    async def save_session(self, *args: Any) -> None:
        return None

    def is_null_session(self, instance: object) -> bool:
        return True


class _Request(TrioRequest):
    """A request whose body may weigh what its operation allows."""

    def __init__(self, *args: Any, **options: Any) -> None:
        entry, _ = options["scope"][FOUND]
        options["max_content_length"] = entry.operation.max_body
        super().__init__(*args, **options)


class _Quart(QuartTrio):
    asgi_http_class = _Connection
    request_class = _Request
    session_interface = _NoSession()  # type: ignore[assignment]


def _quart(pipeline: Pipeline) -> AsgiApp:
    """Quart with one view: the dispatcher in front of it has found the operation already.

    To compile a rule for each of some hundred operations would take half a second of every start.
    """
    app = _Quart("gatehouse", static_folder=None)
    app.url_map.merge_slashes = False

    async def view(path: str = "") -> Response:
        scope = cast(dict[str, Any], request.scope)
        entry, params = scope[FOUND]
        try:
            body = await request.get_data(cache=False)
        except RequestEntityTooLarge:
            reply = entry.dialect.refuse(BodyTooLarge(), None)
            answer = pipeline.refuse(entry.dialect, request_from(scope, b""), reply)
        else:
            answer = await pipeline.serve(
                entry.dialect,
                entry.operation,
                request_from(scope, cast(bytes, body)),
                params,
            )
        scope[ANSWER] = answer
        return Response(status=answer.status)

    for rule in ("/", "/<path:path>"):
        app.add_url_rule(
            rule,
            rule,
            view,
            methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            provide_automatic_options=False,
            strict_slashes=False,
        )
    return cast(AsgiApp, app)
