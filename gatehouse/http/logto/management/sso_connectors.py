"""`/api/sso-connectors`: the identity providers of companies whose people sign in here.

What a provider says of itself is fetched before anything is stored, so that a connector that is
set up is one that works; and it is shown with the connector, as far as the provider answers.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import trio
from pydantic import Field

from gatehouse.actors import certificates
from gatehouse.actors.sso.configs import (
    DEFAULT_MAPPING,
    PROVIDERS,
    InvalidSsoConfig,
    Protocol,
    SamlConfig,
    SsoProvider,
)
from gatehouse.actors.sso.domains import duplicated_domains, public_domains
from gatehouse.actors.sso.identity_providers import (
    IdentityProviders,
    ProviderError,
    SamlMetadata,
    oidc_config,
)
from gatehouse.actors.sso.saml import assertion_consumer_url, entity_id
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.connector_factories import LOGO
from gatehouse.http.logto.management.paging import Page, bounds, listed
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import JsonObject, Maybe, View, Wire
from gatehouse.storage.ids import new_id
from gatehouse.storage.sso_connectors import SsoConnector

PATH = "/api/sso-connectors"

MAX_DOMAINS = 100
"""Email domains of one company."""

MAX_ASKED_AT_ONCE = 8
"""Identity providers that one list asks at the same time."""

LIST_SECONDS = 6.0
"""How long a list waits for identity providers; who has not answered by then is shown without."""

operations = Operations(tags=("SSO connectors",), access=MANAGEMENT, cors=CONSOLE_ONLY)
providers = Operations(tags=("SSO connector providers",), access=MANAGEMENT, cors=CONSOLE_ONLY)

Name = Annotated[str, Field(min_length=1, max_length=128)]
Domains = Annotated[list[Annotated[str, Field(max_length=253)]], Field(max_length=MAX_DOMAINS)]
Shown = Annotated[str, Field(max_length=2048)]


class ProviderView(Wire):
    """A kind of identity provider."""

    provider_name: str
    provider_type: Literal["oidc", "saml"]
    logo: str
    logo_dark: str
    description: str
    name: str


class Branding(Wire):
    """How a connector looks to people who sign in."""

    display_name: Maybe[Shown] = None
    logo: Maybe[Shown] = None
    dark_logo: Maybe[Shown] = None


class SsoConnectorChange(Wire):
    """What can be said of a connector."""

    config: Maybe[JsonObject] = None
    domains: Maybe[Domains] = None
    branding: Maybe[Branding] = None
    sync_profile: Maybe[bool] = None
    connector_name: Maybe[Name] = None
    enable_token_storage: Maybe[bool] = None


class NewSsoConnector(SsoConnectorChange):
    """A connector to set up."""

    provider_name: Name
    connector_name: Name


class SsoConnectorView(View):
    """A connector."""

    tenant_id: str
    id: str
    provider_name: str
    connector_name: str
    config: JsonObject
    domains: list[str]
    branding: JsonObject
    sync_profile: bool
    enable_token_storage: bool
    created_at: int

    @classmethod
    def of(cls, record: object, **more: Any) -> Any:
        """The view of a record, whose configuration is text."""
        config = msgspec.json.decode(getattr(record, "config"))  # noqa: B009
        return super().of(record, config=config, **more)


class SsoConnectorDetails(SsoConnectorView):
    """A connector, with what is known of its provider."""

    name: str
    provider_type: Literal["oidc", "saml"]
    provider_logo: str
    provider_logo_dark: str
    provider_config: JsonObject | None = None


@providers.get(
    "/api/sso-connector-providers", "ListSsoConnectorProviders", response=list[ProviderView]
)
async def list_providers(call: Call) -> list[ProviderView]:
    """List the kinds of identity providers that can be connected."""
    return [
        ProviderView(
            provider_name=one.provider_name,
            provider_type=one.protocol.value,
            logo=LOGO,
            logo_dark=LOGO,
            description=one.description,
            name=one.name,
        )
        for one in PROVIDERS.values()
    ]


@operations.post(
    PATH,
    "CreateSsoConnector",
    body=NewSsoConnector,
    response=SsoConnectorView,
    statuses=(400, 409, 422),
)
async def create_connector(call: Call[NewSsoConnector]) -> SsoConnectorView:
    """Connect an identity provider, once it has answered."""
    body = call.body
    provider = PROVIDERS.get(body.provider_name)
    if provider is None:
        raise ApiError("connector.not_found", status=422, params={"type": "such"})
    record = SsoConnector(
        id=new_id(),
        provider_name=provider.provider_name,
        connector_name=body.connector_name,
        domains=_accepted_domains(body.domains or []),
        branding=body.branding.as_json() if body.branding else {},
        sync_profile=bool(body.sync_profile),
        enable_token_storage=_accepted_storage(provider, body.enable_token_storage),
    )
    if body.config is not None:
        config = _parsed(provider, body.config)
        if _signs_requests(config):
            raise ApiError("single_sign_on.active_signing_key_required")
        await _check_provider(call.core.identity_providers, config)
        record = msgspec.structs.replace(record, config=_text(provider, body.config))
    return SsoConnectorView.of(await write(call, lambda store: store.sso_connectors.create(record)))  # type: ignore[no-any-return]


@operations.get(PATH, "ListSsoConnectors", query=Page, response=list[SsoConnectorDetails])
async def list_connectors(call: Call[None, Page]) -> Reply:
    """List the connectors, newest first."""
    window = call.query.asked
    page = await read(call, lambda store: store.sso_connectors.page(*bounds(window)))
    known: dict[str, JsonObject | None] = {}
    limit = trio.CapacityLimiter(MAX_ASKED_AT_ONCE)

    async def ask(connector: SsoConnector) -> None:
        async with limit:
            known[connector.id] = await _provider_config(call, connector)

    with trio.move_on_after(LIST_SECONDS):
        async with trio.open_nursery() as nursery:
            for connector in page.items:
                nursery.start_soon(ask, connector)
    views = [_details(one, known.get(one.id)) for one in page.items]
    return listed(call, views, page.total, window)


@operations.get(f"{PATH}/{{id}}", "GetSsoConnector", response=SsoConnectorDetails, statuses=(404,))
async def get_connector(call: Call) -> SsoConnectorDetails:
    """Read a connector, with what its provider says of itself."""
    connector = await read(call, lambda store: store.sso_connectors.get(call.path["id"]))
    return _details(connector, await _provider_config(call, connector))


@operations.patch(
    f"{PATH}/{{id}}",
    "UpdateSsoConnector",
    body=SsoConnectorChange,
    response=SsoConnectorDetails,
    statuses=(400, 404, 409, 422),
)
async def update_connector(call: Call[SsoConnectorChange]) -> SsoConnectorDetails:
    """Change a connector; its configuration is replaced as a whole."""
    given = call.body.given()
    connector_id = call.path["id"]
    connector = await read(call, lambda store: store.sso_connectors.get(connector_id))
    provider = PROVIDERS[connector.provider_name]
    changes: dict[str, Any] = {
        name: given[name] for name in ("sync_profile", "connector_name") if name in given
    }
    if "domains" in given:
        changes["domains"] = _accepted_domains(given["domains"])
    if "branding" in given:
        changes["branding"] = given["branding"].as_json()
    signs = False
    if "config" in given:
        config = _parsed(provider, given["config"])
        signs = _signs_requests(config)
        await _check_provider(call.core.identity_providers, config)
        changes["config"] = _text(provider, given["config"])
    if "enable_token_storage" in given:
        wanted = given["enable_token_storage"]
        changes["enable_token_storage"] = _accepted_storage(provider, wanted)

    def change(store: Store) -> SsoConnector:
        if signs and store.sso_signing_keys.active(connector_id) is None:
            raise ApiError("single_sign_on.active_signing_key_required")
        if changes.get("enable_token_storage") is False:
            store.token_sets.delete_of_sso_connector(connector_id)
        return store.sso_connectors.update(connector_id, **changes)

    changed = await write(call, change)
    return _details(changed, await _provider_config(call, changed))


@operations.delete(f"{PATH}/{{id}}", "DeleteSsoConnector", statuses=(404,))
async def delete_connector(call: Call) -> None:
    """Delete a connector, and who people are at its provider."""
    await write(call, lambda store: store.sso_connectors.delete(call.path["id"]))


def _accepted_domains(domains: list[str]) -> list[str]:
    lowered = [domain.lower() for domain in domains]
    if public := public_domains(lowered):
        raise ApiError("single_sign_on.forbidden_domains", data=public)
    if repeated := duplicated_domains(lowered):
        raise ApiError("single_sign_on.duplicated_domains", data=repeated)
    return lowered


def _accepted_storage(provider: SsoProvider, wanted: bool | None) -> bool:
    if wanted and provider.protocol is not Protocol.OIDC:
        raise ApiError("connector.token_storage_not_supported")
    return bool(wanted)


def _parsed(provider: SsoProvider, config: JsonObject) -> Any:
    try:
        return provider.parse(config)
    except InvalidSsoConfig as error:
        raise ApiError("connector.invalid_config", data={"message": str(error)}) from None


def _signs_requests(config: Any) -> bool:
    return isinstance(config, SamlConfig) and config.signs_requests


def _text(provider: SsoProvider, config: JsonObject) -> str:
    return msgspec.json.encode(provider.normalized(config)).decode()


async def _check_provider(identity_providers: IdentityProviders, config: Any) -> None:
    """Ask the provider now. Raises ApiError where it is of no use."""
    try:
        if isinstance(config, SamlConfig):
            await identity_providers.saml(config, fresh=True)
        else:
            await identity_providers.oidc(oidc_config(config).issuer, fresh=True)
    except ProviderError as error:
        raise ApiError(f"connector.{error.code}", data={"message": str(error)}) from None


async def _provider_config(call: Call[Any, Any], connector: SsoConnector) -> JsonObject | None:
    """What is known of the provider, or None if it does not say."""
    provider = PROVIDERS[connector.provider_name]
    core = call.core
    config: Any = None
    try:
        config = provider.parse(msgspec.json.decode(connector.config))
        if not isinstance(config, SamlConfig):
            return await _oidc_details(core.identity_providers, config)
        metadata = await core.identity_providers.saml(config)
    except (InvalidSsoConfig, ProviderError):
        if provider.protocol is Protocol.OIDC:
            return None
        metadata = None
    shown: JsonObject = {
        "defaultAttributeMapping": dict(DEFAULT_MAPPING),
        "serviceProvider": {
            "entityId": entity_id(core.public_url, connector.id),
            "assertionConsumerServiceUrl": assertion_consumer_url(core.public_url, connector.id),
        },
    }
    if metadata is not None:
        shown["identityProvider"] = _identity_provider(metadata, core.clock())
    return shown


async def _oidc_details(identity_providers: IdentityProviders, config: Any) -> JsonObject:
    settings = oidc_config(config)
    metadata = await identity_providers.oidc(settings.issuer)
    shown: JsonObject = {
        **msgspec.to_builtins(settings),
        "scope": settings.scopes,
        "issuer": metadata.issuer,
        "authorizationEndpoint": metadata.authorization_endpoint,
        "tokenEndpoint": metadata.token_endpoint,
        "jwksUri": metadata.jwks_uri,
    }
    if metadata.userinfo_endpoint is not None:
        shown["userinfoEndpoint"] = metadata.userinfo_endpoint
    return shown


def _identity_provider(metadata: SamlMetadata, now: int) -> JsonObject:
    certificate = metadata.certificates[0]
    expires_at = certificates.expires_at(certificates.read_certificate(certificate))
    return {
        "entityId": metadata.entity_id,
        "signInEndpoint": metadata.sign_in_endpoint,
        "x509Certificate": certificate,
        "certificateExpiresAt": expires_at,
        "isCertificateValid": expires_at > now,
    }


def _details(connector: SsoConnector, provider_config: JsonObject | None) -> SsoConnectorDetails:
    provider = PROVIDERS[connector.provider_name]
    more: dict[str, Any] = {} if provider_config is None else {"provider_config": provider_config}
    shown: SsoConnectorDetails = SsoConnectorDetails.of(
        connector,
        name=provider.name,
        provider_type=provider.protocol.value,
        provider_logo=LOGO,
        provider_logo_dark=LOGO,
        **more,
    )
    return shown
