"""`/api/connectors`: the services that mail and text messages go through, and how to make them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from pydantic import Field

from gatehouse.actors import sign_in_settings
from gatehouse.actors.connectors.factories import Factory, InvalidConfig
from gatehouse.actors.connectors.messengers import NotCarried
from gatehouse.actors.messages import OutgoingMessage
from gatehouse.http.call import Call
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import JsonObject, Maybe, Query, Text, Wire
from gatehouse.storage.ids import new_id
from gatehouse.storage.records import Connector

LOGO = "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4="
"""An empty picture: the console shows one for every connector."""

TEST_CODE = "000000"
TYPES: dict[str, Literal["Email", "Sms"]] = {"email": "Email", "sms": "Sms"}

operations = Operations(tags=("Connectors",), access=MANAGEMENT, cors=CONSOLE_ONLY)
factories = Operations(tags=("Connector factories",), access=MANAGEMENT, cors=CONSOLE_ONLY)

Id = Annotated[str, Field(min_length=1, max_length=128)]
Email = Annotated[str, Field(pattern=r"^\S+@\S+\.\S+$", max_length=256)]
Phone = Annotated[str, Field(pattern=r"^\d+$", max_length=20)]


class FactoryView(Wire):
    """A kind of connector."""

    id: str
    type: Literal["Email", "Sms"]
    target: str
    name: JsonObject
    description: JsonObject
    logo: str
    logo_dark: str | None
    readme: str
    platform: None
    form_items: list[JsonObject]


class ConnectorView(FactoryView):
    """A connector, with what its factory says of it."""

    connector_id: str
    config: JsonObject
    metadata: JsonObject
    sync_profile: bool
    enable_token_storage: bool


class TargetQuery(Query):
    """Which connectors."""

    target: str | None = None


class ConnectorChange(Wire):
    """What can be said of a connector."""

    config: Maybe[JsonObject] = None
    metadata: Maybe[JsonObject] = None
    sync_profile: Maybe[bool] = None
    enable_token_storage: Maybe[bool] = None


class NewConnector(ConnectorChange):
    """A connector to set up."""

    connector_id: Id
    id: Maybe[Id] = None


class Trial(Wire):
    """A configuration to try, and whom to send the message to."""

    phone: Maybe[Phone] = None
    email: Maybe[Email] = None
    config: JsonObject
    locale: Maybe[Text] = None


@factories.get("/api/connector-factories", "ListConnectorFactories", response=list[FactoryView])
async def list_factories(call: Call) -> list[FactoryView]:
    """List what connectors can be made of."""
    return [FactoryView(**_shown(one)) for one in call.core.messengers.factories()]


@factories.get(
    "/api/connector-factories/{id}", "GetConnectorFactory", response=FactoryView, statuses=(404,)
)
async def get_factory(call: Call) -> FactoryView:
    """Read one kind of connector."""
    factory = call.core.messengers.factory(call.path["id"])
    if factory is None:
        raise ApiError("entity.not_found")
    return FactoryView(**_shown(factory))


@operations.get(
    "/api/connectors", "ListConnectors", query=TargetQuery, response=list[ConnectorView]
)
async def list_connectors(call: Call[None, TargetQuery]) -> list[ConnectorView]:
    """List the connectors that are set up."""
    target = call.query.target
    views = [
        _view(factory, connector)
        for connector in await read(call, lambda store: store.connectors.all())
        if (factory := call.core.messengers.factory(connector.connector_id)) is not None
    ]
    return [view for view in views if not target or view.target == target]


@operations.post(
    "/api/connectors",
    "CreateConnector",
    body=NewConnector,
    response=ConnectorView,
    statuses=(422,),
)
async def create_connector(call: Call[NewConnector]) -> ConnectorView:
    """Set up a connector, in place of the one that its messages went through before."""
    body = call.body
    factory = call.core.messengers.factory(body.connector_id)
    if factory is None:
        raise ApiError("connector.not_found_with_connector_id")
    if body.enable_token_storage:
        raise ApiError("connector.token_storage_not_supported")
    if body.config is not None:
        _check_config(factory, body.config)
    record = Connector(
        id=body.id or new_id(),
        connector_id=factory.id,
        channel=factory.channel,
        config=_text(body.config or {}),
        metadata=body.metadata or {},
        sync_profile=bool(body.sync_profile),
    )
    return _view(factory, await write(call, lambda store: store.connectors.replace(record)))


@operations.get("/api/connectors/{id}", "GetConnector", response=ConnectorView, statuses=(404,))
async def get_connector(call: Call) -> ConnectorView:
    """Read a connector."""
    connector = await read(call, lambda store: store.connectors.get(call.path["id"]))
    return _view(_factory_of(call, connector), connector)


@operations.patch(
    "/api/connectors/{id}",
    "UpdateConnector",
    body=ConnectorChange,
    response=ConnectorView,
    statuses=(400, 404, 422),
)
async def update_connector(call: Call[ConnectorChange]) -> ConnectorView:
    """Change a connector; its configuration is replaced as a whole."""
    changes = call.body.given()

    def change(store: Store) -> tuple[Factory, Connector]:
        connector = store.connectors.get(call.path["id"])
        factory = _factory_of(call, connector)
        if changes.get("metadata"):
            raise ApiError("connector.cannot_overwrite_metadata_for_non_standard_connector")
        if changes.get("sync_profile"):
            raise ApiError("connector.invalid_type_for_syncing_profile")
        if changes.get("enable_token_storage"):
            raise ApiError("connector.token_storage_not_supported")
        columns: dict[str, Any] = {}
        if "config" in changes:
            _check_config(factory, changes["config"])
            columns["config"] = _text(changes["config"])
        return factory, store.connectors.update(connector.id, **columns) if columns else connector

    return _view(*await write(call, change))


@operations.delete("/api/connectors/{id}", "DeleteConnector", statuses=(404, 422))
async def delete_connector(call: Call) -> None:
    """Delete a connector, unless people need it to replace a password that has expired."""

    def change(store: Store) -> None:
        connector = store.connectors.get(call.path["id"])
        store.connectors.delete(connector.id)
        settings = store.sign_in_experience.current()
        if connector.channel is not None and settings.password_expiration.get("enabled"):
            channels = {one.channel for one in store.connectors.all()}
            sign_in_settings.check_recovery(settings.forgot_password_methods, channels)

    await write(call, change)


@operations.post(
    "/api/connectors/{factoryId}/test",
    "CreateConnectorTest",
    body=Trial,
    status=204,
    statuses=(400, 404),
)
async def test_connector(call: Call[Trial]) -> None:
    """Send a message by a configuration that need not be stored."""
    body, messengers = call.body, call.core.messengers
    recipient = body.phone or body.email
    if recipient is None:
        raise ApiError("guard.invalid_input", params={"part": "body"})
    channel: Literal["email", "sms"] = "sms" if body.phone else "email"
    factory = messengers.factory(call.path["factoryId"])
    if factory is None:
        raise ApiError("connector.not_found", status=400, params={"type": TYPES[channel]})
    if factory.channel != channel:
        raise ApiError("connector.unexpected_type")
    config = _check_config(factory, body.config)
    payload = {"code": TEST_CODE} | ({"locale": body.locale} if body.locale else {})
    message = OutgoingMessage(
        tenant_id=call.core.tenant_id,
        channel=channel,
        recipient=recipient,
        usage="Generic",
        payload=payload,
        ip=call.client_address,
    )
    try:
        await messengers.carry(config, new_id(), message)
    except NotCarried as failure:
        raise ApiError("connector.general", params={"description": str(failure)}) from None


def _check_config(factory: Factory, config: object) -> Any:
    try:
        return factory.read(config)
    except InvalidConfig as error:
        raise ApiError("connector.invalid_config", data={"message": str(error)}) from None


def _factory_of(call: Call[Any, Any], connector: Connector) -> Factory:
    factory = call.core.messengers.factory(connector.connector_id)
    if factory is None:
        raise ApiError("entity.not_found")
    return factory


def _text(config: object) -> str:
    return msgspec.json.encode(config).decode()


def _shown(factory: Factory) -> dict[str, Any]:
    return {
        "id": factory.id,
        "type": TYPES[factory.channel],
        "target": factory.target,
        "name": {"en": factory.name},
        "description": {"en": factory.description},
        "logo": LOGO,
        "logo_dark": None,
        "readme": factory.readme,
        "platform": None,
        "form_items": [dict(item) for item in factory.form],
    }


def _view(factory: Factory, connector: Connector) -> ConnectorView:
    return ConnectorView(
        **{**_shown(factory), "id": connector.id},
        connector_id=factory.id,
        config=msgspec.json.decode(connector.config),
        metadata=connector.metadata,
        sync_profile=connector.sync_profile,
        enable_token_storage=connector.enable_token_storage,
    )
