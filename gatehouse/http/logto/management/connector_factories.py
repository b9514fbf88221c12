"""`/api/connector-factories`: what connectors can be made of, and how each is shown."""

from __future__ import annotations

from typing import Any, Literal

from gatehouse.actors.connectors.factory import Factory
from gatehouse.http.call import Call
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.operation import Operations
from gatehouse.http.wire import JsonObject, Wire
from gatehouse.storage.records import Connector

LOGO = "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4="
"""An empty picture: the console shows one for every connector."""

TYPES: dict[str | None, Literal["Email", "Sms", "Social"]] = {
    "email": "Email",
    "sms": "Sms",
    None: "Social",
}

operations = Operations(tags=("Connector factories",), access=MANAGEMENT, cors=CONSOLE_ONLY)


class FactoryView(Wire):
    """A kind of connector."""

    id: str
    type: Literal["Email", "Sms", "Social"]
    target: str
    name: JsonObject
    description: JsonObject
    logo: str
    logo_dark: str | None
    readme: str
    platform: Literal["Universal"] | None
    form_items: list[JsonObject]
    is_standard: bool
    is_token_storage_supported: bool


@operations.get("/api/connector-factories", "ListConnectorFactories", response=list[FactoryView])
async def list_factories(call: Call) -> list[FactoryView]:
    """List what connectors can be made of."""
    return [FactoryView(**metadata_of(one)) for one in call.core.messengers.factories()]


@operations.get(
    "/api/connector-factories/{id}", "GetConnectorFactory", response=FactoryView, statuses=(404,)
)
async def get_factory(call: Call) -> FactoryView:
    """Read one kind of connector."""
    factory = call.core.messengers.factory(call.path["id"])
    if factory is None:
        raise ApiError("entity.not_found")
    return FactoryView(**metadata_of(factory))


def metadata_of(factory: Factory, connector: Connector | None = None) -> dict[str, Any]:
    """What is shown of a kind of connector, or of one of them, whose own metadata come first."""
    own = {} if connector is None or not factory.standard else connector.metadata
    return {
        "id": factory.id if connector is None else connector.id,
        "type": TYPES[factory.channel],
        "target": own.get("target") or factory.target,
        "name": own.get("name") or {"en": factory.name},
        "description": {"en": factory.description},
        "logo": own.get("logo") or factory.logo or LOGO,
        "logo_dark": own.get("logoDark"),
        "readme": factory.readme,
        "platform": "Universal" if factory.provider is not None else None,
        "form_items": [dict(item) for item in factory.form],
        "is_standard": factory.standard,
        "is_token_storage_supported": factory.stores_tokens,
    }
