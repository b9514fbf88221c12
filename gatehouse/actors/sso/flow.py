"""Signing in through a company, step by step: sent there, answered, back again.

With OpenID Connect the browser brings a code back to the page. With SAML it posts an assertion to
this server first (`receive`), which then sends it on to the page; what the assertion said waits in
an exchange. What comes back proves something only to the interaction that asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from gatehouse.actors.addresses import is_email
from gatehouse.actors.connectors.social.oauth_client import (
    TokenSet,
    new_handshake,
    with_query,
)
from gatehouse.actors.factors.sso import EnterpriseSsoVerification
from gatehouse.actors.interaction import Interaction
from gatehouse.actors.interaction_verifications import AddVerification
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sso import assertions, oidc, saml, tokens
from gatehouse.actors.sso.configs import SamlConfig
from gatehouse.actors.sso.connectors import (
    config_of,
    find_connector,
    oidc_metadata,
    saml_connector,
    service_provider,
)
from gatehouse.actors.sso.domains import domain_of
from gatehouse.actors.sso.exchanges import (
    EXCHANGE_MS,
    Answer,
    Ask,
    Exchange,
    Take,
    address,
)
from gatehouse.actors.sso.identity_providers import oidc_config
from gatehouse.actors.tokens import new_uid
from gatehouse.actors.visit import Visit, effects_of, logged
from gatehouse.storage.ids import new_id
from gatehouse.storage.sso_connectors import SsoConnector, SsoIdentities
from gatehouse.storage.users import Users

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.storage.transaction import Transaction

FACTOR = "EnterpriseSso"
MAX_IDENTITY_ID = 128
MAX_ISSUER = 256
"""What Logto's columns hold."""


MAX_INFO = 32 * 1024
"""Bytes of what a provider says of one person that are kept; of more, only what is needed."""

NEEDED = ("id", "email", "name", "avatar")


async def begin(
    visit: Visit,
    connector_id: str,
    redirect_uri: str,
    state: str,
    *,
    arrived: str | None = None,
) -> tuple[str, str]:
    """Send somebody to their company. Returns the id of the verification and where to go.

    `arrived` is the id of an assertion that came unasked. Raises `NotFound`, `Refused`.
    """
    core = visit.core
    _, event = await visit.started()
    record_id = new_id()
    entry = visit.entry(
        f"{event}.Verification.{FACTOR}.Create",
        verificationId=record_id,
        payload={"connectorId": connector_id},
    )
    async with logged(visit, entry):
        connector = await find_connector(core, connector_id)
        config = config_of(connector)
        record = EnterpriseSsoVerification(id=record_id, connector_id=connector.id)
        if isinstance(config, SamlConfig):
            waiting = Exchange(
                connector_id=connector.id,
                expires_at=core.clock() + EXCHANGE_MS,
                uid=visit.uid,
                redirect_uri=redirect_uri,
                state=state,
            )
            exchange_id, uri = await _ask_saml(core, connector, config, waiting, arrived)
            record = msgspec.structs.replace(record, exchange_id=exchange_id)
        else:
            handshake = new_handshake(redirect_uri, state)
            metadata = await oidc_metadata(core, config)
            uri = oidc.authorization_uri(config, metadata, handshake)
            record = msgspec.structs.replace(record, handshake=handshake)
        await visit.tell(AddVerification(record, effects_of(entry)))
    return record_id, uri


async def verify(
    visit: Visit, connector_id: str, verification_id: str, answer: Mapping[str, Any]
) -> None:
    """The browser is back from the company. Raises `NotFound`, `Refused`."""
    core = visit.core
    interaction, event = await visit.started()
    entry = visit.entry(
        f"{event}.Verification.{FACTOR}.Submit",
        verificationId=verification_id,
        payload={"connectorId": connector_id},
    )
    try:
        async with logged(visit, entry):
            record = _begun(interaction, connector_id, verification_id)
            if record.verified:
                return
            connector = await find_connector(core, connector_id)
            said, given = await _answered(visit, connector, record, answer)
            passed = await _recognized(core, connector, record, said, given)
            entry = entry.about(userId=passed.account)
            await visit.tell(AddVerification(passed, effects_of(entry)))
    except Refused:
        core.observer.sign_in(FACTOR, "refused")
        raise
    core.observer.sign_in(FACTOR, "passed")


async def receive(core: Core, connector_id: str, response: str, relay_state: str) -> str:
    """A SAML response was posted. Returns where the browser goes on. Raises `NotFound`, `Refused`.

    What it proves is kept for the interaction that asked, and shown to nobody else.
    """
    connector, config = await saml_connector(core, connector_id)
    exchange = await assertions.asked(core, connector.id, relay_state)
    said = await verified_answer(core, connector, config, response, exchange.request_id)
    return await assertions.answer(core, relay_state, exchange, said)


def _begun(
    interaction: Interaction, connector_id: str, verification_id: str
) -> EnterpriseSsoVerification:
    """What was begun with this connector. Raises `Refused(VERIFICATION_NOT_FOUND)`."""
    record = interaction.record(verification_id)
    if not isinstance(record, EnterpriseSsoVerification) or record.connector_id != connector_id:
        raise Refused(Reason.VERIFICATION_NOT_FOUND)
    return record


async def _ask_saml(
    core: Core,
    connector: SsoConnector,
    config: SamlConfig,
    waiting: Exchange,
    arrived: str | None,
) -> tuple[str, str]:
    """Begin an exchange; one that was answered before it was begun needs no identity provider."""
    exchange_id = new_uid()
    if arrived is not None:
        answer = await _arrived(core, connector, arrived)
        if answer is not None:
            waiting = msgspec.structs.replace(waiting, answer=answer)
            await core.engine.turn(address(core.tenant_id, exchange_id), Ask(waiting))
            return exchange_id, with_query(waiting.redirect_uri or "", {"state": waiting.state})
    us = await service_provider(core, connector, config)
    return exchange_id, await assertions.ask(core, us, exchange_id, waiting)


async def _arrived(core: Core, connector: SsoConnector, arrived: str) -> Answer | None:
    """What an assertion said that came unasked, unless it is gone or of another connector."""
    try:
        return await core.engine.turn(address(core.tenant_id, arrived), Take(connector.id, None))
    except Refused:
        return None


async def verified_answer(
    core: Core,
    connector: SsoConnector,
    config: SamlConfig,
    response: str,
    request_id: str | None,
) -> Answer:
    """Who a response says that somebody is; it is used up. Raises `Refused`."""
    us = await service_provider(core, connector, config)
    try:
        assertion = await assertions.use(core, us, response, request_id)
    except Refused:
        core.observer.sign_in(FACTOR, "refused")
        raise
    info = saml.user_info(config, assertion)
    return Answer(issuer=us.metadata.entity_id, user_info=_bounded(info))


async def _answered(
    visit: Visit,
    connector: SsoConnector,
    record: EnterpriseSsoVerification,
    answer: Mapping[str, Any],
) -> tuple[Answer, TokenSet | None]:
    """What the identity provider said, and the tokens it gave. Raises `Refused`."""
    core, config = visit.core, config_of(connector)
    if isinstance(config, SamlConfig):
        exchange = address(core.tenant_id, record.exchange_id or "")
        return await core.engine.turn(exchange, Take(connector.id, visit.uid)), None
    if record.handshake is None:
        raise Refused(Reason.HANDSHAKE_GONE)
    metadata = await oidc_metadata(core, config)
    backchannel = core.identity_providers.backchannel
    info, given = await oidc.identify(backchannel, config, metadata, record.handshake, answer)
    return Answer(issuer=oidc_config(config).issuer, user_info=_bounded(info)), given


async def _recognized(
    core: Core,
    connector: SsoConnector,
    record: EnterpriseSsoVerification,
    said: Answer,
    given: TokenSet | None,
) -> EnterpriseSsoVerification:
    """The verification with whom it means: found by identity, or by an address of the company's.

    Raises `Refused(AUTHORIZATION_FAILED)` where the provider does not name anybody.
    """
    info = said.user_info
    identity_id, email = info.get("id"), info.get("email")
    if (
        not isinstance(identity_id, str)
        or not 0 < len(identity_id) <= MAX_IDENTITY_ID
        or len(said.issuer) > MAX_ISSUER
    ):
        raise Refused(Reason.AUTHORIZATION_FAILED)
    trusted = email if _vouched(connector, email) else None
    account = await core.db.lookup(_account, core.tenant_id, said.issuer, identity_id, trusted)
    return msgspec.structs.replace(
        record,
        handshake=None,
        exchange_id=None,
        issuer=said.issuer,
        enterprise_sso_user_info=info,
        trusted_email=trusted,
        syncs_profile=connector.sync_profile,
        account=account,
        tokens=await tokens.sealed(core, connector, record.id, identity_id, given),
    )


def _vouched(connector: SsoConnector, email: object) -> bool:
    """Whether this is an address, and one that the company speaks for."""
    return isinstance(email, str) and is_email(email) and domain_of(email) in connector.domains


def _bounded(info: dict[str, Any]) -> dict[str, Any]:
    if len(msgspec.json.encode(info)) <= MAX_INFO:
        return info
    return {name: info[name] for name in NEEDED if name in info}


def _account(
    tx: Transaction, tenant: str, issuer: str, identity_id: str, email: str | None
) -> str | None:
    known = SsoIdentities(tx, tenant).find_by_identity(issuer, identity_id)
    if known is not None:
        return known.user_id
    user = None if email is None else Users(tx, tenant).find_by_email(email)
    return None if user is None else user.id
