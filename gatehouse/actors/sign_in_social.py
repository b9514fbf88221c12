"""Social identities while signing in: somebody is sent to a provider, and comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatehouse.actors import social
from gatehouse.actors.factors.social import Answered, SocialVerification, TakeHandshake
from gatehouse.actors.interaction_verifications import AddVerification, AdvanceVerification
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sign_in import verify
from gatehouse.actors.verification import Event
from gatehouse.actors.visit import Visit, effects_of, logged
from gatehouse.storage.ids import new_id

FACTOR = "Social"


async def begin(
    visit: Visit, connector_id: str, redirect_uri: str, state: str | None = None
) -> tuple[str, str]:
    """Send somebody to a provider: the verification's id, and the address.

    Raises `Refused`.
    """
    _, event = await visit.started()
    entry = visit.entry(
        f"{event}.Verification.{FACTOR}.Create", payload={"connectorId": connector_id}
    )
    async with logged(visit, entry):
        if event is Event.FORGOT_PASSWORD:
            raise Refused(Reason.NOT_FOR_FORGOT_PASSWORD)
        record, uri = await social.begin(visit.core, connector_id, redirect_uri, state)
        entry = entry.about(verificationId=record.id)
        await visit.tell(AddVerification(record, effects_of(entry)))
    return record.id, uri


async def answer(
    visit: Visit, connector_id: str, verification_id: str, answered: Mapping[str, Any]
) -> None:
    """The provider has answered. The answer is looked at once, whether it is good or not.

    Raises `Refused`.
    """
    _, event = await visit.started()
    entry = visit.entry(
        f"{event}.Verification.{FACTOR}.Submit",
        verificationId=verification_id,
        payload={"connectorId": connector_id},
    )
    observer = visit.core.observer
    try:
        async with logged(visit, entry):
            step = TakeHandshake(connector_id, answered.get("state"))
            take = AdvanceVerification(verification_id, step)
            begun = await visit.tell(take)
            rules = await visit.rules()
            record = await social.answered(visit.core, rules, begun, answered)
            passed = AdvanceVerification(verification_id, Answered(record), effects_of(entry))
            await visit.tell(passed)
    except Refused:
        observer.sign_in(FACTOR, "refused")
        raise
    observer.sign_in(FACTOR, "passed")


async def one_tap(
    visit: Visit, connector_id: str, credential: str, nonce: str | None = None
) -> str:
    """Google's One Tap has said who it is; returns the verification's id.

    The caller has made sure that this browser was given the credential; `nonce` is what it was to
    be given for. Raises `Refused`.
    """
    core, record_id = visit.core, new_id()
    return await verify(
        visit,
        FACTOR,
        lambda _, rules: social.one_tapped(
            core, rules, record_id, connector_id, credential, nonce=nonce
        ),
        verification_id=record_id,
    )


async def pending(visit: Visit, connector_id: str) -> SocialVerification:
    """The verification that was begun with this connector. Raises `Refused(HANDSHAKE_GONE)`."""
    state, _ = await visit.started()
    for record in state.records:
        if isinstance(record, SocialVerification) and record.connector_id == connector_id:
            return record
    raise Refused(Reason.HANDSHAKE_GONE)
