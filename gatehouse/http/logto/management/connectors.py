"""`/api/connectors`: what messages go through, and what people sign in through."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from pydantic import Field

from gatehouse.actors import sign_in_settings
from gatehouse.actors.connectors.factory import Factory, InvalidConfig
from gatehouse.actors.connectors.messengers import NotCarried
from gatehouse.actors.connectors.social.oauth_client import Handshake
from gatehouse.actors.connectors.social.registry import target_of
from gatehouse.actors.messages import OutgoingMessage
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.http.call import Call
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.connector_factories import TYPES, FactoryView, metadata_of
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import Email, JsonObject, Maybe, Phone, Query, Text, Wire
from gatehouse.storage.ids import new_id
from gatehouse.storage.records import Connector

TEST_CODE = "000000"

operations = Operations(tags=("Connectors",), access=MANAGEMENT, cors=CONSOLE_ONLY)

Id = Annotated[str, Field(min_length=1, max_length=128)]


class ConnectorView(FactoryView):
    """A connector, with what its factory says of it."""

    connector_id: str
    config: JsonObject
    metadata: JsonObject
    sync_profile: bool
    enable_token_storage: bool


class Metadata(Wire):
    """What a standard connector is called and known by."""

    target: Maybe[Annotated[str, Field(max_length=128)]] = None
    name: Maybe[JsonObject] = None
    logo: Maybe[Annotated[str, Field(max_length=4096)]] = None
    logo_dark: Annotated[str, Field(max_length=4096)] | None = None


class TargetQuery(Query):
    """Which connectors."""

    target: str | None = None


class ConnectorChange(Wire):
    """What can be said of a connector."""

    config: Maybe[JsonObject] = None
    metadata: Maybe[Metadata] = None
    sync_profile: Maybe[bool] = None
    enable_token_storage: Maybe[bool] = None


class NewConnector(ConnectorChange):
    """A connector to set up."""

    connector_id: Id
    id: Maybe[Id] = None


class AuthorizationBody(Wire):
    """How the caller will know the answer again, and where it is to come."""

    state: Annotated[str, Field(max_length=2048)]
    redirect_uri: Annotated[str, Field(max_length=2048)]


class AuthorizationReply(Wire):
    """Where to send the browser."""

    redirect_to: str


class Trial(Wire):
    """A configuration to try, and whom to send the message to."""

    phone: Maybe[Phone] = None
    email: Maybe[Email] = None
    config: JsonObject
    locale: Maybe[Text] = None


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
    _check_kind(factory, body)
    metadata = {} if body.metadata is None else body.metadata.as_json()
    if factory.standard and not metadata.get("target"):
        raise ApiError("connector.should_specify_target")
    if body.config is not None:
        _check_config(factory, body.config)
    record = Connector(
        id=body.id or new_id(),
        connector_id=factory.id,
        channel=factory.channel,
        config=_text(body.config or {}),
        metadata=metadata,
        sync_profile=bool(body.sync_profile),
        enable_token_storage=bool(body.enable_token_storage),
    )

    def create(store: Store) -> Connector:
        _check_single(call, store, factory, record)
        return store.connectors.replace(record)

    return _view(factory, await write(call, create))


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
        _check_kind(factory, call.body)
        columns: dict[str, Any] = {
            name: changes[name]
            for name in ("sync_profile", "enable_token_storage")
            if name in changes
        }
        if call.body.metadata is not None:
            columns["metadata"] = metadata = call.body.metadata.as_json()
            if metadata.get("target") != target_of(factory, connector):
                raise ApiError("connector.can_not_modify_target")
        if "config" in changes:
            _check_config(factory, changes["config"])
            columns["config"] = _text(changes["config"])
        if changes.get("enable_token_storage") is False:
            store.token_sets.delete_of_connector(connector.id)
        return factory, store.connectors.update(connector.id, **columns) if columns else connector

    return _view(*await write(call, change))


@operations.delete("/api/connectors/{id}", "DeleteConnector", statuses=(404, 422))
async def delete_connector(call: Call) -> None:
    """Delete a connector, unless people need it to replace a password that has expired.

    Its provider is offered to nobody any more, and the tokens that came through it go with it.
    """

    def change(store: Store) -> None:
        connector = store.connectors.get(call.path["id"])
        store.connectors.delete(connector.id)
        settings = store.sign_in_experience.current()
        if connector.channel is not None and settings.password_expiration.get("enabled"):
            channels = {one.channel for one in store.connectors.all()}
            sign_in_settings.check_recovery(settings.forgot_password_methods, channels)
        factory = call.core.messengers.factory(connector.connector_id)
        if factory is not None and factory.provider is not None:
            targets = settings.social_sign_in_connector_targets
            gone = target_of(factory, connector)
            if gone in targets:
                left = [target for target in targets if target != gone]
                store.sign_in_experience.change(social_sign_in_connector_targets=left)

    await write(call, change)


@operations.post(
    "/api/connectors/{connectorId}/authorization-uri",
    "CreateConnectorAuthorizationUri",
    body=AuthorizationBody,
    response=AuthorizationReply,
    status=200,
    statuses=(400, 404),
)
async def authorization_uri(call: Call[AuthorizationBody]) -> AuthorizationReply:
    """Tell where to send a person who is to be linked to an account.

    Nothing is kept of it here: providers whose answer must be compared with something cannot be
    used this way.
    """
    body = call.body
    if not body.state or not body.redirect_uri:
        raise ApiError("session.insufficient_info")
    connector = await call.core.social.get(call.path["connectorId"], missing=Reason.CONNECTOR_GONE)
    provider = connector.provider()
    if not provider.sessionless:
        raise Refused(Reason.CONNECTOR_NEEDS_SESSION)
    handshake = Handshake(redirect_uri=body.redirect_uri, state=body.state)
    return AuthorizationReply(redirect_to=provider.authorization_uri(handshake))


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


def _check_kind(factory: Factory, body: ConnectorChange) -> None:
    """Raises ApiError for what a connector of this kind has not."""
    if body.metadata is not None and not factory.standard:
        raise ApiError("connector.cannot_overwrite_metadata_for_non_standard_connector")
    if body.sync_profile and factory.provider is None:
        raise ApiError("connector.invalid_type_for_syncing_profile")
    if body.enable_token_storage and not factory.stores_tokens:
        raise ApiError("connector.token_storage_not_supported")


def _check_single(call: Call[Any, Any], store: Store, factory: Factory, new: Connector) -> None:
    """Raises ApiError for a second way to sign in under the same name."""
    if factory.provider is None:
        return
    others = store.connectors.all()
    if not factory.standard and any(one.connector_id == factory.id for one in others):
        raise ApiError("connector.multiple_instances_not_supported")
    for other in others:
        made_of = call.core.messengers.factory(other.connector_id)
        if made_of is None or made_of.provider is None:
            continue
        if target_of(made_of, other) == target_of(factory, new):
            data = {"connectorId": made_of.id, "connectorName": metadata_of(made_of, other)["name"]}
            raise ApiError("connector.multiple_target_with_same_platform", data=data)


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


def _view(factory: Factory, connector: Connector) -> ConnectorView:
    return ConnectorView(
        **metadata_of(factory, connector),
        connector_id=factory.id,
        config=msgspec.json.decode(connector.config),
        metadata=connector.metadata,
        sync_profile=connector.sync_profile,
        enable_token_storage=connector.enable_token_storage,
    )
