"""The OpenAPI documents and what is served are one: requests made from the schema by schemathesis.

Each operation is sent requests that its schema allows and requests that it does not. None is a 5xx,
and every answer is what the schema says. A few examples are part of the suite; `./dev test-slow`
sends many more.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pytest
import requests
import schemathesis
import trio
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
)

from tests.http.running import Server

DOCUMENTS = (
    "/api/swagger.json",
    "/api/.well-known/management.openapi.json",
    "/api/.well-known/experience.openapi.json",
    "/api/.well-known/user.openapi.json",
)
CHECKS = [not_a_server_error, response_schema_conformance, content_type_conformance]
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
PARTS = 4
"""The operations are spread over so many tests, which may run side by side."""

FEW, MANY = 2, 30
"""Requests for an operation and a mode: in the suite, and in the slow one, which takes about 5 ms
for each and is to end in some minutes."""

MAX_SAID = 600
"""Characters of what is said about one wrong answer."""

BUSY = frozenset({503})
"""`try again`: what a server says to more than it can do at the moment is no fault."""


def operations_of(document: dict[str, Any]) -> Iterator[Any]:
    """The operations of a document, as schemathesis sees them."""
    schema = schemathesis.openapi.from_dict(document)
    for result in schema.get_all_operations():
        yield result.ok()


def part_of(operation: Any) -> int:
    """Which of the tests an operation is in; the same on every run."""
    return zlib.crc32(operation.label.encode()) % PARTS


def send(
    operation: Any,
    url: str,
    token: str,
    examples: int,
    headers: Mapping[str, str] | None = None,
    *,
    chance: int = 1,
) -> list[str]:
    """Send requests to an operation; what was wrong with the answers.

    The same `chance` draws the same requests.
    """
    wrong: list[str] = []
    session = requests.Session()
    session.headers.update({"authorization": f"Bearer {token}", **(headers or {})})
    for mode in MODES:

        def one(case: Any) -> None:
            answer = case.call(base_url=url, session=session, timeout=30, allow_redirects=False)
            if answer.status_code in BUSY:
                return
            try:
                case.validate_response(answer, checks=CHECKS)
            except FailureGroup as failures:
                said = [str(failure)[:MAX_SAID] for failure in failures.exceptions]
                wrong.append(f"{operation.label}: {answer.status_code}: {' / '.join(said)}")

        try:
            strategy = operation.as_strategy(generation_mode=mode)
            bounded = settings(
                max_examples=examples,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            seed(chance)(bounded(given(strategy)(one)))()
        except Unsatisfiable:
            continue  # nothing can be sent that the schema does not allow
    return wrong[:1]


async def fuzz(server: Server, document: str, examples: int, part: int | None = None) -> list[str]:
    """Send requests to every operation of a document, or of a part of it; what was wrong."""
    answer = await server.client.get(document)
    token = await server.management_token()
    wrong: list[str] = []
    for operation in operations_of(answer.json()):
        if part is None or part_of(operation) == part:
            chance = DOCUMENTS.index(document) + 1  # what two of them describe is asked twice
            work = partial(send, operation, server.url, token, examples, chance=chance)
            wrong += await trio.to_thread.run_sync(work)
    return wrong


@pytest.mark.parametrize("part", range(PARTS))
async def test_answers_are_what_the_schema_says(server: Server, part: int) -> None:
    wrong = await fuzz(server, "/api/swagger.json", FEW, part)
    assert not wrong, "\n\n".join(wrong)


async def test_the_smaller_documents_are_parts_of_the_whole(server: Server) -> None:
    documents = [(await server.client.get(one)).json()["paths"] for one in DOCUMENTS]
    whole, *parts = documents
    for part in parts:
        assert part
        for path, methods in part.items():
            for method, described in methods.items():
                assert described["operationId"] == whole[path][method]["operationId"]


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("document", DOCUMENTS)
async def test_many_answers_are_what_the_schema_says(
    server: Server, document: str, part: int
) -> None:
    wrong = await fuzz(server, document, MANY, part)
    assert not wrong, "\n\n".join(wrong)
