"""`/api/sso-connectors/{id}/idp-initiated-auth-config`: people whom a company sends here unasked.

Whoever comes like that did not ask for it themselves, so it is off until an operator says where
they go: to an authorization request that this server begins, or to the application, which begins
one. The operations are not in Logto's published contract yet.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gatehouse.actors.sso.configs import PROVIDERS, Protocol
from gatehouse.http.call import Call
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.sso_connectors import PATH
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import Maybe, Text, Url, View, Wire
from gatehouse.storage.records import Application
from gatehouse.storage.sso_connectors import SsoIdpInitiatedConfig

CONFIG = f"{PATH}/{{id}}/idp-initiated-auth-config"
MAX_PARAMETERS = 20

operations = Operations(tags=("SSO connectors",), access=MANAGEMENT, cors=CONSOLE_ONLY)

Value = Annotated[str, Field(max_length=1024)]


class IdpInitiatedView(View):
    """Where people go."""

    tenant_id: str
    connector_id: str
    default_application_id: str
    redirect_uri: str | None
    auth_parameters: dict[str, str]
    auto_send_authorization_request: bool
    client_idp_initiated_auth_callback_uri: str | None
    created_at: int


class IdpInitiatedBody(Wire):
    """Where people are to go."""

    default_application_id: Text
    auto_send_authorization_request: bool
    redirect_uri: Maybe[Url] = None
    auth_parameters: Maybe[Annotated[dict[str, Value], Field(max_length=MAX_PARAMETERS)]] = None
    client_idp_initiated_auth_callback_uri: Maybe[Url] = None

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if not self.auto_send_authorization_request:
            callback = self.client_idp_initiated_auth_callback_uri
            if callback is None or not callback.startswith(("https://", "http://")):
                raise ValueError("clientIdpInitiatedAuthCallbackUri should be a web address")
        return self


@operations.put(
    CONFIG,
    "SetSsoConnectorIdpInitiatedAuthConfig",
    body=IdpInitiatedBody,
    response=IdpInitiatedView,
    statuses=(400, 404),
)
async def set_config(call: Call[IdpInitiatedBody]) -> IdpInitiatedView:
    """Let a company send its people here unasked."""
    body, connector_id = call.body, call.path["id"]

    def change(store: Store) -> SsoIdpInitiatedConfig:
        connector = store.sso_connectors.get(connector_id)
        if PROVIDERS[connector.provider_name].protocol is not Protocol.SAML:
            raise ApiError("single_sign_on.idp_initiated_authentication_not_supported")
        application = store.applications.get(body.default_application_id)
        _check_application(application, sends=body.auto_send_authorization_request)
        registered = application.oidc_client_metadata.redirect_uris
        if body.redirect_uri is not None and body.redirect_uri not in registered:
            raise ApiError(
                "single_sign_on.idp_initiated_authentication_redirect_uri_not_registered"
            )
        record = SsoIdpInitiatedConfig(
            sso_connector_id=connector.id,
            default_application_id=application.id,
            redirect_uri=body.redirect_uri,
            auth_parameters=body.auth_parameters or {},
            auto_send_authorization_request=body.auto_send_authorization_request,
            client_idp_initiated_auth_callback_uri=body.client_idp_initiated_auth_callback_uri,
        )
        return store.sso_idp_initiated_configs.put(record)

    return _view(await write(call, change))


@operations.get(
    CONFIG, "GetSsoConnectorIdpInitiatedAuthConfig", response=IdpInitiatedView, statuses=(404,)
)
async def get_config(call: Call) -> IdpInitiatedView:
    """Read where people go whom a company sends here unasked."""
    return _view(
        await read(call, lambda store: store.sso_idp_initiated_configs.get(call.path["id"]))
    )


@operations.delete(CONFIG, "DeleteSsoConnectorIdpInitiatedAuthConfig", statuses=(404,))
async def delete_config(call: Call) -> None:
    """Let a company's people come only when they are asked for."""
    await write(call, lambda store: store.sso_idp_initiated_configs.delete(call.path["id"]))


def _check_application(application: Application, *, sends: bool) -> None:
    """Raises ApiError for an application that nobody can be sent to like this."""
    kinds: tuple[Literal["Traditional", "SPA", "SAML"], ...] = ("Traditional", "SAML")
    if not sends:
        kinds = ("Traditional", "SPA", "SAML")
    if application.type not in kinds or application.is_third_party:
        raise ApiError(
            "single_sign_on.idp_initiated_authentication_invalid_application_type",
            params={"type": ", ".join(kinds)},
        )


def _view(config: SsoIdpInitiatedConfig) -> IdpInitiatedView:
    return IdpInitiatedView.of(config, connector_id=config.sso_connector_id)
