"""OAuth 2 and OpenID Connect: the endpoints that every dialect's clients share.

One module an endpoint; an endpoint is a list of small steps, each of which names the section of
the specification it is about.
"""

from __future__ import annotations

from gatehouse.http.oidc import (
    authorize,
    device,
    discovery,
    end_session,
    introspection,
    pushed,
    revocation,
    token,
    userinfo,
)
from gatehouse.http.oidc.dialect import OIDC

OPERATIONS = (
    *discovery.operations,
    *authorize.operations,
    *pushed.operations,
    *device.operations,
    *token.operations,
    *userinfo.operations,
    *introspection.operations,
    *revocation.operations,
    *end_session.operations,
)

__all__ = ["OIDC", "OPERATIONS"]
