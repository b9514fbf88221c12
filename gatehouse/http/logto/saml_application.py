"""A SAML application as its flows need it: what it registered, and the key that signs for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gatehouse.actors.certificates import pem, read_certificate
from gatehouse.actors.saml import responses
from gatehouse.actors.saml.responses import EMAIL, Provider
from gatehouse.http.call import Call
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.store import Store, read
from gatehouse.http.oidc.claims import CLAIMS_OF_SCOPES, OPENID
from gatehouse.storage.records import Application
from gatehouse.storage.saml_applications import (
    SamlApplicationConfig,
    SamlApplicationSecret,
    SamlEncryption,
)


@dataclass(frozen=True, slots=True)
class SamlApplication:
    """A service provider. Its properties raise ApiError for what it has not registered."""

    id: str
    callback: str
    config: SamlApplicationConfig
    key: SamlApplicationSecret | None

    @property
    def entity_id(self) -> str:
        """Who the service provider is."""
        if self.config.entity_id is None:
            raise ApiError("application.saml.entity_id_required")
        return self.config.entity_id

    @property
    def acs_url(self) -> str:
        """Where responses are sent, and nowhere else."""
        if self.config.acs_url is None:
            raise ApiError("application.saml.acs_url_required")
        return self.config.acs_url.url

    @property
    def signing_key(self) -> SamlApplicationSecret:
        """What responses are signed with."""
        if self.key is None:
            raise ApiError("application.saml.certificate_required")
        return self.key

    @property
    def certificate(self) -> str | None:
        """The service provider's own, if it registered one."""
        encryption = self.config.encryption
        if encryption is None or encryption.certificate is None:
            return None
        return pem(read_certificate(encryption.certificate))

    @property
    def scopes(self) -> tuple[str, ...]:
        """What has to be known of the user to fill the assertion."""
        wanted = {"profile": True, "email": self.config.name_id_format == EMAIL}
        for scope, claims in CLAIMS_OF_SCOPES.items():
            if any(claim in self.config.attribute_mapping for claim in claims):
                wanted[scope] = True
        return (OPENID, *(scope for scope, asked in wanted.items() if asked))

    def provider(self, public_url: str) -> Provider:
        """Both sides, as a response needs to know them."""
        config, key = self.config, self.signing_key
        encryption = config.encryption or SamlEncryption()
        return Provider(
            issuer=responses.identity_provider(public_url, self.id),
            audience=self.entity_id,
            acs_url=self.acs_url,
            name_id_format=config.name_id_format,
            private_key=key.private_key,
            certificate=key.certificate,
            attribute_mapping=config.attribute_mapping,
            encrypt_for=self.certificate if encryption.encrypt_assertion else None,
            encrypt_then_sign=encryption.encrypt_then_sign is not False,
        )


async def find_application(call: Call[Any, Any]) -> SamlApplication:
    """The application of the path. Raises `NotFound`, ApiError for one of another type."""

    def look(store: Store) -> SamlApplication:
        application = saml_application(store, call.path["id"])
        return SamlApplication(
            application.id,
            application.oidc_client_metadata.redirect_uris[0],
            store.saml_configs.get(application.id),
            store.saml_secrets.active(application.id),
        )

    return await read(call, look)


def saml_application(store: Store, id_: str) -> Application:
    """The application. Raises `NotFound`, ApiError for one of another type."""
    application = store.applications.get(id_)
    if application.type != "SAML":
        raise ApiError("application.saml.saml_application_only")
    return application
