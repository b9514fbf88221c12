"""Any provider of OAuth 2 that has an endpoint which says who somebody is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from gatehouse.actors.connectors.factory import Factory, field
from gatehouse.actors.connectors.social.oauth_client import (
    ClientAuthentication,
    OAuthClient,
    SigningAlgorithm,
)
from gatehouse.actors.connectors.social.provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    SCOPE,
    CodeProvider,
    Endpoint,
    Endpoints,
    OptionalText,
    Redeemed,
    SocialUser,
    Text,
    monogram,
    social_user,
)

MAX_EXTRA = 32
"""Parameters of its own that a provider may want."""

Extra = Annotated[dict[str, OptionalText], msgspec.Meta(max_length=MAX_EXTRA)]


class StandardConfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What every provider of the standards has to be told, and where it is."""

    authorization_endpoint: Endpoint
    token_endpoint: Endpoint
    client_id: Text
    client_secret: Text
    response_type: Literal["code"] = "code"
    grant_type: Literal["authorization_code"] = "authorization_code"
    token_endpoint_auth_method: ClientAuthentication = "client_secret_post"  # noqa: S105
    client_secret_jwt_signing_algorithm: SigningAlgorithm = "HS256"  # noqa: S105
    scope: OptionalText = ""
    custom_config: Extra = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.client_id!r}>"

    def client(self) -> OAuthClient:
        """This server as a client of it."""
        return OAuthClient(
            self.client_id,
            self.client_secret,
            self.authorization_endpoint,
            self.token_endpoint,
            self.token_endpoint_auth_method,
            self.client_secret_jwt_signing_algorithm,
            self.custom_config,
        )


class ProfileMap(msgspec.Struct, frozen=True):
    """Under which names the provider tells of a person; a dot leads into an object."""

    id: OptionalText = "id"
    email: OptionalText = "email"
    phone: OptionalText = "phone"
    name: OptionalText = "name"
    avatar: OptionalText = "avatar"


class OAuth2Config(StandardConfig, frozen=True, kw_only=True, rename="camel"):
    """Besides, where it says who somebody is and in which words.

    Token responses are read in either form, whatever `tokenEndpointResponseType` says.
    """

    user_info_endpoint: Endpoint
    token_endpoint_response_type: Literal["query-string", "json"] = "query-string"  # noqa: S105
    profile_map: ProfileMap = ProfileMap()


class OAuth2(CodeProvider):
    """RFC 6749 §4.1."""

    sessionless = False

    def __init__(self, config: OAuth2Config) -> None:
        endpoints = Endpoints(
            config.authorization_endpoint, config.token_endpoint, config.user_info_endpoint
        )
        super().__init__(config.client(), config.scope, endpoints)
        self.names = config.profile_map

    async def user(self, redeemed: Redeemed) -> SocialUser:
        """By the user info endpoint, in the words that were set up."""
        person = await redeemed.person(self.endpoints.user)
        told = {
            name: at(person, getattr(self.names, name)) for name in ProfileMap.__struct_fields__
        }
        return social_user(told.pop("id"), raw=person, **told)


def at(person: object, path: str) -> object:
    """What is found by going along the dots; None where the way ends."""
    for name in path.split("."):
        if not isinstance(person, dict):
            return None
        person = person.get(name)
    return person


def _selection(key: str, label: str, *values: str, **more: Any) -> Mapping[str, Any]:
    items = [{"title": value, "value": value} for value in values]
    return field(key, label, "Select", selectItems=items, defaultValue=values[0], **more)


AUTHORIZATION_ENDPOINT = field(
    "authorizationEndpoint",
    "Authorization endpoint",
    required=True,
    placeholder="<authorization-endpoint>",
)
TOKEN_ENDPOINT = field(
    "tokenEndpoint", "Token endpoint", required=True, placeholder="<token-endpoint>"
)
CLIENT_AUTHENTICATION = (
    _selection(
        "tokenEndpointAuthMethod",
        "Token endpoint authentication method",
        "client_secret_post",
        "client_secret_basic",
        "client_secret_jwt",
        required=True,
        description="How this server proves itself at the token endpoint.",
    ),
    _selection(
        "clientSecretJwtSigningAlgorithm",
        "Client secret JWT signing algorithm",
        "HS256",
        "HS384",
        "HS512",
        required=True,
        showConditions=[
            {"targetKey": "tokenEndpointAuthMethod", "expectValue": "client_secret_jwt"}
        ],
    ),
)
CUSTOM = field("customConfig", "Custom parameters", "Json", defaultValue={})

FACTORY = Factory(
    "oauth2",
    "oauth2",
    None,
    "OAuth 2.0",
    "Signs people in through any provider of OAuth 2.0.",
    OAuth2Config,
    (
        AUTHORIZATION_ENDPOINT,
        TOKEN_ENDPOINT,
        field(
            "userInfoEndpoint",
            "User info endpoint",
            required=True,
            placeholder="<user-info-endpoint>",
        ),
        CLIENT_ID,
        CLIENT_SECRET,
        *CLIENT_AUTHENTICATION,
        _selection(
            "tokenEndpointResponseType", "Token endpoint response type", "query-string", "json"
        ),
        SCOPE,
        field(
            "profileMap",
            "Profile map",
            "Json",
            defaultValue=msgspec.to_builtins(ProfileMap()),
        ),
        CUSTOM,
    ),
    provider=OAuth2,
    standard=True,
    stores_tokens=True,
    logo=monogram("O", "#5b6472"),
)
