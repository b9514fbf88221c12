"""A password while signing in: it is the account's, or a script knows it from somewhere else."""

from __future__ import annotations

from dataclasses import dataclass

from gatehouse.actors.factors.password import PasswordVerification, verify_password
from gatehouse.actors.lockout import Pool
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.scripts import first_factor
from gatehouse.actors.scripts.first_factor import Admission
from gatehouse.actors.sign_in import verify
from gatehouse.actors.sign_in_rules import SignInRules
from gatehouse.actors.verification import Event, Identifier
from gatehouse.actors.visit import Visit


async def show_password(visit: Visit, identifier: Identifier, password: str) -> str:
    """Show the password of an account; returns the verification's id. Raises `Refused`."""
    _, event = await visit.remembered()
    attempt = _Attempt(visit, event, identifier, password)
    return await verify(
        visit,
        "Password",
        attempt.check,
        identifier=identifier,
        pool=Pool.SIGN_IN,
        store=attempt.store,
    )


@dataclass(slots=True)
class _Attempt:
    """One password that somebody gave."""

    visit: Visit
    event: Event
    identifier: Identifier
    password: str
    admission: Admission | None = None

    async def check(self, record_id: str, rules: SignInRules) -> PasswordVerification:
        """What is not the account's password may be known to the operator's script."""
        core = self.visit.core
        try:
            return await verify_password(core, record_id, rules, self.identifier, self.password)
        except Refused as refusal:
            if refusal.reason is not Reason.INVALID_CREDENTIALS or self.event is not Event.SIGN_IN:
                raise
            self.admission = await first_factor.ask(
                core, self.identifier, self.password, self.visit.origin
            )
            if self.admission is None:
                raise
        return PasswordVerification(
            id=record_id, identifier=self.identifier, account=self.admission.user_id
        )

    async def store(self) -> None:
        """Nothing is made or changed for an attempt that the lock has stopped."""
        if self.admission is not None:
            state = await self.visit.state()
            await self.admission.store(self.visit.core, self.password, state.client_id)
