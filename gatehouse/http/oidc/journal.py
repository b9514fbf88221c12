"""What the audit log hears of this provider: interactions that begin and end, and tokens, each time
that they are asked for, given out or revoked. Under Logto's keys.

An entry says what kinds of tokens there were and never what they were. It is noted, not waited for
(`collector.py`): nobody is turned away because the log is away.
"""

from __future__ import annotations

from typing import Any

from gatehouse.actors.audit import AuditEntry, Origin, new_entry
from gatehouse.actors.authorization import AuthorizationRequest, LoginResult
from gatehouse.actors.clients import (
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    DEVICE_CODE,
    REFRESH_TOKEN,
    TOKEN_EXCHANGE,
)
from gatehouse.actors.interaction import Interaction, Prompt
from gatehouse.actors.tokens import Purpose
from gatehouse.http.call import Call
from gatehouse.http.oidc.errors import OAuthError
from gatehouse.http.oidc.issued import Issued
from gatehouse.http.oidc.parameters import Parameters
from gatehouse.storage.ids import new_id

AnyCall = Call[Any, Any]

_GRANTS = {
    AUTHORIZATION_CODE: "AuthorizationCode",
    REFRESH_TOKEN: "RefreshToken",
    CLIENT_CREDENTIALS: "ClientCredentials",
    TOKEN_EXCHANGE: "TokenExchange",
    DEVICE_CODE: "DeviceCode",
}
_KINDS = {
    "access_token": "AccessToken",
    "refresh_token": "RefreshToken",
    "id_token": "IdToken",
}
_PURPOSES = {Purpose.ACCESS_TOKEN: "AccessToken", Purpose.REFRESH_TOKEN: "RefreshToken"}
_SHOWN = ("grant_type", "scope", "resource", "organization_id", "subject_token_type")
"""Parameters that say what was asked for, and hold no secret."""
_SHOWN_LENGTH = 256
"""Characters kept of a parameter."""
_NOT_YET = frozenset({"authorization_pending", "slow_down"})
"""Answers to a device that asks again: nothing has come of it so far."""


def note_begun(
    call: AnyCall, prompt: Prompt, request: AuthorizationRequest, user_id: str | None
) -> None:
    """Somebody is sent to a page; `user_id` is who is signed in already."""
    entry = _entry(call, "Interaction.Create", request.client_id)
    call.core.journal.note(entry.about(userId=user_id, prompt={"name": prompt.value}))


def note_ended(call: AnyCall, answered: Interaction) -> None:
    """Somebody is back from a page with their answer."""
    login = answered.result
    user_id = login.user_id if isinstance(login, LoginResult) else None
    entry = _entry(call, "Interaction.End", answered.params.client_id)
    call.core.journal.note(entry.about(userId=user_id, prompt={"name": answered.prompt.value}))


def note_issued(call: AnyCall, form: Parameters, client_id: str, issued: Issued) -> None:
    """Tokens were given out."""
    kinds = [kind for name, kind in _KINDS.items() if name in issued.body]
    entry = _exchange(call, form, client_id).about(
        userId=issued.user_id, tokenTypes=kinds, scope=issued.body["scope"]
    )
    call.core.journal.note(entry)


def note_refused(call: AnyCall, form: Parameters, client_id: str, error: OAuthError) -> None:
    """A client that exists, or somebody in its name, got no tokens."""
    if error.error in _NOT_YET:
        return
    code, message = f"oidc.{error.error}", error.description
    entry = _exchange(call, form, client_id).about(
        result="Error", error={"code": code, "message": message}
    )
    call.core.journal.note(entry)


def note_revoked(
    call: AnyCall, client_id: str, purpose: Purpose, grant_id: str, user_id: str | None
) -> None:
    """A client revoked a token of its own."""
    entry = _entry(call, "RevokeToken", client_id)
    call.core.journal.note(
        entry.about(userId=user_id, grantId=grant_id, tokenTypes=[_PURPOSES[purpose]])
    )


def _exchange(call: AnyCall, form: Parameters, client_id: str) -> AuditEntry:
    kind = _GRANTS.get(form.first("grant_type") or "", "Unknown")
    given = {name: form.first(name) for name in _SHOWN}
    params = {name: value[:_SHOWN_LENGTH] for name, value in given.items() if value is not None}
    return _entry(call, f"ExchangeTokenBy.{kind}", client_id).about(params=params)


def _entry(call: AnyCall, key: str, client_id: str) -> AuditEntry:
    core = call.core
    origin = Origin(call.client_address, call.headers.get("user-agent"), client_id)
    return new_entry(core.tenant_id, new_id(), key, core.clock(), origin)
