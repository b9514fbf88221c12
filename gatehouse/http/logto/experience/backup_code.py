"""Backup codes over the Experience API: made, and used up."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gatehouse.actors import sign_in_mfa
from gatehouse.http.call import Call
from gatehouse.http.logto.experience.access import experience_operations
from gatehouse.http.logto.experience.models import VerificationReply
from gatehouse.http.visit import visit_of
from gatehouse.http.wire import Wire

operations = experience_operations()


class CodesReply(Wire):
    """New codes, shown once."""

    verification_id: str
    codes: list[str]


class CodeBody(Wire):
    """One of the account's codes."""

    code: Annotated[str, Field(min_length=1, max_length=64)]


@operations.post(
    "/api/experience/verification/backup-code/generate",
    "GenerateBackupCodes",
    response=CodesReply,
    statuses=(400, 404),
)
async def make_codes(call: Call) -> CodesReply:
    """Make backup codes; nothing is stored until they are bound and submitted."""
    verification_id, codes = await sign_in_mfa.begin_backup_codes(visit_of(call))
    return CodesReply(verification_id=verification_id, codes=list(codes))


@operations.post(
    "/api/experience/verification/backup-code/verify",
    "VerifyBackupCode",
    body=CodeBody,
    response=VerificationReply,
    statuses=(400, 404),
)
async def verify(call: Call[CodeBody]) -> VerificationReply:
    """Use up a backup code."""
    verification_id = await sign_in_mfa.use_backup_code(visit_of(call), call.body.code)
    return VerificationReply(verification_id=verification_id)
