"""The first page of the account centre, and the fields that are one line of text."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from gatehouse.actors import own_account, own_factors, whereabouts
from gatehouse.actors.account_center import Control
from gatehouse.actors.refusal import Refused
from gatehouse.http.account import profile, social
from gatehouse.http.account.owner import HOME, Owner, OwnForm, Typed, for_owner, home, sensitive
from gatehouse.http.call import Reply
from gatehouse.http.operation import Operations
from gatehouse.http.pages.context import name_of
from gatehouse.http.pages.messages import Message, message_for
from gatehouse.http.wire import Query

operations = Operations(tags=("Pages",))

_ROWS = (
    ("name", "profile.name", "name"),
    ("username", "input.username", "username"),
    ("email", "input.email", "primary_email"),
    ("phone", "input.phone_number", "primary_phone"),
)
_CHANGED = {
    "name": "account_center.update_success.default.description",
    "username": "account_center.update_success.username.description",
    "email": "account_center.update_success.email.description",
    "phone": "account_center.update_success.phone.description",
    "password": "account_center.update_success.password.description",
    "profile": "page.account.saved",
}
MAX_NAME = 128


class Changed(Query):
    """What was changed just before."""

    changed: str = Field("", max_length=32)


class LineForm(OwnForm):
    """A line of text."""

    value: Typed = ""


class PasswordForm(OwnForm):
    """A new password."""

    password: Typed = ""


@operations.get(HOME, "AccountPage", query=Changed, documented=False)
@for_owner
async def account_page(owner: Owner, form: object) -> Reply:
    """What one's account is."""
    user, center, words = owner.user, owner.center, owner.words
    not_set = words("account_center.security.not_set")
    shown: list[dict[str, Any]] = [
        {
            "label": words(label),
            "value": getattr(user, column) or not_set,
            "href": f"{HOME}/{field}" if center.control(field) is Control.EDIT else None,
        }
        for field, label, column in _ROWS
        if center.shows(field)
    ]
    shown += await profile.rows(owner)
    if center.shows("social"):
        shown.append(
            {
                "label": words("account_center.security.social_sign_in"),
                "value": ", ".join(await social.names(owner)) or words("page.account.none"),
                "href": social.SOCIAL,
            }
        )
    if center.shows("password"):
        editable = center.control("password") is Control.EDIT
        shown.append(
            {
                "label": words("input.password"),
                "value": words("account_center.security.configured")
                if user.password_hash
                else not_set,
                "href": f"{HOME}/password" if editable else None,
            }
        )
    if center.shows("mfa"):
        count = len(await own_factors.factors(owner.core, user.id))
        shown.append(
            {
                "label": words("account_center.security.two_step_verification"),
                "value": words("page.account.factor_count", count=count)
                if count
                else words("page.account.none"),
                "href": f"{HOME}/factors",
            }
        )
    if center.shows("session"):
        places = len(await whereabouts.places(owner.core, user))
        shown.append(
            {
                "label": words("page.account.signed_in_at"),
                "value": words("account_center.sessions.current_session")
                if places == 1
                else words("page.account.browser_count", count=places),
                "href": f"{HOME}/sessions",
            }
        )
    changed = _CHANGED.get(owner.call.query.changed)
    values = {
        "person": name_of(user),
        "rows": shown,
        "note": None if changed is None else words(changed),
        "delete_url": center.delete_account_url,
    }
    return await owner.draw("account.html", values)


@operations.get(f"{HOME}/name", "AccountNamePage", documented=False)
@for_owner
async def name_page(owner: Owner, form: object) -> Reply:
    """What to be called."""
    owner.center.check_editable("name")
    return await _draw(owner, "name", owner.user.name or "")


@operations.post(f"{HOME}/name", "AccountNameForm", body=LineForm, form=True, documented=False)
@for_owner
async def change_name(owner: Owner, form: LineForm) -> Reply:
    """Be called so."""
    owner.center.check_editable("name")
    name = form.value.strip()[:MAX_NAME] or None
    await own_account.change(owner.core, owner.user.id, {"name": name})
    return home("name")


@operations.get(f"{HOME}/username", "AccountUsernamePage", documented=False)
@for_owner
@sensitive
async def username_page(owner: Owner, form: object) -> Reply:
    """By which name to sign in."""
    owner.center.check_editable("username")
    return await _draw(owner, "username", owner.user.username or "")


@operations.post(
    f"{HOME}/username", "AccountUsernameForm", body=LineForm, form=True, documented=False
)
@for_owner
@sensitive
async def change_username(owner: Owner, form: LineForm) -> Reply:
    """Sign in by this name from now on."""
    owner.center.check_editable("username")
    username = form.value.strip()
    try:
        changes = {"username": username or None}
        await own_account.change(owner.core, owner.user.id, changes)
    except Refused as refusal:
        return await _draw(owner, "username", username, message_for(refusal))
    return home("username")


@operations.get(f"{HOME}/password", "AccountPasswordPage", documented=False)
@for_owner
@sensitive
async def password_page(owner: Owner, form: object) -> Reply:
    """A new password."""
    owner.center.check_editable("password")
    return await _draw_password(owner)


@operations.post(
    f"{HOME}/password", "AccountPasswordForm", body=PasswordForm, form=True, documented=False
)
@for_owner
@sensitive
async def change_password(owner: Owner, form: PasswordForm) -> Reply:
    """Choose a new password; whoever is signed in elsewhere is signed out."""
    owner.center.check_editable("password")
    try:
        here = owner.session_id
        await own_account.set_password(owner.core, owner.user, form.password, here)
    except Refused as refusal:
        return await _draw_password(owner, message_for(refusal))
    return home("password")


_LINES = {
    "name": ("page.account.name_title", "page.account.name_lead", "name"),
    "username": (
        "account_center.username.title",
        "account_center.username.description",
        "username",
    ),
}


async def _draw(owner: Owner, field: str, value: str, error: Message | None = None) -> Reply:
    title, lead, autocomplete = _LINES[field]
    words = owner.words
    line = {"name": "value", "label": words(title), "value": value, "autocomplete": autocomplete}
    values = {
        "title": words(title),
        "lead": words(lead),
        "action": f"{HOME}/{field}",
        "inputs": [line],
        "buttons": [(words("action.save"), "")],
    }
    return await owner.draw("account_form.html", values, _about("value", error))


async def _draw_password(owner: Owner, error: Message | None = None) -> Reply:
    words = owner.words
    values = {
        "title": words("account_center.password.title"),
        "lead": words("account_center.password.description"),
        "action": f"{HOME}/password",
        "inputs": [
            {
                "name": "password",
                "label": words("description.new_password"),
                "type": "password",
                "autocomplete": "new-password",
            }
        ],
        "buttons": [(words("action.save"), "")],
    }
    return await owner.draw("account_form.html", values, _about("password", error))


def _about(name: str, error: Message | None) -> Message | None:
    """The error, said of the one field that there is."""
    return None if error is None else error.about(name)
