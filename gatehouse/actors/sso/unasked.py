"""People whom their company sends here without having been asked (IdP-initiated sign-in).

Nobody's browser vouches for such an assertion, so it is off unless an operator says where these
people go. It signs nobody in by itself: a sign-in of its own begins, and takes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from gatehouse.actors.connectors.social.oauth_client import with_query
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sso.connectors import saml_connector
from gatehouse.actors.sso.exchanges import EXCHANGE_MS, Ask, Exchange, address
from gatehouse.actors.sso.flow import verified_answer
from gatehouse.actors.tokens import new_uid
from gatehouse.storage.applications import Applications
from gatehouse.storage.sso_connectors import SsoIdpInitiatedConfig, SsoIdpInitiatedConfigs

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.storage.transaction import Transaction


async def receive_unasked(core: Core, connector_id: str, response: str) -> tuple[str, str]:
    """A SAML response was posted that nobody asked for, where that is allowed.

    Returns the id under which it waits, and where the browser goes: an authorization request of
    its own begins there. Raises `NotFound`, `Refused`.
    """
    connector, config = await saml_connector(core, connector_id)
    onward = await core.db.lookup(_idp_initiated, core.tenant_id, connector.id)
    if onward is None:
        raise Refused(Reason.HANDSHAKE_GONE)
    answer = await verified_answer(core, connector, config, response, None)
    arrived = new_uid()
    waiting = Exchange(
        connector_id=connector.id, expires_at=core.clock() + EXCHANGE_MS, answer=answer
    )
    await core.engine.turn(address(core.tenant_id, arrived), Ask(waiting))
    return arrived, _onward(core, *onward)


def _onward(core: Core, config: SsoIdpInitiatedConfig, redirect_uris: list[str]) -> str:
    """Where somebody goes on who came unasked. Raises `Refused`."""
    connector_id = config.sso_connector_id
    if not config.auto_send_authorization_request:
        callback = config.client_idp_initiated_auth_callback_uri
        if callback is None:
            raise Refused(Reason.HANDSHAKE_GONE)
        return with_query(callback, {"ssoConnectorId": connector_id})
    redirect_uri = config.redirect_uri or next(iter(redirect_uris), None)
    if redirect_uri is None:
        raise Refused(Reason.HANDSHAKE_GONE)
    more = dict(config.auth_parameters)
    scopes = ("openid", "profile", *more.pop("scope", "").split())
    query = {
        **more,
        "client_id": config.default_application_id,
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "prompt": "login",
        "direct_sign_in": f"sso:{connector_id}",
        "scope": " ".join(dict.fromkeys(scopes)),
    }
    return f"{core.issuer}/auth?{urlencode(query)}"


def _idp_initiated(
    tx: Transaction, tenant: str, connector_id: str
) -> tuple[SsoIdpInitiatedConfig, list[str]] | None:
    config = SsoIdpInitiatedConfigs(tx, tenant).find(connector_id)
    if config is None:
        return None
    application = Applications(tx, tenant).get(config.default_application_id)
    return config, application.oidc_client_metadata.redirect_uris
