"""One atomic commit: the script that writes a turn down, and what an answer to it proves.

The script compares the 16-byte stamp of the stored value with the one the turn was decided on. If
they agree it writes the value, the effects and the timers, all or nothing. If not, it answers
with the stored value, so the next attempt needs no further round trip.

When the connection breaks after a commit was sent, nobody knows whether it was executed. Sending
the same commit again settles it: either the stamp still fits, then it was not and is now; or the
nonces in the stored value tell, those of the last turns and that of the first (`judge`). A value
outlives its actor by `LINGER` ms, so an absent value proves that a commit sent less than
`LINGER` ago was not executed.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from itertools import count
from secrets import randbits
from struct import Struct as Layout
from typing import Any, Final

from gatehouse.engine.actor import Effect, SetTimer, Turn
from gatehouse.engine.codec import born_of, due_key, nonces_of, outbox_key, pack_effect, timers_key
from gatehouse.engine.redis import Script
from gatehouse.engine.wire import Argument

_EIGHT_BYTES = Layout(">Q").pack

COMMIT: Final = Script(
    """
if redis.call('GETRANGE', KEYS[1], 0, 15) ~= ARGV[1] then
  return redis.call('GET', KEYS[1])
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
if KEYS[2] then
  local last = 4 + tonumber(ARGV[4])
  for i = 5, last do
    redis.call('XADD', KEYS[2], '*', 'e', ARGV[i])
  end
  for i = last + 1, #ARGV, 3 do
    if ARGV[i + 1] == '' then
      redis.call('ZREM', KEYS[3], ARGV[i])
      redis.call('HDEL', KEYS[4], ARGV[i])
    else
      redis.call('ZADD', KEYS[3], ARGV[i + 1], ARGV[i])
      redis.call('HSET', KEYS[4], ARGV[i], ARGV[i + 2])
    end
  end
end
return 1
"""
)
"""KEYS: value, outbox, due, timers (the last three only with effects or timers).

ARGV: expected stamp, new value, ms to live, number of effects, the effects, and for each timer its
member, due time and effect (both empty to cancel it). Answers 1, or the stored value.
"""


def nonces() -> Iterator[bytes]:
    """Names for this process's commits: a random start makes two processes meet by luck alone.

    A clash would matter only between eight neighbouring turns of one actor.
    """
    return map(_EIGHT_BYTES, count(randbits(63) + 1))


def side_keys(key: str, partition: int) -> list[str]:
    """The keys of a commit with effects or timers."""
    return [key, outbox_key(partition), due_key(partition), timers_key(partition)]


def side_args(key: str, turn: Turn[Any, Any]) -> list[Argument]:
    """The arguments that follow the time to live, for a turn with effects or timers."""
    args: list[Argument] = [len(turn.effects), *map(_packed, turn.effects)]
    for timer in turn.timers:
        member = f"{key}\0{timer.name}"
        if isinstance(timer, SetTimer):
            args += (member, timer.due_at, _packed(timer.effect))
        else:
            args += (member, b"", b"")
    return args


def _packed(effect: Effect) -> bytes:
    return pack_effect(effect.kind, effect.body)


class Verdict(Enum):
    """What a stored value says about a commit whose answer was lost."""

    COMMITTED = "committed"
    NOT_COMMITTED = "not committed"
    UNKNOWN = "unknown"


def judge(value: bytes | None, sent: bytes, base: bytes) -> Verdict:
    """Whether the commit with the header `sent`, made on the header `base`, was executed.

    `value` is what is stored, and is known to differ from `base`, which is empty if there was
    nothing. Within one history the last eight turns are on record, and the first.
    """
    if value is None:
        return Verdict.NOT_COMMITTED
    nonce, history = nonces_of(sent)[0], nonces_of(value)
    if nonce in history or nonce == born_of(value):
        return Verdict.COMMITTED
    if not base or born_of(base) != born_of(value) or nonces_of(base)[0] in history:
        return Verdict.NOT_COMMITTED
    return Verdict.UNKNOWN
