"""The tokens that a company's OpenID provider gave, where its connector says they are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatehouse.actors.connectors.social.oauth_client import TokenSet
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.social import token_metadata, token_text
from gatehouse.actors.sso import oidc
from gatehouse.actors.sso.configs import GoogleConfig, OidcConfig
from gatehouse.actors.sso.connectors import config_of, oidc_metadata
from gatehouse.actors.third_party_tokens import current_tokens
from gatehouse.actors.verification import SealedTokens
from gatehouse.storage.identities import Secret, Secrets
from gatehouse.storage.sso_connectors import SsoConnector, SsoConnectors

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.storage.transaction import Transaction


async def sealed(
    core: Core, connector: SsoConnector, record_id: str, identity_id: str, tokens: TokenSet | None
) -> SealedTokens | None:
    """The tokens as an interaction may hold them, if they are to be kept."""
    if not connector.enable_token_storage or tokens is None or tokens.access_token is None:
        return None
    place = f"verification/{record_id}"
    return SealedTokens(
        connector_id=connector.id,
        target="",
        identity_id=identity_id,
        place=place,
        value=await core.db.read(_seal, token_text(tokens), place),
        metadata=token_metadata(tokens, core.clock() // 1000),
    )


async def access_token(core: Core, user_id: str, connector_id: str) -> TokenSet:
    """The token that a user's company gave, renewed if it is old. Raises `Refused`."""
    secret, connector = await core.db.read(_kept, core.tenant_id, user_id, connector_id)

    async def refresh(refresh_token: str) -> TokenSet:
        if connector is None or not connector.enable_token_storage:
            raise Refused(Reason.TOKEN_STORAGE_NOT_SUPPORTED)
        config = config_of(connector)
        if not isinstance(config, OidcConfig | GoogleConfig):
            raise Refused(Reason.TOKEN_STORAGE_NOT_SUPPORTED)
        client = oidc.client_of(config, await oidc_metadata(core, config))
        return await client.refresh(core.identity_providers.backchannel, refresh_token)

    return await current_tokens(core, secret, refresh)


def _seal(tx: Transaction, text: str, place: str) -> str:
    return tx.vault.seal(text, place)


def _kept(
    tx: Transaction, tenant: str, user_id: str, connector_id: str
) -> tuple[Secret | None, SsoConnector | None]:
    secret = Secrets(tx, tenant).of_sso_connector(user_id, connector_id)
    return secret, SsoConnectors(tx, tenant).find(connector_id)
