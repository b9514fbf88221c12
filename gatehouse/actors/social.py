"""Social identities, wherever they are used: while signing in, and for one's own account.

Here a verification is begun and its answer looked at, an account is found by an identity or by the
address that comes with it, and identities are linked and taken away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from gatehouse.actors import accounts, social_saml
from gatehouse.actors.connectors.social.google import CREDENTIAL, Google
from gatehouse.actors.connectors.social.oauth_client import TokenSet, new_handshake
from gatehouse.actors.connectors.social.provider import CodeProvider, Identified, SocialUser
from gatehouse.actors.connectors.social.registry import SocialConnector
from gatehouse.actors.connectors.social.saml import SamlSocial
from gatehouse.actors.factors.social import SocialVerification
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sign_in_rules import SignInRules
from gatehouse.actors.verification import (
    Identifier,
    IdentifierType,
    Profile,
    Record,
    SealedTokens,
)
from gatehouse.storage.errors import NotFound
from gatehouse.storage.identities import SocialIdentities
from gatehouse.storage.ids import new_id
from gatehouse.storage.records import Json, User
from gatehouse.storage.users import Users

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.storage.transaction import Transaction

MAX_TOKENS = 24 * 1024
"""Characters of the tokens of one identity; longer ones are not kept."""


async def begin(
    core: Core,
    connector_id: str,
    redirect_uri: str,
    state: str | None = None,
    scope: str | None = None,
) -> tuple[SocialVerification, str]:
    """A verification to be kept, and where to send the browser.

    `state` is the caller's own, if they want to know the answer again by it. Raises `Refused`:
    `CONNECTOR_GONE`, `UNEXPECTED_CONNECTOR`, `CONNECTOR_MISCONFIGURED`.
    """
    connector = await core.social.get(connector_id, missing=Reason.CONNECTOR_GONE)
    handshake = new_handshake(redirect_uri, state)
    provider = connector.provider()
    if isinstance(provider, SamlSocial):
        uri = await social_saml.ask(core, connector.id, provider, handshake)
    else:
        uri = provider.authorization_uri(handshake, scope)
    record = SocialVerification(
        id=new_id(), connector_id=connector.id, target=connector.target, handshake=handshake
    )
    return record, uri


async def answered(
    core: Core, rules: SignInRules, begun: SocialVerification, answer: Mapping[str, Any]
) -> SocialVerification:
    """The verification that a provider's answer makes of one that was begun.

    Its handshake was taken for this answer (`TakeHandshake`). Raises `Refused`.
    """
    if begun.handshake is None:
        raise Refused(Reason.HANDSHAKE_GONE)
    connector = await core.social.get(begun.connector_id)
    provider = connector.provider()
    if isinstance(provider, SamlSocial):
        identified = await social_saml.identified(core, connector.id, begun.handshake)
    else:
        identified = await provider.identify(core.backchannel, begun.handshake, answer)
    return await _verified(core, rules, begun.id, connector, identified)


async def one_tapped(
    core: Core,
    rules: SignInRules,
    verification_id: str,
    connector_id: str,
    credential: str,
    *,
    nonce: str | None = None,
) -> SocialVerification:
    """The verification that Google's One Tap makes. Raises `Refused`."""
    connector = await core.social.get(connector_id)
    provider = connector.provider()
    if not isinstance(provider, Google):
        raise Refused(Reason.VERIFICATION_NOT_FOUND)
    identified = await provider.one_tap(core.backchannel, credential, nonce)
    return await _verified(core, rules, verification_id, connector, identified)


async def is_one_tap(core: Core, connector_id: str, answer: Mapping[str, Any]) -> bool:
    """Whether an answer comes from Google's One Tap, which needs no beginning here."""
    if not answer.get(CREDENTIAL):
        return False
    return isinstance((await core.social.get(connector_id)).provider(), Google)


async def _verified(
    core: Core,
    rules: SignInRules,
    verification_id: str,
    connector: SocialConnector,
    identified: Identified,
) -> SocialVerification:
    user = identified.user
    names = (
        ("primary_email", IdentifierType.EMAIL, user.email),
        ("primary_phone", IdentifierType.PHONE, user.phone),
    )
    taken = [
        field
        for field, kind, value in names
        if value is not None and await accounts.find(core, Identifier(kind, value)) is not None
    ]
    place = f"verification/{verification_id}"
    tokens = await _kept(core, connector, place, identified) if connector.keeps_tokens else None
    return SocialVerification(
        id=verification_id,
        connector_id=connector.id,
        target=connector.target,
        social_user_info=user,
        tokens=tokens,
        syncs_profile=connector.record.sync_profile,
        taken=tuple(taken),
        complete=rules.social_sign_in.skip_required_identifiers,
    )


async def owner_of(core: Core, record: Record, *, linking: bool = False) -> User:
    """Whose identity this is; with `linking`, whose account its address leads to.

    Raises `Refused(IDENTITY_UNKNOWN)`, telling of the account that it could be linked to.
    """
    if not isinstance(record, SocialVerification) or record.identity is None:
        raise Refused(Reason.VERIFICATION_FAILED)
    user = await core.db.lookup(_owner, core.tenant_id, *record.identity)
    if user is not None:
        return user
    info = record.social_user_info
    related = None
    if info is not None:
        related = await core.db.lookup(_related, core.tenant_id, info)
    if related is None:
        raise Refused(Reason.IDENTITY_UNKNOWN)
    kind, value, user = related
    if not linking:
        raise Refused(Reason.IDENTITY_UNKNOWN, {"relatedUser": {"type": kind, "value": value}})
    return user


async def link(core: Core, user_id: str, record: SocialVerification) -> User:
    """Give an account the identity of a verification that was passed.

    Raises `Refused`: `VERIFICATION_FAILED`, `IDENTITY_TAKEN`, `USER_GONE`.
    """
    if record.identity is None:
        raise Refused(Reason.VERIFICATION_FAILED)
    profile = record.linked_profile
    with accounts.names_taken():
        return await core.db.write(_link, core.tenant_id, user_id, profile)


async def unlink(core: Core, user_id: str, target: str) -> User:
    """Take an identity from an account, with the tokens that belong to it.

    Raises `Refused(IDENTITY_UNKNOWN)`.
    """
    try:
        return await core.db.write(_unlink, core.tenant_id, user_id, target)
    except NotFound:
        raise Refused(Reason.IDENTITY_UNKNOWN) from None


def token_metadata(tokens: TokenSet, now: int) -> Json:
    """What may be known of tokens without opening them; `now` is in seconds."""
    metadata: Json = {"hasRefreshToken": tokens.refresh_token is not None}
    if tokens.scope is not None:
        metadata["scope"] = tokens.scope
    if tokens.token_type is not None:
        metadata["tokenType"] = tokens.token_type
    if tokens.expires_in is not None:
        metadata["expiresAt"] = now + tokens.expires_in
    return metadata


def token_text(tokens: TokenSet) -> str:
    """The tokens as they are sealed and stored."""
    kept = TokenSet(
        access_token=tokens.access_token,
        id_token=tokens.id_token,
        refresh_token=tokens.refresh_token,
    )
    return msgspec.json.encode(kept).decode()


async def _kept(
    core: Core, connector: SocialConnector, place: str, identified: Identified
) -> SealedTokens | None:
    """The tokens to be kept, sealed; None if there are none, or more than is kept."""
    tokens, provider = identified.tokens, connector.provider()
    if tokens is None or tokens.access_token is None:
        return None
    if isinstance(provider, CodeProvider):
        tokens = await provider.lasting(core.backchannel, tokens)
    if len(token_text(tokens)) > MAX_TOKENS:
        return None
    return SealedTokens(
        connector_id=connector.id,
        target=connector.target,
        identity_id=identified.user.id,
        place=place,
        value=await core.db.read(_seal, token_text(tokens), place),
        metadata=token_metadata(tokens, core.clock() // 1000),
    )


def _seal(tx: Transaction, text: str, place: str) -> str:
    return tx.vault.seal(text, place)


def _owner(tx: Transaction, tenant: str, target: str, identity_id: str) -> User | None:
    return SocialIdentities(tx, tenant).find_user(target, identity_id)


def _related(tx: Transaction, tenant: str, info: SocialUser) -> tuple[str, str, User] | None:
    """By the phone number first, as Logto does."""
    users = Users(tx, tenant)
    for kind, value, find in (
        ("phone", info.phone, users.find_by_phone),
        ("email", info.email, users.find_by_email),
    ):
        user = find(value) if value is not None else None
        if value is not None and user is not None:
            return kind, value, user
    return None


def _link(tx: Transaction, tenant: str, user_id: str, profile: Profile) -> User:
    accounts.link_social(tx, tenant, user_id, profile)
    named = {
        name: value for name in ("name", "avatar") if (value := getattr(profile, name)) is not None
    }
    users = Users(tx, tenant)
    return users.update(user_id, **named) if named else users.get(user_id)


def _unlink(tx: Transaction, tenant: str, user_id: str, target: str) -> User:
    return SocialIdentities(tx, tenant).unlink(user_id, target)
