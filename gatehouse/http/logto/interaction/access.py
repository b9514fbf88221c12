"""Who may call the Interaction API: whoever's browser has an interaction open."""

from __future__ import annotations

from gatehouse.http.call import Principal
from gatehouse.http.operation import EVERY_ORIGIN, Access, Operations
from gatehouse.http.visit import AnyCall, guest_of


async def _admit(call: AnyCall) -> Principal:
    """An interaction is looked for before the input is read, as Logto does."""
    return guest_of(call)


def interaction_operations() -> Operations:
    """A list of operations that need an interaction."""
    return Operations(
        tags=("Interaction",), access=Access("interaction", _admit), cors=EVERY_ORIGIN
    )
