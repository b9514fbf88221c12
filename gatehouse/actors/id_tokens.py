"""Which of the claims beyond the standard's id tokens have: the tenant's choice.

The userinfo endpoint answers with all of them; an id token travels in every sign-in, and some of
these claims are large.
"""

from __future__ import annotations

from typing import Final

ID_TOKEN_CONFIG: Final = "idToken"  # noqa: S105 - a name
"""The tenant's setting: `{"enabledExtendedClaims": [...]}`."""

EXTENDED_CLAIMS: Final = (
    "custom_data",
    "identities",
    "sso_identities",
    "roles",
    "organizations",
    "organization_data",
    "organization_roles",
)

DEFAULT_EXTENDED_CLAIMS: Final = frozenset({"roles", "organizations", "organization_roles"})
"""What id tokens have as long as nothing was chosen, as Logto's new tenants."""
