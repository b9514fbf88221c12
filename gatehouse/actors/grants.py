"""What people let clients have: kept, limited, shown, and taken back.

A grant is what one session let one client have. It is good as long as any token family that came
of it is. To take it back ends those families, and makes the client ask for consent again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from gatehouse.actors import family, holdings, session
from gatehouse.actors.audit import Origin, new_entry
from gatehouse.actors.backchannel_logout import listening
from gatehouse.actors.clients import Client
from gatehouse.actors.family import End, Family
from gatehouse.actors.holdings import MAX_GRANTS, Drop, Grant, HoldFamily, Holdings
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.session import Withdraw
from gatehouse.actors.webhooks import exception_effects
from gatehouse.storage.ids import new_id

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.engine.actor import Effect
    from gatehouse.storage.records import User

LOOK_AT = 8
"""Oldest grants of a full list that are looked at before one of them is pushed out."""


@dataclass(frozen=True, slots=True)
class GoodGrant:
    """A grant that is good at this moment, until `expires_at` (ms since the epoch)."""

    id: str
    grant: Grant
    expires_at: int


async def end_families(core: Core, family_ids: Iterable[str]) -> None:
    """End token families, wherever they stand."""
    for family_id in family_ids:
        await core.engine.turn(family.address(core.tenant_id, family_id), End())


async def find_holdings(core: Core, user_id: str) -> Holdings:
    """What a person holds, and what has ended unnoticed."""
    state = await core.engine.read(holdings.address(core.tenant_id, user_id))
    return Holdings(expires_at=0) if state is None else state


async def hold(
    core: Core, user_id: str, message: HoldFamily, client: Client | None, origin: Origin
) -> tuple[str, ...]:
    """List a new family, and end what is more than the client or the list allows.

    Returns the sessions that are more than the list allows.
    """
    address = holdings.address(core.tenant_id, user_id)
    pushed = await core.engine.turn(address, message)
    await end_families(core, pushed.families)
    if client is not None:
        await _limit(core, user_id, client, origin)
    return pushed.sessions


async def ended_families(core: Core, user_id: str) -> frozenset[str]:
    """Of a person's oldest grants, the families that have ended; if the list is full."""
    held = await core.engine.recall(holdings.address(core.tenant_id, user_id))
    if held is None or len(held.grants) < MAX_GRANTS:
        return frozenset()
    oldest = islice(held.grants.values(), LOOK_AT)
    listed = [one for grant in oldest for one in grant.families]
    return frozenset([one for one in listed if await _family(core, one) is None])


async def good_grants(core: Core, user: User, client_id: str | None = None) -> list[GoodGrant]:
    """A person's grants, for one client or for all, that are good at this moment; oldest first."""
    held = await find_holdings(core, user.id)
    grants = held.grants if client_id is None else held.of_client(client_id)
    found = []
    for key, grant in grants.items():
        states = [await _family(core, one) for one in grant.families]
        since = 0 if user.is_suspended else user.tokens_valid_after
        ends = [one.expires_at for one in states if one is not None and one.created_at >= since]
        if ends and not user.is_suspended:
            found.append(GoodGrant(key, grant, max(ends)))
    return found


async def revoke(
    core: Core, user_id: str, grant_ids: Iterable[str], effects: tuple[Effect, ...] = ()
) -> None:
    """Take grants back: their tokens end at once, and consent is asked for again.

    The families end first: should this be interrupted, the grants are still listed to try again.
    The effects happen when they are not listed any more.
    """
    wanted = frozenset(grant_ids)
    listed = (await find_holdings(core, user_id)).grants
    known = {key: one for key, one in listed.items() if key in wanted}
    families = frozenset(one for grant in known.values() for one in grant.families)
    await end_families(core, sorted(families))
    clients = tuple({grant.client_id: None for grant in known.values()})
    withdraw = Withdraw(wanted, frozenset(clients), await listening(core, clients))
    for session_id in dict.fromkeys(grant.session_id for grant in known.values()):
        bound = await core.engine.turn(session.address(core.tenant_id, session_id), withdraw)
        await end_families(core, (one for one in bound if one not in families))
    drop = Drop(grants=wanted, families=families, effects=effects)
    newer = await core.engine.turn(holdings.address(core.tenant_id, user_id), drop)
    await end_families(core, newer)


async def revoke_one(core: Core, user_id: str, grant_id: str) -> None:
    """Take a grant back. Raises `Refused(NO_SUCH_GRANT)` if the person has none of this id."""
    if grant_id not in (await find_holdings(core, user_id)).grants:
        raise Refused(Reason.NO_SUCH_GRANT)
    await revoke(core, user_id, (grant_id,))


async def _family(core: Core, family_id: str) -> Family | None:
    return await core.engine.read(family.address(core.tenant_id, family_id))


async def _limit(core: Core, user_id: str, client: Client, origin: Origin) -> None:
    """Take back what a client was given longest ago, if it has too much. Webhooks hear of it.

    Of many who sign in at once all decide alike, so that as many grants stay as are allowed.
    """
    most = client.max_grants
    if most is None:
        return
    listed = (await find_holdings(core, user_id)).of_client(client.id)
    if len(listed) <= most:
        return
    good = [key for key in listed if await _is_good(core, listed[key])]
    exceeding = good[: max(0, len(good) - most)]
    if not exceeding:
        return
    facts = {
        "userId": user_id,
        "revokedGrantIds": exceeding,
        "maxAllowedGrants": most,
        "preRevocationActiveGrantCount": len(good),
    }
    entry = new_entry(
        core.tenant_id,
        new_id(),
        "RevokeGrants",
        core.clock(),
        origin,
        userId=user_id,
        revokeGrantIds=exceeding,
        reason="maxAllowedGrants limit reached",
    )
    told = await exception_effects(core, "Grant.LimitExceeded", origin, facts)
    await revoke(core, user_id, exceeding, (entry.effect(), *told))


async def _is_good(core: Core, grant: Grant) -> bool:
    for family_id in grant.families:
        if await _family(core, family_id) is not None:
            return True
    return False
