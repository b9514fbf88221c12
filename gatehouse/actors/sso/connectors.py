"""A connector as one sign-in needs it: how it is set up, and what its provider says of itself.

Either may have become useless since an operator stored it. That is refused here, in one place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sso import saml
from gatehouse.actors.sso.configs import GoogleConfig, InvalidSsoConfig, OidcConfig, SamlConfig
from gatehouse.actors.sso.identity_providers import OidcMetadata, ProviderError, oidc_config
from gatehouse.actors.sso.routing import parsed_config
from gatehouse.storage.sso_connectors import SsoConnector, SsoConnectors, SsoSigningKeys

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.storage.transaction import Transaction

_PROVIDER_ERRORS = {
    "invalid_config": Reason.CONNECTOR_MISCONFIGURED,
    "invalid_metadata": Reason.CONNECTOR_METADATA_INVALID,
    "invalid_certificate": Reason.CONNECTOR_CERTIFICATE_INVALID,
}


async def find_connector(core: Core, connector_id: str) -> SsoConnector:
    """The connector of this id. Raises `NotFound`."""
    return await core.db.lookup(_connector, core.tenant_id, connector_id)


async def saml_connector(core: Core, connector_id: str) -> tuple[SsoConnector, SamlConfig]:
    """A connector that speaks SAML, and its configuration. Raises `NotFound`, `Refused`."""
    connector = await find_connector(core, connector_id)
    config = config_of(connector)
    if not isinstance(config, SamlConfig):
        raise Refused(Reason.UNEXPECTED_CONNECTOR)
    return connector, config


def config_of(connector: SsoConnector) -> Any:
    """A connector's configuration as values. Raises `Refused`."""
    try:
        return parsed_config(connector)
    except InvalidSsoConfig:
        raise Refused(Reason.CONNECTOR_MISCONFIGURED) from None


async def oidc_metadata(core: Core, config: OidcConfig | GoogleConfig) -> OidcMetadata:
    """What an OpenID provider says of itself. Raises `Refused`."""
    try:
        return await core.identity_providers.oidc(oidc_config(config).issuer)
    except ProviderError as error:
        raise Refused(_PROVIDER_ERRORS[error.code]) from None


async def service_provider(
    core: Core, connector: SsoConnector, config: SamlConfig
) -> saml.ServiceProvider:
    """We, as a connector's identity provider knows us. Raises `Refused`."""
    try:
        metadata = await core.identity_providers.saml(config)
    except ProviderError as error:
        raise Refused(_PROVIDER_ERRORS[error.code]) from None
    signing_key, private_keys = await core.db.lookup(_keys, core.tenant_id, connector.id)
    if config.signs_requests and signing_key is None:
        raise Refused(Reason.SSO_SIGNING_UNAVAILABLE)
    return saml.ServiceProvider(
        saml.entity_id(core.public_url, connector.id),
        saml.assertion_consumer_url(core.public_url, connector.id),
        config,
        metadata,
        signing_key,
        private_keys,
    )


def _connector(tx: Transaction, tenant: str, connector_id: str) -> SsoConnector:
    return SsoConnectors(tx, tenant).get(connector_id)


def _keys(
    tx: Transaction, tenant: str, connector_id: str
) -> tuple[saml.KeyPair | None, tuple[str, ...]]:
    """The key that requests are signed with, and all that assertions may be encrypted for.

    A company may encrypt for the key before, until it has read our metadata again.
    """
    keys = SsoSigningKeys(tx, tenant).of(connector_id)
    active = next(
        (saml.KeyPair(key.private_key, key.certificate) for key in keys if key.active), None
    )
    return active, tuple(key.private_key for key in keys)
