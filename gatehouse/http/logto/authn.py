"""`/api/authn`: where identity providers post their SAML assertions, through people's browsers.

The browser comes from another site, so it brings no cookie that says whose sign-in this is: the
`RelayState` does, and what was proved waits for the interaction that asked. Somebody whom the
identity provider sends without being asked has a cookie from here on instead, and their sign-in
begins only now.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from pydantic import Field

from gatehouse.actors import social_saml
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sso import connectors, flow, unasked
from gatehouse.actors.sso.saml import MAX_RESPONSE
from gatehouse.http.call import Call, Reply, redirect
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.oidc import browser
from gatehouse.http.operation import Operations
from gatehouse.http.wire import Wire

MAX_BODY_BYTES = 2 * MAX_RESPONSE
"""A response in a form, where some of the characters of base64 take three bytes."""

METADATA = "application/samlmetadata+xml"

operations = Operations(tags=("Authn",))


class SamlResponse(Wire):
    """What the form of an identity provider holds (SAML 2.0 Bindings §3.5.4)."""

    relay_state: Annotated[str | None, Field(alias="RelayState", max_length=512)] = None
    saml_response: Annotated[
        str, Field(alias="SAMLResponse", min_length=1, max_length=MAX_RESPONSE)
    ]


class SolicitedResponse(SamlResponse):
    """The same, with what says who asked."""

    relay_state: Annotated[str, Field(alias="RelayState", min_length=1, max_length=512)]


@operations.post(
    "/api/authn/single-sign-on/saml/{connectorId}",
    "AssertSingleSignOnSaml",
    body=SamlResponse,
    form=True,
    status=302,
    statuses=(400, 401, 404),
    max_body=MAX_BODY_BYTES,
)
async def assert_identity(call: Call[SamlResponse]) -> Reply:
    """Receive who a company says that somebody is."""
    core, body, connector_id = call.core, call.body, call.path["connectorId"]
    with _found():
        if body.relay_state:
            location = await flow.receive(core, connector_id, body.saml_response, body.relay_state)
            return redirect(location, status=302)
        arrival, location = await unasked.receive_unasked(core, connector_id, body.saml_response)
    return redirect(location, status=302, cookies=browser.remember_arrival(core, arrival))


@operations.post(
    "/api/authn/saml/{connectorId}",
    "AssertSaml",
    body=SolicitedResponse,
    form=True,
    status=302,
    statuses=(400, 401, 404, 501),
    max_body=MAX_BODY_BYTES,
)
async def assert_social_identity(call: Call[SolicitedResponse]) -> Reply:
    """Receive who the identity provider of a social connector says that somebody is."""
    with _found():
        location = await social_saml.receive(
            call.core, call.path["connectorId"], call.body.saml_response, call.body.relay_state
        )
    return redirect(location, status=302)


@contextmanager
def _found() -> Iterator[None]:
    """Answer 404 where nobody waits for what was posted, as Logto does here. Raises ApiError."""
    try:
        yield
    except Refused as refusal:
        if refusal.reason is Reason.HANDSHAKE_GONE:
            raise ApiError(refusal.reason.value, status=404) from None
        raise


@operations.get("/enterprise-sso/{connectorId}", "GetSsoConnectorMetadata", statuses=(400, 404))
async def metadata(call: Call) -> Reply:
    """Say who we are to an identity provider, under the name that it knows us by."""
    connector, config = await connectors.saml_connector(call.core, call.path["connectorId"])
    us = await connectors.service_provider(call.core, connector, config)
    return Reply(200, us.own_metadata(), content_type=METADATA)
