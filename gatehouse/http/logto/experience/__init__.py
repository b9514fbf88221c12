"""Logto's Experience API: what a sign-in page asks of the server while somebody signs in.

One module for the flow, one for the profile, one for each factor; this is where they meet.
"""

from __future__ import annotations

from gatehouse.http.logto.experience import (
    avatar,
    backup_code,
    flow,
    mfa,
    mfa_code,
    one_time_token,
    password,
    profile,
    social,
    sso,
    totp,
    verification_code,
    web_authn,
)

OPERATIONS = (
    *flow.operations,
    *password.operations,
    *verification_code.operations,
    *one_time_token.operations,
    *totp.operations,
    *backup_code.operations,
    *web_authn.operations,
    *mfa_code.operations,
    *sso.operations,
    *sso.anonymous,
    *social.operations,
    *profile.operations,
    *avatar.operations,
    *mfa.operations,
)
