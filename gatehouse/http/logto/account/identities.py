"""`/api/my-account/identities`: who one is at social providers."""

from __future__ import annotations

from gatehouse.actors import own_identities
from gatehouse.http.call import Call
from gatehouse.http.logto.account.access import (
    AnyCall,
    account_of,
    account_operations,
    center_of,
    check_first_party,
    check_scope,
    check_verified_if_possible,
    person_of,
)
from gatehouse.http.logto.account.models import RecordId
from gatehouse.http.logto.account.sso import ThirdPartyToken, token_view
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.wire import Wire
from gatehouse.storage.records import User

operations = account_operations()

_PATH = "/api/my-account/identities"


class NewIdentity(Wire):
    """The verification that an identity is one's own."""

    new_identifier_verification_record_id: RecordId


class NewToken(Wire):
    """The verification with which a token came."""

    verification_record_id: RecordId


async def _check(call: AnyCall, missing_scope: int = 401) -> User:
    (await center_of(call)).check_editable("social")
    check_scope(call, "identities", missing_scope)
    await check_first_party(call)
    user = await account_of(call)
    await check_verified_if_possible(call, user)
    return user


@operations.post(_PATH, "AddUserIdentities", body=NewIdentity, status=204, statuses=(422,))
async def add_identity(call: Call[NewIdentity]) -> None:
    """Link an identity at a provider where one has none yet."""
    user, shown = await _check(call), call.body.new_identifier_verification_record_id
    identity = await own_identities.proven(call.core, user.id, shown)
    if identity.target in user.identities:
        raise ApiError("user.identity_already_in_use", status=400)
    await own_identities.link(call.core, user.id, identity)


@operations.put(_PATH, "ReplaceMyAccountIdentity", body=NewIdentity, status=204, statuses=(422,))
async def replace_identity(call: Call[NewIdentity]) -> None:
    """Link an identity, in the place of another one at the same provider."""
    user, shown = await _check(call), call.body.new_identifier_verification_record_id
    identity = await own_identities.proven(call.core, user.id, shown)
    await own_identities.link(call.core, user.id, identity)


@operations.delete(f"{_PATH}/{{target}}", "DeleteIdentity", statuses=(400, 404, 422))
async def remove_identity(call: Call) -> None:
    """Take an identity away."""
    await _check(call, 400)
    await own_identities.unlink(call.core, person_of(call).subject, call.path["target"])


@operations.get(
    f"{_PATH}/{{target}}/access-token",
    "GetSocialIdentityAccessToken",
    response=ThirdPartyToken,
    statuses=(400, 404, 422),
)
async def get_access_token(call: Call) -> ThirdPartyToken:
    """Get the access token that a provider gave, renewed if it is old."""
    check_scope(call, "identities", 403)
    who, target = person_of(call).subject, call.path["target"]
    return token_view(await own_identities.access_token(call.core, who, target))


@operations.put(
    f"{_PATH}/{{target}}/access-token",
    "UpdateSocialIdentityAccessTokenByVerificationId",
    body=NewToken,
    response=ThirdPartyToken,
    statuses=(422,),
)
async def keep_access_token(call: Call[NewToken]) -> ThirdPartyToken:
    """Keep the access token that came with a verification, in the place of an older one."""
    check_scope(call, "identities", 403)
    core, who = call.core, person_of(call).subject
    identity = await own_identities.proven(core, who, call.body.verification_record_id)
    return token_view(await own_identities.keep_token(core, who, call.path["target"], identity))
