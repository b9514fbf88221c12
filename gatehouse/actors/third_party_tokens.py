"""Tokens that other providers gave for a person: handed out again, and renewed when old."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec

from gatehouse.actors.connectors.social.oauth_client import TokenSet
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.social import token_metadata, token_text
from gatehouse.storage.identities import Secret, Secrets

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.storage.transaction import Transaction

Refresh = Callable[[str], Awaitable[TokenSet]]
"""Exchanges a refresh token at the provider. Raises `Refused`."""


async def current_tokens(core: Core, secret: Secret | None, refresh: Refresh) -> TokenSet:
    """The access token that is kept, or a new one if it is old; `expires_in` is what is left of it.

    Raises `Refused`: `THIRD_PARTY_TOKEN_NOT_FOUND`, `THIRD_PARTY_TOKEN_EXPIRED` (which is then
    forgotten), or what `refresh` raises.
    """
    kept = None if secret is None else msgspec.json.decode(secret.value, type=TokenSet)
    if secret is None or kept is None or kept.access_token is None:
        raise Refused(Reason.THIRD_PARTY_TOKEN_NOT_FOUND)
    now = core.clock() // 1000
    expires_at = secret.metadata.get("expiresAt")
    if expires_at is None or now < expires_at:
        return TokenSet(
            access_token=kept.access_token,
            scope=secret.metadata.get("scope"),
            token_type=secret.metadata.get("tokenType"),
            expires_in=None if expires_at is None else expires_at - now,
        )
    if kept.refresh_token is None:
        await core.db.write(_forget, core.tenant_id, secret.id)
        raise Refused(Reason.THIRD_PARTY_TOKEN_EXPIRED)
    renewed = await refresh(kept.refresh_token)
    if renewed.access_token is None:
        raise Refused(Reason.CONNECTOR_RESPONSE_INVALID)
    await core.db.write(_renew, core.tenant_id, secret.id, renewed, now)
    return renewed


def _forget(tx: Transaction, tenant: str, secret_id: str) -> None:
    secrets = Secrets(tx, tenant)
    if secrets.find(secret_id) is not None:
        secrets.delete(secret_id)


def _renew(tx: Transaction, tenant: str, secret_id: str, tokens: TokenSet, now: int) -> None:
    secrets = Secrets(tx, tenant)
    if secrets.find(secret_id) is not None:
        secrets.update(secret_id, value=token_text(tokens), metadata=token_metadata(tokens, now))
