"""A person's request within an interaction: what it sees, whom it tells, what is written of it.

A step is taken on what this node remembers where a turn proves it in the end, which spares a round
trip; what would be refused, or stored, is looked at as it is. Steps that were refused are written
to the audit log as well as those that succeeded.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import trio

from gatehouse.actors import accounts, webhooks
from gatehouse.actors.audit import AuditEntry, Origin, new_entry
from gatehouse.actors.interaction import Interaction, Note, address, alive, started
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sign_in_rules import SignInRules
from gatehouse.actors.verification import Event
from gatehouse.engine.actor import Effect, Message
from gatehouse.storage.ids import new_id

if TYPE_CHECKING:
    from gatehouse.actors.core import Core

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of one person within one interaction."""

    core: Core
    uid: str
    origin: Origin

    async def tell(self, message: Message[Interaction, R]) -> R:
        """Run a turn of the interaction."""
        return await self.core.engine.turn(address(self.core.tenant_id, self.uid), message)

    async def state(self) -> Interaction:
        """The interaction as it is. Raises `Refused(INTERACTION_GONE)`."""
        state = await self.core.engine.read(address(self.core.tenant_id, self.uid))
        return alive(state, self.core.clock())

    async def known(self) -> Interaction:
        """As this node remembers it: for what never changes, and for what a turn proves."""
        known = await self.core.engine.recall(address(self.core.tenant_id, self.uid))
        return alive(known, self.core.clock())

    async def started(self) -> tuple[Interaction, Event]:
        """The interaction and its event. Raises `Refused(NOT_STARTED)` too."""
        return started(await self.state(), self.core.clock())

    async def remembered(self) -> tuple[Interaction, Event]:
        """Like `started`, of what this node remembers: for facts that a turn proves in the end."""
        try:
            return started(await self.known(), self.core.clock())
        except Refused:
            return await self.started()

    async def proven(self, step: Callable[[Interaction, Event], Awaitable[R]]) -> R:
        """Take a step on what this node remembers; if it is refused, on what is the case.

        A refusal counts only if no other node has moved on from the state it was decided on.
        """
        state, event = await self.remembered()
        await trio.lowlevel.checkpoint()  # nothing else may wait for the world before the turn
        try:
            return await step(state, event)
        except Refused:
            current, event = await self.started()
            if current == state:
                raise
        return await step(current, event)

    async def rules(self) -> SignInRules:
        """What the tenant allows."""
        return await accounts.rules(self.core)

    def entry(self, key: str, **facts: object) -> AuditEntry:
        """An audit entry about this visit."""
        core = self.core
        return new_entry(
            core.tenant_id, new_id(), f"Interaction.{key}", core.clock(), self.origin, **facts
        )

    @property
    def resume_url(self) -> str:
        """Where the browser goes once the interaction is answered."""
        return f"{self.core.issuer}/auth/{self.uid}"


@asynccontextmanager
async def logged(visit: Visit, entry: AuditEntry | Callable[[], AuditEntry]) -> AsyncIterator[None]:
    """Have a refusal in this block written to the audit log as the entry's failure.

    Where the block itself finds out what the entry says, `entry` tells it afterwards.
    """
    try:
        yield
    except Refused as refusal:
        if refusal.reason is not Reason.INTERACTION_GONE:
            entry = entry() if callable(entry) else entry
            failure = entry.failed(refusal.reason)
            told = await _exception_effects(visit, entry, refusal.reason)
            if suspicion := refusal.params.get("adaptive"):
                told = await webhooks.adaptive_effects(
                    visit.core,
                    visit.origin,
                    {
                        "interactionEvent": Event.SIGN_IN.value,
                        "sessionId": visit.uid,
                        "userId": entry.payload.get("userId"),
                        "adaptiveMfaResult": suspicion,
                    },
                )
            with suppress(Refused):
                await visit.tell(Note((failure.effect(), *told)))
        raise


async def _exception_effects(visit: Visit, entry: AuditEntry, reason: Reason) -> tuple[Effect, ...]:
    """What webhooks hear of a refusal: that a name was locked, that too much was sent to one."""
    identifier = entry.payload.get("payload", {}).get("identifier")
    if identifier is None and (user_id := entry.payload.get("userId")):
        identifier = {"type": "userId", "value": user_id}
    if identifier is None:
        return ()
    if reason is Reason.BLOCKED:
        return await webhooks.exception_effects(
            visit.core, "Identifier.Lockout", visit.origin, identifier
        )
    if reason is Reason.MESSAGE_RATE_LIMITED:
        facts = {"action": "VerificationCodeSend", "recipient": identifier["value"]}
        return await webhooks.exception_effects(
            visit.core, "Message.RateLimited", visit.origin, facts
        )
    return ()


def effects_of(entry: AuditEntry) -> tuple[Effect, ...]:
    """The effect that has the entry written."""
    return (entry.effect(),)
