"""How one application's sign-in looks, and under which names a protected application is reached.

An application's looks take the place of the tenant's, field by field. A name belongs to one
protected application in the whole tenant.
"""

from __future__ import annotations

import msgspec

from gatehouse.storage import schema
from gatehouse.storage.records import Json, Record
from gatehouse.storage.repository import Repository, Rows


class ApplicationSignInExperience(Record, frozen=True, kw_only=True):
    """What an application's pages look like where they differ from the tenant's."""

    tenant_id: str = ""
    application_id: str
    color: Json = msgspec.field(default_factory=dict)
    branding: Json = msgspec.field(default_factory=dict)
    custom_css: str | None = None
    terms_of_use_url: str | None = None
    privacy_policy_url: str | None = None
    display_name: str | None = None


class ProtectedHost(Record, frozen=True, kw_only=True):
    """A name under which a protected application is reached."""

    tenant_id: str = ""
    host: str
    application_id: str


class ApplicationSignInExperiences(Repository[ApplicationSignInExperience]):
    """The looks of applications; their key is the application's id."""

    rows = Rows(schema.application_sign_in_experiences, ApplicationSignInExperience)
    event = "Application.SignInExperience"


class ProtectedHosts(Repository[ProtectedHost]):
    """The names of protected applications. `create` raises `Conflict` on `host`."""

    rows = Rows(schema.protected_hosts, ProtectedHost)
