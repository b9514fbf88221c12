"""The API's own description, as OpenAPI documents: all of it, and the parts that clients ask for.

A document is built when it is first asked for, and then kept as the bytes that are sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.openapi import openapi_document
from gatehouse.http.operation import Operation, Operations
from gatehouse.http.wire import JsonObject

JSON = "application/json; charset=utf-8"

Part = Callable[[Operation], bool]

_DOCUMENTS: tuple[tuple[str, str, str, Part], ...] = (
    ("/api/swagger.json", "GetSwaggerJson", "Swagger.json", lambda one: True),
    (
        "/api/.well-known/management.openapi.json",
        "GetWellKnownManagementOpenapiJson",
        "Well-known",
        lambda one: one.access is MANAGEMENT,
    ),
    (
        "/api/.well-known/experience.openapi.json",
        "GetWellKnownExperienceOpenapiJson",
        "Well-known",
        lambda one: one.path.startswith("/api/experience"),
    ),
    (
        "/api/.well-known/user.openapi.json",
        "GetWellKnownUserOpenapiJson",
        "Well-known",
        lambda one: one.path.startswith(("/api/my-account", "/api/verifications")),
    ),
)


def documents_of(declared: Sequence[Operation]) -> Operations:
    """The operations that describe these operations."""
    group = Operations(cors=CONSOLE_ONLY)
    for path, operation_id, tag, belongs in _DOCUMENTS:
        part = [operation for operation in declared if belongs(operation)]
        group.get(path, operation_id, tags=(tag,), response=JsonObject)(_describing(part))
    return group


def _describing(part: Sequence[Operation]) -> Callable[[Call], Awaitable[Reply]]:
    built: list[bytes] = []

    async def describe(call: Call) -> Reply:
        """Describe this API as an OpenAPI document."""
        if not built:
            document = openapi_document(
                part, title="Gatehouse, Logto API", server=call.core.public_url
            )
            built.append(msgspec.json.encode(document))
        return Reply(200, built[0], content_type=JSON)

    return describe
