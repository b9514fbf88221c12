"""Signing in by one-time token: the steps, for the Experience API and for the page alike."""

from __future__ import annotations

from gatehouse.actors import sign_in
from gatehouse.actors.factors.one_time_token import verify_one_time_token
from gatehouse.actors.lockout import Pool
from gatehouse.actors.verification import Identifier
from gatehouse.actors.visit import Visit


async def give_one_time_token(visit: Visit, identifier: Identifier, token: str) -> str:
    """Use a token up for the owner of an address; returns the verification's id.

    Failures count with the other ways to sign in by this address. Raises `Refused`.
    """
    _, event = await visit.started()
    return await sign_in.verify(
        visit,
        "OneTimeToken",
        lambda record_id, _: verify_one_time_token(visit.core, record_id, identifier, token, event),
        identifier=identifier,
        pool=Pool.SIGN_IN,
    )
