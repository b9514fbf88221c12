"""Whatever is sent to whichever operation: a refusal in the API's format, and never a 5xx."""

from __future__ import annotations

from gatehouse.http.logto.access import MANAGEMENT
from gatehouse.http.logto.skin import api_operations
from gatehouse.http.operation import Operation
from gatehouse.http.routes import parameter_names
from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES

GUARDED = [one for one in api_operations() if one.access is MANAGEMENT]

BODIES = {
    "nothing": b"",
    "not JSON": b"{",
    "null": b"null",
    "a list": b"[]",
    "a number": b"1e999",
    "not UTF-8": b'{"name":"\xff\xfe"}',
    "a lone surrogate": b'{"name":"\\ud800","type":"SPA","description":"\\udfff"}',
    "NUL": b'{"name":"a\\u0000","description":"\\u0000"}',
    "deep": b'{"customData":' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}",
    "wide": b'{"name":"' + b"x" * 300_000 + b'"}',
    "repeated": b'{"name":"a","name":["b"]}',
    "big numbers": b'{"customData":{"a":123456789012345678901234567890},'
    b'"expiresAt":99999999999999999999,"accessTokenTtl":99999999999999,"name":"n"}',
    "not numbers": b'{"customData":{"a":NaN,"b":-Infinity},"name":"n"}',
    "other types": b'{"name":{},"type":[],"roleIds":"x","scopeIds":{},"profile":7,"color":"red"}',
    "long Unicode": ('{"name":"' + "\U0001f469\u200d\U0001f680" * 200 + '"}').encode(),
    "strange keys": b'{"__proto__":{"x":1},"customData":{"":"","a.b":1,"$where":"1"}}',
}
SEGMENTS = ["%00", "%ff", "..", "%2e%2e%2f", "'--", "a" * 1500, "%F0%9F%9A%80", "%20", "{id}"]


def path_of(operation: Operation, segment: str) -> str:
    path = operation.path
    for name in parameter_names(path):
        path = path.replace(f"{{{name}}}", segment)
    return path


async def check(api: Api, operation: Operation, path: str, body: bytes, what: str) -> None:
    answer = await api.client.request(
        operation.method,
        path,
        content=body,
        headers={
            "authorization": f"Bearer {api.token}",
            "content-type": "application/json",
        },
    )
    shown = f"{operation.operation_id} with {what}: {answer.status_code} {answer.text[:200]}"
    assert answer.status_code < 500, shown
    if answer.status_code >= 400 and answer.headers["content-type"].startswith("application/json"):
        assert "message" in answer.json() or "result" in answer.json(), shown


@BOTH_DATABASES
async def test_hostile_bodies_are_refused_or_harmless(api: Api) -> None:
    for operation in GUARDED:
        if operation.body is not None:
            for what, body in BODIES.items():
                await check(api, operation, path_of(operation, "anything"), body, what)


@BOTH_DATABASES
async def test_hostile_paths_are_refused(api: Api) -> None:
    for operation in GUARDED:
        for segment in SEGMENTS:
            if "{" in operation.path:
                await check(api, operation, path_of(operation, segment), b"{}", segment)


@BOTH_DATABASES
async def test_hostile_queries_are_refused_or_harmless(api: Api) -> None:
    queries = (
        "search=%00",
        "search=%ff",
        "search=" + "%25" * 2000,
        "&".join(f"search=x{n}" for n in range(60)),
        "&".join(f"p{n}=x" for n in range(500)),
        "search.__class__=x",
        "page=99999999999999999999",
        "page_size=1e3",
        "types=" + "SPA&types=" * 50,
        "excludeRoleId=%F0%9F%9A%80",
    )
    for operation in GUARDED:
        if operation.query is not None:
            for query in queries:
                path = f"{path_of(operation, 'anything')}?{query}"
                await check(api, operation, path, b"", query[:40])
