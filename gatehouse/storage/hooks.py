"""Webhooks: who wants to hear of what, and how their deliveries have gone."""

from __future__ import annotations

import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.ids import new_id
from gatehouse.storage.records import Hook
from gatehouse.storage.repository import Repository, Rows
from gatehouse.storage.statement import Stmt

SIGNING_KEY_LENGTH = 32
"""Characters of a signing key: 165 bits."""

_h = schema.hooks
_l = schema.audit_logs
_ENABLED = Stmt(
    sa.select(_h)
    .where(_h.c.tenant_id == sa.bindparam("tenant_id"), _h.c.enabled)
    .order_by(_h.c.created_at, _h.c.id)
)
_SUCCEEDED = _l.c.payload.op("->>", return_type=sa.Text())(
    sa.literal_column("'result'")
) == sa.literal_column("'Success'")
_STATS = Stmt(
    sa.select(sa.func.count(sa.case((_SUCCEEDED, 1))), sa.func.count()).where(
        _l.c.tenant_id == sa.bindparam("tenant_id"),
        _l.c.hook_id == sa.bindparam("hook_id"),
        _l.c.created_at > sa.bindparam("since"),
    )
)


def new_signing_key() -> str:
    """A key for the signatures of a webhook's requests."""
    return new_id(SIGNING_KEY_LENGTH)


class Hooks(Repository[Hook]):
    """The webhooks of a tenant."""

    rows = Rows(_h, Hook)
    event = "Hook"

    def listening_to(self, event: str) -> list[Hook]:
        """Those that want to hear of such an event, oldest first."""
        return [hook for hook in self._many(_ENABLED) if hook.listens_to(event)]

    def events(self) -> frozenset[str]:
        """All events that at least one webhook wants to hear of."""
        heard: set[str] = set()
        for hook in self._many(_ENABLED):
            heard.update(hook.events or filter(None, [hook.event]))
        return frozenset(heard)

    def stats(self, hook_id: str, since: int) -> tuple[int, int]:
        """How many requests succeeded, and how many there were, after this time (ms)."""
        params = {"tenant_id": self.tenant_id, "hook_id": hook_id, "since": since}
        row = self.tx.row(_STATS, params)
        return (row[0], row[1]) if row else (0, 0)
