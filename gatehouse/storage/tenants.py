"""Tenants, and what a tenant has one of: its sign-in experience, its keys, its configuration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.errors import NotFound, Refused
from gatehouse.storage.mapping import RecordMap, seal_place
from gatehouse.storage.records import Config, KeyStatus, SignInExperience, SigningKey, Tenant
from gatehouse.storage.repository import Repository, Rows
from gatehouse.storage.statement import Stmt
from gatehouse.storage.transaction import Transaction

_t = schema.tenants
_TENANTS = RecordMap(_t, Tenant)
_TENANT = Stmt(sa.select(_t).where(_t.c.id == sa.bindparam("id")))
_ALL_TENANTS = Stmt(sa.select(_t).order_by(_t.c.created_at, _t.c.id))
_NEW_TENANT = Stmt(sa.insert(_t).values({name: sa.bindparam(name) for name in _TENANTS.names}))

_k = schema.signing_keys
_KEYS = Stmt(
    sa.select(_k)
    .where(_k.c.tenant_id == sa.bindparam("tenant_id"))
    .order_by(_k.c.created_at.desc(), _k.c.kid)
)


class Tenants:
    """All tenants of the installation."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx

    def find(self, tenant_id: str) -> Tenant | None:
        """The tenant, or None."""
        row = self.tx.row(_TENANT, {"id": tenant_id})
        return None if row is None else _TENANTS.read(self.tx, row)

    def all(self) -> list[Tenant]:
        """Every tenant, oldest first."""
        return [_TENANTS.read(self.tx, row) for row in self.tx.rows(_ALL_TENANTS)]

    def create(self, tenant: Tenant) -> Tenant:
        """Store a new tenant. Raises `Conflict` on `id`."""
        if not tenant.created_at:
            tenant = msgspec.structs.replace(tenant, created_at=self.tx.now)
        self.tx.run(_NEW_TENANT, _TENANTS.write(self.tx, tenant))
        return tenant


class SignInExperiences(Repository[SignInExperience]):
    """How a tenant's people sign in: one row."""

    rows = Rows(schema.sign_in_experiences, SignInExperience)
    event = "SignInExperience"

    def current(self) -> SignInExperience:
        """The tenant's settings; the defaults as long as none are stored."""
        return self.find("default") or SignInExperience(tenant_id=self.tenant_id)

    def change(self, **changes: object) -> SignInExperience:
        """Change settings and return all. Raises as `Repository.update`."""
        if self.find("default") is None:
            self.create(SignInExperience())
        return self.update("default", **changes)


class SigningKeys(Repository[SigningKey]):
    """The keys of a tenant's authorization server, whose private parts are sealed."""

    rows = Rows(_k, SigningKey)
    event = "SigningKey"

    def all(self) -> list[SigningKey]:
        """Every key, newest first."""
        return self._many(_KEYS)

    def set_statuses(self, statuses: Sequence[tuple[str, KeyStatus]]) -> None:
        """Change the statuses of keys together. Raises `NotFound`.

        Raises `Refused("signing_key", "one_current")` unless exactly one is current afterwards.
        """
        for kid, status in statuses:
            self.update(kid, status=status)
        if [key.status for key in self.all()].count("current") != 1:
            raise Refused("signing_key", "one_current")

    def delete(self, *key: str) -> None:
        """Delete a key. Raises `NotFound`, and `Refused` for the one that signs."""
        if self.get(*key).status == "current":
            raise Refused("signing_key", "current")
        super().delete(*key)


class Configs(Repository[Config]):
    """A tenant's settings that are one JSON document under a name."""

    rows = Rows(schema.configs, Config)
    event = "Config"

    def value(self, key: str) -> Any:
        """The document. Raises `NotFound`."""
        return self.get(key).value

    def put(self, key: str, value: Any) -> None:
        """Store the document, in the place of an old one."""
        config = Config(tenant_id=self.tenant_id, key=key, value=value, updated_at=self.tx.now)
        self.tx.run(self.rows.put, self.rows.mapping.write(self.tx, config))
        self._tell_of((key,), "Updated")


class System:
    """What the installation keeps to itself, sealed: secrets that it made at its first start."""

    _s = schema.system
    _GET = Stmt(sa.select(_s.c.value).where(_s.c.key == sa.bindparam("at_key")))
    _ADD = Stmt(sa.insert(_s).values(key=sa.bindparam("at_key"), value=sa.bindparam("new_value")))
    _SET = Stmt(
        sa.update(_s)
        .where(_s.c.key == sa.bindparam("at_key"))
        .values(value=sa.bindparam("new_value"))
    )

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx

    def find(self, key: str) -> str | None:
        """The secret under this name, or None."""
        row = self.tx.row(self._GET, {"at_key": key})
        return (
            None
            if row is None
            else self.tx.vault.open(row[0], seal_place("system", "value", [key]))
        )

    def get(self, key: str) -> str:
        """The secret under this name. Raises `NotFound`."""
        found = self.find(key)
        if found is None:
            raise NotFound("system_setting", key)
        return found

    def put(self, key: str, value: str) -> None:
        """Store a secret, in the place of an old one."""
        params = {
            "at_key": key,
            "new_value": self.tx.vault.seal(value, seal_place("system", "value", [key])),
        }
        if not self.tx.run(self._SET, params):
            self.tx.run(self._ADD, params)
