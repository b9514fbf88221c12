"""The audit log, which only grows and is forgotten by age, and the development inbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.columns import any_of
from gatehouse.storage.records import AuditLog, Channel, Message
from gatehouse.storage.repository import Page, Repository, Rows
from gatehouse.storage.search import Finder
from gatehouse.storage.statement import Stmt

_l = schema.audit_logs
_LOGS = Finder(
    _l,
    (),
    filters={
        "key": _l.c.key == sa.bindparam("key"),
        # Of one user or application, few entries are left: their index is the one to use.
        "key of theirs": _l.c.key + sa.literal_column("''") == sa.bindparam("key"),
        "keys": any_of(_l.c.key, "keys"),
        "user_id": _l.c.user_id == sa.bindparam("user_id"),
        "application_id": _l.c.application_id == sa.bindparam("application_id"),
        "hook_id": _l.c.hook_id == sa.bindparam("hook_id"),
        "people": _l.c.hook_id.is_(None),
        "since": _l.c.created_at >= sa.bindparam("since"),
        "until": _l.c.created_at <= sa.bindparam("until"),
    },
)
_m = schema.messages
_MESSAGES = Finder(
    _m,
    ("recipient",),
    filters={
        "channel": _m.c.channel == sa.bindparam("channel"),
        "recipient": _m.c.recipient == sa.bindparam("recipient"),
    },
)


_WEBHOOKS = "TriggerHook."
"""How the keys of webhooks' deliveries begin."""


_THEIRS = ("hook_id", "user_id", "application_id")


def _narrowest(used: Mapping[str, Any]) -> tuple[str, ...]:
    """The filters, such that both databases use the index that leaves the fewest entries."""
    if used.keys().isdisjoint(_THEIRS):
        return tuple(used)
    return tuple("key of theirs" if name == "key" else name for name in used)


def _tells_apart(used: Mapping[str, Any]) -> bool:
    """Whether what is looked for says already if it is people's or webhooks': no delivery has a
    user, an application or the key of something that people did.
    """
    key = used.get("key", _WEBHOOKS)
    return not key.startswith(_WEBHOOKS) or not used.keys().isdisjoint(_THEIRS)


def _older(table: sa.Table) -> Stmt:
    return Stmt(
        sa.delete(table).where(
            table.c.tenant_id == sa.bindparam("tenant_id"),
            table.c.created_at < sa.bindparam("before"),
        )
    )


_PRUNE_LOGS = _older(_l)
_PRUNE_MESSAGES = _older(_m)


class AuditLogs(Repository[AuditLog]):
    """What has happened in a tenant."""

    rows = Rows(_l, AuditLog)

    def record(self, entry: AuditLog) -> None:
        """Store an entry; one whose id is there already is dropped."""
        entry = self._completed(entry)
        self.tx.run(self.rows.insert_once, self.rows.mapping.write(self.tx, entry))

    def search(
        self,
        limit: int = 20,
        offset: int = 0,
        *,
        keys: list[str] | None = None,
        user_id: str | None = None,
        application_id: str | None = None,
        hook_id: str | None = None,
        since: int | None = None,
        until: int | None = None,
        count_limit: int | None = None,
    ) -> Page[AuditLog]:
        """One page of entries, newest first. `since` and `until` (ms) are included.

        With `hook_id` the deliveries of that webhook, else what people did. With `count_limit` the
        total says no more than that, however many entries there are.
        """
        one = keys[0] if keys is not None and len(keys) == 1 else None
        given: dict[str, Any] = {
            "key": one,  # of one key, the index knows the order as well
            "keys": keys if one is None else None,
            "user_id": user_id,
            "application_id": application_id,
            "hook_id": hook_id,
            "since": since,
            "until": until,
        }
        used = {name: value for name, value in given.items() if value is not None}
        filters = _narrowest(used)
        filters = filters if _tells_apart(used) else (*filters, "people")
        listing, params = _LOGS.listing(None, filters)
        if count_limit is not None:
            params["count_limit"] = count_limit
        return self._page(listing, limit, offset, **params, **used)

    def prune(self, before: int) -> int:
        """Forget entries from before this time (ms). Returns how many."""
        return self.tx.run(_PRUNE_LOGS, {"tenant_id": self.tenant_id, "before": before})


class Messages(Repository[Message]):
    """The development inbox: mail and text messages that were not sent."""

    rows = Rows(_m, Message)

    def search(
        self,
        limit: int = 20,
        offset: int = 0,
        *,
        channel: Channel | None = None,
        recipient: str | None = None,
    ) -> Page[Message]:
        """One page of messages, newest first."""
        given: dict[str, Any] = {"channel": channel, "recipient": recipient}
        used = {name: value for name, value in given.items() if value is not None}
        listing, params = _MESSAGES.listing(None, tuple(used))
        return self._page(listing, limit, offset, **params, **used)

    def prune(self, before: int) -> int:
        """Forget messages from before this time (ms). Returns how many."""
        return self.tx.run(_PRUNE_MESSAGES, {"tenant_id": self.tenant_id, "before": before})
