"""The ways to show who one is, one file each. This list is the only place that knows them all."""

from __future__ import annotations

from gatehouse.actors.factors.backup_code import BackupCodeVerification
from gatehouse.actors.factors.code import EmailVerificationCode, PhoneVerificationCode
from gatehouse.actors.factors.mfa_code import MfaEmailVerificationCode, MfaPhoneVerificationCode
from gatehouse.actors.factors.one_time_token import OneTimeTokenVerification
from gatehouse.actors.factors.password import NewPasswordIdentity, PasswordVerification
from gatehouse.actors.factors.social import SocialVerification
from gatehouse.actors.factors.sso import EnterpriseSsoVerification
from gatehouse.actors.factors.totp import TotpVerification
from gatehouse.actors.factors.webauthn import SignInPasskey, WebAuthnVerification

VerificationRecord = (
    PasswordVerification
    | NewPasswordIdentity
    | OneTimeTokenVerification
    | EmailVerificationCode
    | PhoneVerificationCode
    | MfaEmailVerificationCode
    | MfaPhoneVerificationCode
    | TotpVerification
    | BackupCodeVerification
    | WebAuthnVerification
    | SignInPasskey
    | SocialVerification
    | EnterpriseSsoVerification
)
"""Everything an interaction can remember as a verification."""
