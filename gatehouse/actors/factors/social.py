"""A social identity as a factor: another provider says who somebody is.

The record begins when the browser is sent to the provider, with what is to be compared afterwards;
that is taken once, before the answer is looked at, so that an answer can be tried once. Who has the
identity here is looked for when the record is used, since an account may come into being, or be
linked, in between. docs/diagrams/social_verification.mmd draws it, and a test holds it to the code.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import msgspec

from gatehouse.actors.connectors.social.oauth_client import Handshake, check_state
from gatehouse.actors.connectors.social.provider import SocialUser
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.verification import (
    Profile,
    Record,
    SealedTokens,
    SocialLink,
    Switch,
)


class Phase(StrEnum):
    """Where a verification stands. It follows from the record and is stored nowhere."""

    WAITING = "Waiting"
    LOOKING = "Looking"
    PASSED = "Passed"


class SocialVerification(Record, frozen=True, kw_only=True, tag="Social", omit_defaults=True):
    """Somebody is asked, or was asked, to prove themselves to a provider.

    `target` is what the connector's identities are kept under. `taken` are the fields of a profile
    whose values belong to other accounts here. `complete`: the tenant asks nothing more of people
    who come like this.
    """

    shown: ClassVar[tuple[str, ...]] = ("id", "connector_id", "social_user_info")

    connector_id: str
    target: str
    handshake: Handshake | None = None
    social_user_info: SocialUser | None = None
    tokens: SealedTokens | None = None
    syncs_profile: bool = False
    taken: tuple[str, ...] = ()
    complete: bool = False

    @property
    def phase(self) -> Phase:
        """Where it stands."""
        if self.social_user_info is not None:
            return Phase.PASSED
        return Phase.LOOKING if self.handshake is None else Phase.WAITING

    @property
    def verified(self) -> bool:
        """Whether the provider has answered."""
        return self.phase is Phase.PASSED

    @property
    def identity(self) -> tuple[str, str] | None:
        """Who the person is at the provider."""
        info = self.social_user_info
        return None if info is None else (self.target, info.id)

    @property
    def email(self) -> str | None:
        """The address that the provider has verified."""
        return None if self.social_user_info is None else self.social_user_info.email

    @property
    def sign_in_switch(self) -> Switch:
        """Which providers there are is what the tenant decides."""
        return Switch.SOCIAL

    @property
    def vouched_for(self) -> bool:
        """Who has come through a provider is no robot."""
        return self.verified

    @property
    def completes_profile(self) -> bool:
        """Where the tenant says so."""
        return self.verified and self.complete

    @property
    def new_profile(self) -> Profile | None:
        """What the provider says of somebody new, but for what belongs to somebody else here."""
        info = self.social_user_info
        if info is None:
            return None
        known = Profile(
            primary_email=info.email,
            primary_phone=info.phone,
            name=info.name,
            avatar=info.avatar,
            social_tokens=self.tokens,
            social_identity=self._link(info),
        )
        return msgspec.structs.replace(known, **dict.fromkeys(self.taken))

    @property
    def added_profile(self) -> Profile:
        """The tokens, and if the connector says so, name and picture."""
        info = self.social_user_info
        if info is None or not self.syncs_profile:
            return Profile(social_tokens=self.tokens)
        return Profile(name=info.name, avatar=info.avatar, social_tokens=self.tokens)

    @property
    def linked_profile(self) -> Profile:
        """The same, and the identity itself."""
        info = self.social_user_info
        identity = None if info is None else self._link(info)
        return msgspec.structs.replace(self.added_profile, social_identity=identity)

    def _link(self, info: SocialUser) -> SocialLink:
        return SocialLink(target=self.target, user_info=msgspec.to_builtins(info))


def social_record(record: Record, connector_id: str | None = None) -> SocialVerification:
    """The record, as one of a social identity, through this connector if one is named.

    Raises `Refused(VERIFICATION_NOT_FOUND)`.
    """
    if isinstance(record, SocialVerification) and connector_id in (None, record.connector_id):
        return record
    raise Refused(Reason.VERIFICATION_NOT_FOUND)


@dataclass(frozen=True, slots=True)
class TakeHandshake:
    """A step of a verification: an answer has come, which is about to be looked at.

    One with the `state` of another request is turned away, and leaves this one as it is: a link
    from elsewhere must not spoil a sign-in under way.
    """

    connector_id: str
    state: object = None

    def advance(self, record: Record, now: int) -> tuple[SocialVerification, SocialVerification]:
        """Of two answers, one is looked at. The reply is the record as it was, to look with."""
        record = social_record(record, self.connector_id)
        if record.handshake is None or record.phase is not Phase.WAITING:
            raise Refused(Reason.HANDSHAKE_GONE)
        check_state(record.handshake, self.state)
        return msgspec.structs.replace(record, handshake=None), record


@dataclass(frozen=True, slots=True)
class Answered:
    """A step of a verification: the answer was good, and says who it is."""

    verified: SocialVerification

    def advance(self, record: Record, now: int) -> tuple[SocialVerification, None]:
        """It completes what was begun, once."""
        record = social_record(record, self.verified.connector_id)
        if record.phase is not Phase.LOOKING:
            raise Refused(Reason.HANDSHAKE_GONE)
        return self.verified, None
