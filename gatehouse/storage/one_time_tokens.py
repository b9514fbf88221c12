"""One-time tokens: whoever presents one, with the address it is for, is let in; once.

A token is sealed, because the API shows it again, and found by its digest. Whether it was used is
decided by one conditional update, so of many who present it at the same instant one succeeds.
"""

from __future__ import annotations

import secrets
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.errors import NotFound, Refused
from gatehouse.storage.personal_access_tokens import digest
from gatehouse.storage.records import Record
from gatehouse.storage.repository import Listing, Page, Repository, Rows
from gatehouse.storage.statement import Stmt

TokenStatus = Literal["active", "consumed", "revoked", "expired"]

_t = schema.one_time_tokens
_HERE = _t.c.tenant_id == sa.bindparam("tenant_id")
_BY_DIGEST = Stmt(sa.select(_t).where(_HERE, _t.c.token_digest == sa.bindparam("token_digest")))
_ACTIVE = _t.c.status == sa.literal_column("'active'")
_STATUS: dict[TokenStatus, sa.ColumnElement[bool]] = {
    "active": sa.and_(_ACTIVE, _t.c.expires_at > sa.bindparam("now")),
    "consumed": _t.c.status == sa.literal_column("'consumed'"),
    "revoked": _t.c.status == sa.literal_column("'revoked'"),
    "expired": sa.or_(
        _t.c.status == sa.literal_column("'expired'"),
        sa.and_(_ACTIVE, _t.c.expires_at <= sa.bindparam("now")),
    ),
}
_EMAIL = _t.c.email == sa.bindparam("email", type_=sa.Text)
_LISTINGS = {
    (by_email, status): Listing(
        _t, *((_EMAIL,) if by_email else ()), *(() if status is None else (_STATUS[status],))
    )
    for by_email in (False, True)
    for status in (None, *_STATUS)
}
_CONSUME = Stmt(
    sa.update(_t)
    .where(_HERE, _t.c.id == sa.bindparam("at_id"), _STATUS["active"])
    .values(status=sa.literal_column("'consumed'"))
    .returning(*_t.c)
)
_EXPIRE = Stmt(
    sa.update(_t)
    .where(_HERE, _EMAIL, _ACTIVE, _t.c.expires_at <= sa.bindparam("now"))
    .values(status=sa.literal_column("'expired'"))
)


class OneTimeToken(Record, frozen=True, kw_only=True):
    """A token for the owner of an email address. `context` is in the wire's shape."""

    tenant_id: str = ""
    id: str = ""
    email: str
    token: str = ""
    token_digest: str = ""
    context: dict[str, Any] = msgspec.field(default_factory=dict)
    status: TokenStatus = "active"
    created_at: int = 0
    expires_at: int


class OneTimeTokens(Repository[OneTimeToken]):
    """The one-time tokens of a tenant."""

    rows = Rows(_t, OneTimeToken)

    def search(
        self,
        limit: int,
        offset: int,
        *,
        email: str | None = None,
        status: TokenStatus | None = None,
    ) -> Page[OneTimeToken]:
        """One page of the tokens, newest first, with their status as of now."""
        params: dict[str, Any] = {}
        if email is not None:
            params["email"] = email
        if status in ("active", "expired"):
            params["now"] = self.tx.now
        found = self._page(_LISTINGS[email is not None, status], limit, offset, **params)
        return Page([self._current(one) for one in found.items], found.total)

    def show(self, id_: str) -> OneTimeToken:
        """A token with its status as of now. Raises `NotFound`."""
        return self._current(self.get(id_))

    def issue(self, email: str, context: dict[str, Any], expires_at: int) -> OneTimeToken:
        """Make a token. Those of the address that have expired are marked as such."""
        here = {"tenant_id": self.tenant_id, "email": email, "now": self.tx.now}
        self.tx.run(_EXPIRE, here)
        token = secrets.token_urlsafe(24)
        return self.create(
            OneTimeToken(
                email=email,
                token=token,
                token_digest=digest(token),
                context=context,
                expires_at=expires_at,
            )
        )

    def consume(self, token: str, email: str, event: str | None = None) -> OneTimeToken:
        """Use a token up for the owner of an address, for what they came to do, if that is known.

        Raises `NotFound`; `Refused` with the rule `email_mismatch`, `token_expired`,
        `token_consumed`, `token_revoked` or `interaction_event_mismatch`.
        """
        params = {"tenant_id": self.tenant_id, "token_digest": digest(token)}
        stored = self._one(_BY_DIGEST, params)
        if stored is None:
            raise NotFound(self.rows.entity, "")
        found = self._current(stored)
        if found.email.lower() != email.lower():
            raise Refused(self.rows.entity, "email_mismatch")
        if found.status != "active":
            raise Refused(self.rows.entity, f"token_{found.status}")
        if event is not None and found.context.get("interactionEvent", event) != event:
            raise Refused(self.rows.entity, "interaction_event_mismatch")
        used = self._one(
            _CONSUME, {"tenant_id": self.tenant_id, "at_id": found.id, "now": self.tx.now}
        )
        if used is None:
            raise Refused(self.rows.entity, "token_consumed")
        return used

    def set_status(self, id_: str, status: TokenStatus) -> OneTimeToken:
        """End a token. Raises `NotFound`, `Refused` (`cannot_reactivate_token`)."""
        self.get(id_)
        if status == "active":
            raise Refused(self.rows.entity, "cannot_reactivate_token")
        return self.update(id_, status=status)

    def _current(self, token: OneTimeToken) -> OneTimeToken:
        if token.status == "active" and token.expires_at <= self.tx.now:
            return msgspec.structs.replace(token, status="expired")
        return token
