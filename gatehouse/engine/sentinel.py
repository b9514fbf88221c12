"""Sentinels: counts that must be exact while everybody pulls at them.

A lockout or a rate limit is hit hardest when it matters most, so a turn that is decided here and
committed there would lose against itself. A sentinel's turn is a Lua script instead: one round
trip, no retry, and exact across nodes, because Redis runs scripts one at a time.

The clock is that of Redis (`TIME`), because it is the one clock all nodes share: a node whose own
clock is off can neither lift a lockout nor prolong one. After a failover the new master's clock
counts; times never run backwards within one count, because each script takes the later of its
clock and what is already written. Tests pass `now`, and then the clock of Redis is not read.

A sentinel whose connection breaks after sending raises `ConnectionLost` and is not sent again: a
second sending might count one attempt twice. Callers refuse what they could not check.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from gatehouse.engine.codec import sentinel_key
from gatehouse.engine.redis import Redis, Script

_NOW: Final = """
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
"""
"""Microseconds since the epoch. Below 2^53 until the year 2255, so Lua's doubles are exact."""

_STANDING: Final = (
    _NOW
    + """
local window, lockout, most = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local newest = tonumber(redis.call('LINDEX', KEYS[1], -1))
if newest and newest > now then now = newest end
while true do
  local oldest = tonumber(redis.call('LINDEX', KEYS[1], 0))
  if not oldest or oldest > now - window then break end
  redis.call('LPOP', KEYS[1])
end
local blocked_until = tonumber(redis.call('GET', KEYS[2])) or 0
local blocked = blocked_until > now
"""
)

_CHECK: Final = Script(
    _STANDING
    + """
return {blocked and 1 or 0, redis.call('LLEN', KEYS[1]), blocked and blocked_until - now or 0}
"""
)

_RECORD: Final = Script(
    _STANDING
    + """
if blocked then return {1, redis.call('LLEN', KEYS[1]), blocked_until - now} end
local count = redis.call('RPUSH', KEYS[1], string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
if count < most then return {0, count, 0} end
redis.call('LTRIM', KEYS[1], -most, -1)
redis.call('SET', KEYS[2], string.format('%.0f', now + lockout), 'PX', math.ceil(lockout / 1000))
return {0, most, lockout}
"""
)

_CLEAR: Final = Script("return redis.call('DEL', KEYS[1], KEYS[2])")

_TAKE: Final = Script(
    _NOW
    + """
local interval, period = tonumber(ARGV[2]), tonumber(ARGV[3])
local empty_at = tonumber(redis.call('GET', KEYS[1])) or 0
if empty_at < now then empty_at = now end
local after = empty_at + interval
if after - now > period then
  return {0, 0, after - period - now}
end
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
return {1, math.floor((period - (after - now)) / interval), 0}
"""
)

_ADMIT: Final = Script(
    _NOW
    + """
local window, most = tonumber(ARGV[2]), tonumber(ARGV[3])
local newest = tonumber(redis.call('LINDEX', KEYS[1], -1))
if newest and newest > now then now = newest end
while true do
  local oldest = tonumber(redis.call('LINDEX', KEYS[1], 0))
  if not oldest or oldest > now - window then break end
  redis.call('LPOP', KEYS[1])
end
if redis.call('LLEN', KEYS[1]) >= most then
  return {0, 0, tonumber(redis.call('LINDEX', KEYS[1], -most)) + window - now}
end
local count = redis.call('RPUSH', KEYS[1], string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
return {1, most - count, 0}
"""
)


@dataclass(frozen=True, slots=True)
class FailureWindow:
    """Lock out after `max_failures` within `window` ms, for `lockout` ms.

    The failure that reaches the limit starts the lockout. Failures during it are not counted;
    those before it still are, for as long as they lie within the window.
    """

    max_failures: int
    window: int
    lockout: int

    def __post_init__(self) -> None:
        if not 0 < self.max_failures <= 10_000 or self.window <= 0 or self.lockout <= 0:
            raise ValueError(f"not a policy that can be kept: {self}")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a sentinel sees its subject.

    `blocked` says whether it was locked out when the script ran; the failure that starts a
    lockout is itself reported with `blocked` false and `remaining` 0. `failures` lie within the
    window; `remaining` more are allowed. `retry_after` (ms) is what is left of the lockout.
    """

    blocked: bool
    failures: int
    remaining: int
    retry_after: int


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once, and as many again spread evenly over each `period` ms (GCRA)."""

    burst: int
    period: int

    def __post_init__(self) -> None:
        if not 0 < self.burst <= 1_000_000 or self.period <= 0:
            raise ValueError(f"not a rate that can be kept: {self}")


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `most` within any `window` ms: each of them is remembered, so keep it small."""

    most: int
    window: int

    def __post_init__(self) -> None:
        if not 0 < self.most <= 10_000 or self.window <= 0:
            raise ValueError(f"not a quota that can be kept: {self}")


@dataclass(frozen=True, slots=True)
class Allowance:
    """Whether a rate or a quota allows one more now; how many would be allowed at once after it;
    if it does not, in how many ms it will."""

    allowed: bool
    remaining: int
    retry_after: int


class Sentinels:
    """Counts of failures and of requests, each by tenant, name of the rule and key of the subject.

    Use one name with one policy: what is stored is read by the policy that is passed. `now` (ms
    since the epoch) is for tests. All methods take one round trip and raise `Unavailable` if Redis
    cannot be reached, and `ValueError` for what is not an address (see `Address`).
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def check(
        self, policy: FailureWindow, tenant: str, name: str, key: str, *, now: int | None = None
    ) -> Standing:
        """Whether the subject is locked out; counts nothing."""
        return await self._stand(_CHECK, policy, _pair(tenant, name, key), now)

    async def record_failure(
        self, policy: FailureWindow, tenant: str, name: str, key: str, *, now: int | None = None
    ) -> Standing:
        """Count a failure, unless the subject is locked out.

        Calling it before an attempt is checked, and `clear` if the attempt succeeds, leaves no gap
        in which many attempts at once could exceed the limit.
        """
        return await self._stand(_RECORD, policy, _pair(tenant, name, key), now)

    async def clear(self, tenant: str, name: str, key: str) -> None:
        """Forget all failures and lift a lockout."""
        await self._redis.eval(_CLEAR, _pair(tenant, name, key), ())

    async def take(
        self, rate: Rate, tenant: str, name: str, key: str, *, now: int | None = None
    ) -> Allowance:
        """Ask for one more; what is refused is not counted."""
        interval = -(-rate.period * 1000 // rate.burst)
        args = (_micros(now), interval, interval * rate.burst)
        answer = await self._redis.eval(_TAKE, (sentinel_key("rate", tenant, name, key),), args)
        allowed, remaining, wait = cast("tuple[int, int, int]", answer)
        return Allowance(bool(allowed), remaining, _millis(wait))

    async def admit(
        self, quota: Quota, tenant: str, name: str, key: str, *, now: int | None = None
    ) -> Allowance:
        """Ask for one more within the quota; what is refused is not counted."""
        args = (_micros(now), quota.window * 1000, quota.most)
        answer = await self._redis.eval(_ADMIT, (sentinel_key("quota", tenant, name, key),), args)
        allowed, remaining, wait = cast("tuple[int, int, int]", answer)
        return Allowance(bool(allowed), remaining, _millis(wait))

    async def _stand(
        self, script: Script, policy: FailureWindow, keys: Sequence[str], now: int | None
    ) -> Standing:
        most = policy.max_failures
        args = (_micros(now), policy.window * 1000, policy.lockout * 1000, most)
        blocked, failures, wait = cast(
            "tuple[int, int, int]", await self._redis.eval(script, keys, args)
        )
        remaining = 0 if blocked else max(most - failures, 0)
        return Standing(bool(blocked), failures, remaining, _millis(wait))


def _pair(tenant: str, name: str, key: str) -> tuple[str, str]:
    """The keys of the failures and of the lockout."""
    return (
        sentinel_key("failures", tenant, name, key),
        sentinel_key("lockout", tenant, name, key),
    )


def _micros(now: int | None) -> int | str:
    return "" if now is None else now * 1000


def _millis(micros: int) -> int:
    """Rounded up: whoever waits this long has waited long enough."""
    return -(-micros // 1000)
