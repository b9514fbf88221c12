"""Social identities of one's own account: shown to be one's own, linked, taken away.

Somebody is sent to a provider by whoever runs the page they are on, and that page brings the answer
back: the verification is kept for them in between, and its answer is looked at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from gatehouse.actors import accounts, social
from gatehouse.actors.account_verification import Verification, advance, begin, passed, record_of
from gatehouse.actors.connectors.social.oauth_client import TokenSet
from gatehouse.actors.factors.social import Answered, SocialVerification, TakeHandshake
from gatehouse.actors.own_account import check_identifiers_left
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.third_party_tokens import current_tokens
from gatehouse.storage.identities import Secret, Secrets, SocialIdentities
from gatehouse.storage.users import Users

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.storage.transaction import Transaction


async def send(
    core: Core,
    owner: str,
    connector_id: str,
    redirect_uri: str,
    *,
    state: str,
    scope: str | None = None,
) -> tuple[Verification, str]:
    """Send somebody to a provider: the verification, and the address. Raises `Refused`."""
    record, uri = await social.begin(core, connector_id, redirect_uri, state, scope)
    return await begin(core, owner, record), uri


async def answer(core: Core, owner: str, verification_id: str, answered: Mapping[str, Any]) -> None:
    """The provider has answered. The answer is looked at once, whether it is good or not.

    Raises `Refused`.
    """
    known = await record_of(core, owner, verification_id, SocialVerification)
    take = TakeHandshake(known.connector_id, answered.get("state"))
    begun = await advance(core, owner, verification_id, take)
    rules = await accounts.rules(core)
    record = await social.answered(core, rules, begun, answered)
    await advance(core, owner, verification_id, Answered(record))


async def proven(core: Core, owner: str, verification_id: str) -> SocialVerification:
    """An identity that was shown to be this person's.

    Raises `Refused(NO_SUCH_VERIFICATION)`.
    """
    return await passed(core, owner, verification_id, SocialVerification)


async def link(core: Core, owner: str, identity: SocialVerification) -> None:
    """Link an identity, in the place of another one at the same provider.

    Nothing else of the account changes. Raises `Refused(IDENTITY_TAKEN)` if it is somebody else's.
    """
    await social.link(core, owner, msgspec.structs.replace(identity, syncs_profile=False))


async def unlink(core: Core, owner: str, target: str) -> None:
    """Take an identity away. Raises `Refused`: `IDENTITY_UNKNOWN`, `LAST_IDENTIFIER`."""
    with accounts.names_taken():
        await core.db.write(_unlink, core.tenant_id, owner, target)


async def access_token(core: Core, owner: str, target: str) -> TokenSet:
    """The token that a provider gave for somebody, renewed if it is old. Raises `Refused`."""
    secret = await core.db.read(_kept, core.tenant_id, owner, target)

    async def refresh(refresh_token: str) -> TokenSet:
        connector = await core.social.get(str(secret and secret.connector_id))
        return await connector.provider().refresh(core.backchannel, refresh_token)

    return await current_tokens(core, secret, refresh)


async def keep_token(core: Core, owner: str, target: str, identity: SocialVerification) -> TokenSet:
    """Keep the tokens that came with an identity which is the owner's already.

    Raises `Refused`: `WRONG_PROVIDER` if it is of another one, `NOT_ONES_IDENTITY`,
    `NO_TOKENS_CAME`.
    """
    if identity.target != target:
        raise Refused(Reason.WRONG_PROVIDER, expected=target, actual=identity.target)
    known = (await accounts.get_active(core, owner)).identities.get(target)
    if known is None or identity.identity != (target, known["userId"]):
        raise Refused(Reason.NOT_ONES_IDENTITY)
    if identity.tokens is None:
        raise Refused(Reason.NO_TOKENS_CAME)
    await link(core, owner, identity)
    return await access_token(core, owner, target)


def _kept(tx: Transaction, tenant: str, user_id: str, target: str) -> Secret | None:
    return Secrets(tx, tenant).of_target(user_id, target)


def _unlink(tx: Transaction, tenant: str, user_id: str, target: str) -> None:
    users = Users(tx, tenant)
    user = users.get(user_id)
    if target not in user.identities:
        raise Refused(Reason.IDENTITY_UNKNOWN)
    left = {name: one for name, one in user.identities.items() if name != target}
    check_identifiers_left(user, {"identities": left}, len(users.sso_identities(user_id)))
    SocialIdentities(tx, tenant).unlink(user_id, target)
