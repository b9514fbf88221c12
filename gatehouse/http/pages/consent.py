"""The page on which a person lets an application have something, or does not.

An application of the tenant's own needs no permission: its consent is given without a page.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, BeforeValidator, Field

from gatehouse.actors import consent, sign_in
from gatehouse.actors.consent import AskedResource
from gatehouse.actors.interaction import Interaction, Phase, Prompt
from gatehouse.actors.looks import experience_of
from gatehouse.actors.organization_access import ORGANIZATIONS_RESOURCE
from gatehouse.actors.visit import Visit
from gatehouse.http.call import Call, Reply, redirect
from gatehouse.http.operation import Operations
from gatehouse.http.pages.context import application_name, is_third_party, name_of
from gatehouse.http.pages.forms import csrf_matches, csrf_token
from gatehouse.http.pages.render import page
from gatehouse.http.pages.words import Words, words_for
from gatehouse.http.visit import visit_of
from gatehouse.storage import errors as storage

operations = Operations(tags=("Pages",))

_GRANTS = {
    "openid": "page.consent.openid",
    "offline_access": "page.consent.offline_access",
}
"""What standard scopes let a client have, where the text has a key of another form."""

MAX_CHOSEN = 1000
"""Organizations in which an application may act by one answer."""


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


class ConsentForm(BaseModel):
    """The person's answer."""

    csrf: Annotated[str, Field(max_length=64)] = ""
    decision: Literal["allow", "deny"] | None = None
    organization: Annotated[
        list[Annotated[str, Field(max_length=64)]],
        BeforeValidator(_as_list),
        Field(max_length=MAX_CHOSEN),
    ] = []


@operations.get("/consent", "ConsentPage", hot=True, documented=False)
async def consent_page(call: Call) -> Reply:
    """The consent page, or on at once for an application of the tenant's own."""
    visit = visit_of(call)
    state = await visit.known()
    if state.prompt is Prompt.LOGIN:
        return redirect(f"/sign-in?app_id={quote(state.client_id, safe='')}")
    if not await is_third_party(call.core, state.client_id):
        return redirect(await sign_in.answer_consent(visit, allow=True), status=302)
    state = await visit.state()
    if state.phase is Phase.ANSWERED:
        return redirect(visit.resume_url, status=302)
    return await _draw(visit, state)


@operations.post("/consent", "ConsentForm", body=ConsentForm, form=True, documented=False)
async def consent_form(call: Call[ConsentForm]) -> Reply:
    """The person answers."""
    visit = visit_of(call)
    state = await visit.state()
    if call.body.decision is None or not csrf_matches(call.core, visit.uid, call.body.csrf):
        return await _draw(visit, state)
    allow = call.body.decision == "allow"
    try:
        there = await sign_in.answer_consent(
            visit, allow=allow, organization_ids=call.body.organization
        )
    except storage.Refused:  # a membership that has ended meanwhile
        return await _draw(visit, state)
    return redirect(there)


async def _draw(visit: Visit, state: Interaction) -> Reply:
    core = visit.core
    asked = await consent.question(core, state)
    words = await words_for(core, visit.origin.accept_language, state.params.ui_locales)
    looks = await core.directory.application_looks(state.client_id)
    known_as = None if looks is None else looks.display_name
    values = {
        "application": known_as or await application_name(core, words, state.client_id),
        "person": name_of(asked.user),
        "grants": list(grants(words, asked.scopes)),
        "resources": [_resource(words, one) for one in asked.resources],
        "organizations": [
            {
                "id": one.id,
                "name": one.name,
                "resources": [_resource(words, resource) for resource in one.resources],
            }
            for one in asked.organizations
        ],
        "destination": urlsplit(state.params.redirect_uri).hostname,
        "action": f"/consent?app_id={quote(state.client_id, safe='')}",
        "csrf": csrf_token(core, visit.uid),
    }
    return await page(
        core,
        words,
        "consent.html",
        values,
        form_targets=(state.params.redirect_uri,),
        experience=await experience_of(core, state.client_id),
    )


def _resource(words: Words, asked: AskedResource) -> dict[str, Any]:
    """A resource and what is asked for there, in the operator's words where there are some."""
    ours = asked.indicator == ORGANIZATIONS_RESOURCE
    name = words("page.consent.your_organizations") if ours else asked.name
    return {"name": name, "scopes": [one.description or one.name for one in asked.scopes]}


def grants(words: Words, scopes: Iterable[str]) -> Iterable[str]:
    """What the scopes let a client have; one that is not standard is shown by its name."""
    for scope in scopes:
        key = _GRANTS.get(scope, f"user_scopes.descriptions.{scope}")
        yield words(key) if key in words else words("page.consent.scope", scope=scope)
