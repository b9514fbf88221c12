"""The pages people meet: server-rendered, without a script, for everybody.

They work by keyboard, with a screen reader, in light and dark, and need nothing from anywhere else.
"""

from __future__ import annotations

from gatehouse.http.pages import (
    assets,
    codes,
    consent,
    mfa,
    mfa_setup,
    one_time_token,
    providers,
    recovering,
    registering,
    signing_in,
    social,
    sso,
)
from gatehouse.http.pages.dialect import PAGES

OPERATIONS = (
    *assets.operations,
    *signing_in.operations,
    *registering.operations,
    *codes.operations,
    *recovering.operations,
    *mfa.operations,
    *mfa_setup.operations,
    *one_time_token.operations,
    *sso.operations,
    *providers.operations,
    *social.operations,
    *consent.operations,
)

__all__ = ["OPERATIONS", "PAGES"]
