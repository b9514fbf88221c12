"""The one-time token: an operator gave it to the owner of an address, mostly as a magic link.

It is used up when it is verified, whatever becomes of the interaction: somebody who read over a
shoulder, or a program that follows links in mails, cannot make it count twice. Since the operator
asked the person in, no setting of the sign-in page keeps them out, and no captcha is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.verification import Event, Identifier, IdentifierType, Profile, Record
from gatehouse.storage import errors
from gatehouse.storage.one_time_tokens import OneTimeToken, OneTimeTokens

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.storage.transaction import Transaction

_REFUSALS = {
    "email_mismatch": Reason.TOKEN_EMAIL_MISMATCH,
    "token_expired": Reason.TOKEN_EXPIRED,
    "token_consumed": Reason.TOKEN_CONSUMED,
    "token_revoked": Reason.TOKEN_REVOKED,
    "interaction_event_mismatch": Reason.TOKEN_EVENT_MISMATCH,
}


class OneTimeTokenVerification(Record, frozen=True, kw_only=True, tag="OneTimeToken"):
    """A token for the address was used up. `organizations` are those its owner is to join."""

    shown: ClassVar[tuple[str, ...]] = ("id", "identifier", "verified")

    identifier: Identifier
    organizations: tuple[str, ...] = ()

    @property
    def verified(self) -> bool:
        """There is no record of a token that was refused."""
        return True

    @property
    def names(self) -> Identifier | None:
        """The owner of the address."""
        return self.identifier

    @property
    def invited(self) -> bool:
        """The operator asked them in."""
        return True

    @property
    def new_profile(self) -> Profile | None:
        """The address, which is proved by the token that was sent to it."""
        return Profile(
            primary_email=self.identifier.value, jit_organizations=self.organizations or None
        )

    @property
    def added_profile(self) -> Profile:
        """Who has an account already joins the organizations as well."""
        return Profile(jit_organizations=self.organizations or None)

    @property
    def vouched_for(self) -> bool:
        """A program that guesses has no token."""
        return True

    @property
    def resets_password(self) -> bool:
        """Whoever reads the account's mail may choose a new password."""
        return True

    @property
    def amr(self) -> tuple[str, ...]:
        """RFC 8176 §2."""
        return ("otp",)


async def verify_one_time_token(
    core: Core, record_id: str, identifier: Identifier, token: str, event: Event | None
) -> OneTimeTokenVerification:
    """Use a token up. Raises `Refused` with one of the TOKEN_ reasons."""
    used = await core.db.write(_consume, core.tenant_id, identifier.value, token, event)
    return OneTimeTokenVerification(
        id=record_id,
        identifier=Identifier(IdentifierType.EMAIL, used.email),
        organizations=tuple(used.context.get("jitOrganizationIds", ())),
    )


def _consume(
    tx: Transaction, tenant_id: str, email: str, token: str, event: Event | None
) -> OneTimeToken:
    try:
        return OneTimeTokens(tx, tenant_id).consume(token, email, event)
    except errors.NotFound:
        raise Refused(Reason.TOKEN_NOT_FOUND) from None
    except errors.Refused as refusal:
        raise Refused(_REFUSALS[refusal.rule]) from None
