"""The account centre: pages on which people look after their own accounts, without a script.

What may be seen and changed is the tenant's decision, and all rules are those of the Account API:
the pages call the same services. Whoever is not signed in at this browser is led to sign in first.
"""

from __future__ import annotations

from gatehouse.http.account import (
    addresses,
    factors,
    overview,
    passkeys,
    places,
    profile,
    social,
    verifying,
)

OPERATIONS = (
    *overview.operations,
    *profile.operations,
    *social.operations,
    *verifying.operations,
    *addresses.operations,
    *factors.operations,
    *passkeys.operations,
    *places.operations,
)
