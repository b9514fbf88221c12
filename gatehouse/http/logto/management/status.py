"""`/api/status`: is the API there? And `/api/swagger.json`: what is it?"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY
from gatehouse.http.openapi import openapi_document
from gatehouse.http.operation import Operation, Operations
from gatehouse.http.wire import JsonObject

operations = Operations(tags=("Status",), cors=CONSOLE_ONLY)


@operations.get("/api/status", "GetStatus", hot=True)
async def get_status(call: Call) -> None:
    """Say that the API answers."""


def swagger(documented: Sequence[Operation]) -> Operations:
    """The operation that describes these operations; its document is built when first asked for."""
    group = Operations(tags=("Swagger.json",), cors=CONSOLE_ONLY)
    built: list[bytes] = []

    @group.get("/api/swagger.json", "GetSwaggerJson", response=JsonObject)
    async def get_swagger(call: Call) -> Reply:
        """The OpenAPI document of this API."""
        if not built:
            document = openapi_document(
                documented, title="Gatehouse, Logto API", server=call.core.public_url
            )
            built.append(msgspec.json.encode(document))
        return Reply(200, built[0], content_type="application/json; charset=utf-8")

    return group
