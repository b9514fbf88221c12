"""What Logto calls the core's reasons, where that is not their own name, and with which status.

Mostly a code has one status (`messages.py`). Some differ from one operation to another, and the
older Interaction API has a few of its own: both are rows here.
"""

from __future__ import annotations

from typing import Any, Final

from gatehouse.actors.refusal import Reason
from gatehouse.http.call import Call

_EVERYWHERE: Final = {
    Reason.CANNOT_RESET_PASSWORD: (Reason.NOT_FOR_FORGOT_PASSWORD.value, 422),
}
_OLDER: Final = {
    **dict.fromkeys(
        (
            Reason.USERNAME_EXISTS,
            Reason.EMAIL_EXISTS,
            Reason.PHONE_EXISTS,
            Reason.PASSWORD_EXISTS,
            Reason.PASSWORD_REJECTED,
            Reason.BACKUP_CODE_REQUIRED,
            Reason.BACKUP_CODE_ALONE,
        ),
        400,
    ),
    Reason.IDENTITY_UNKNOWN: 422,
}
_STATUSES: Final[dict[tuple[str, Reason], int]] = {
    **{("Interaction", reason): status for reason, status in _OLDER.items()},
    ("CreateAndSendMfaVerificationCode", Reason.NOT_IDENTIFIED): 400,
    ("VerifyMfaVerificationCode", Reason.NOT_IDENTIFIED): 400,
    ("VerifySignInPasskeyAuthentication", Reason.NOT_IDENTIFIED): 400,
}
"""By operation, or by the tag of many operations."""


def said(reason: Reason, call: Call[Any, Any] | None) -> tuple[str, int | None]:
    """The code, and the status if it is not the code's own."""
    if reason in _EVERYWHERE:
        return _EVERYWHERE[reason]
    if call is None:
        return reason.value, None
    places = (call.operation.operation_id, *call.operation.tags)
    found = (_STATUSES.get((place, reason)) for place in places)
    return reason.value, next((status for status in found if status is not None), None)
