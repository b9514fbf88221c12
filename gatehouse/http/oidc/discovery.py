"""What this server can do, and the keys to check its signatures with.

OpenID Connect Discovery 1.0 §3 and RFC 8414 §2. Only what works is announced.
"""

from __future__ import annotations

from gatehouse.actors.client_assertion import ALGORITHMS
from gatehouse.http.call import Call, Reply
from gatehouse.http.oidc import client_authentication
from gatehouse.http.oidc.claims import CLAIMS_SUPPORTED, USER_SCOPES
from gatehouse.http.oidc.dialect import cors
from gatehouse.http.oidc.grants import GRANTS
from gatehouse.http.oidc.response import RESPONSE_MODES
from gatehouse.http.operation import Operations

_REVALIDATE = (("cache-control", "no-cache, max-age=0, must-revalidate"),)
"""A browser asks each time whether there is a new key; mostly there is none (ETag)."""

operations = Operations(tags=("OIDC",), cors=cors("GET"))


@operations.get(
    "/oidc/.well-known/openid-configuration", "GetOpenIdConfiguration", hot=True, documented=False
)
async def openid_configuration(call: Call) -> Reply:
    """What this server can do."""
    issuer = call.core.issuer
    keyring = await call.core.keyring()
    known = await call.core.directory.knows_documents()
    documents = {"client_id_metadata_document_supported": True} if known else {}
    return Reply(
        200,
        {
            "authorization_endpoint": f"{issuer}/auth",
            "claims_parameter_supported": False,
            "claims_supported": CLAIMS_SUPPORTED,
            "code_challenge_methods_supported": ["S256"],
            "device_authorization_endpoint": f"{issuer}/device/auth",
            "end_session_endpoint": f"{issuer}/session/end",
            "grant_types_supported": list(GRANTS),
            "issuer": issuer,
            "jwks_uri": f"{issuer}/jwks",
            "authorization_response_iss_parameter_supported": True,
            "response_modes_supported": list(RESPONSE_MODES),
            "response_types_supported": ["code"],
            "scopes_supported": USER_SCOPES,
            "subject_types_supported": ["public"],
            "token_endpoint_auth_methods_supported": client_authentication.METHODS,
            "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
            "token_endpoint": f"{issuer}/token",
            "id_token_signing_alg_values_supported": [keyring.current.algorithm.value],
            "pushed_authorization_request_endpoint": f"{issuer}/request",
            "request_parameter_supported": False,
            "request_uri_parameter_supported": False,
            "userinfo_endpoint": f"{issuer}/me",
            "introspection_endpoint": f"{issuer}/token/introspection",
            "introspection_endpoint_auth_methods_supported": client_authentication.METHODS,
            "introspection_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
            "revocation_endpoint": f"{issuer}/token/revocation",
            "revocation_endpoint_auth_methods_supported": client_authentication.METHODS,
            "revocation_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
            "backchannel_logout_supported": True,
            "backchannel_logout_session_supported": True,
            "claim_types_supported": ["normal"],
            **documents,
        },
    )


@operations.get("/oidc/jwks", "GetJwks", hot=True, documented=False)
async def jwks(call: Call) -> Reply:
    """The public keys (RFC 7517 §5): those that sign, will sign and have signed."""
    keyring = await call.core.keyring()
    return Reply(
        200, keyring.jwks, _REVALIDATE, content_type="application/jwk-set+json; charset=utf-8"
    )
