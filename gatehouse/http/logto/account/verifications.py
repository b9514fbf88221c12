"""`/api/verifications`: showing that it is really oneself, or that something new is one's own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatehouse.actors import (
    account_codes,
    account_verification,
    accounts,
    own_factors,
    own_identities,
)
from gatehouse.actors.account_verification import Verification
from gatehouse.actors.webhook_payloads import iso_time
from gatehouse.http.call import Call
from gatehouse.http.logto.account.access import (
    account_of,
    check_first_party,
    origin_of,
    person_of,
    verification_operations,
)
from gatehouse.http.logto.account.models import RecordId
from gatehouse.http.logto.experience.models import CodeIdentifier
from gatehouse.http.web_authn import RegistrationPayload
from gatehouse.http.wire import JsonObject, Maybe, Url, Wire

operations = verification_operations()


class OwnPassword(Wire):
    """The password of one's account."""

    password: Annotated[str, Field(min_length=1, max_length=4096)]


class CodeBody(Wire):
    """Where to send a code. What it is for is told by the address, unless that is one's own."""

    identifier: CodeIdentifier
    template_type: Maybe[Literal["BindMfa", "UserPermissionValidation"]] = None


class GivenCode(Wire):
    """The code that came."""

    identifier: CodeIdentifier
    verification_id: RecordId
    code: Annotated[str, Field(max_length=64)]


class PassedView(Wire):
    """A verification that was passed."""

    verification_record_id: str


class RegisteredPasskey(Wire):
    """What the browser made."""

    verification_record_id: RecordId
    payload: RegistrationPayload


class SocialBody(Wire):
    """To which provider to go, and where to come back."""

    connector_id: Annotated[str, Field(max_length=128)]
    redirect_uri: Url
    state: Annotated[str, Field(min_length=1, max_length=1024)]
    scope: Maybe[Annotated[str, Field(max_length=1024)]] = None


class SocialAnswer(Wire):
    """What the provider answered."""

    verification_record_id: RecordId
    connector_data: JsonObject


class VerificationView(Wire):
    """A verification that was begun; `expires_at` is in ISO 8601."""

    verification_record_id: str
    expires_at: str


class AuthorizationView(VerificationView):
    """A verification at a provider: where to go."""

    authorization_uri: str


class RegistrationView(VerificationView):
    """A passkey that is to be registered: what the browser is asked to make."""

    registration_options: JsonObject


def verification_view(verification: Verification) -> VerificationView:
    """A verification as this API shows it."""
    return VerificationView(
        verification_record_id=verification.record.id,
        expires_at=iso_time(verification.expires_at),
    )


@operations.post(
    "/api/verifications/password",
    "CreateVerificationByPassword",
    body=OwnPassword,
    response=VerificationView,
    status=201,
    statuses=(422,),
)
async def verify_password(call: Call[OwnPassword]) -> VerificationView:
    """Verify one's own password."""
    await check_first_party(call)
    core, user = call.core, await account_of(call)
    rules = await accounts.rules(core)
    password = call.body.password
    verified = await account_verification.verify_password(
        core, rules, user, password, origin_of(call)
    )
    return verification_view(verified)


@operations.post(
    "/api/verifications/verification-code",
    "CreateVerificationByVerificationCode",
    body=CodeBody,
    response=VerificationView,
    status=201,
    statuses=(422, 429, 501),
)
async def send_code(call: Call[CodeBody]) -> VerificationView:
    """Send a code to an address of one's own, or to one that is to be."""
    await check_first_party(call)
    begun = await account_codes.send(
        call.core,
        await account_of(call),
        call.body.identifier.to_core(),
        call.body.template_type,
        origin=origin_of(call),
    )
    return verification_view(begun)


@operations.post(
    "/api/verifications/verification-code/verify",
    "VerifyVerificationByVerificationCode",
    body=GivenCode,
    response=PassedView,
    statuses=(501,),
)
async def give_code(call: Call[GivenCode]) -> PassedView:
    """Give the code that was sent."""
    await check_first_party(call)
    body = call.body
    await account_codes.give(
        call.core,
        person_of(call).subject,
        body.verification_id,
        body.identifier.to_core(),
        body.code,
        origin=origin_of(call),
    )
    return PassedView(verification_record_id=body.verification_id)


@operations.post(
    "/api/verifications/web-authn/registration",
    "GenerateWebAuthnRegistrationOptions",
    response=RegistrationView,
)
async def begin_registration(call: Call) -> RegistrationView:
    """Begin to register a passkey."""
    await check_first_party(call)
    begun, options = await own_factors.begin_registration(call.core, await account_of(call))
    return RegistrationView(
        verification_record_id=begun.record.id,
        expires_at=iso_time(begun.expires_at),
        registration_options=options,
    )


@operations.post(
    "/api/verifications/web-authn/registration/verify",
    "VerifyWebAuthnRegistration",
    body=RegisteredPasskey,
    response=PassedView,
    statuses=(404,),
)
async def register(call: Call[RegisteredPasskey]) -> PassedView:
    """Take the passkey that the browser made."""
    await check_first_party(call)
    body = call.body
    await own_factors.register(
        call.core,
        person_of(call).subject,
        body.verification_record_id,
        body.payload.as_json(),
        call.headers.get("user-agent"),
    )
    return PassedView(verification_record_id=body.verification_record_id)


@operations.post(
    "/api/verifications/social",
    "CreateVerificationBySocial",
    body=SocialBody,
    response=AuthorizationView,
    status=201,
    statuses=(404, 422),
)
async def send_to_provider(call: Call[SocialBody]) -> AuthorizationView:
    """Begin to show who one is at a provider."""
    body = call.body
    begun, uri = await own_identities.send(
        call.core,
        person_of(call).subject,
        body.connector_id,
        body.redirect_uri,
        state=body.state,
        scope=body.scope,
    )
    return AuthorizationView(
        verification_record_id=begun.record.id,
        expires_at=iso_time(begun.expires_at),
        authorization_uri=uri,
    )


@operations.post(
    "/api/verifications/social/verify",
    "VerifyVerificationBySocial",
    body=SocialAnswer,
    response=PassedView,
    statuses=(404, 422),
)
async def take_answer(call: Call[SocialAnswer]) -> PassedView:
    """Bring the provider's answer."""
    record_id = call.body.verification_record_id
    who = person_of(call).subject
    await own_identities.answer(call.core, who, record_id, call.body.connector_data)
    return PassedView(verification_record_id=record_id)
