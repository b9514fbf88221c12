"""The verification code as a second factor: sent to the address that the account has."""

from __future__ import annotations

from gatehouse.actors.factors.code import CodeVerification
from gatehouse.actors.second_factors import MfaFactor
from gatehouse.actors.verification import Identifier, IdentifierType, Method, Profile

MFA_TEMPLATE = "MfaVerification"
"""What such a code is for, in Logto's words."""


class MfaCodeVerification(CodeVerification, frozen=True, kw_only=True):
    """Whoever reads the account's mail or texts: it adds to who somebody is, and says it not."""

    account: str

    @property
    def owner(self) -> str | None:
        """Whose address it is."""
        return self.account

    @property
    def names(self) -> Identifier | None:
        """A second factor identifies nobody."""
        return None

    @property
    def sign_in_method(self) -> tuple[IdentifierType, Method] | None:
        """Nor does it sign anybody in."""
        return None

    @property
    def new_profile(self) -> Profile | None:
        """Nor is an account made with it."""
        return None

    @property
    def resets_password(self) -> bool:
        """Nor a password replaced."""
        return False


class MfaEmailVerificationCode(
    MfaCodeVerification, frozen=True, kw_only=True, tag="MfaEmailVerificationCode"
):
    """A code sent by mail."""

    @property
    def second_factor(self) -> MfaFactor | None:
        """The account's mail."""
        return MfaFactor.EMAIL if self.passed else None

    @property
    def amr(self) -> tuple[str, ...]:
        """RFC 8176 §2 has no word of its own for mail."""
        return ("otp",)


class MfaPhoneVerificationCode(
    MfaCodeVerification, frozen=True, kw_only=True, tag="MfaPhoneVerificationCode"
):
    """A code sent as a text message."""

    @property
    def second_factor(self) -> MfaFactor | None:
        """The account's phone."""
        return MfaFactor.PHONE if self.passed else None

    @property
    def amr(self) -> tuple[str, ...]:
        """RFC 8176 §2."""
        return ("sms",)


MFA_RECORDS: dict[IdentifierType, type[MfaEmailVerificationCode | MfaPhoneVerificationCode]] = {
    IdentifierType.EMAIL: MfaEmailVerificationCode,
    IdentifierType.PHONE: MfaPhoneVerificationCode,
}
