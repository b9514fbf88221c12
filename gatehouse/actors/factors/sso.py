"""Enterprise single sign-on as a factor: a company says who somebody is.

The record begins when the browser is sent to the identity provider and is completed when it is
back. Somebody whom the provider knows is found by what it calls them. Somebody who has an account
here but was never seen through the provider is found by their email address, if the address
belongs to the company: a company speaks for its own domains and for no others.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from gatehouse.actors.connectors.social.oauth_client import Handshake
from gatehouse.actors.refusal import Reason
from gatehouse.actors.verification import Profile, Record, SealedTokens, SsoLink, Switch


class EnterpriseSsoVerification(
    Record, frozen=True, kw_only=True, tag="EnterpriseSso", omit_defaults=True
):
    """Somebody is asked, or was asked, to prove themselves to their company.

    `handshake` belongs to OpenID Connect, `exchange_id` to SAML. `account` is the user who is
    meant, if there is one.
    """

    shown: ClassVar[tuple[str, ...]] = (
        "id",
        "connector_id",
        "enterprise_sso_user_info",
        "issuer",
    )

    connector_id: str
    handshake: Handshake | None = None
    exchange_id: str | None = None
    issuer: str | None = None
    enterprise_sso_user_info: dict[str, Any] | None = None
    trusted_email: str | None = None
    syncs_profile: bool = False
    account: str | None = None
    tokens: SealedTokens | None = None

    @property
    def verified(self) -> bool:
        """Whether the identity provider has answered."""
        return self.issuer is not None and self.enterprise_sso_user_info is not None

    @property
    def user_id(self) -> str | None:
        """The account, if there is one."""
        return self.account if self.verified else None

    @property
    def stranger(self) -> Reason:
        """What is said if there is no account."""
        return Reason.SSO_IDENTITY_UNKNOWN if self.verified else Reason.VERIFICATION_FAILED

    @property
    def sign_in_switch(self) -> Switch:
        """The tenant's setting that lets people sign in like this."""
        return Switch.SINGLE_SIGN_ON

    @property
    def vouched_for(self) -> bool:
        """Who comes from a company's identity provider is no robot."""
        return self.verified

    @property
    def completes_profile(self) -> bool:
        """The company knows its people: nothing more is asked of them."""
        return self.verified

    @property
    def mfa_elsewhere(self) -> bool:
        """The identity provider decides about second factors."""
        return self.verified

    @property
    def new_profile(self) -> Profile | None:
        """What the company says of somebody new."""
        link = self._link
        if link is None:
            return None
        named = self._named
        return msgspec.structs.replace(named, primary_email=self.trusted_email, sso_identity=link)

    @property
    def added_profile(self) -> Profile:
        """What signing in changes: the identity, and if the connector says so, name and picture."""
        named = self._named if self.syncs_profile else Profile()
        return msgspec.structs.replace(named, sso_identity=self._link)

    @property
    def _named(self) -> Profile:
        info = self.enterprise_sso_user_info or {}
        return Profile(name=_text(info.get("name")), avatar=_text(info.get("avatar")))

    @property
    def _link(self) -> SsoLink | None:
        if self.issuer is None or self.enterprise_sso_user_info is None:
            return None
        return SsoLink(
            connector_id=self.connector_id,
            issuer=self.issuer,
            identity_id=self.enterprise_sso_user_info["id"],
            detail=self.enterprise_sso_user_info,
            tokens=self.tokens,
        )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
