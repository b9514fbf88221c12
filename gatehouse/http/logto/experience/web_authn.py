"""WebAuthn over the Experience API: as a second factor, and as a passkey that signs in."""

from __future__ import annotations

from gatehouse.actors import sign_in_webauthn
from gatehouse.http.call import Call
from gatehouse.http.logto.experience.access import experience_operations
from gatehouse.http.logto.experience.models import Identifier, VerificationId, VerificationReply
from gatehouse.http.visit import visit_of
from gatehouse.http.web_authn import AuthenticationPayload, RegistrationPayload
from gatehouse.http.wire import JsonObject, Maybe, Wire

operations = experience_operations()

_PATH = "/api/experience/verification"


class RegistrationReply(Wire):
    """What the browser is asked to make."""

    verification_id: str
    registration_options: JsonObject


class AuthenticationReply(Wire):
    """What the browser is asked to sign."""

    verification_id: str
    authentication_options: JsonObject


class OfferReply(Wire):
    """What the browser is asked to sign with any passkey it has."""

    authentication_options: JsonObject


class RegistrationBody(Wire):
    """What the browser made."""

    verification_id: VerificationId
    payload: RegistrationPayload


class AuthenticationBody(Wire):
    """What the browser signed."""

    verification_id: VerificationId
    payload: AuthenticationPayload


class PasskeyBody(Wire):
    """What the browser signed; without an id, in answer to the offer."""

    verification_id: Maybe[VerificationId] = None
    payload: AuthenticationPayload


class NameBody(Wire):
    """Whose passkey is asked for."""

    identifier: Identifier


@operations.post(
    f"{_PATH}/web-authn/registration",
    "CreateWebAuthnRegistrationVerification",
    response=RegistrationReply,
    statuses=(400, 404),
)
async def begin_registration(call: Call) -> RegistrationReply:
    """Begin to register a credential for the identified user."""
    verification_id, options = await sign_in_webauthn.begin_registration(visit_of(call))
    return RegistrationReply(verification_id=verification_id, registration_options=options)


@operations.post(
    f"{_PATH}/web-authn/registration/verify",
    "VerifyWebAuthnRegistrationVerification",
    body=RegistrationBody,
    response=VerificationReply,
    statuses=(400, 404),
)
async def register(call: Call[RegistrationBody]) -> VerificationReply:
    """Take the credential that the browser made."""
    body = call.body
    payload = body.payload.as_json()
    await sign_in_webauthn.register_credential(visit_of(call), body.verification_id, payload)
    return VerificationReply(verification_id=body.verification_id)


@operations.post(
    f"{_PATH}/web-authn/authentication",
    "CreateWebAuthnAuthenticationVerification",
    response=AuthenticationReply,
    statuses=(400, 404),
)
async def begin_authentication(call: Call) -> AuthenticationReply:
    """Ask for a signature with one of the identified user's credentials."""
    verification_id, options = await sign_in_webauthn.begin_authentication(visit_of(call))
    return AuthenticationReply(verification_id=verification_id, authentication_options=options)


@operations.post(
    f"{_PATH}/web-authn/authentication/verify",
    "VerifyWebAuthnAuthenticationVerification",
    body=AuthenticationBody,
    response=VerificationReply,
    statuses=(400, 404),
)
async def authenticate(call: Call[AuthenticationBody]) -> VerificationReply:
    """Take the signature as the user's second factor."""
    body = call.body
    payload = body.payload.as_json()
    await sign_in_webauthn.use_credential(visit_of(call), body.verification_id, payload)
    return VerificationReply(verification_id=body.verification_id)


@operations.post(
    "/api/experience/preflight/sign-in-passkey/authentication",
    "CreateSignInPasskeyAuthentication",
    response=OfferReply,
    statuses=(400, 404),
)
async def offer_passkey(call: Call) -> OfferReply:
    """Ask for a signature with any passkey, before anything was begun: for autofill."""
    return OfferReply(authentication_options=await sign_in_webauthn.offer_passkey(visit_of(call)))


@operations.post(
    f"{_PATH}/sign-in-passkey/authentication",
    "CreateSignInPasskeyAuthenticationWithIdentifier",
    body=NameBody,
    response=AuthenticationReply,
    statuses=(400, 404),
)
async def begin_passkey(call: Call[NameBody]) -> AuthenticationReply:
    """Ask for a signature with a passkey of whoever has this name."""
    identifier = call.body.identifier.to_core()
    verification_id, options = await sign_in_webauthn.begin_passkey(visit_of(call), identifier)
    return AuthenticationReply(verification_id=verification_id, authentication_options=options)


@operations.post(
    f"{_PATH}/sign-in-passkey/authentication/verify",
    "VerifySignInPasskeyAuthentication",
    body=PasskeyBody,
    response=VerificationReply,
    statuses=(400, 404, 409),
)
async def use_passkey(call: Call[PasskeyBody]) -> VerificationReply:
    """Take a passkey's signature: it says who signs in."""
    payload = call.body.payload.as_json()
    verification_id = await sign_in_webauthn.use_passkey(
        visit_of(call), call.body.verification_id, payload
    )
    return VerificationReply(verification_id=verification_id)
