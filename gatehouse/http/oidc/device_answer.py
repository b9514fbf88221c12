"""What a person's answer means for the device that waits for it (RFC 8628 §3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gatehouse.actors import device_authorization
from gatehouse.actors.device_authorization import DEVICE_AGE_MS, Answer, Device
from gatehouse.actors.grants import end_families
from gatehouse.actors.sign_on import open_family
from gatehouse.http.call import Reply
from gatehouse.http.oidc.response import go_to

if TYPE_CHECKING:
    from gatehouse.actors.audit import Origin
    from gatehouse.actors.authorization import AuthorizationRequest, ConsentResult
    from gatehouse.actors.core import Core
    from gatehouse.engine.actor import Address

DEVICE_PATH = "/device"
SUCCESS_PATH = f"{DEVICE_PATH}/success"
DENIED_PATH = f"{DEVICE_PATH}/denied"
LATE_PATH = f"{DEVICE_PATH}/late"


async def allow(
    core: Core,
    session_id: str,
    request: AuthorizationRequest,
    consent: ConsentResult,
    cookies: Sequence[str],
    *,
    origin: Origin,
) -> Reply:
    """The device may have tokens: a family waits for it, as a code would."""
    family_id = await open_family(core, session_id, request, consent, DEVICE_AGE_MS, origin=origin)
    if await core.engine.turn(_address(core, request), Answer(family_id)):
        return go_to(SUCCESS_PATH, cookies)
    await end_families(core, (family_id,))
    return go_to(LATE_PATH, cookies)


async def deny(core: Core, request: AuthorizationRequest, cookies: Sequence[str] = ()) -> Reply:
    """The device gets nothing."""
    counts = await core.engine.turn(_address(core, request), Answer(None))
    return go_to(DENIED_PATH if counts else LATE_PATH, cookies)


def _address(core: Core, request: AuthorizationRequest) -> Address[Device]:
    return device_authorization.address(core.tenant_id, str(request.device_id))
