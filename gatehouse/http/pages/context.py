"""What the pages say of applications and people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatehouse.actors.authorization import ACCOUNT_PAGES

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.http.pages.words import Words
    from gatehouse.storage.records import User


async def application_name(core: Core, words: Words, client_id: str) -> str:
    """What an application is called; its id where it is gone."""
    if client_id == ACCOUNT_PAGES:
        return words("account_center.page.title")
    client = await core.directory.client(client_id)
    return client.name if client is not None else client_id


async def is_third_party(core: Core, client_id: str) -> bool:
    """Whether people have to be asked before the application is given anything."""
    client = await core.directory.client(client_id)
    return client is None or client.third_party


def name_of(user: User) -> str:
    """What a person is called."""
    names = (user.name, user.username, user.primary_email, user.primary_phone)
    return next((name for name in names if name), user.id)
