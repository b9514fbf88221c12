"""Sentinels count exactly: against a simple model, and under everybody's hands at once."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import count
from math import ceil

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatehouse.engine import Allowance, FailureWindow, Quota, Rate, Sentinels, Standing, Unavailable
from gatehouse.engine.redis import redis_from_url
from tests.engine.running import link_to

START = 1_700_000_000_000
KEYS = count(1)
WHO = ("default", "sign-in", "somebody")


@dataclass
class WindowModel:
    """The rule of `FailureWindow`, said plainly."""

    policy: FailureWindow
    failures: list[int] = field(default_factory=list)
    blocked_until: int = 0

    def _standing(self, now: int) -> Standing:
        self.failures = [at for at in self.failures if at > now - self.policy.window]
        blocked = self.blocked_until > now
        count = min(len(self.failures), self.policy.max_failures)
        remaining = 0 if blocked else self.policy.max_failures - count
        return Standing(blocked, count, remaining, max(self.blocked_until - now, 0))

    def check(self, now: int) -> Standing:
        return self._standing(now)

    def record(self, now: int) -> Standing:
        standing = self._standing(now)
        if standing.blocked:
            return standing
        self.failures.append(now)
        if len(self.failures) >= self.policy.max_failures:
            self.blocked_until = now + self.policy.lockout
        standing = self._standing(now)
        return Standing(False, standing.failures, standing.remaining, standing.retry_after)

    def clear(self) -> None:
        self.failures, self.blocked_until = [], 0


@dataclass
class BucketModel:
    """GCRA as the leaky bucket it is: a level that rises with each request and drains evenly."""

    rate: Rate
    level: int = 0  # microseconds until empty
    at: int = 0

    def take(self, now: int) -> Allowance:
        interval = ceil(self.rate.period * 1000 / self.rate.burst)
        full = interval * self.rate.burst
        self.level = max(self.level - (now - self.at) * 1000, 0)
        self.at = now
        if self.level + interval > full:
            return Allowance(False, 0, ceil((self.level + interval - full) / 1000))
        self.level += interval
        return Allowance(True, (full - self.level) // interval, 0)


# Redis forgets by its own clock, which runs on while `now` stands: times are long against a test.
policies = st.builds(
    FailureWindow,
    max_failures=st.integers(1, 5),
    window=st.integers(60_000, 200_000),
    lockout=st.integers(60_000, 300_000),
)
waits = st.one_of(st.just(0), st.integers(0, 20_000), st.integers(0, 400_000))
real_servers = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@real_servers
@given(
    policy=policies,
    steps=st.lists(
        st.tuples(waits, st.sampled_from(["record", "record", "record", "check", "clear"])),
        max_size=40,
    ),
)
def test_failures_are_counted_as_the_rule_says(
    redis_url: str, policy: FailureWindow, steps: list[tuple[int, str]]
) -> None:
    async def play() -> None:
        model, now, who = WindowModel(policy), START, ("default", "sign-in", str(next(KEYS)))
        async with link_to(redis_url) as redis:
            sentinels = Sentinels(redis)
            for wait, what in steps:
                now += wait
                if what == "clear":
                    await sentinels.clear(*who)
                    model.clear()
                elif what == "check":
                    assert await sentinels.check(policy, *who, now=now) == model.check(now)
                else:
                    standing = await sentinels.record_failure(policy, *who, now=now)
                    assert standing == model.record(now)

    trio.run(play)


@real_servers
@given(
    rate=st.builds(Rate, burst=st.integers(1, 7), period=st.integers(500_000, 5_000_000)),
    steps=st.lists(st.one_of(st.just(0), st.integers(0, 3_000_000)), max_size=40),
)
def test_a_rate_is_a_bucket_that_drains_evenly(
    redis_url: str, rate: Rate, steps: list[int]
) -> None:
    async def play() -> None:
        model, now, key = BucketModel(rate), START, str(next(KEYS))
        async with link_to(redis_url) as redis:
            sentinels = Sentinels(redis)
            for wait in steps:
                now += wait
                assert await sentinels.take(rate, "default", "send", key, now=now) == model.take(
                    now
                )

    trio.run(play)


@real_servers
@given(
    quota=st.builds(Quota, most=st.integers(1, 7), window=st.integers(500_000, 5_000_000)),
    steps=st.lists(st.one_of(st.just(0), st.integers(0, 3_000_000)), max_size=40),
)
def test_a_quota_holds_in_every_window(redis_url: str, quota: Quota, steps: list[int]) -> None:
    async def play() -> None:
        now, key, admitted = START, str(next(KEYS)), list[int]()
        async with link_to(redis_url) as redis:
            sentinels = Sentinels(redis)
            for wait in steps:
                now += wait
                recent = [at for at in admitted if at > now - quota.window]
                allowance = await sentinels.admit(quota, "default", "send", key, now=now)
                if len(recent) < quota.most:
                    admitted.append(now)
                    assert allowance == Allowance(True, quota.most - len(recent) - 1, 0)
                else:
                    left = recent[-quota.most] + quota.window - now
                    assert allowance == Allowance(False, 0, left)

    trio.run(play)


async def test_a_limit_holds_exactly_under_everybodys_hands(redis_url: str) -> None:
    policy, rate = FailureWindow(50, 60_000, 60_000), Rate(50, 600_000)
    admitted, taken = deque[Standing](), deque[Allowance]()

    async def pull(sentinels: Sentinels) -> None:
        standing = await sentinels.record_failure(policy, *WHO)
        if not standing.blocked:
            admitted.append(standing)
        allowance = await sentinels.take(rate, *WHO)
        if allowance.allowed:
            taken.append(allowance)

    async with link_to(redis_url) as one, link_to(redis_url) as two:
        async with trio.open_nursery() as nursery:
            for _ in range(100):
                nursery.start_soon(pull, Sentinels(one))
                nursery.start_soon(pull, Sentinels(two))
        standing = await Sentinels(one).check(policy, *WHO)
    assert sorted(each.failures for each in admitted) == list(range(1, 51))
    assert sorted(each.remaining for each in taken) == list(range(50))
    assert standing.blocked
    assert 0 < standing.retry_after <= 60_000


async def test_a_lockout_ends_for_the_cleared_and_for_nobody_else(redis_url: str) -> None:
    policy = FailureWindow(1, 60_000, 60_000)
    async with link_to(redis_url) as redis:
        sentinels = Sentinels(redis)
        for key in ("a", "b"):
            await sentinels.record_failure(policy, "default", "sign-in", key)
        await sentinels.clear("default", "sign-in", "a")
        assert (await sentinels.check(policy, "default", "sign-in", "a")) == Standing(
            False, 0, 1, 0
        )
        assert (await sentinels.check(policy, "default", "sign-in", "b")).blocked


async def test_a_clock_that_steps_back_neither_forgets_nor_prolongs(redis_url: str) -> None:
    policy = FailureWindow(2, 60_000, 60_000)
    async with link_to(redis_url) as redis:
        sentinels = Sentinels(redis)
        await sentinels.record_failure(policy, *WHO, now=START)
        standing = await sentinels.record_failure(policy, *WHO, now=START - 3_600_000)
        assert standing == Standing(False, 2, 0, 60_000)
        standing = await sentinels.check(policy, *WHO, now=START - 3_600_000)
        assert standing == Standing(True, 2, 0, 60_000)
        assert (await sentinels.check(policy, *WHO, now=START + 59_999)).blocked
        assert not (await sentinels.check(policy, *WHO, now=START + 60_000)).blocked


async def test_windows_and_lockouts_end_to_the_millisecond(redis_url: str) -> None:
    policy = FailureWindow(2, 70_000, 80_000)
    async with link_to(redis_url) as redis:
        sentinels = Sentinels(redis)
        await sentinels.record_failure(policy, *WHO, now=START)
        assert (await sentinels.check(policy, *WHO, now=START + 69_999)).failures == 1
        assert (await sentinels.check(policy, *WHO, now=START + 70_000)).failures == 0
        await sentinels.record_failure(policy, *WHO, now=START)
        await sentinels.record_failure(policy, *WHO, now=START)
        last = await sentinels.check(policy, *WHO, now=START + 79_999)
        assert last == Standing(True, 0, 0, 1)
        assert not (await sentinels.check(policy, *WHO, now=START + 80_000)).blocked


async def test_what_is_counted_is_forgotten_by_itself(redis_url: str) -> None:
    policy, rate = FailureWindow(1, 5_000, 9_000), Rate(5, 1000)
    async with link_to(redis_url) as redis:
        await Sentinels(redis).record_failure(policy, *WHO)
        await Sentinels(redis).take(rate, *WHO)
        left = [await redis.execute("PTTL", key) for key in await redis.execute("KEYS", "*")]
    assert len(left) == 3
    assert all(0 < each <= 9_000 for each in left)


async def test_a_sentinel_that_cannot_count_says_so() -> None:
    async with trio.open_nursery() as nursery:
        redis = redis_from_url("unix:///nonexistent/socket")
        await nursery.start(redis.run)
        with pytest.raises(Unavailable):
            await Sentinels(redis).take(Rate(1, 1), *WHO)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("who", [("", "n", "k"), ("a:b", "n", "k"), ("t", "", "k"), ("t", "n", "")])
async def test_what_is_no_subject_is_refused(redis_url: str, who: tuple[str, str, str]) -> None:
    async with link_to(redis_url) as redis:
        with pytest.raises(ValueError, match="address"):
            await Sentinels(redis).take(Rate(1, 1), *who)


@pytest.mark.parametrize("policy", [(0, 1, 1), (1, 0, 1), (1, 1, 0), (10_001, 1, 1)])
def test_a_policy_that_cannot_be_kept_is_refused(policy: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="can be kept"):
        FailureWindow(*policy)
