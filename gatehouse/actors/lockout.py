"""Too many failures lock a name for a while, wherever they come from.

What counts is the name that was tried, not who tried it and not whether it exists: the lock must
say nothing about accounts. Failures within one hour are counted in pools: all ways to sign in with
a name share one, each second factor has its own. The tenant's sentinel policy says how many are
too many, and for how long. The counting is a sentinel of the engine, exact across nodes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sign_in_rules import SentinelPolicy
from gatehouse.engine.sentinel import FailureWindow

if TYPE_CHECKING:
    from gatehouse.actors.core import Core

R = TypeVar("R")

WINDOW_MS = 60 * 60 * 1000
"""Failures count for an hour."""
MINUTE_MS = 60 * 1000
MAX_ATTEMPTS = 10_000
MAX_LOCKOUT_MINUTES = 60 * 24 * 365
"""Bounds for what a policy can ask for."""


_NO_FAILURE = frozenset({Reason.PASSWORD_EXPIRED})
"""Refusals of people who did show who they are."""


class Pool(StrEnum):
    """Which failures are counted together."""

    SIGN_IN = "sign-in"
    TOTP = "totp"
    WEBAUTHN = "web-authn"
    BACKUP_CODE = "backup-code"
    MFA_CODE = "mfa-code"


async def guard(
    core: Core,
    policy: SentinelPolicy,
    pool: Pool,
    name: str,
    attempt: Callable[[], Awaitable[R]],
) -> R:
    """Make an attempt for a name, unless the name is locked; a refusal counts as a failure.

    While a name is locked nothing is attempted. An attempt that was already being made when the
    lock fell is refused even if it succeeds, so that many attempts at once are no way around it.
    Raises `Refused(BLOCKED)`, or what the attempt raises.
    """
    window, key = _window(policy), _key(name)
    sentinel, tenant = core.engine.sentinel, core.tenant_id
    _refuse_blocked((await sentinel.check(window, tenant, pool, key)).retry_after)
    try:
        outcome = await attempt()
    except Refused as refusal:
        if refusal.reason in _NO_FAILURE:
            raise
        standing = await sentinel.record_failure(window, tenant, pool, key)
        if standing.remaining == 0 and not standing.blocked:
            core.observer.lockout()
            _refuse_blocked(window.lockout)
        _refuse_blocked(standing.retry_after)
        raise
    _refuse_blocked((await sentinel.check(window, tenant, pool, key)).retry_after)
    return outcome


async def lift(core: Core, name: str) -> None:
    """Forget the failures of a name in every pool; if it was locked, it is no longer."""
    for pool in Pool:
        await core.engine.sentinel.clear(core.tenant_id, pool, _key(name))


def _window(policy: SentinelPolicy) -> FailureWindow:
    return FailureWindow(
        max_failures=min(max(policy.max_attempts, 1), MAX_ATTEMPTS),
        window=WINDOW_MS,
        lockout=min(max(policy.lockout_duration, 1), MAX_LOCKOUT_MINUTES) * MINUTE_MS,
    )


def _key(name: str) -> str:
    """Names are kept as digests: nobody reads addresses out of Redis."""
    return hashlib.sha256(name.strip().lower().encode()).hexdigest()


def _refuse_blocked(retry_after: int) -> None:
    """`retry_after` is in milliseconds; 0 is not blocked."""
    if retry_after <= 0:
        return
    minutes = -(-retry_after // MINUTE_MS)
    relative = "in 1 minute" if minutes == 1 else f"in {minutes} minutes"
    raise Refused(Reason.BLOCKED, relativeTime=relative, minutes=minutes)
