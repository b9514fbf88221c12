"""The scripts that move effects: from timers to the outbox, to a consumer, and out again.

Each runs in one partition, whose keys share a slot, so each move happens entirely or not at all.
An effect is in exactly one place: in the hash of timers (waiting for its time), in the outbox
stream (waiting for a consumer, or pending with one), or in the dead letters.

In the stream an entry has the field `e` (the effect, see `codec.pack_effect`) and, once it has
failed, `i` (the id it was first delivered under) and `n` (how often it has failed). A retry is a
timer whose member is `retry NUL id NUL failures`; no key of an actor begins like that.
"""

from __future__ import annotations

from typing import Final

from gatehouse.engine.redis import Script

GROUP: Final = "gatehouse"

DRAIN: Final = Script(
    """
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, member in ipairs(due) do
  local effect = redis.call('HGET', KEYS[2], member)
  redis.call('ZREM', KEYS[1], member)
  redis.call('HDEL', KEYS[2], member)
  if effect then
    local id, failures = string.match(member, '^retry%z([^%z]+)%z(%d+)$')
    if id then
      redis.call('XADD', KEYS[3], '*', 'e', effect, 'i', id, 'n', failures)
    else
      redis.call('XADD', KEYS[3], '*', 'e', effect)
    end
  end
end
if redis.call('EXISTS', KEYS[3]) == 0 then
  return {#due, {}}
end
local function read()
  return redis.pcall('XREADGROUP', 'GROUP', ARGV[3], ARGV[4], 'COUNT', ARGV[5],
    'STREAMS', KEYS[3], '>')
end
local found = read()
if found and found.err then
  redis.call('XGROUP', 'CREATE', KEYS[3], ARGV[3], '0')
  found = read()
end
return {#due, found and found[1][2] or {}}
"""
)
"""Fire due timers, then take new effects for this consumer.

KEYS: due, timers, outbox. ARGV: now, timers at most, group, consumer, effects at most. Answers
the number of timers fired and a list of (entry id, fields).
"""

CLAIM: Final = Script(
    """
if redis.call('EXISTS', KEYS[1]) == 0 then
  return {}
end
local pending = redis.pcall('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[3], '-', '+', ARGV[4])
if pending.err then
  return {}
end
local claimed = {}
for _, lost in ipairs(pending) do
  local entry = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, lost[1])[1]
  if entry then
    claimed[#claimed + 1] = {entry[1], entry[2], lost[4]}
  else
    redis.call('XACK', KEYS[1], ARGV[1], lost[1])
  end
end
for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local about = {}
  for i = 1, #consumer, 2 do
    about[consumer[i]] = consumer[i + 1]
  end
  if about.pending == 0 and about.idle > tonumber(ARGV[5]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], about.name)
  end
end
return claimed
"""
)
"""Take over what a consumer has held for too long, and forget consumers that went away.

KEYS: outbox. ARGV: group, consumer, ms after which a holder is taken for dead, effects at most,
ms after which an idle consumer is forgotten. Answers a list of (entry id, fields, deliveries).
XAUTOCLAIM would not say how often an effect was delivered before.
"""

DELIVERED: Final = Script(
    """
redis.call('XACK', KEYS[1], unpack(ARGV))
return redis.call('XDEL', KEYS[1], unpack(ARGV, 2))
"""
)
"""Effects are done with. KEYS: outbox. ARGV: group, entry ids."""

POSTPONE: Final = Script(
    """
if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 0 then
  return 0
end
redis.call('XDEL', KEYS[1], ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[3])
redis.call('HSET', KEYS[3], ARGV[3], ARGV[5])
return 1
"""
)
"""An effect failed and is to be delivered again, unless somebody else has dealt with it.

KEYS: outbox, due, timers. ARGV: group, entry id, member, due time, effect.
"""

BURY: Final = Script(
    """
if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 0 then
  return 0
end
redis.call('XDEL', KEYS[1], ARGV[2])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*',
  'e', ARGV[4], 'i', ARGV[5], 'n', ARGV[6], 'error', ARGV[7])
return 1
"""
)
"""An effect failed for the last time, unless somebody else has dealt with it.

KEYS: outbox, dead letters. ARGV: group, entry id, letters to keep, effect, id, failures, error.
"""

REDELIVER: Final = Script(
    """
local letter = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not letter then
  return 0
end
redis.call('XDEL', KEYS[1], ARGV[1])
redis.call('XADD', KEYS[2], '*', 'e', letter[2][2], 'i', letter[2][4])
return 1
"""
)
"""A dead letter is to be delivered again, as if it had never failed, but under its id.

KEYS: dead letters, outbox. ARGV: entry id of the letter. Answers 0 if there is no such letter.
"""

BACKLOG: Final = Script(
    """
local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
return {redis.call('XLEN', KEYS[1]), oldest and oldest[1] or '', redis.call('XLEN', KEYS[2])}
"""
)
"""What waits. KEYS: outbox, dead letters.

Answers the number of effects in the outbox (waiting or with a consumer), the entry id of the
oldest or nothing, and the number of dead letters.
"""
