"""Logto's Account API: what people do with their own accounts, through an application they use.

An access token says whose account it is and which parts of it the application may see; the
tenant's account centre says which parts are the owner's to change; a verification shows that the
owner is really there. One module for each part of the account.
"""

from __future__ import annotations

from gatehouse.http.logto.account import (
    avatar,
    identifiers,
    identities,
    mfa,
    profile,
    sessions,
    settings,
    sso,
    verifications,
)

OPERATIONS = (
    *profile.operations,
    *avatar.operations,
    *identifiers.operations,
    *identities.operations,
    *settings.operations,
    *mfa.operations,
    *sessions.operations,
    *sso.operations,
    *verifications.operations,
)
