"""What people may see and change of their own accounts: one setting of the tenant.

Each field of an account can be hidden, shown, or left to its owner. A field that the tenant does
not mention is hidden, and as long as the account centre is not enabled there is none.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from gatehouse.actors.refusal import Reason, Refused
from gatehouse.storage.tenants import Configs

if TYPE_CHECKING:
    from gatehouse.storage.transaction import Transaction

ACCOUNT_CENTER_CONFIG = "account-center"
"""The name under which a tenant's setting is stored."""


class Control(StrEnum):
    """What the owner of an account may do with a field."""

    OFF = "Off"
    READ_ONLY = "ReadOnly"
    EDIT = "Edit"


class FieldControls(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The control of each field; None is a field that the tenant does not mention."""

    name: Control | None = None
    avatar: Control | None = None
    profile: Control | None = None
    email: Control | None = None
    phone: Control | None = None
    password: Control | None = None
    username: Control | None = None
    social: Control | None = None
    custom_data: Control | None = None
    mfa: Control | None = None
    passkey: Control | None = None
    session: Control | None = None


class ProfileField(msgspec.Struct, frozen=True):
    """A custom profile field that the account centre shows."""

    name: str


class AccountCenter(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The setting. `webauthn_related_origins` are where passkeys may be used besides here."""

    enabled: bool = False
    fields: FieldControls = FieldControls()
    webauthn_related_origins: tuple[str, ...] = ()
    delete_account_url: str | None = None
    custom_css: str | None = None
    profile_fields: tuple[ProfileField, ...] | None = None

    def control(self, field: str) -> Control:
        """What the owner may do with a field. Passkeys are second factors unless it is said."""
        stated = getattr(self.fields, field)
        if stated is None and field == "passkey":
            stated = self.fields.mfa
        return Control.OFF if stated is None else stated

    def shows(self, field: str) -> bool:
        """Whether the owner may see the field."""
        return self.control(field) is not Control.OFF

    def check_enabled(self) -> None:
        """Raises `Refused(ACCOUNT_CENTER_OFF)`."""
        if not self.enabled:
            raise Refused(Reason.ACCOUNT_CENTER_OFF)

    def check_shown(self, field: str) -> None:
        """Raises `Refused(FIELD_NOT_ENABLED)` for a field that is hidden."""
        if not self.shows(field):
            raise Refused(Reason.FIELD_NOT_ENABLED)

    def check_editable(self, field: str) -> None:
        """Raises `Refused(FIELD_NOT_EDITABLE)` for a field that is not the owner's to change."""
        if self.control(field) is not Control.EDIT:
            raise Refused(Reason.FIELD_NOT_EDITABLE)


def stored_account_center(tx: Transaction, tenant_id: str) -> AccountCenter:
    """The tenant's setting; the default as long as none is stored."""
    stored = Configs(tx, tenant_id).find(ACCOUNT_CENTER_CONFIG)
    return msgspec.convert({} if stored is None else stored.value, AccountCenter)


def change_account_center(
    tx: Transaction, tenant_id: str, changes: dict[str, Any]
) -> AccountCenter:
    """Replace parts of the setting, under the names of the wire, and return all of it.

    Raises `msgspec.ValidationError` for a value that none of them can have.
    """
    before = msgspec.to_builtins(stored_account_center(tx, tenant_id))
    changed = msgspec.convert(before | changes, AccountCenter)
    Configs(tx, tenant_id).put(ACCOUNT_CENTER_CONFIG, msgspec.to_builtins(changed))
    return changed
