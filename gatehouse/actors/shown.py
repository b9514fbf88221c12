"""Records as others see them: in JSON under the names of the wire, and no more than is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatehouse.storage.records import Record


USER_FIELDS = (
    "id",
    "username",
    "primary_email",
    "primary_phone",
    "name",
    "avatar",
    "custom_data",
    "identities",
    "last_sign_in_at",
    "created_at",
    "updated_at",
    "profile",
    "application_id",
    "cimd_client_id",
    "is_suspended",
)
"""What is told of a user: nothing that they sign in with."""


def shown(record: Record, fields: tuple[str, ...] | None = None) -> dict[str, Any]:
    """A record as JSON under the names of the wire; all of it, if no fields are named."""
    return {camel(name): getattr(record, name) for name in fields or record.__struct_fields__}


def camel(name: str) -> str:
    """A column's name as the wire spells it: `primaryEmail`."""
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)
