"""How the pages look for whom: the tenant's looks, an application's over them, an organization's
over those.

Applications that are not the tenant's own do not change how its people sign in: what they look
like is shown where the person is asked about them, and nowhere else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeGuard

import msgspec

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.storage.application_looks import ApplicationSignInExperience
    from gatehouse.storage.organizations_records import Organization
    from gatehouse.storage.records import SignInExperience

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


async def experience_for(
    core: Core, application_id: str | None = None, organization_id: str | None = None
) -> SignInExperience:
    """The sign-in experience of people who come from an application, as an organization's.

    The ids may be anybody's words: what cannot be one is not looked for.
    """
    experience = await core.directory.sign_in_experience()
    if may_be_id(application_id):
        client = await core.directory.client(application_id)
        if client is not None and not client.third_party:
            looks = await core.directory.application_looks(application_id)
            experience = _over(experience, looks)
    if may_be_id(organization_id):
        experience = _over(experience, await core.directory.organization(organization_id))
    return experience


def may_be_id(text: str | None) -> TypeGuard[str]:
    """Whether there can be anything of this id."""
    return text is not None and _ID.fullmatch(text) is not None


async def experience_of(core: Core, application_id: str) -> SignInExperience:
    """The experience where a person is asked about an application: whosever it is, it shows."""
    experience = await core.directory.sign_in_experience()
    looks = await core.directory.application_looks(application_id)
    if looks is None:
        return experience
    return msgspec.structs.replace(
        _over(experience, looks),
        terms_of_use_url=looks.terms_of_use_url or experience.terms_of_use_url,
        privacy_policy_url=looks.privacy_policy_url or experience.privacy_policy_url,
    )


def _over(
    experience: SignInExperience, looks: ApplicationSignInExperience | Organization | None
) -> SignInExperience:
    if looks is None:
        return experience
    return msgspec.structs.replace(
        experience,
        color={**experience.color, **looks.color},
        branding={**experience.branding, **looks.branding},
        custom_css=looks.custom_css or experience.custom_css,
    )
