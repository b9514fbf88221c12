"""Where users signed in from: one row for each country, with where in it that was last."""

from __future__ import annotations

import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.records import Record
from gatehouse.storage.repository import Repository, Rows
from gatehouse.storage.statement import Stmt

_p = schema.sign_in_places
_MINE = (
    _p.c.tenant_id == sa.bindparam("tenant_id"),
    _p.c.user_id == sa.bindparam("user_id"),
)
_SINCE = sa.bindparam("since", type_=sa.BigInteger)
_RECENT = Stmt(sa.select(_p).where(*_MINE, _p.c.seen_at >= _SINCE).order_by(_p.c.seen_at.desc()))
_FORGET = Stmt(sa.delete(_p).where(*_MINE, _p.c.seen_at < _SINCE))


class SignInPlace(Record, frozen=True, kw_only=True):
    """A country (ISO 3166-1 alpha-2; empty if unknown), and the point in it (degrees)."""

    tenant_id: str = ""
    user_id: str
    country: str = ""
    location: dict[str, float] | None = None
    seen_at: int = 0


class SignInPlaces(Repository[SignInPlace]):
    """The places of a tenant's users; the key is (user id, country)."""

    rows = Rows(_p, SignInPlace)

    def recent(self, user_id: str, since: int) -> list[SignInPlace]:
        """Where a user was seen since some time (ms), the latest first."""
        return self._many(_RECENT, user_id=user_id, since=since)

    def note(self, record: SignInPlace, since: int) -> None:
        """Remember where a user was seen now, and forget what was before some time (ms)."""
        self.tx.run(
            _FORGET, {"tenant_id": self.tenant_id, "user_id": record.user_id, "since": since}
        )
        seen = SignInPlace(
            tenant_id=self.tenant_id,
            user_id=record.user_id,
            country=record.country,
            location=record.location,
            seen_at=self.tx.now,
        )
        self.tx.run(self.rows.put, self.rows.mapping.write(self.tx, seen))
