"""The grants: what a client may bring to the token endpoint, one story each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gatehouse.actors.clients import (
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    DEVICE_CODE,
    REFRESH_TOKEN,
    TOKEN_EXCHANGE,
    Client,
)
from gatehouse.http.call import Call
from gatehouse.http.oidc.grants.client_credentials import client_credentials
from gatehouse.http.oidc.grants.family import authorization_code, device_code, refresh_token
from gatehouse.http.oidc.grants.token_exchange import exchange
from gatehouse.http.oidc.issued import Issued
from gatehouse.http.oidc.parameters import Parameters

Grant = Callable[[Call[Any, Any], Client, Parameters], Awaitable[Issued]]

GRANTS: Mapping[str, Grant] = {
    AUTHORIZATION_CODE: authorization_code,
    REFRESH_TOKEN: refresh_token,
    CLIENT_CREDENTIALS: client_credentials,
    DEVICE_CODE: device_code,
    TOKEN_EXCHANGE: exchange,
}
"""By `grant_type`; discovery announces them."""
