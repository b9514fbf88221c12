"""`/api/authn/hasura`: telling a GraphQL engine who is behind an access token, in its own words."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from gatehouse.actors.keyring import InvalidTokenError
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import bearer_token
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.operation import Operations
from gatehouse.http.wire import JsonObject, Query
from gatehouse.storage.roles import Roles, UserRoles
from gatehouse.storage.transaction import Transaction

operations = Operations(tags=("Authn",))

EXPECTED_ROLE = "expected-role"
"""The header in which Hasura says as whom the caller wants to act."""


class HasuraQuery(Query):
    """The API that the token has to be for, and who a caller is who has not the role."""

    resource: Annotated[str, Field(min_length=1, max_length=2048)]
    unauthorized_role: Annotated[str, Field(max_length=128)] | None = Field(
        None, alias="unauthorizedRole"
    )


@operations.get(
    "/api/authn/hasura",
    "GetHasuraAuth",
    query=HasuraQuery,
    response=JsonObject,
    statuses=(400, 401),
)
async def hasura(call: Call[None, HasuraQuery]) -> Reply:
    """Be the authentication webhook of a Hasura GraphQL engine.

    https://hasura.io/docs/2.0/auth/authentication/webhook/
    """
    expected, otherwise = call.headers.get(EXPECTED_ROLE), call.query.unauthorized_role
    subject = await _subject(call, call.query.resource)
    roles = await _roles(call, subject)
    if expected is not None and expected in roles:
        return Reply(200, _session(subject, expected))
    if otherwise:
        known = subject or await _subject(call, None)
        return Reply(200, _session(known, otherwise))
    if expected is not None:
        raise ApiError("auth.expected_role_not_found")
    return Reply(200, _session(subject, None))


async def _subject(call: Call[Any, Any], resource: str | None) -> str | None:
    """Whose token it is, if it is good, and for this resource if one is named."""
    core = call.core
    try:
        token = bearer_token(call)
        keyring = await core.keyring(token)
        claims = keyring.verify_access_token(
            token, issuer=core.issuer, audience=resource, now=core.clock()
        )
    except (ApiError, InvalidTokenError):
        return None
    subject = claims.get("sub")
    return subject if isinstance(subject, str) else None


async def _roles(call: Call[Any, Any], subject: str | None) -> set[str]:
    if subject is None:
        return set()
    return await call.core.db.read(_role_names, call.core.tenant_id, subject)


def _role_names(tx: Transaction, tenant_id: str, user_id: str) -> set[str]:
    ids = sorted(UserRoles(tx, tenant_id).members(user_id))
    return {role.name for role in Roles(tx, tenant_id).get_many(ids)}


def _session(user_id: str | None, role: str | None) -> dict[str, str]:
    told = {"X-Hasura-User-Id": user_id, "X-Hasura-Role": role}
    return {name: value for name, value in told.items() if value is not None}
