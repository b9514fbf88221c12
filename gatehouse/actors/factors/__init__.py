"""The ways to show who one is, one file each. This list is the only place that knows them all."""

from __future__ import annotations

from gatehouse.actors.factors.code import EmailVerificationCode, PhoneVerificationCode
from gatehouse.actors.factors.password import NewPasswordIdentity, PasswordVerification

VerificationRecord = (
    PasswordVerification | NewPasswordIdentity | EmailVerificationCode | PhoneVerificationCode
)
"""Everything an interaction can remember as a verification."""
