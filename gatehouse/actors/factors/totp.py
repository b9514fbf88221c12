"""The time-based one-time password (RFC 6238): six digits from a key that an app on a phone holds.

A code is good for its own half minute and the one before and after, as §5.2 allows for clocks that
differ, and once: the time step that was used is kept with the key, also the one shown to enrol it.
"""

from __future__ import annotations

import hmac
import re
from base64 import b32decode
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

import msgspec
import pyotp
import segno

from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.second_factors import MfaFactor, NewTotp, open_secret, seal_secret
from gatehouse.actors.verification import Record
from gatehouse.storage.mfa import MfaVerifications

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.storage.records import User
    from gatehouse.storage.transaction import Transaction
    from gatehouse.storage.vault import Vault

STEP_MS = 30_000
"""How long a time step is (RFC 6238 §5.2)."""
DRIFT_STEPS = 1
"""By how many steps a phone's clock may differ from ours."""
DIGITS = 6
KEY_CHARACTERS = 32
"""Base32 characters of a new key: the 160 bits that RFC 4226 §4 recommends."""
_KEY = re.compile(
    r"(?:[A-Z2-7]{8})*(?:[A-Z2-7]{2}={6}|[A-Z2-7]{4}={4}|[A-Z2-7]{5}={3}|[A-Z2-7]{7}=)?"
)
_CODE = re.compile(r"[0-9]{6}")


class TotpVerification(Record, frozen=True, kw_only=True, tag="Totp"):
    """A code of the account's TOTP was shown; or a new one is being set up, its key `sealed`."""

    shown: ClassVar[tuple[str, ...]] = ("id", "verified")

    account: str
    sealed: str | None = None
    step: int | None = None

    @property
    def verified(self) -> bool:
        """A new key is verified once a code of it was shown."""
        return self.step is not None

    @property
    def owner(self) -> str | None:
        """Whose it is."""
        return self.account

    @property
    def second_factor(self) -> MfaFactor | None:
        """Who has just set a TOTP up has shown no factor that the account had."""
        return MfaFactor.TOTP if self.verified and self.sealed is None else None

    @property
    def amr(self) -> tuple[str, ...]:
        """RFC 8176 §2."""
        return ("otp",) if self.second_factor else ()

    def to_factor(self) -> NewTotp:
        """The factor to store. Raises `Refused`: `VERIFICATION_FAILED`, `MFA_NOT_PENDING`."""
        if self.step is None:
            raise Refused(Reason.VERIFICATION_FAILED)
        if self.sealed is None:
            raise Refused(Reason.MFA_NOT_PENDING)
        return NewTotp(id=self.id, sealed=self.sealed, step=self.step)

    def waits_for(self, user_id: str) -> bool:
        """Whether this is a new TOTP of the user's, which has shown no code yet."""
        return self.account == user_id and self.sealed is not None and not self.verified

    def key(self, vault: Vault) -> str | None:
        """The key (base32) of the new TOTP. Raises `SealError`."""
        return None if self.sealed is None else open_secret(vault, self.id, self.sealed)


def new_key() -> str:
    """A fresh key, in base32."""
    return pyotp.random_base32(KEY_CHARACTERS)


def is_key(text: str) -> bool:
    """Whether a text is a key as other systems hand them over: 80 to 160 bits in base32."""
    return 16 <= len(text) <= KEY_CHARACTERS and _KEY.fullmatch(text) is not None


def matching_step(key: str, code: str, now: int) -> int | None:
    """The time step whose code this is, around `now` (ms since the epoch); None if it is wrong."""
    if not _CODE.fullmatch(code):
        return None
    present = now // STEP_MS
    for step in range(present - DRIFT_STEPS, present + DRIFT_STEPS + 1):
        if hmac.compare_digest(_code_at(key, step), code):
            return step
    return None


def _code_at(key: str, step: int) -> str:
    """RFC 4226 §5.3, also for the keys of 80 bits that other systems made: pyotp refuses those."""
    digest = hmac.digest(b32decode(key), step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def key_uri(core: Core, user: User, key: str) -> str:
    """What an authenticator app reads: whose key this is, and where."""
    names = (user.username, user.primary_email, user.primary_phone, user.name)
    account = next((name for name in names if name), "Unnamed User")
    service = urlsplit(core.public_url).hostname or core.public_url
    return pyotp.TOTP(key).provisioning_uri(name=account, issuer_name=service)


def qr_png(uri: str) -> str:
    """A QR code as a PNG in a `data:` URL, as API clients expect it."""
    return str(segno.make(uri, error="m").png_data_uri(scale=4))


def qr_svg(uri: str) -> str:
    """A QR code as an SVG element to be put into a page."""
    code = segno.make(uri, error="m")
    return str(code.svg_inline(scale=4, omitsize=True, svgclass="qr", lineclass=None))


def begin(vault: Vault, record_id: str, user_id: str) -> TotpVerification:
    """A new TOTP for the user, which waits for its first code."""
    sealed = seal_secret(vault, record_id, new_key())
    return TotpVerification(id=record_id, account=user_id, sealed=sealed)


@dataclass(frozen=True, slots=True)
class ShowFirstCode:
    """A step of a verification: the app showed a code of the new key.

    `of` is the verification whose code was compared, and `step` the time step it is of, if any.
    """

    of: TotpVerification
    step: int | None

    def advance(self, record: Record, now: int) -> tuple[Record, None]:
        """Raises `Refused`: `INVALID_TOTP_CODE`, `VERIFICATION_NOT_FOUND` if it was replaced."""
        if not isinstance(record, TotpVerification) or (record.id, record.sealed) != (
            self.of.id,
            self.of.sealed,
        ):
            raise Refused(Reason.VERIFICATION_NOT_FOUND)
        if self.step is None:
            raise Refused(Reason.INVALID_TOTP_CODE)
        return msgspec.structs.replace(record, step=self.step), None


def first_code(core: Core, record: TotpVerification, code: str) -> ShowFirstCode:
    """Compare a code with the new key."""
    key = record.key(core.vault)
    step = None if key is None else matching_step(key, code, core.clock())
    return ShowFirstCode(record, step)


async def verify_totp(core: Core, record_id: str, user_id: str, code: str) -> TotpVerification:
    """Take a code of the user's TOTP. Raises `Refused(INVALID_TOTP_CODE)`, also for a used one."""
    step = await core.db.write(_take, core.tenant_id, user_id, code, core.clock())
    if step is None:
        raise Refused(Reason.INVALID_TOTP_CODE)
    return TotpVerification(id=record_id, account=user_id, step=step)


def _take(tx: Transaction, tenant: str, user_id: str, code: str, now: int) -> int | None:
    factors = MfaVerifications(tx, tenant)
    for factor in factors.of(user_id):
        if factor.type == "Totp" and factor.secret is not None:
            step = matching_step(factor.secret, code, now)
            if step is not None and factors.use_step(factor.id, step):
                return step
    return None
