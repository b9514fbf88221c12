"""SAML applications: what a service provider registered, and the keys that sign for it.

An application has any number of keys and one active key at most: activating one retires the
other. Private keys are sealed.
"""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.errors import Refused
from gatehouse.storage.records import Json, Record
from gatehouse.storage.repository import Repository, Rows
from gatehouse.storage.statement import Stmt

_s = schema.saml_application_secrets
_MINE = (
    _s.c.tenant_id == sa.bindparam("tenant_id"),
    _s.c.application_id == sa.bindparam("application_id"),
)
_ALL = Stmt(sa.select(_s).where(*_MINE).order_by(_s.c.created_at, _s.c.id))
_ACTIVE = Stmt(sa.select(_s).where(*_MINE, _s.c.active))
_RETIRE = Stmt(sa.update(_s).where(*_MINE, _s.c.active).values(active=sa.false()))


class AcsUrl(msgspec.Struct, frozen=True, kw_only=True):
    """Where assertions are sent, and by which binding."""

    binding: str
    url: str


class SamlEncryption(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Whether assertions are encrypted. `certificate` (PEM) is the service provider's."""

    encrypt_assertion: bool | None = None
    encrypt_then_sign: bool | None = None
    certificate: str | None = None


class SamlApplicationConfig(Record, frozen=True, kw_only=True):
    """A service provider. `attribute_mapping` maps our claims to its attributes."""

    tenant_id: str = ""
    application_id: str
    attribute_mapping: Json = msgspec.field(default_factory=dict)
    entity_id: str | None = None
    acs_url: AcsUrl | None = None
    encryption: SamlEncryption | None = None
    name_id_format: str


class SamlApplicationSecret(Record, frozen=True, kw_only=True):
    """A key with its certificate (both PEM). The private key is sealed in the database."""

    tenant_id: str = ""
    application_id: str
    id: str = ""
    private_key: str
    certificate: str
    active: bool = False
    expires_at: int
    created_at: int = 0


class SamlApplicationConfigs(Repository[SamlApplicationConfig]):
    """The service providers of a tenant; their key is the application's id."""

    rows = Rows(schema.saml_application_configs, SamlApplicationConfig)
    event = "Application.Saml"


class SamlApplicationSecrets(Repository[SamlApplicationSecret]):
    """The keys that sign for service providers; their key is (application id, id)."""

    rows = Rows(_s, SamlApplicationSecret)
    event = "Application.SamlSecret"

    def of(self, application_id: str) -> list[SamlApplicationSecret]:
        """The keys of one application, oldest first."""
        return self._many(_ALL, application_id=application_id)

    def active(self, application_id: str) -> SamlApplicationSecret | None:
        """The key that signs, if there is one."""
        return self._one(_ACTIVE, self._of(application_id))

    def create(self, record: SamlApplicationSecret) -> SamlApplicationSecret:
        """Store a new key; one that is active retires the other."""
        if record.active:
            self.tx.run(_RETIRE, self._of(record.application_id))
        return super().create(record)

    def set_active(self, application_id: str, id_: str, active: bool) -> SamlApplicationSecret:
        """Have a key sign, or not. Raises `NotFound`."""
        found = self.get(application_id, id_)
        if found.active == active:
            return found
        if active:
            self.tx.run(_RETIRE, self._of(application_id))
        return self.update(application_id, id_, active=active)

    def delete(self, *key: str) -> None:
        """Delete a key. Raises `NotFound`, `Refused` for the active one."""
        if self.get(*key).active:
            raise Refused("saml_application_secret", "active")
        super().delete(*key)

    def _of(self, application_id: str) -> dict[str, Any]:
        return {"tenant_id": self.tenant_id, "application_id": application_id}
