"""Webhooks: an event that happened reaches everybody who listens to it, or leaves a trace.

It takes two steps, and each is repeated until it is done. An *occurrence* (a domain event from
the relay, or an effect of a sign-in's turn) is announced: the body is made, and one turn of an
actor that stands for the occurrence leaves one effect for each listening hook. That actor is why
an occurrence that is announced twice is posted once. A *posting* is then sent by whichever node
gets the effect; what fails is tried again by the outbox, later and later, and at last set aside
as a dead letter. Every attempt is in the log of the hook.

A receiver may get a posting twice, if an answer is lost: `gatehouse-delivery` names it.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import trio

from gatehouse.actors.audit import Origin
from gatehouse.actors.outbound import Answer, OutboundError
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.webhook_payloads import (
    data_payload,
    exception_payload,
    interaction_payload,
    iso_time,
)
from gatehouse.engine.actor import Effect, Kind, Turn, keep
from gatehouse.storage.audit import AuditLogs
from gatehouse.storage.errors import StorageError
from gatehouse.storage.hooks import Hooks
from gatehouse.storage.ids import ALPHABET, ID_LENGTH, new_id
from gatehouse.storage.records import AuditLog, Hook

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.engine.outbox import Delivery
    from gatehouse.storage.transaction import Transaction

OCCURRENCE_EFFECT = "occurrence"
POSTING_EFFECT = "webhook"

ANNOUNCED_MS = 24 * 3600 * 1000
"""How long it is remembered that an occurrence was announced; a repetition comes much sooner."""

POSTS_AT_ONCE = 128
"""Postings that one node has under way: half of what its outbox works on, so that slow receivers
never hold up mail and the audit log."""

LOGGED_BODY = 4096
"""Characters of an answer's body that are kept in the log."""

RETRIED = frozenset({408, 425, 429})
"""Statuses below 500 that say "later"."""

INTERACTION_EVENTS: Mapping[str, str] = {
    "Register": "PostRegister",
    "SignIn": "PostSignIn",
    "ForgotPassword": "PostResetPassword",
}
"""What getting through an interaction of some kind is called."""

ADAPTIVE_EVENT = "PostSignInAdaptiveMfaTriggered"
"""What is told of a sign-in that takes a second factor because it looks unlike those before."""

EXCEPTION_EVENTS = frozenset({"Identifier.Lockout", "Message.RateLimited", "Grant.LimitExceeded"})
"""What is told of somebody being stopped."""

_NAMES: Mapping[str, str] = {"User.Password.Updated": "User.Data.Updated"}
"""Domain events that webhooks know by another name."""

_UNTOUCHABLE = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"}
)
"""Headers that belong to the transport, not to who configures a hook."""

_logger = logging.getLogger(__name__)


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    """Something happened. `id` is the same however often it is told of."""

    id: str
    tenant_id: str
    event: str
    created_at: int
    facts: dict[str, Any]


class Announced(msgspec.Struct, frozen=True):
    """The state of an occurrence that was announced: it is there."""


class Posting(msgspec.Struct, frozen=True, kw_only=True):
    """A body that is on its way to a hook."""

    tenant_id: str
    hook_id: str
    event: str
    body: bytes


class DeliveryFailed(Exception):  # noqa: N818 - told to the outbox: once more, later
    """The receiver did not take it."""


OCCURRENCES = Kind("occurrence", Announced)


@dataclass(frozen=True, slots=True)
class Announce:
    """Pass an occurrence on, unless that has been done."""

    effects: tuple[Effect, ...]

    def apply(self, state: Announced | None, now: int, /) -> Turn[Announced, None]:
        """The effects leave with the state that says so."""
        if state is not None:
            return keep(state, None)
        return Turn(Announced(), None, expires_at=now + ANNOUNCED_MS, effects=self.effects)


def hook_event(domain_event: str) -> str:
    """What webhooks call a domain event."""
    return _NAMES.get(domain_event, domain_event)


async def announce(core: Core, occurrence: Occurrence) -> None:
    """Have it posted to every hook that listens. May be repeated. Raises Storage-, EngineError."""
    effects = await core.db.read(_postings, occurrence)
    if effects:
        address = OCCURRENCES.at(occurrence.tenant_id, occurrence.id)
        await core.engine.turn(address, Announce(effects))


def _postings(tx: Transaction, occurrence: Occurrence) -> tuple[Effect, ...]:
    tenant_id, event = occurrence.tenant_id, occurrence.event
    hooks = Hooks(tx, tenant_id).listening_to(event)
    if not hooks:
        return ()
    if event in INTERACTION_EVENTS.values() or event == ADAPTIVE_EVENT:
        told = interaction_payload(tx, tenant_id, occurrence.facts)
    elif event in EXCEPTION_EVENTS:
        told = exception_payload(tx, tenant_id, occurrence.facts)
    else:
        told = data_payload(tx, tenant_id, event, occurrence.facts)
    head = {"event": event, "createdAt": iso_time(occurrence.created_at)}
    return tuple(
        _posting(tenant_id, hook.id, event, {"hookId": hook.id, **head, **told}) for hook in hooks
    )


def _posting(tenant_id: str, hook_id: str, event: str, payload: Mapping[str, Any]) -> Effect:
    body = msgspec.json.encode(payload)
    posting = Posting(tenant_id=tenant_id, hook_id=hook_id, event=event, body=body)
    return Effect(POSTING_EFFECT, msgspec.msgpack.encode(posting))


async def interaction_effects(
    core: Core, interaction_event: str, origin: Origin, *, session_id: str, user_id: str
) -> tuple[Effect, ...]:
    """The effect by which a turn tells webhooks of its outcome; none if nobody listens."""
    facts = {
        "interactionEvent": interaction_event,
        "sessionId": session_id,
        "userId": user_id,
        "userIp": origin.ip,
        "userAgent": origin.user_agent,
        "applicationId": origin.application_id,
    }
    return await _occurrence_effects(core, INTERACTION_EVENTS[interaction_event], facts)


async def adaptive_effects(
    core: Core, origin: Origin, facts: Mapping[str, Any]
) -> tuple[Effect, ...]:
    """The effect by which a turn tells webhooks that a sign-in looked suspicious."""
    where = {
        "userIp": origin.ip,
        "userAgent": origin.user_agent,
        "applicationId": origin.application_id,
    }
    return await _occurrence_effects(core, ADAPTIVE_EVENT, {**facts, **where})


async def exception_effects(
    core: Core, event: str, origin: Origin, facts: Mapping[str, Any]
) -> tuple[Effect, ...]:
    """The effect by which a turn tells webhooks that somebody was stopped (`EXCEPTION_EVENTS`)."""
    where = {
        "ip": origin.ip,
        "userAgent": origin.user_agent,
        "applicationId": origin.application_id,
    }
    return await _occurrence_effects(core, event, {**facts, **where})


async def tell_of_stop(core: Core, refusal: Refused, origin: Origin, name: tuple[str, str]) -> None:
    """Tell webhooks that somebody was stopped who is in no interaction; of other refusals nothing.

    `name` is what was locked, or to which too much was sent: its type and its value.
    """
    kind, value = name
    if refusal.reason is Reason.BLOCKED:
        facts = {"type": kind, "value": value}
        effects = await exception_effects(core, "Identifier.Lockout", origin, facts)
    elif refusal.reason is Reason.MESSAGE_RATE_LIMITED:
        facts = {"action": "VerificationCodeSend", "recipient": value}
        effects = await exception_effects(core, "Message.RateLimited", origin, facts)
    else:
        return
    if effects:
        await core.engine.turn(OCCURRENCES.at(core.tenant_id, new_id()), Announce(effects))


async def _occurrence_effects(
    core: Core, event: str, facts: Mapping[str, Any]
) -> tuple[Effect, ...]:
    if event not in await core.directory.hook_events():
        return ()
    occurrence = Occurrence(
        id=new_id(),
        tenant_id=core.tenant_id,
        event=event,
        created_at=core.clock(),
        facts={name: value for name, value in facts.items() if value is not None},
    )
    return (Effect(OCCURRENCE_EFFECT, msgspec.msgpack.encode(occurrence)),)


def handle_webhooks(core: Core) -> None:
    """Have the engine announce occurrences and post what is due. Call before the engine runs."""
    limit = trio.Semaphore(POSTS_AT_ONCE)

    async def tell(delivery: Delivery) -> None:
        await announce(core, msgspec.msgpack.decode(delivery.body, type=Occurrence))

    async def post(delivery: Delivery) -> None:
        try:
            limit.acquire_nowait()
        except trio.WouldBlock:
            raise DeliveryFailed("too many are under way") from None
        try:
            await _deliver(core, delivery)
        finally:
            limit.release()

    core.engine.on_effect(OCCURRENCE_EFFECT, tell)
    core.engine.on_effect(POSTING_EFFECT, post)


async def _deliver(core: Core, delivery: Delivery) -> None:
    posting = msgspec.msgpack.decode(delivery.body, type=Posting)
    hook = await core.db.read(_find, posting)
    if hook is None or not hook.enabled:
        return
    answer, error, again = None, None, False
    try:
        answer = await send(core, hook.config, hook.signing_key, posting.body, delivery.id)
    except OutboundError as failure:
        error, again = str(failure), not failure.final
    else:
        if not answer.succeeded:
            error = f"the endpoint answered {answer.status}"
            again = answer.status >= 500 or answer.status in RETRIED
    try:
        await core.db.write(_log, _entry(delivery, posting, answer, error, core.clock()))
    except StorageError:
        # Sending it again would help nobody.
        _logger.warning("a webhook's delivery could not be logged")
    if again:
        raise DeliveryFailed(error)


async def send(
    core: Core, config: Mapping[str, Any], signing_key: str, body: bytes, delivery_id: str
) -> Answer:
    """Post a body to the address of a hook, signed. Raises OutboundError."""
    headers = {"user-agent": "Gatehouse", "content-type": "application/json"}
    for name, value in (config.get("headers") or {}).items():
        if name.lower() not in _UNTOUCHABLE:
            headers[name.lower()] = value
    headers["gatehouse-delivery"] = delivery_id
    headers["logto-signature-sha-256"] = sign(signing_key, body)
    return await core.outbound.post(config["url"], body, headers)


def sign(signing_key: str, body: bytes) -> str:
    """The signature of a body: HMAC-SHA256 under the hook's key, in hex."""
    return hmac.new(signing_key.encode(), body, hashlib.sha256).hexdigest()


def _find(tx: Transaction, posting: Posting) -> Hook | None:
    return Hooks(tx, posting.tenant_id).find(posting.hook_id)


def _entry(
    delivery: Delivery, posting: Posting, answer: Answer | None, error: str | None, now: int
) -> AuditLog:
    key = f"TriggerHook.{posting.event}"
    payload: dict[str, Any] = {
        "key": key,
        "result": "Success" if error is None else "Error",
        "hookId": posting.hook_id,
        "hookRequest": {"body": msgspec.json.decode(posting.body)},
    }
    if answer is not None:
        payload["response"] = {"statusCode": answer.status, "body": answer.text[:LOGGED_BODY]}
    if error is not None:
        payload["error"] = error
    return AuditLog(
        tenant_id=posting.tenant_id,
        id=_attempt_id(delivery),
        key=key,
        payload=payload,
        hook_id=posting.hook_id,
        created_at=now,
    )


def _attempt_id(delivery: Delivery) -> str:
    """An id that each attempt has for itself, and keeps."""
    digest = hashlib.sha256(f"{delivery.id}/{delivery.attempt}".encode()).digest()
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in digest[:ID_LENGTH])


def _log(tx: Transaction, entry: AuditLog) -> None:
    AuditLogs(tx, entry.tenant_id).record(entry)
