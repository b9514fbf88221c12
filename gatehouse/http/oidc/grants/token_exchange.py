"""Token exchange (RFC 8693): from a token about a user to an access token for this client.

What can be exchanged: a subject token that an operator made (once), a user's personal access token,
and an access token of one of the tenant's own applications. What comes out is decided by the
user's roles, not by what the token that went in allowed; therefore a token that a third party holds
with a user's limited consent is never taken.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatehouse.actors import family, subject_token
from gatehouse.actors.application_access import may_use
from gatehouse.actors.clients import TOKEN_EXCHANGE, Client
from gatehouse.actors.family import OpenForClient
from gatehouse.actors.keyring import InvalidTokenError
from gatehouse.actors.organization_access import user_within
from gatehouse.actors.scripts.claims import Issue
from gatehouse.actors.subject_token import SubjectToken, Unusable, Use, usable
from gatehouse.actors.subjects import Subject, Target, find_subject, still_good
from gatehouse.actors.tokens import Purpose, new_family_id
from gatehouse.http.call import Call
from gatehouse.http.oidc.bearer import find_bearer
from gatehouse.http.oidc.claims import OPENID, USER_SCOPES
from gatehouse.http.oidc.errors import OAuthError
from gatehouse.http.oidc.issued import (
    ACCESS_TOKEN_TTL_S,
    AskedTarget,
    Issued,
    added_claims,
    asked_target,
    new_jti,
    organization_token,
    signed_access_token,
    token_response,
    unknown_resource,
    within,
)
from gatehouse.http.oidc.parameters import Parameters
from gatehouse.storage.personal_access_tokens import find_token_user

if TYPE_CHECKING:
    from gatehouse.actors.core import Core

AnyCall = Call[Any, Any]

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105
IMPERSONATION = "urn:logto:token-type:impersonation_token"
PERSONAL_ACCESS_TOKEN = "urn:logto:token-type:personal_access_token"  # noqa: S105


@dataclass(frozen=True, slots=True)
class About:
    """Whom a token is about, and since when (ms); `once` is the subject token to use up.

    `context` is what the operator who made the subject token wants scripts to know.
    """

    user_id: str
    since: int
    once: str | None = None
    context: dict[str, Any] | None = None


async def exchange(call: AnyCall, client: Client, form: Parameters) -> Issued:
    """RFC 8693 §2.1 and §2.2. A subject token is used up only if nothing else is wrong."""
    core = call.core
    token, kind = form.require("subject_token"), form.require("subject_token_type")
    read = _READERS.get(kind)
    if read is None:
        raise _refused("unsupported subject token type")
    about = await read(call, token)
    actor = await _actor(call, form)
    asked_for = asked_target(form)
    if asked_for.organization_id is not None:
        return await _exchange_within(
            call, client, form, about=about, actor=actor, asked_for=asked_for
        )
    indicator = asked_for.resource
    api = await (
        core.directory.default_resource()
        if indicator is None
        else core.directory.resource(indicator)
    )
    if api is None and indicator is not None:
        raise unknown_resource()
    resource = None if api is None else api.indicator
    target = None if resource is None else Target(resource)
    subject = await _subject(core, client, about, target)
    await _use_up(core, about)
    asked = form.words("scope")
    if api is not None:
        scope = " ".join(name for name in asked if name in subject.scopes)
        issue = _issue(client, about, scope, api.indicator)
        signed = await signed_access_token(call, client, api, issue, actor=actor)
        return _answer(about, token_response(signed, api.token_ttl, scope))
    scopes = tuple(name for name in asked if name in USER_SCOPES)
    await added_claims(call, _issue(client, about, " ".join(scopes), None))
    family_id = new_family_id()
    opened = await core.engine.turn(
        family.address(core.tenant_id, family_id),
        OpenForClient(client.id, scopes, ACCESS_TOKEN_TTL_S * 1000, about.user_id),
    )
    opaque = core.tokens.encode(Purpose.ACCESS_TOKEN, family_id, opened.access_number)
    return _answer(about, token_response(opaque, ACCESS_TOKEN_TTL_S, " ".join(scopes)))


async def _exchange_within(
    call: AnyCall,
    client: Client,
    form: Parameters,
    *,
    about: About,
    actor: str | None,
    asked_for: AskedTarget,
) -> Issued:
    """The same for a token within an organization of the user's."""
    core = call.core
    organization_id, resource = asked_for.organization_id or "", asked_for.resource
    api = None if resource is None else await core.directory.resource(resource)
    if api is None and resource is not None:
        raise unknown_resource()
    target = None if resource is None else Target(resource, organization_id)
    subject = await _subject(core, client, about, target)
    access = within(await user_within(core, client, about.user_id, organization_id))
    await _use_up(core, about)
    allowed = access.scopes if api is None else subject.scopes
    scope = " ".join(name for name in form.words("scope") if name in allowed)
    issue = _issue(client, about, scope, resource or asked_for.organization, organization_id)
    if api is None:
        answer = await organization_token(call, client, issue, actor=actor)
        return _answer(about, answer)
    signed = await signed_access_token(call, client, api, issue, actor=actor)
    return _answer(about, token_response(signed, api.token_ttl, scope))


async def _subject(core: Core, client: Client, about: About, target: Target | None) -> Subject:
    """The user of the token, who is there and may use the client. Raises `OAuthError`."""
    subject = await find_subject(core, about.user_id, about.since, target=target)
    if subject is None:
        raise _refused("the user of the subject token is not available")
    if not await may_use(core, client, about.user_id):
        raise OAuthError("access_denied", "the user has no access to this application", status=400)
    return subject


async def _use_up(core: Core, about: About) -> None:
    if about.once is not None:
        used = await core.engine.turn(subject_token.address(core.tenant_id, about.once), Use())
        if isinstance(used, Unusable):
            raise _refused(used.value)


def _issue(
    client: Client,
    about: About,
    scope: str,
    audience: str | None,
    organization_id: str | None = None,
) -> Issue:
    return Issue(
        client.id,
        about.user_id,
        scope,
        new_jti(),
        audience,
        grant_type=TOKEN_EXCHANGE,
        subject_token=about.context,
        organization_id=organization_id,
    )


async def _impersonation(call: AnyCall, token: str) -> About:
    """A subject token of `POST /api/subject-tokens`."""
    core = call.core
    state = await core.engine.read(subject_token.address(core.tenant_id, token))
    found = usable(state, core.clock())
    if not isinstance(found, SubjectToken):
        raise _refused(found.value)
    return About(found.user_id, found.created_at, token, found.context)


async def _personal(call: AnyCall, token: str) -> About:
    """A personal access token lives as long as it says, whatever signs its user out."""
    core = call.core
    now = core.clock()
    user_id = await core.db.read(find_token_user, core.tenant_id, token, now)
    if user_id is None:
        raise _refused("subject token not found")
    return About(user_id, now)


async def _access_token(call: AnyCall, token: str) -> About:
    """An access token, or a subject token under the name of one, as Logto takes them."""
    core = call.core
    if token.startswith(subject_token.PREFIX):
        return await _impersonation(call, token)
    if "." in token:
        keyring = await core.keyring(token)
        try:
            claims = keyring.verify_access_token(token, issuer=core.issuer, now=core.clock())
        except InvalidTokenError:
            raise _refused("invalid subject token") from None
        holder, user_id = str(claims.get("client_id")), str(claims.get("sub"))
        since = int(claims.get("iat", 0)) * 1000
    else:
        bearer = await find_bearer(core, token)
        if bearer is None or bearer.family.user_id is None:
            raise _refused("invalid subject token")
        holder, user_id = bearer.family.client_id, bearer.family.user_id
        since = bearer.family.created_at
    client = await core.directory.client(holder)
    if client is None or client.third_party:
        raise _refused("subject token was not issued to a first-party application")
    return About(user_id, since)


_READERS: Mapping[str, Callable[[AnyCall, str], Awaitable[About]]] = {
    ACCESS_TOKEN: _access_token,
    IMPERSONATION: _impersonation,
    PERSONAL_ACCESS_TOKEN: _personal,
}


async def _actor(call: AnyCall, form: Parameters) -> str | None:
    """RFC 8693 §4.1: who acts for the subject, by an access token with the scope `openid`."""
    token = form.get("actor_token")
    if token is None:
        return None
    if form.get("actor_token_type") != ACCESS_TOKEN:
        raise _refused("unsupported actor token type")
    bearer = await find_bearer(call.core, token)
    if bearer is None or bearer.family.user_id is None:
        raise _refused("invalid actor token")
    if OPENID not in bearer.token.scopes:
        raise _refused("actor token must have openid scope")
    since = bearer.family.created_at
    if not await still_good(call.core, bearer.family.user_id, since):
        raise _refused("invalid actor token")
    return bearer.family.user_id


def _answer(about: About, body: dict[str, Any]) -> Issued:
    """RFC 8693 §2.2.1."""
    return Issued({**body, "issued_token_type": ACCESS_TOKEN}, about.user_id)


def _refused(description: str) -> OAuthError:
    return OAuthError("invalid_grant", description)
