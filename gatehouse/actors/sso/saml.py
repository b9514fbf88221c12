"""Speaking SAML 2.0 as a service provider."""

from __future__ import annotations


def entity_id(public_url: str, connector_id: str) -> str:
    """Who we are to the identity provider of a connector."""
    return f"{public_url}/enterprise-sso/{connector_id}"


def assertion_consumer_url(public_url: str, connector_id: str) -> str:
    """Where the identity provider of a connector sends its assertions."""
    return f"{public_url}/api/authn/single-sign-on/saml/{connector_id}"
