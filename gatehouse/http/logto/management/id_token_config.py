"""`/api/configs/id-token`: which of the extended claims id tokens have."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatehouse.actors.id_tokens import DEFAULT_EXTENDED_CLAIMS, EXTENDED_CLAIMS, ID_TOKEN_CONFIG
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.management.store import read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import Maybe, Wire

operations = Operations(tags=("Configs",), access=MANAGEMENT, cors=CONSOLE_ONLY)

PATH = "/api/configs/id-token"

Claim = Literal[
    "custom_data",
    "identities",
    "sso_identities",
    "roles",
    "organizations",
    "organization_data",
    "organization_roles",
]


class IdTokenConfig(Wire):
    """The extended claims; none if the list is left out."""

    enabled_extended_claims: Maybe[
        Annotated[list[Claim], Field(max_length=len(EXTENDED_CLAIMS))]
    ] = None


@operations.get(PATH, "GetIdTokenConfig", response=IdTokenConfig, statuses=(404,))
async def get_id_token_config(call: Call) -> Reply:
    """Tell which extended claims id tokens have."""
    found = await read(call, lambda store: store.configs.find(ID_TOKEN_CONFIG))
    if found is not None:
        return Reply(200, found.value)
    default = [name for name in EXTENDED_CLAIMS if name in DEFAULT_EXTENDED_CLAIMS]
    return Reply(200, {"enabledExtendedClaims": default})


@operations.put(PATH, "UpsertIdTokenConfig", body=IdTokenConfig, response=IdTokenConfig)
async def put_id_token_config(call: Call[IdTokenConfig]) -> Reply:
    """Choose which extended claims id tokens have from now on."""
    config = call.body.as_json()
    await write(call, lambda store: store.configs.put(ID_TOKEN_CONFIG, config))
    return Reply(200, config)
