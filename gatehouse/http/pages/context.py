"""What the pages say of applications and people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatehouse.actors import accounts, session
from gatehouse.actors.refusal import Reason, Refused

if TYPE_CHECKING:
    from gatehouse.actors.core import Core


async def application_name(core: Core, client_id: str) -> str:
    """What an application is called; its id where it is gone."""
    client = await core.directory.client(client_id)
    return client.name if client is not None else client_id


async def is_third_party(core: Core, client_id: str) -> bool:
    """Whether people have to be asked before the application is given anything."""
    client = await core.directory.client(client_id)
    return client is None or client.third_party


async def session_name(core: Core, session_id: str | None) -> str:
    """What the person of a session is called. Raises `Refused` if nobody is signed in."""
    if session_id is None:
        raise Refused(Reason.INTERACTION_GONE)
    state = await core.engine.read(session.address(core.tenant_id, session_id))
    if state is None:
        raise Refused(Reason.INTERACTION_GONE)
    user = await accounts.get_active(core, state.user_id)
    names = (user.name, user.username, user.primary_email, user.primary_phone)
    return next((name for name in names if name), user.id)
