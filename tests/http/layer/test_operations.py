"""What the operation layer does for every operation, shown on a small made-up API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest
import trio
from structlog.contextvars import get_contextvars

from gatehouse.http.app import assemble
from gatehouse.http.call import Call, Principal, Reply
from gatehouse.http.operation import EVERY_ORIGIN, Access, Cors, Dialect, Operations
from gatehouse.http.pipeline import DeadlineExceeded, HttpObserver
from gatehouse.http.validation import BodyTooLarge, InvalidInput, NotJson
from gatehouse.http.wire import JsonObject, Maybe, Query, Text, Wire

JSON = {"content-type": "application/json"}


class NotAdmitted(Exception):
    pass


class Thing(Wire):
    thing_name: Maybe[Text] = None
    count: int
    more: Maybe[JsonObject] = None


class ThingView(Wire):
    id: str
    thing_name: str | None
    note: str = "left out unless set"


class Filter(Query):
    least: int = 0
    tag: str | list[str] = ""


async def admit(call: Call) -> Principal:
    if call.headers.get("authorization") != "Bearer good":
        raise NotAdmitted
    return Principal("someone", "client", frozenset())


async def only_ours(core: Any, origin: str) -> bool:
    return origin == "https://ours.example"


operations = Operations(tags=("Things",))
guarded = Operations(access=Access("guarded", admit), cors=Cors(only_ours, methods="GET,POST"))


@operations.get("/api/hot", "Hot", hot=True, cors=EVERY_ORIGIN)
async def hot(call: Call) -> None: ...


@operations.get("/api/things", "ListThings", query=Filter, response=list[ThingView])
async def list_things(call: Call[None, Filter]) -> list[ThingView]:
    return [ThingView(id=str(call.query.least), thing_name=None)]


async def make(call: Call[Thing]) -> ThingView:
    return ThingView(id="new", thing_name=call.body.thing_name)


operations.post("/api/things", "Make", body=Thing, response=ThingView, status=201)(make)
operations.post("/api/hot-things", "MakeHot", body=Thing, response=ThingView, status=201, hot=True)(
    make
)
operations.post("/api/small", "Small", body=Thing, response=ThingView, max_body=64)(make)


@operations.post("/api/form", "Form", body=dict[str, str | list[str]], form=True)
async def form(call: Call[dict[str, str | list[str]]]) -> Reply:
    return Reply(200, call.body)


@operations.get("/api/things/{thingId}", "GetThing", response=ThingView)
async def get_thing(call: Call) -> ThingView:
    return ThingView(id=call.path["thingId"], thing_name="x")


@operations.get("/api/things/special", "Special", response=ThingView)
async def special(call: Call) -> ThingView:
    return ThingView(id="special", thing_name=None, note="set")


@operations.get("/api/slow", "Slow", deadline=5)
async def slow(call: Call) -> None:
    await trio.sleep(3600)


@operations.get("/api/broken", "Broken")
async def broken(call: Call) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_fail)


async def _fail() -> None:
    raise RuntimeError("secret detail")


@operations.get("/api/split", "Split")
async def split(call: Call) -> Reply:
    return Reply(200, b"x", (("x-split", "a\r\nset-cookie: evil=1"),))


@operations.get("/api/whoami", "WhoAmI")
async def whoami(call: Call) -> Reply:
    seen = {
        "address": call.client_address,
        "cookies": dict(call.cookies),
        "id": call.request_id,
        "logged": get_contextvars()["request_id"],
    }
    return Reply(200, seen, cookies=["a=1; path=/", "b=2"])


@guarded.post("/api/guarded", "Guarded", body=Thing)
async def guarded_thing(call: Call[Thing]) -> Reply:
    assert call.principal is not None
    return Reply(200, {"subject": call.principal.subject})


def refuse(error: Exception, call: Call | None) -> Reply:
    match error:
        case InvalidInput():
            return Reply(400, [[issue.code, list(issue.path)] for issue in error.issues])
        case NotJson():
            return Reply(400, "not json")
        case BodyTooLarge():
            return Reply(413, "too large")
        case NotAdmitted():
            return Reply(401, "no")
        case DeadlineExceeded():
            return Reply(503, "slow")
    return Reply(500, {"message": "broken"})


DIALECT = Dialect(
    "test",
    "/api",
    refuse,
    lambda path, _: Reply(404, "Not Found", content_type="text/plain"),
    lambda allow, _: Reply(
        405, "Method Not Allowed", (("allow", allow),), content_type="text/plain"
    ),
    headers=(("X-Safe", "yes"),),
    request_id_header="Test-Request-Id",
)


class Seen(HttpObserver):
    def __init__(self) -> None:
        self.answers: list[tuple[str, str, str, int]] = []

    def answered(self, dialect: str, route: str, method: str, status: int, seconds: float) -> None:
        self.answers.append((dialect, route, method, status))


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
async def client(seen: Seen) -> AsyncIterator[httpx.AsyncClient]:
    app = assemble(
        cast(Any, None),
        [(DIALECT, [*operations, *guarded])],
        observer=seen,
        trusted_proxies=["10.0.0.0/8"],
    )
    transport = httpx.ASGITransport(app=cast(Any, app), client=("10.1.1.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_a_hot_operation_and_one_behind_quart_answer_alike(client: httpx.AsyncClient) -> None:
    bodies = [
        (await client.post(path, json={"count": 1, "thingName": "n"}))
        for path in ("/api/things", "/api/hot-things")
    ]
    assert [answer.status_code for answer in bodies] == [201, 201]
    assert bodies[0].json() == bodies[1].json() == {"id": "new", "thingName": "n"}
    names = [sorted(set(answer.headers) - {"test-request-id"}) for answer in bodies]
    assert names[0] == names[1]


async def test_every_answer_has_a_request_id_and_the_dialects_headers(
    client: httpx.AsyncClient,
) -> None:
    for path in ("/api/hot", "/api/things", "/api/nothing", "/api/broken"):
        answer = await client.get(path)
        assert len(answer.headers["test-request-id"]) == 16
        assert answer.headers["x-safe"] == "yes"
        assert "Accept-Encoding" in answer.headers["vary"]


async def test_the_request_id_of_the_answer_is_the_one_that_is_logged(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/api/whoami")
    shown = answer.json()
    assert shown["id"] == shown["logged"] == answer.headers["test-request-id"]


async def test_a_handler_that_returns_nothing_answers_204(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/hot")
    assert answer.status_code == 204
    assert "content-type" not in answer.headers


async def test_what_a_response_did_not_set_is_left_out(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/things/7")).json() == {"id": "7", "thingName": "x"}


async def test_a_literal_path_wins_over_a_parameter(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/things/special")).json()["note"] == "set"


async def test_a_trailing_slash_makes_no_difference(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/things/")).status_code == 200
    assert (await client.get("/api/things//")).status_code == 404


@pytest.mark.parametrize(
    ("body", "issues"),
    [
        ({}, [["missing", ["count"]]]),
        ({"count": "1"}, [["int_type", ["count"]]]),
        ({"count": 1, "thingName": None}, [["string_type", ["thingName"]]]),
        ({"count": 1, "thingName": ""}, [["string_too_short", ["thingName"]]]),
        ({"count": 1, "thingName": "a\0b"}, [["custom", []]]),
        ([], [["model_type", []]]),
    ],
)
async def test_invalid_bodies_name_what_is_wrong(
    client: httpx.AsyncClient, body: object, issues: object
) -> None:
    answer = await client.post("/api/things", json=body)
    assert (answer.status_code, answer.json()) == (400, issues)


async def test_an_escaped_backslash_before_u0000_is_no_nul(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/things", json={"count": 1, "thingName": "\\u0000"})
    assert answer.json()["thingName"] == "\\u0000"


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"count": 1}}', b'{"thingName": "\\ud800"}'])
async def test_a_body_that_is_not_json_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/api/things", content=body, headers=JSON)
    assert (answer.status_code, answer.text) == (400, "not json")


async def test_a_body_that_is_not_declared_json_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/api/things", content=b'{"count":1}', headers={"content-type": "text/plain"}
    )
    assert answer.status_code == 400


async def test_nesting_is_bounded_outside_of_strings_only(client: httpx.AsyncClient) -> None:
    deep = b'{"count":1,"more":{"a":' + b"[" * 40 + b"]" * 40 + b"}}"
    assert (await client.post("/api/things", content=deep, headers=JSON)).status_code == 400
    text = json.dumps({"count": 1, "thingName": '[{"' * 40})
    assert (await client.post("/api/things", content=text, headers=JSON)).status_code == 201


async def test_a_body_above_its_operations_bound_is_413(client: httpx.AsyncClient) -> None:
    big = {"count": 1, "thingName": "x" * 100}
    assert (await client.post("/api/small", json=big)).status_code == 413
    huge = {"count": 1, "thingName": "x" * 300_000}
    assert (await client.post("/api/things", json=huge)).status_code == 413
    assert (await client.post("/api/hot-things", json=huge)).status_code == 413


async def test_a_body_in_pieces_is_put_together(client: httpx.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b'{"cou', b'nt":', b"1}"):
            yield piece

    for path in ("/api/things", "/api/hot-things"):
        answer = await client.post(path, content=pieces(), headers=JSON)
        assert answer.status_code == 201


async def test_forms_are_read_where_they_are_accepted(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/form", data={"a": "1", "b": ["x", "y"], "c": ""})
    assert answer.json() == {"a": "1", "b": ["x", "y"], "c": ""}
    assert (await client.post("/api/things", data={"count": "1"})).status_code == 400


async def test_a_form_with_too_many_fields_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/form", data={str(n): "x" for n in range(200)})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "query", ["least=x", "least=1&least=2", "least=%00", "tag=%ff", "tag=" + "x" * 9000]
)
async def test_invalid_queries_are_refused(client: httpx.AsyncClient, query: str) -> None:
    assert (await client.get(f"/api/things?{query}")).status_code == 400


async def test_a_query_is_converted_and_unknown_parameters_are_ignored(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/api/things?least=3&tag=a&tag=b&other=1")
    assert answer.json() == [{"id": "3", "thingName": None}]


async def test_a_nul_in_a_path_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/things/a%00b")).status_code == 400


async def test_get_has_an_etag_and_the_same_tag_is_304(client: httpx.AsyncClient) -> None:
    first = await client.get("/api/things/7")
    again = await client.get("/api/things/7", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    weak = f'"other", W/{first.headers["etag"]}'
    assert (await client.get("/api/things/7", headers={"if-none-match": weak})).status_code == 304
    assert (await client.get("/api/things/8", headers={"if-none-match": weak})).status_code == 200


async def test_head_is_get_without_the_body(client: httpx.AsyncClient) -> None:
    full = await client.get("/api/things/7")
    head = await client.head("/api/things/7")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == full.headers["content-length"]
    assert head.headers["etag"] == full.headers["etag"]


async def test_an_unknown_path_is_the_dialects_404(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/unknown")
    assert (answer.status_code, answer.text) == (404, "Not Found")


async def test_a_wrong_method_is_405_and_says_what_is_allowed(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/api/things")
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


async def test_options_of_another_origin_names_the_methods_only(client: httpx.AsyncClient) -> None:
    answer = await client.options(
        "/api/guarded",
        headers={"origin": "https://evil.example", "access-control-request-method": "POST"},
    )
    assert (answer.status_code, answer.headers["allow"]) == (200, "POST")
    assert "access-control-allow-origin" not in answer.headers


async def test_a_preflight_of_an_allowed_origin_is_granted(client: httpx.AsyncClient) -> None:
    answer = await client.options(
        "/api/guarded",
        headers={
            "origin": "https://ours.example",
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization",
        },
    )
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "https://ours.example"
    assert answer.headers["access-control-allow-methods"] == "GET,POST"
    assert answer.headers["access-control-allow-headers"] == "authorization"


async def test_answers_carry_cors_headers_for_allowed_origins(client: httpx.AsyncClient) -> None:
    opened = await client.get("/api/hot", headers={"origin": "https://any.example"})
    assert opened.headers["access-control-allow-origin"] == "https://any.example"
    refused = await client.post("/api/guarded", headers={"origin": "https://any.example"})
    assert "access-control-allow-origin" not in refused.headers
    assert "Origin" in refused.headers["vary"]


async def test_a_caller_is_admitted_before_its_input_is_looked_at(
    client: httpx.AsyncClient,
) -> None:
    assert (await client.post("/api/guarded", content=b"{", headers=JSON)).status_code == 401
    good = {"authorization": "Bearer good"}
    assert (await client.post("/api/guarded", json={}, headers=good)).status_code == 400
    answer = await client.post("/api/guarded", json={"count": 1}, headers=good)
    assert answer.json() == {"subject": "someone"}


async def test_a_slow_handler_is_given_up_at_its_deadline(
    client: httpx.AsyncClient, autojump_clock: trio.testing.MockClock
) -> None:
    started = trio.current_time()
    assert (await client.get("/api/slow", timeout=60)).status_code == 503
    assert trio.current_time() - started == 5


async def test_an_unforeseen_error_is_500_without_its_cause(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/broken")
    assert (answer.status_code, answer.json()) == (500, {"message": "broken"})


async def test_a_header_with_a_line_break_is_never_sent(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/split")
    assert answer.status_code == 500
    assert "set-cookie" not in answer.headers


async def test_cookies_are_read_raw_and_the_first_of_a_name_counts(
    client: httpx.AsyncClient,
) -> None:
    sent = '_logto={"appId":"a"}; x=1; x=2; broken'
    answer = await client.get("/api/whoami", headers={"cookie": sent})
    assert answer.json()["cookies"] == {"_logto": '{"appId":"a"}', "x": "1"}
    assert answer.headers.get_list("set-cookie") == ["a=1; path=/", "b=2"]


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        (None, "10.1.1.1"),
        ("192.0.2.7", "192.0.2.7"),
        ("203.0.113.9, 192.0.2.7, 10.2.2.2", "192.0.2.7"),
        ("192.0.2.7, nonsense", "10.1.1.1"),
    ],
)
async def test_trusted_proxies_say_where_a_request_came_from(
    client: httpx.AsyncClient, forwarded: str | None, address: str
) -> None:
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    assert (await client.get("/api/whoami", headers=headers)).json()["address"] == address


async def test_nobody_else_may_say_where_a_request_came_from() -> None:
    app = assemble(cast(Any, None), [(DIALECT, operations)], trusted_proxies=["10.0.0.0/8"])
    transport = httpx.ASGITransport(app=cast(Any, app), client=("192.0.2.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/api/whoami", headers={"x-forwarded-for": "1.2.3.4"})
    assert answer.json()["address"] == "192.0.2.1"


async def test_metrics_hear_of_the_route_and_never_of_the_path(
    client: httpx.AsyncClient, seen: Seen
) -> None:
    await client.get("/api/things/7")
    await client.get("/api/whatever/7")
    await client.post("/api/guarded")
    assert seen.answers == [
        ("test", "/api/things/{thingId}", "GET", 200),
        ("test", "unmatched", "GET", 404),
        ("test", "/api/guarded", "POST", 401),
    ]


def test_declaring_one_path_and_method_twice_is_an_error() -> None:
    twice = Operations()
    twice.get("/api/a/{x}", "A")(hot)
    twice.get("/api/a/{y}", "B")(hot)
    with pytest.raises(ValueError, match="twice"):
        assemble(cast(Any, None), [(DIALECT, twice)])
