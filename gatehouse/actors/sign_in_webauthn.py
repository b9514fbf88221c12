"""WebAuthn while signing in: a second factor, or a passkey that signs in by itself.

A challenge is good for one answer, right or wrong: a turn of the interaction hands it out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatehouse.actors import accounts, mfa_checks
from gatehouse.actors.factors import webauthn
from gatehouse.actors.factors.webauthn import (
    SignInPasskey,
    SpendChallenge,
    WebAuthnVerification,
    relying_party,
)
from gatehouse.actors.interaction import refuse
from gatehouse.actors.interaction_mfa import OfferPasskey, TakePasskeyOffer
from gatehouse.actors.interaction_verifications import AddVerification, AdvanceVerification
from gatehouse.actors.lockout import Pool
from gatehouse.actors.refusal import Reason
from gatehouse.actors.sign_in import verify
from gatehouse.actors.sign_in_mfa import begin, entry_of, identified, own
from gatehouse.actors.verification import Identifier
from gatehouse.actors.visit import Visit, effects_of, logged
from gatehouse.storage.ids import new_id

if TYPE_CHECKING:
    from gatehouse.actors.factors import VerificationRecord


async def begin_registration(visit: Visit) -> tuple[str, dict[str, Any]]:
    """What a browser is asked to make; the verification's id, and the options. Raises `Refused`."""
    core = visit.core
    whose = await identified(visit)
    factors = await mfa_checks.factors_of(core, whose.user.id)
    options = webauthn.registration_options(relying_party(core), whose.user, factors)
    record, _ = await begin(
        visit,
        lambda record_id, user: WebAuthnVerification(
            id=record_id, account=user.id, challenge=options["challenge"], registering=True
        ),
    )
    return record.id, options


async def register_credential(visit: Visit, verification_id: str, payload: webauthn.Json) -> None:
    """Take the credential that the browser made. Raises `Refused`."""
    whose = await identified(visit)
    entry = entry_of(visit, whose, "WebAuthn", verification_id)
    async with logged(visit, entry):
        own(whose.state, verification_id, WebAuthnVerification)
        spend = SpendChallenge(WebAuthnVerification, registering=True)
        challenge = await visit.tell(AdvanceVerification(verification_id, spend))
        credential = webauthn.check_registration(
            relying_party(visit.core), challenge, payload, visit.origin.user_agent
        )
        registered = WebAuthnVerification(
            id=verification_id,
            account=whose.user.id,
            registering=True,
            passed=True,
            credential=credential,
            synced=credential.synced,
        )
        await visit.tell(AddVerification(registered, effects_of(entry)))


async def begin_authentication(visit: Visit) -> tuple[str, dict[str, Any]]:
    """What a browser is asked to sign with one of the user's credentials.

    Raises `Refused`: `NOT_IDENTIFIED`, `WEBAUTHN_NOT_FOUND` if there is none.
    """
    whose = await identified(visit)
    options = await _authentication_options(visit, whose.user.id)
    record, _ = await begin(
        visit,
        lambda record_id, user: WebAuthnVerification(
            id=record_id, account=user.id, challenge=options["challenge"]
        ),
    )
    return record.id, options


async def use_credential(visit: Visit, verification_id: str, payload: webauthn.Json) -> None:
    """Take the signature as the user's second factor. Raises `Refused`."""
    whose = await identified(visit)
    record = own(whose.state, verification_id, WebAuthnVerification)
    spend = SpendChallenge(WebAuthnVerification)

    async def gather() -> VerificationRecord:
        challenge = await visit.tell(AdvanceVerification(verification_id, spend))
        credential = await webauthn.use_credential(
            visit.core, challenge, payload, user_id=whose.user.id
        )
        return webauthn.passed(record, credential)

    await verify(
        visit,
        "WebAuthn",
        lambda record_id, rules: gather(),
        account=whose.user.id,
        pool=Pool.WEBAUTHN,
        verification_id=verification_id,
    )


# A passkey that signs in by itself


async def offer_passkey(visit: Visit) -> dict[str, Any]:
    """What a browser is asked to sign with any passkey, before anything was begun."""
    options = webauthn.authentication_options(relying_party(visit.core))
    await visit.tell(OfferPasskey(options["challenge"]))
    return options


async def begin_passkey(visit: Visit, identifier: Identifier) -> tuple[str, dict[str, Any]]:
    """What a browser is asked to sign with a passkey of whoever has this name.

    Raises `Refused(WEBAUTHN_NOT_FOUND)` if there is none.
    """
    _, event = await visit.started()
    record_id = new_id()
    entry = visit.entry(
        f"{event}.Verification.SignInPasskey.Create",
        verificationId=record_id,
        payload={"identifier": {"type": identifier.type.value, "value": identifier.value}},
    )
    async with logged(visit, entry):
        user = await accounts.find(visit.core, identifier)
        if user is None:
            refuse(Reason.WEBAUTHN_NOT_FOUND)
        options = await _authentication_options(visit, user.id)
        record = SignInPasskey(id=record_id, account=user.id, challenge=options["challenge"])
        await visit.tell(AddVerification(record, effects_of(entry)))
    return record_id, options


async def use_passkey(visit: Visit, verification_id: str | None, payload: webauthn.Json) -> str:
    """Take a passkey's signature; returns the verification's id. Raises `Refused`.

    Without an id, it answers `offer_passkey`.
    """
    state, _ = await visit.started()
    expected: SignInPasskey | None = None
    if verification_id is not None:
        found = state.record(verification_id)
        if not isinstance(found, SignInPasskey):
            refuse(Reason.VERIFICATION_NOT_FOUND)
        expected = found

    async def gather(record_id: str) -> VerificationRecord:
        if expected is None:
            challenge = await visit.tell(TakePasskeyOffer())
        else:
            spend = SpendChallenge(SignInPasskey)
            challenge = await visit.tell(AdvanceVerification(expected.id, spend))
        credential = await webauthn.use_credential(visit.core, challenge, payload)
        if expected is not None and credential.user_id != expected.account:
            refuse(Reason.IDENTITY_CONFLICT)
        return webauthn.passed(expected or SignInPasskey(id=record_id), credential)

    return await verify(
        visit,
        "SignInPasskey",
        lambda record_id, rules: gather(record_id),
        verification_id=verification_id,
    )


async def _authentication_options(visit: Visit, user_id: str) -> dict[str, Any]:
    factors = await mfa_checks.factors_of(visit.core, user_id)
    credentials = [factor for factor in factors if factor.type == "WebAuthn"]
    if not credentials:
        refuse(Reason.WEBAUTHN_NOT_FOUND)
    return webauthn.authentication_options(relying_party(visit.core), credentials)
