"""Where one is signed in, and what applications have: shown, and ended."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gatehouse.actors import grants, whereabouts
from gatehouse.actors.account_center import Control
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.whereabouts import Place, Revoked
from gatehouse.http.account.owner import HOME, Owner, OwnForm, for_owner, sensitive
from gatehouse.http.account.times import browser_name, since
from gatehouse.http.call import Reply, redirect
from gatehouse.http.operation import Operations
from gatehouse.http.pages.context import application_name

operations = Operations(tags=("Pages",))

_SESSIONS = f"{HOME}/sessions"


class LeaveForm(OwnForm):
    """Where to sign out, or from which application to take its access."""

    session: Annotated[str, Field(max_length=64)] = ""
    grant: Annotated[str, Field(max_length=64)] = ""


@operations.get(_SESSIONS, "AccountSessionsPage", documented=False)
@for_owner
@sensitive
async def sessions_page(owner: Owner, form: object) -> Reply:
    """Everywhere one is signed in."""
    owner.center.check_shown("session")
    editable, words = owner.center.control("session") is Control.EDIT, owner.words
    places = await whereabouts.places(owner.core, owner.user)
    held = await grants.good_grants(owner.core, owner.user)
    applications = [
        {
            "id": one.id,
            "label": await application_name(owner.core, words, one.grant.client_id),
            "detail": since(words, one.grant.created_at),
            "button": words("account_center.sessions.revoke_grant") if editable else None,
        }
        for one in held
    ]
    values = {
        "title": words("account_center.sessions.page_title"),
        "action": _SESSIONS,
        "lead": words("account_center.sessions.page_description"),
        "items": [_item(owner, place, editable) for place in places],
        "empty": "",
        "field": "session",
        "offers": [],
        "sections": [
            {
                "title": words("account_center.sessions.third_party_apps_title"),
                "items": applications,
                "empty": words("account_center.sessions.no_third_party_apps"),
                "field": "grant",
            }
        ],
    }
    return await owner.draw("account_list.html", values)


@operations.post(_SESSIONS, "AccountSessionsForm", body=LeaveForm, form=True, documented=False)
@for_owner
@sensitive
async def leave(owner: Owner, form: LeaveForm) -> Reply:
    """Sign out somewhere, or take an application's access back."""
    owner.center.check_editable("session")
    try:
        if form.session:
            await whereabouts.leave(owner.core, owner.user, form.session, Revoked.ALL)
        if form.grant:
            await grants.revoke_one(owner.core, owner.user.id, form.grant)
    except Refused as refusal:
        if refusal.reason not in (Reason.NO_SUCH_SESSION, Reason.NO_SUCH_GRANT):
            raise
    return redirect(_SESSIONS)


def _item(owner: Owner, place: Place, editable: bool) -> dict[str, object]:
    here = place.session_id == owner.session_id
    submission = place.session.submission
    agent = None if submission is None else submission.user_agent
    words = owner.words
    details = [since(words, place.session.auth_time)]
    if submission is not None and submission.ip:
        details.append(submission.ip)
    return {
        "id": place.uid,
        "label": words("account_center.sessions.current_session")
        if here
        else browser_name(words, agent),
        "detail": ", ".join(details),
        "button": words("account_center.sessions.revoke_session")
        if editable and not here
        else None,
    }
