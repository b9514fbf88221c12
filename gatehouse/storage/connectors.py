"""Connectors: the services through which messages leave, with what is needed to use them."""

from __future__ import annotations

import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.records import Channel, Connector
from gatehouse.storage.repository import Repository, Rows
from gatehouse.storage.statement import Stmt

_c = schema.connectors
_HERE = _c.c.tenant_id == sa.bindparam("tenant_id")
_ALL = Stmt(sa.select(_c).where(_HERE).order_by(_c.c.created_at, _c.c.id))
_OF_CHANNEL = Stmt(sa.select(_c).where(_HERE, _c.c.channel == sa.bindparam("channel")))


class Connectors(Repository[Connector]):
    """The connectors of a tenant: at most one for each channel."""

    rows = Rows(_c, Connector)
    event = "Connector"

    def all(self) -> list[Connector]:
        """Every connector, oldest first."""
        return self._many(_ALL)

    def of_channel(self, channel: Channel) -> Connector | None:
        """The connector that messages of this channel go through."""
        found = self._many(_OF_CHANNEL, channel=channel)
        return found[0] if found else None

    def replace(self, record: Connector) -> Connector:
        """Store a connector in place of the one its channel has had."""
        if record.channel is not None:
            old = self.of_channel(record.channel)
            if old is not None:
                self.delete(old.id)
        return self.create(record)
