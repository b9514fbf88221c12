"""Who may use an application: everybody, unless its access is controlled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatehouse.storage.application_access import ApplicationAccess

if TYPE_CHECKING:
    from gatehouse.actors.clients import Client
    from gatehouse.actors.core import Core
    from gatehouse.storage.transaction import Transaction


async def may_use(core: Core, client: Client, user_id: str) -> bool:
    """Whether the user may sign in to the client, and use what it was given before."""
    if not client.access_controlled:
        return True
    return await core.db.read(_allows, core.tenant_id, client.id, user_id)


def _allows(tx: Transaction, tenant_id: str, client_id: str, user_id: str) -> bool:
    return ApplicationAccess(tx, tenant_id, client_id).allows(user_id)
