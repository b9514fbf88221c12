"""Sessions and grants as Logto shows them, to their owner and to operators alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from gatehouse.actors import grants
from gatehouse.actors.grants import GoodGrant
from gatehouse.actors.whereabouts import Place, Revoked
from gatehouse.http.call import Call
from gatehouse.http.wire import JsonObject, Query, Wire
from gatehouse.storage.applications import Applications
from gatehouse.storage.records import Application, User
from gatehouse.storage.transaction import Transaction


class Authorization(Wire):
    """What a session let a client have."""

    sid: str
    grant_id: str


class SessionPayload(Wire):
    """A session as its provider keeps it. Times are in seconds since the epoch."""

    exp: int
    iat: int
    jti: str
    uid: str
    kind: Literal["Session"]
    login_ts: int
    account_id: str
    authorizations: dict[str, Authorization]


class SessionView(Wire):
    """A session. `expires_at` is in milliseconds since the epoch."""

    payload: SessionPayload
    last_submission: JsonObject | None
    client_id: str | None
    account_id: str | None
    expires_at: int


class GrantPayload(Wire):
    """A grant as its provider keeps it. Times are in seconds since the epoch."""

    exp: int
    iat: int
    jti: str
    kind: Literal["Grant"]
    client_id: str
    account_id: str


class GrantedApplication(Wire):
    """The application that has something."""

    id: str
    name: str


class GrantView(Wire):
    """A grant. `expires_at` is in milliseconds since the epoch."""

    id: str
    payload: GrantPayload
    expires_at: int
    application: GrantedApplication


class GrantList(Wire):
    """Everything somebody let applications have."""

    grants: list[GrantView]


class WhichGrants(Query):
    """Whose applications' grants."""

    app_type: Literal["firstParty", "thirdParty"] | None = Field(None, alias="appType")


class WhatElse(Query):
    """What ends with the session."""

    revoke_grants_target: Literal["all", "firstParty"] | None = Field(
        None, alias="revokeGrantsTarget"
    )

    @property
    def revoked(self) -> Revoked | None:
        """The same, as the core says it."""
        target = self.revoke_grants_target
        return None if target is None else Revoked(target)


def session_fields(place: Place) -> dict[str, Any]:
    """The fields of a session's view."""
    state = place.session
    submission = state.submission
    payload = SessionPayload(
        exp=state.expires_at // 1000,
        iat=state.created_at // 1000,
        jti=place.uid,
        uid=place.uid,
        kind="Session",
        login_ts=state.auth_time // 1000,
        account_id=state.user_id,
        authorizations={
            client_id: Authorization(sid=client.sid, grant_id=client.grant_id)
            for client_id, client in state.clients.items()
        },
    )
    return {
        "payload": payload,
        "last_submission": None if submission is None else submission.shown(state.user_id),
        "client_id": None if submission is None else submission.client_id,
        "account_id": state.user_id,
        "expires_at": state.expires_at,
    }


async def list_grants(call: Call[Any, WhichGrants], user: User) -> GrantList:
    """What somebody let applications have that exist, of one type or of all."""
    core = call.core
    held = await grants.good_grants(core, user)
    ids = sorted({one.grant.client_id for one in held})
    applications = await core.db.read(_applications, core.tenant_id, ids)
    wanted = call.query.app_type
    shown = [
        _grant_view(one, applications[one.grant.client_id], user.id)
        for one in held
        if one.grant.client_id in applications
        and wanted in (None, _type_of(applications[one.grant.client_id]))
    ]
    return GrantList(grants=shown)


def _grant_view(held: GoodGrant, application: Application, user_id: str) -> GrantView:
    payload = GrantPayload(
        exp=held.expires_at // 1000,
        iat=held.grant.created_at // 1000,
        jti=held.id,
        kind="Grant",
        client_id=application.id,
        account_id=user_id,
    )
    return GrantView(
        id=held.id,
        payload=payload,
        expires_at=held.expires_at,
        application=GrantedApplication(id=application.id, name=application.name),
    )


def _type_of(application: Application) -> str:
    return "thirdParty" if application.is_third_party else "firstParty"


def _applications(tx: Transaction, tenant: str, ids: Sequence[str]) -> dict[str, Application]:
    return {one.id: one for one in Applications(tx, tenant).get_many(ids)}
