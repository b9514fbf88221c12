"""Custom domains: names of the operator's own under which the pages are to be reached."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.errors import Refused
from gatehouse.storage.records import Record
from gatehouse.storage.repository import Repository, Rows
from gatehouse.storage.statement import Stmt

DomainStatus = Literal["PendingVerification", "PendingSsl", "Active", "Error"]

MAX_DOMAINS = 10
"""Domains of a tenant: each one is asked for whether it works when they are listed."""

_t = schema.domains
_HERE = _t.c.tenant_id == sa.bindparam("tenant_id")
_ALL = Stmt(sa.select(_t).where(_HERE).order_by(_t.c.created_at, _t.c.id))


class Domain(Record, frozen=True, kw_only=True):
    """A domain, and what has to be written into its zone."""

    tenant_id: str = ""
    id: str = ""
    domain: str
    status: DomainStatus = "PendingVerification"
    error_message: str | None = None
    dns_records: list[dict[str, str]] = msgspec.field(default_factory=list)
    verification_files: list[dict[str, Any]] = msgspec.field(default_factory=list)
    created_at: int = 0
    updated_at: int = 0


class Domains(Repository[Domain]):
    """The domains of a tenant. `create` raises `Conflict` on `domain`."""

    rows = Rows(_t, Domain)
    event = "Domain"

    def all(self) -> list[Domain]:
        """Every domain, oldest first."""
        return self._many(_ALL)

    def add(self, domain: Domain) -> Domain:
        """Store a new domain. Raises `Conflict`, `Refused` where there are too many."""
        if len(self.all()) >= MAX_DOMAINS:
            raise Refused(self.rows.entity, "too_many")
        return self.create(domain)
