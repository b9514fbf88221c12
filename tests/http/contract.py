"""A client that calls operations by their id and holds every answer against the contract."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import jsonschema_rs

from tests.http.proof import note

CONTRACT: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "contracts" / "logto.json").read_text()
)


@cache
def _validator(operation_id: str, status: str) -> Any:
    schema = CONTRACT[operation_id]["responses"].get(status)
    return None if schema is None else jsonschema_rs.validator_for(_unions(schema))


def _unions(schema: Any) -> Any:
    """The schema with `anyOf` for `oneOf`: the contract writes unions so whose members overlap."""
    if isinstance(schema, dict):
        return {"anyOf" if name == "oneOf" else name: _unions(one) for name, one in schema.items()}
    return [_unions(one) for one in schema] if isinstance(schema, list) else schema


@cache
def operation_at(method: str, path: str) -> str | None:
    """The operation of a path, for clients that know none."""
    for operation_id, operation in CONTRACT.items():
        template = re.sub(r"\{\w+\}", "[^/]+", operation["path"])
        if operation["method"] == method and re.fullmatch(template, path):
            return operation_id
    return None


def check_answer(operation_id: str, answer: httpx.Response) -> None:
    """Fail if the contract does not know this answer of the operation."""
    status = str(answer.status_code)
    known = CONTRACT[operation_id]["responses"]
    if answer.status_code < 300:
        assert status in known, f"{operation_id} never answers {status}"
        validator = _validator(operation_id, status)
        if validator is not None:
            errors = [
                f"{'/'.join(map(str, error.instance_path))}: {error.message[:300]}"
                for error in validator.iter_errors(answer.json())
            ]
            assert not errors, f"{operation_id}: {errors}"
    elif answer.status_code in (400, 401, 403, 404, 409, 413, 422, 429, 503):
        body = answer.json()
        assert isinstance(body.get("message", ""), str)
    note(operation_id, answer.status_code)


class Api:
    """Logto's API as one caller sees it.

    `await api("GetUser", userId=id)` answers the response, whose status is `expect` or a success,
    and whose body is what the contract says. `token` of None sends no Authorization header.
    """

    def __init__(self, client: httpx.AsyncClient, token: str | None = None) -> None:
        self.client = client
        self.token = token

    def with_token(self, token: str | None) -> Api:
        """The same server, another caller."""
        return Api(self.client, token)

    async def __call__(
        self,
        operation_id: str,
        *,
        expect: int | None = None,
        json: Any = None,
        query: dict[str, Any] | str | None = None,
        headers: dict[str, str] | None = None,
        **path: str,
    ) -> Any:
        """The answer's JSON, or None if it has none. Fails on any other status."""
        answer = await self.send(operation_id, json=json, query=query, headers=headers, **path)
        if expect is None:
            assert answer.status_code < 300, f"{operation_id}: {answer.status_code} {answer.text}"
        else:
            assert answer.status_code == expect, (
                f"{operation_id}: {answer.status_code} {answer.text}"
            )
        return answer.json() if answer.content else None

    async def send(
        self,
        operation_id: str,
        *,
        json: Any = None,
        query: dict[str, Any] | str | None = None,
        headers: dict[str, str] | None = None,
        **path: str,
    ) -> httpx.Response:
        """The whole answer, held against the contract."""
        operation = CONTRACT[operation_id]
        url = operation["path"]
        for name, value in path.items():
            assert f"{{{name}}}" in url, f"{url} has no {name}"
            url = url.replace(f"{{{name}}}", quote(value, safe=""))
        assert "{" not in url, f"{url} is not complete"
        sent = dict(headers or {})
        if self.token is not None:
            sent.setdefault("authorization", f"Bearer {self.token}")
        if isinstance(query, str):
            url = f"{url}?{query}"
            query = None
        answer = await self.client.request(
            operation["method"], url, json=json, params=query, headers=sent
        )
        check_answer(operation_id, answer)
        return answer
