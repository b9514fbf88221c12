"""Who may call: the owner of an account, through an application with an opaque access token.

Scopes that let an application read a part of the account are also what it needs to change it. That
is why a third-party application, to whom people give scopes to be recognized, changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

from gatehouse.actors import account_verification, own_account
from gatehouse.actors.account_center import AccountCenter
from gatehouse.actors.audit import Origin
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.subjects import still_good
from gatehouse.http.call import Call, Principal
from gatehouse.http.logto.access import bearer_token
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.oidc.bearer import find_bearer
from gatehouse.http.oidc.claims import OPENID
from gatehouse.http.operation import EVERY_ORIGIN, Access, Operations
from gatehouse.storage.records import User

AnyCall = Call[Any, Any]

VERIFICATION_HEADER = "logto-verification-id"
"""The header that names a verification which shows that the owner is there."""


@dataclass(frozen=True, slots=True)
class Person(Principal):
    """Somebody who acts on their own account.

    `subject` is who, `session_id` where they signed in.
    """

    session_id: str | None = None


async def admit_person(call: AnyCall) -> Person:
    """The owner of an account, known by an opaque access token.

    Raises ApiError: 401 if there is none or it is not good, 403 if it lacks `openid`.
    """
    core = call.core
    bearer = await find_bearer(core, bearer_token(call))
    if bearer is None or bearer.family.user_id is None:
        raise ApiError("auth.unauthorized")
    if OPENID not in bearer.token.scopes:
        raise ApiError("auth.forbidden")
    family = bearer.family
    if not await still_good(core, bearer.family.user_id, family.created_at):
        raise ApiError("auth.unauthorized")
    return Person(
        bearer.family.user_id,
        family.client_id,
        frozenset(bearer.token.scopes),
        session_id=family.session_id,
    )


async def admit_to_account(call: AnyCall) -> Person:
    """The owner of an account, where the tenant has an account centre."""
    person = await admit_person(call)
    (await call.core.directory.account_center()).check_enabled()
    return person


_SECURITY = {"userToken": (OPENID,)}


def account_operations() -> Operations:
    """A list of operations on the caller's own account."""
    access = Access("account", admit_to_account, _SECURITY)
    return Operations(tags=("My account",), access=access, cors=EVERY_ORIGIN)


def verification_operations() -> Operations:
    """A list of operations that make verifications."""
    access = Access("person", admit_person, _SECURITY)
    return Operations(tags=("Verifications",), access=access, cors=EVERY_ORIGIN)


def person_of(call: AnyCall) -> Person:
    """Who was admitted."""
    return cast(Person, call.principal)


def origin_of(call: AnyCall) -> Origin:
    """Where the request comes from."""
    agent = call.headers.get("user-agent")
    accepted = call.headers.get("accept-language")
    return Origin(call.client_address, agent, person_of(call).client_id, accepted)


async def center_of(call: AnyCall) -> AccountCenter:
    """What the tenant lets people do with their own accounts."""
    return await call.core.directory.account_center()


async def account_of(call: AnyCall) -> User:
    """The caller's account."""
    return await own_account.get(call.core, person_of(call).subject)


def check_scope(call: AnyCall, scope: str, status: int = 401) -> None:
    """Raises ApiError for a token that lacks the scope; Logto has more than one status for it."""
    if scope not in person_of(call).scopes:
        code = "auth.forbidden" if status == HTTPStatus.FORBIDDEN else "auth.unauthorized"
        raise ApiError(code, status=status)


async def check_first_party(call: AnyCall) -> None:
    """Raises ApiError for an application that is not the tenant's own."""
    client = await call.core.directory.client(person_of(call).client_id)
    if client is None or client.third_party:
        raise ApiError("auth.third_party_application_forbidden")


async def check_verified(call: AnyCall) -> None:
    """Raises `Refused` unless a verification shows that the owner is really there."""
    named = call.headers.get(VERIFICATION_HEADER)
    if not await account_verification.permits_changes(call.core, person_of(call).subject, named):
        raise Refused(Reason.VERIFICATION_REQUIRED)


async def check_verified_if_possible(call: AnyCall, user: User) -> None:
    """The same, for accounts whose owner has any way to show it."""
    if own_account.can_verify(user):
        await check_verified(call)
