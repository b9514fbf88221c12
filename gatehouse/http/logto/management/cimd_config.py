"""`/api/configs/cimd`: whether clients may be known by their metadata document alone.

OAuth Client ID Metadata Document (draft-ietf-oauth-client-id-metadata-document).
"""

from __future__ import annotations

from gatehouse.actors.client_documents import CIMD_CONFIG
from gatehouse.http.call import Call
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import Maybe, Wire

operations = Operations(tags=("Configs",), access=MANAGEMENT, cors=CONSOLE_ONLY)


class CimdConfig(Wire):
    """The switch."""

    enabled: bool


class CimdConfigPatch(Wire):
    """The switch, or nothing."""

    enabled: Maybe[bool] = None


def _enabled(store: Store) -> bool:
    stored = store.configs.find(CIMD_CONFIG)
    return stored is not None and bool(stored.value.get("enabled"))


@operations.get("/api/configs/cimd", "GetCimdConfig", response=CimdConfig)
async def get_config(call: Call) -> CimdConfig:
    """Read whether metadata documents are taken."""
    return CimdConfig(enabled=await read(call, _enabled))


@operations.patch(
    "/api/configs/cimd",
    "UpdateCimdConfig",
    body=CimdConfigPatch,
    response=CimdConfig,
    statuses=(422,),
)
async def update_config(call: Call[CimdConfigPatch]) -> CimdConfig:
    """Switch metadata documents on or off."""

    def change(store: Store) -> bool:
        enabled = _enabled(store) if call.body.enabled is None else call.body.enabled
        store.configs.put(CIMD_CONFIG, {"enabled": enabled})
        return enabled

    return CimdConfig(enabled=await write(call, change))
