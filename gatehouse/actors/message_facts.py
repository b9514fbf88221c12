"""What a message may tell besides its code: who has it sent, to whom, and in which language.

Templates name these as Logto's do: `application.name`, `organization.branding.logoUrl`,
`user.username`. Nobody who is not known here is told of in a message that they asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatehouse.actors import accounts
from gatehouse.actors.looks import may_be_id
from gatehouse.actors.phrases import choose_language, flat, wanted_languages
from gatehouse.actors.shown import shown

if TYPE_CHECKING:
    from gatehouse.actors.audit import Origin
    from gatehouse.actors.core import Core
    from gatehouse.storage.records import User

MAX_FACT = 2048
"""Characters of one fact; what is longer is left out."""

_USER = ("id", "avatar", "name", "primary_email", "primary_phone", "username", "profile")


@dataclass(frozen=True, slots=True)
class Setting:
    """On whose behalf a message is sent, as whose member, and what was asked for."""

    client_id: str | None
    organization_id: str | None = None
    ui_locales: str | None = None
    user: User | None = None


async def facts_of(core: Core, setting: Setting, origin: Origin) -> tuple[str, dict[str, str]]:
    """The languages a message would do in, best first, and what it may tell.

    `locale` is the language of the pages, for connectors that word messages themselves.
    """
    asked, accepted = setting.ui_locales, origin.accept_language
    info = (await accounts.sign_in_experience(core)).language_info
    known = list(await core.directory.custom_phrases())
    facts: dict[str, Any] = {
        "locale": choose_language(asked, accepted, info, known),
        "uiLocales": asked,
        "application": await _application(core, setting.client_id),
        "organization": await _organization(core, setting.organization_id),
        "user": None if setting.user is None else shown(setting.user, _USER),
    }
    told = {name: text for name, text in flat(facts) if len(text) <= MAX_FACT}
    return " ".join(wanted_languages(asked, accepted, info)), told


async def _application(core: Core, client_id: str | None) -> dict[str, Any]:
    if not may_be_id(client_id):
        return {}
    client = await core.directory.client(client_id)
    if client is None:
        return {}
    told: dict[str, Any] = {"id": client_id, "name": client.name}
    looks = await core.directory.application_looks(client_id)
    if looks is not None:
        told |= {"displayName": looks.display_name, "branding": looks.branding}
    return told


async def _organization(core: Core, organization_id: str | None) -> dict[str, Any]:
    if not may_be_id(organization_id):
        return {}
    found = await core.directory.organization(organization_id)
    if found is None:
        return {}
    return shown(found, ("id", "name", "branding"))
