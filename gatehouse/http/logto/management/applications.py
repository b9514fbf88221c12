"""`/api/applications`: the clients of the authorization server."""

from __future__ import annotations

import secrets
from typing import Annotated, Any, Literal

import msgspec
from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from gatehouse.actors.client_assertion import check_keys
from gatehouse.actors.redirect_uris import is_redirect_uri
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import (
    CONSOLE_ONLY,
    MANAGEMENT,
    MANAGEMENT_SCOPE,
    management_audience,
)
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.application_access_control import require_rules
from gatehouse.http.logto.management.paging import SearchedPage, bounds, listed
from gatehouse.http.logto.management.protected_apps import (
    NewProtectedApp,
    ProtectedAppPatch,
    check_deletable,
    claim_host,
    protected_fields,
)
from gatehouse.http.logto.management.search import search_of
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import JsonObject, Maybe, Url, View, Wire
from gatehouse.storage import records
from gatehouse.storage.records import Application, ApplicationSecret

APPLICATION_SEARCH = ("id", "name", "description")
TYPES_WITH_SECRETS = ("Traditional", "MachineToMachine", "Protected")
FIRST_SECRET = "Default secret"  # noqa: S105
THIRD_PARTY_TYPES = ("Traditional", "SPA", "Native")

operations = Operations(tags=("Applications",), access=MANAGEMENT, cors=CONSOLE_ONLY)

ApplicationType = Literal["Native", "SPA", "Traditional", "MachineToMachine", "Protected", "SAML"]
Name = Annotated[str, Field(min_length=1, max_length=256)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]


def new_secret() -> str:
    """A secret that cannot be guessed: 192 bits."""
    return secrets.token_urlsafe(24)


def _public_keys(keys: list[JsonObject]) -> list[JsonObject]:
    check_keys(keys)
    return keys


class KeySet(Wire):
    """The public keys with which a client authenticates (RFC 7517 §5, RFC 7523 §3)."""

    keys: Annotated[list[JsonObject], AfterValidator(_public_keys)]


def _redirect_uri(text: str) -> str:
    if not is_redirect_uri(text):
        raise PydanticCustomError("url_parsing", "Input should be a redirect URI")
    return text


RedirectUri = Annotated[str, AfterValidator(_redirect_uri)]


class OidcClientMetadata(Wire):
    """What a client registers (OpenID Connect Dynamic Client Registration, 2)."""

    redirect_uris: list[RedirectUri]
    post_logout_redirect_uris: list[RedirectUri]
    backchannel_logout_uri: Maybe[Url] = None
    backchannel_logout_session_required: Maybe[bool] = None
    logo_uri: Maybe[str] = None
    jwks: Maybe[KeySet] = None


class CustomClientMetadata(Wire):
    """A client's settings beyond the standard; times to live in seconds unless they say days."""

    cors_allowed_origins: Maybe[list[Annotated[str, Field(min_length=1)]]] = None
    id_token_ttl: Maybe[Count] = None
    refresh_token_ttl: Maybe[Count] = None
    refresh_token_ttl_in_days: Maybe[Annotated[int, Field(ge=1, le=180)]] = None
    tenant_id: Maybe[str] = None
    always_issue_refresh_token: Maybe[bool] = None
    rotate_refresh_token: Maybe[bool] = None
    allow_token_exchange: Maybe[bool] = None
    is_device_flow: Maybe[bool] = None
    max_allowed_grants: Maybe[Count] = None


class NewApplication(Wire):
    """An application to create."""

    name: Name
    description: str | None = None
    type: ApplicationType
    oidc_client_metadata: Maybe[OidcClientMetadata] = None
    custom_client_metadata: Maybe[CustomClientMetadata] = None
    custom_data: Maybe[JsonObject] = None
    is_third_party: Maybe[bool] = None
    protected_app_metadata: Maybe[NewProtectedApp] = None


class ApplicationPatch(Wire):
    """What can be changed of an application."""

    name: Maybe[Name] = None
    description: str | None = None
    oidc_client_metadata: Maybe[OidcClientMetadata] = None
    custom_client_metadata: Maybe[CustomClientMetadata] = None
    custom_data: Maybe[JsonObject] = None
    app_level_access_control_enabled: Maybe[bool] = None
    protected_app_metadata: ProtectedAppPatch | None = None
    is_admin: Maybe[bool] = None


class ApplicationView(View):
    """An application. `secret` is there as long as it has one from before secrets had names."""

    tenant_id: str
    id: str
    name: str
    secret: str | None = None
    description: str | None
    type: ApplicationType
    oidc_client_metadata: JsonObject
    custom_client_metadata: JsonObject
    protected_app_metadata: JsonObject | None
    custom_data: JsonObject
    is_third_party: bool
    app_level_access_control_enabled: bool
    created_at: int


class ApplicationWithAdmin(ApplicationView):
    """An application, and whether it may call the Management API."""

    is_admin: bool


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


class ApplicationList(SearchedPage):
    """Which applications."""

    types: Annotated[list[ApplicationType] | None, BeforeValidator(_as_list)] = None
    exclude_role_id: str | None = Field(None, alias="excludeRoleId")
    exclude_organization_id: str | None = Field(None, alias="excludeOrganizationId")
    is_third_party: Literal["true", "false"] | None = Field(None, alias="isThirdParty")


def application_view(application: Application) -> ApplicationView:
    """An application as this API shows it."""
    shown: dict[str, Any] = {
        name: getattr(application, name)
        for name in ApplicationView.model_fields
        if name != "secret"
    }
    if application.secret is not None:
        shown["secret"] = application.secret
    metadata = application.oidc_client_metadata
    shown["oidc_client_metadata"] = {
        "redirectUris": metadata.redirect_uris,
        "postLogoutRedirectUris": metadata.post_logout_redirect_uris,
        **msgspec.to_builtins(metadata),
    }
    shown["custom_client_metadata"] = msgspec.to_builtins(application.custom_client_metadata)
    return ApplicationView.model_construct(**shown)


@operations.get(
    "/api/applications", "ListApplications", query=ApplicationList, response=list[ApplicationView]
)
async def list_applications(call: Call[None, ApplicationList]) -> Reply:
    """List applications, newest first."""
    query = call.query
    window = query.asked
    search = search_of(call, APPLICATION_SEARCH)
    third_party = None if query.is_third_party is None else query.is_third_party == "true"
    page = await read(
        call,
        lambda store: store.applications.search(
            search,
            *bounds(window),
            types=query.types,
            is_third_party=third_party,
            exclude_role_id=query.exclude_role_id,
            exclude_organization_id=query.exclude_organization_id,
        ),
    )
    return listed(call, [application_view(one) for one in page.items], page.total, window)


@operations.post(
    "/api/applications",
    "CreateApplication",
    body=NewApplication,
    response=ApplicationView,
    statuses=(422,),
)
async def create_application(call: Call[NewApplication]) -> ApplicationView:
    """Create an application. One that can keep a secret gets its first, to be read there."""
    check_new_application(call.body)
    given = stored_fields(call.body)
    protected = given.pop("protected_app_metadata", None)
    if call.body.type == "Protected" and protected is not None:
        given |= protected_fields(call.core, protected)
    value = new_secret()

    def change(store: Store) -> Application:
        application = store.applications.create(Application(**given))
        if application.type == "Protected":
            claim_host(store, application)
        if application.type in TYPES_WITH_SECRETS:
            store.secrets.create(
                ApplicationSecret(application_id=application.id, name=FIRST_SECRET, value=value)
            )
        return application

    return application_view(await write(call, change))


@operations.get(
    "/api/applications/{id}",
    "GetApplication",
    response=ApplicationWithAdmin,
    statuses=(404,),
)
async def get_application(call: Call) -> ApplicationWithAdmin:
    """Read an application."""

    def look(store: Store) -> tuple[Application, bool]:
        application = store.applications.get(call.path["id"])
        return application, manages(store, application.id)

    application, is_admin = await read(call, look)
    view = application_view(application)
    return ApplicationWithAdmin.model_construct(**view.given(), is_admin=is_admin)


@operations.patch(
    "/api/applications/{id}",
    "UpdateApplication",
    body=ApplicationPatch,
    response=ApplicationView,
    statuses=(404, 422),
)
async def update_application(call: Call[ApplicationPatch]) -> ApplicationView:
    """Change an application; metadata is replaced as a whole."""
    changes = stored_fields(call.body)
    is_admin = changes.pop("is_admin", None)
    protected = changes.pop("protected_app_metadata", None)

    def change(store: Store) -> Application:
        application = store.applications.get(call.path["id"])
        check_patch(application, call.body)
        if call.body.app_level_access_control_enabled:
            require_rules(store.application_access(application.id).rules())
        if protected is not None:
            metadata = (application.protected_app_metadata or {}) | protected.as_json()
            changes["protected_app_metadata"] = metadata
        if is_admin is not None:
            make_manager(store, application.id, is_admin)
        return store.applications.update(application.id, **changes)

    return application_view(await write(call, change))


@operations.delete("/api/applications/{id}", "DeleteApplication", statuses=(400, 404, 422))
async def delete_application(call: Call) -> None:
    """Delete an application; its secrets and tokens end with it."""

    def change(store: Store) -> None:
        application = store.applications.get(call.path["id"])
        if application.type == "SAML":
            raise ApiError("application.saml.use_saml_app_api")
        check_deletable(application)
        store.applications.delete(call.path["id"])

    await write(call, change)


@operations.patch(
    "/api/applications/{applicationId}/custom-data",
    "UpdateApplicationCustomData",
    body=JsonObject,
    response=JsonObject,
    statuses=(404,),
)
async def update_custom_data(call: Call[JsonObject]) -> Reply:
    """Set keys of an application's custom data; the others stay."""

    def change(store: Store) -> Application:
        application = store.applications.get(call.path["applicationId"])
        merged = application.custom_data | call.body
        return store.applications.update(application.id, custom_data=merged)

    return Reply(200, (await write(call, change)).custom_data)


def check_new_application(new: NewApplication) -> None:
    """Rules between an application's type and its settings. Raises ApiError."""
    custom = new.custom_client_metadata or CustomClientMetadata()
    if new.type == "SAML":
        raise ApiError("application.saml.use_saml_app_api")
    if new.type == "Protected" and new.protected_app_metadata is None:
        raise ApiError("application.protected_app_metadata_is_required")
    if new.type != "Native" and custom.is_device_flow:
        raise ApiError("application.device_flow_native_only")
    if new.is_third_party:
        if new.type not in THIRD_PARTY_TYPES:
            raise ApiError("application.invalid_third_party_application_type")
        if custom.allow_token_exchange:
            raise ApiError("application.third_party_application_cannot_enable_token_exchange")


def check_patch(application: Application, patch: ApplicationPatch) -> None:
    """What an application's type does not allow to change. Raises ApiError."""
    if application.type == "SAML":
        raise ApiError("application.saml.use_saml_app_api")
    if patch.protected_app_metadata is not None and application.type != "Protected":
        raise ApiError("application.protected_application_only")
    custom = patch.custom_client_metadata
    if custom is None:
        return
    if application.is_third_party and custom.allow_token_exchange:
        raise ApiError("application.third_party_application_cannot_enable_token_exchange")
    if bool(custom.is_device_flow) != bool(application.custom_client_metadata.is_device_flow):
        raise ApiError("application.device_flow_not_changeable")


def stored_fields(body: NewApplication | ApplicationPatch) -> dict[str, Any]:
    """The fields that were sent, as the record has them."""
    given = body.given()
    if body.oidc_client_metadata is not None:
        given["oidc_client_metadata"] = msgspec.convert(
            body.oidc_client_metadata.as_json(), records.OidcClientMetadata
        )
    if body.custom_client_metadata is not None:
        given["custom_client_metadata"] = msgspec.convert(
            body.custom_client_metadata.as_json(), records.CustomClientMetadata
        )
    return given


def manages(store: Store, application_id: str) -> bool:
    """Whether an application may call the Management API."""
    granted = store.scopes.granted_to_application(
        application_id, management_audience(store.tenant_id)
    )
    return MANAGEMENT_SCOPE in {scope.name for scope in granted}


def make_manager(store: Store, application_id: str, wanted: bool) -> None:
    """Give or take the roles that let an application call the Management API.

    Raises ApiError if no role does.
    """
    if wanted == manages(store, application_id):
        return
    page = store.roles.search(None, *bounds(None), type="MachineToMachine")
    resource = store.resources.find_by_indicator(management_audience(store.tenant_id))
    scopes = [] if resource is None else store.scopes.of_resources([resource.id])
    powerful = {scope.id for scope in scopes if scope.name == MANAGEMENT_SCOPE}
    roles = [role.id for role in page.items if powerful & store.role_scopes.members(role.id)]
    if not roles:
        raise ApiError("entity.not_exists", params={"name": "role"})
    if wanted:
        store.application_roles.add(application_id, roles[:1])
    else:
        held = store.application_roles.members(application_id)
        store.application_roles.remove(application_id, [one for one in roles if one in held])
