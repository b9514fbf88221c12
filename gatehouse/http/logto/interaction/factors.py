"""Second factors over the Interaction API: set up, bound, shown, skipped."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import Field

from gatehouse.actors import older_interaction, sign_in_mfa, sign_in_mfa_choices, sign_in_webauthn
from gatehouse.actors.factors.backup_code import BackupCodeVerification
from gatehouse.actors.factors.totp import TotpVerification, qr_png
from gatehouse.actors.factors.webauthn import WebAuthnVerification
from gatehouse.actors.interaction import refuse
from gatehouse.actors.refusal import Reason
from gatehouse.actors.second_factors import MfaFactor
from gatehouse.actors.verification import Event, Record
from gatehouse.actors.visit import Visit
from gatehouse.http.call import Call
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.interaction.access import interaction_operations
from gatehouse.http.visit import visit_of
from gatehouse.http.web_authn import AuthenticationPayload, RegistrationPayload
from gatehouse.http.wire import JsonObject, Wire

operations = interaction_operations()

R = TypeVar("R", bound=Record)
Code = Annotated[str, Field(min_length=1, max_length=64)]


class SecretReply(Wire):
    """The key for an authenticator app."""

    secret: str
    secret_qr_code: str


class ByTotp(Wire):
    """A code of an authenticator app."""

    type: Literal["Totp"]
    code: Code


class BindBackupCode(Wire):
    """The backup codes that were made."""

    type: Literal["BackupCode"]


class ByBackupCode(BindBackupCode):
    """One of the account's backup codes."""

    code: Code


BindBody = Annotated[ByTotp | RegistrationPayload | BindBackupCode, Field(discriminator="type")]
ShowBody = Annotated[ByTotp | AuthenticationPayload | ByBackupCode, Field(discriminator="type")]


class SkipBody(Wire):
    """Second factors are declined."""

    mfa_skipped: Literal[True]


@operations.post(
    "/api/interaction/verification/totp",
    "CreateInteractionTotp",
    response=SecretReply,
    statuses=(400, 404),
)
async def make_secret(call: Call) -> SecretReply:
    """Make a key for an authenticator app."""
    offer = await sign_in_mfa.begin_totp(await _known(visit_of(call)))
    return SecretReply(secret=offer.key, secret_qr_code=qr_png(offer.uri))


@operations.post(
    "/api/interaction/verification/webauthn-registration",
    "CreateInteractionWebAuthnRegistration",
    response=JsonObject,
    statuses=(400, 404),
)
async def begin_registration(call: Call) -> JsonObject:
    """Say how a new credential is to be made (WebAuthn §5.4)."""
    _, options = await sign_in_webauthn.begin_registration(await _known(visit_of(call)))
    return options


@operations.post(
    "/api/interaction/verification/webauthn-authentication",
    "CreateInteractionWebAuthnAuthentication",
    response=JsonObject,
    statuses=(400, 404),
)
async def begin_authentication(call: Call) -> JsonObject:
    """Say what is to be signed (WebAuthn §5.5)."""
    _, options = await sign_in_webauthn.begin_authentication(await _signing_in(visit_of(call)))
    return options


@operations.post(
    "/api/interaction/bind-mfa",
    "BindInteractionMfa",
    body=BindBody,
    status=204,
    statuses=(400, 401, 404, 422),
)
async def bind(call: Call[ByTotp | RegistrationPayload | BindBackupCode]) -> None:
    """Have a second factor stored with the account."""
    visit, body = await _known(visit_of(call)), call.body
    match body:
        case ByTotp(code=code):
            record = await _begun(visit, TotpVerification)
            await sign_in_mfa.show_first_code(visit, record.id, code)
            await sign_in_mfa_choices.bind(visit, MfaFactor.TOTP, record.id)
        case RegistrationPayload():
            begun = await _begun(visit, WebAuthnVerification)
            await sign_in_webauthn.register_credential(visit, begun.id, body.as_json())
            await sign_in_mfa_choices.bind(visit, MfaFactor.WEBAUTHN, begun.id)
        case BindBackupCode():
            codes = await _begun(visit, BackupCodeVerification)
            await sign_in_mfa_choices.bind(visit, MfaFactor.BACKUP_CODE, codes.id)


@operations.put(
    "/api/interaction/mfa",
    "VerifyInteractionMfa",
    body=ShowBody,
    status=204,
    statuses=(400, 404, 422),
)
async def show(call: Call[ByTotp | AuthenticationPayload | ByBackupCode]) -> None:
    """Show a second factor of the account."""
    visit, body = await _signing_in(visit_of(call)), call.body
    match body:
        case ByTotp(code=code):
            await sign_in_mfa.use_totp(visit, code)
        case AuthenticationPayload():
            record = await _begun(visit, WebAuthnVerification)
            await sign_in_webauthn.use_credential(visit, record.id, body.as_json())
        case ByBackupCode(code=code):
            await sign_in_mfa.use_backup_code(visit, code)


@operations.put(
    "/api/interaction/mfa-skipped",
    "SkipInteractionMfa",
    body=SkipBody,
    status=204,
    statuses=(400, 422),
)
async def skip(call: Call[SkipBody]) -> None:
    """Decline second factors, where that is allowed."""
    await sign_in_mfa_choices.skip_mfa(await _known(visit_of(call)))


async def _known(visit: Visit) -> Visit:
    """The visit of somebody of whom it is known who they are. Raises `Refused`."""
    state, event = await visit.started()
    if event is Event.FORGOT_PASSWORD:
        refuse(Reason.NOT_FOR_FORGOT_PASSWORD)
    if state.user_id is None:
        await older_interaction.identify(visit, state, event)
    return visit


async def _signing_in(visit: Visit) -> Visit:
    """The same of somebody who came to sign in: nobody else has a second factor to show."""
    _, event = await visit.started()
    if event is not Event.SIGN_IN:
        raise ApiError("session.mfa.mfa_sign_in_only")
    return await _known(visit)


async def _begun(visit: Visit, kind: type[R]) -> R:
    """The verification of a kind that was begun. Raises `Refused(VERIFICATION_NOT_FOUND)`."""
    for record in (await visit.state()).records:
        if isinstance(record, kind):
            return record
    refuse(Reason.VERIFICATION_NOT_FOUND)
