"""`/api/saml-applications`: service providers, which trust this server's assertions."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from gatehouse.actors.certificates import read_certificate
from gatehouse.actors.saml.requests import POST_BINDING
from gatehouse.actors.saml.responses import PERSISTENT
from gatehouse.http.call import Call
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.application_access_control import require_rules
from gatehouse.http.logto.management.applications import Name
from gatehouse.http.logto.management.saml_secrets import new_key
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.logto.saml_application import saml_application
from gatehouse.http.oidc.claims import CLAIMS_OF_SCOPES
from gatehouse.http.operation import Operations
from gatehouse.http.wire import JsonObject, Maybe, Url, View, Wire
from gatehouse.storage.ids import new_id
from gatehouse.storage.records import Application, OidcClientMetadata
from gatehouse.storage.saml_applications import (
    AcsUrl,
    SamlApplicationConfig,
    SamlApplicationSecret,
    SamlEncryption,
)

FIRST_KEY_YEARS = 3
"""How long the key lives that an application starts with."""

operations = Operations(tags=("SAML applications",), access=MANAGEMENT, cors=CONSOLE_ONLY)

NameIdFormat = Literal[
    "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
    "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
    "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
    "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
]
Binding = Literal[
    "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
    "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect",
]
_WEB_ADDRESS = re.compile(r"https?://[!-~]+", re.IGNORECASE)
_CLAIMS = {"sub", *(claim for claims in CLAIMS_OF_SCOPES.values() for claim in claims)}


def _known_claims(mapping: dict[str, str]) -> dict[str, str]:
    return {claim: name for claim, name in mapping.items() if claim in _CLAIMS}


def _web_address(url: str) -> str:
    if not _WEB_ADDRESS.fullmatch(url):
        raise PydanticCustomError("url_scheme", "Assertions are sent to web addresses.")
    return url


PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f\ufffe\uffff]*$"
"""What XML can hold (XML 1.0, 2.2)."""

AttributeMapping = Annotated[
    dict[str, Annotated[str, Field(max_length=256, pattern=PRINTABLE)]],
    AfterValidator(_known_claims),
]


class Acs(Wire):
    """Where assertions are sent."""

    binding: Binding
    url: Annotated[Url, AfterValidator(_web_address)]


class Encryption(Wire):
    """Whether assertions are encrypted, and for whom."""

    encrypt_assertion: Maybe[bool] = None
    encrypt_then_sign: Maybe[bool] = None
    certificate: Maybe[Annotated[str, Field(max_length=16 * 1024)]] = None

    @model_validator(mode="after")
    def _complete(self) -> Encryption:
        if self.encrypt_assertion and None in (self.encrypt_then_sign, self.certificate):
            raise PydanticCustomError(
                "incomplete", "Encryption needs `encryptThenSign` and a `certificate`."
            )
        return self


class SamlPatch(Wire):
    """What can be changed of a service provider."""

    name: Maybe[Name] = None
    description: str | None = None
    custom_data: Maybe[JsonObject] = None
    app_level_access_control_enabled: Maybe[bool] = None
    attribute_mapping: Maybe[AttributeMapping] = None
    entity_id: Annotated[str, Field(max_length=128, pattern=PRINTABLE)] | None = None
    acs_url: Acs | None = None
    encryption: Encryption | None = None
    name_id_format: Maybe[NameIdFormat] = None


class NewSaml(SamlPatch):
    """A service provider to register."""

    name: Name


class SamlView(View):
    """A service provider."""

    tenant_id: str
    id: str
    name: str
    description: str | None
    type: str
    custom_data: JsonObject
    is_third_party: bool
    app_level_access_control_enabled: bool
    created_at: int
    attribute_mapping: JsonObject
    entity_id: str | None
    acs_url: JsonObject | None
    encryption: JsonObject | None
    name_id_format: str


_OF_APPLICATION = ("name", "description", "custom_data", "app_level_access_control_enabled")


@operations.post(
    "/api/saml-applications",
    "CreateSamlApplication",
    body=NewSaml,
    response=SamlView,
    status=201,
    statuses=(422,),
)
async def create_application(call: Call[NewSaml]) -> SamlView:
    """Register a service provider; it has a key at once."""
    ours, config = _split(call.body)
    ours.pop("app_level_access_control_enabled", None)
    config.setdefault("name_id_format", PERSISTENT)
    id_ = new_id()
    key = await new_key(call.core, FIRST_KEY_YEARS)
    callback = f"{call.core.public_url}/api/saml-applications/{id_}/callback"

    def change(store: Store) -> SamlView:
        application = store.applications.create(
            Application(
                id=id_,
                type="SAML",
                oidc_client_metadata=OidcClientMetadata(redirect_uris=[callback]),
                **ours,
            )
        )
        registered = store.saml_configs.create(
            SamlApplicationConfig(application_id=application.id, **config)
        )
        store.saml_secrets.create(
            SamlApplicationSecret(
                application_id=application.id,
                private_key=key.private_key,
                certificate=key.certificate,
                expires_at=key.expires_at,
                active=True,
            )
        )
        return _view(application, registered)

    return await write(call, change)


@operations.get(
    "/api/saml-applications/{id}",
    "GetSamlApplication",
    response=SamlView,
    statuses=(404, 422),
)
async def get_application(call: Call) -> SamlView:
    """Read a service provider."""

    def look(store: Store) -> SamlView:
        application = saml_application(store, call.path["id"])
        return _view(application, store.saml_configs.get(application.id))

    return await read(call, look)


@operations.patch(
    "/api/saml-applications/{id}",
    "UpdateSamlApplication",
    body=SamlPatch,
    response=SamlView,
    statuses=(404, 422),
)
async def update_application(call: Call[SamlPatch]) -> SamlView:
    """Change a service provider; objects are replaced as a whole."""
    ours, config = _split(call.body)

    def change(store: Store) -> SamlView:
        application = saml_application(store, call.path["id"])
        if ours.get("app_level_access_control_enabled"):
            require_rules(store.application_access(application.id).rules())
        return _view(
            store.applications.update(application.id, **ours),
            store.saml_configs.update(application.id, **config),
        )

    return await write(call, change)


@operations.delete("/api/saml-applications/{id}", "DeleteSamlApplication", statuses=(404, 422))
async def delete_application(call: Call) -> None:
    """Forget a service provider, with its keys."""
    await write(
        call,
        lambda store: store.applications.delete(saml_application(store, call.path["id"]).id),
    )


def _split(body: SamlPatch) -> tuple[dict[str, Any], dict[str, Any]]:
    """What belongs to the application, and what to the service provider. Raises ApiError."""
    given = body.given()
    ours = {name: given.pop(name) for name in _OF_APPLICATION if name in given}
    if body.acs_url is not None:
        if body.acs_url.binding != POST_BINDING:
            raise ApiError("application.saml.acs_url_binding_not_supported")
        given["acs_url"] = AcsUrl(binding=body.acs_url.binding, url=body.acs_url.url)
    if body.encryption is not None:
        certificate = body.encryption.certificate
        if certificate is not None:
            _check_certificate(certificate, encrypts=bool(body.encryption.encrypt_assertion))
        given["encryption"] = SamlEncryption(
            encrypt_assertion=body.encryption.encrypt_assertion,
            encrypt_then_sign=body.encryption.encrypt_then_sign,
            certificate=certificate,
        )
    return ours, given


def _check_certificate(text: str, *, encrypts: bool) -> None:
    """Raises ApiError for none, and for one that is to encrypt and has no RSA key."""
    try:
        key = read_certificate(text).public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise ApiError("application.saml.invalid_certificate_pem_format") from None
    if encrypts and not isinstance(key, rsa.RSAPublicKey):
        raise ApiError("application.saml.invalid_certificate_pem_format")


def _view(application: Application, config: SamlApplicationConfig) -> SamlView:
    return SamlView.of(
        application,
        attribute_mapping=config.attribute_mapping,
        entity_id=config.entity_id,
        acs_url=None if config.acs_url is None else msgspec.to_builtins(config.acs_url),
        encryption=None if config.encryption is None else msgspec.to_builtins(config.encryption),
        name_id_format=config.name_id_format,
    )
