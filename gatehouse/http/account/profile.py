"""The tenant's own profile fields of one's account: as many as the account centre shows.

To whom a field belongs decides what may be done with it: the name and the picture are fields of
their own, claims are the profile, and everything else is custom data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from pydantic import ConfigDict

from gatehouse.actors import fulfilment, own_account
from gatehouse.actors.account_center import AccountCenter, Control
from gatehouse.actors.profile_fields import PROFILE_CLAIMS
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.http.account.owner import HOME, Owner, OwnForm, for_owner, home
from gatehouse.http.call import Reply
from gatehouse.http.operation import Operations
from gatehouse.http.pages.fields import inputs_of, label_of, read_all, shown_value, typed_of
from gatehouse.http.pages.messages import Message, message_for
from gatehouse.storage.custom_profile_fields import CustomProfileField

operations = Operations(tags=("Pages",))

_PATH = f"{HOME}/profile/{{field}}"


class FieldForm(OwnForm):
    """The inputs of a field, under names of their own."""

    model_config = ConfigDict(extra="allow")


async def shown_fields(owner: Owner) -> list[CustomProfileField]:
    """The fields that the account centre shows, in its order; the name has a row of its own."""
    known = {field.name: field for field in await fulfilment.catalog(owner.core)}
    named = [one.name for one in owner.center.profile_fields or () if one.name != "name"]
    fields = [known[name] for name in named if name in known]
    return [field for field in fields if _control(owner.center, field) is not Control.OFF]


async def rows(owner: Owner) -> list[dict[str, Any]]:
    """What the overview says of the fields."""
    values = own_account.profile_of(owner.user)
    not_set = owner.words("account_center.security.not_set")
    return [
        {
            "label": label_of(owner.words, field),
            "value": shown_value(owner.words, field, values) or not_set,
            "href": _PATH.format(field=quote(field.name, safe=""))
            if _control(owner.center, field) is Control.EDIT
            else None,
        }
        for field in await shown_fields(owner)
    ]


@operations.get(_PATH, "AccountFieldPage", documented=False)
@for_owner
async def field_page(owner: Owner, form: object) -> Reply:
    """What a field holds."""
    field = await _editable(owner)
    return await _draw(owner, field, typed_of([field], own_account.profile_of(owner.user)))


@operations.post(_PATH, "AccountFieldForm", body=FieldForm, form=True, documented=False)
@for_owner
async def change_field(owner: Owner, form: FieldForm) -> Reply:
    """What it is to hold."""
    field, typed = await _editable(owner), form.model_extra or {}
    try:
        await own_account.set_field(owner.core, owner.user.id, field, read_all([field], typed))
    except Refused as refusal:
        return await _draw(owner, field, typed, message_for(refusal))
    return home("profile")


async def _editable(owner: Owner) -> CustomProfileField:
    """The field that the page is about. Raises `Refused`."""
    name = owner.call.path["field"]
    for field in await shown_fields(owner):
        if field.name == name:
            if _control(owner.center, field) is not Control.EDIT:
                raise Refused(Reason.FIELD_NOT_EDITABLE)
            return field
    raise Refused(Reason.FIELD_NOT_ENABLED)


async def _draw(
    owner: Owner, field: CustomProfileField, typed: Mapping[str, Any], error: Message | None = None
) -> Reply:
    values = {
        "title": label_of(owner.words, field),
        "lead": field.description or "",
        "action": _PATH.format(field=quote(field.name, safe="")),
        "inputs": [],
        "fields": inputs_of(owner.words, [field], typed),
        "buttons": [(owner.words("action.save"), "")],
    }
    return await owner.draw("account_form.html", values, error)


def _control(center: AccountCenter, field: CustomProfileField) -> Control:
    if field.name == "avatar":
        return center.control("avatar")
    of_profile = field.type in ("Fullname", "Address") or field.name in PROFILE_CLAIMS
    return center.control("profile" if of_profile else "custom_data")
