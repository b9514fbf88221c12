"""The actor runtime: turns, timers, outboxes and sentinels over Redis.

It knows nothing of identity. `actor` has the words an actor's author writes with, `engine` the one
who calls it; `redis_from_url` says where the states live.
"""

from gatehouse.engine.actor import (
    Address,
    CancelTimer,
    Effect,
    Kind,
    Message,
    SetTimer,
    Turn,
    keep,
)
from gatehouse.engine.dead_letters import DeadLetter, DeadLetters
from gatehouse.engine.engine import Engine, wall_clock
from gatehouse.engine.errors import (
    ConnectionLost,
    Contended,
    EngineError,
    Indeterminate,
    Overloaded,
    Unavailable,
)
from gatehouse.engine.observer import Observer
from gatehouse.engine.outbox import Delivery, OutboxPolicy
from gatehouse.engine.redis import Redis, redis_from_url
from gatehouse.engine.sentinel import Allowance, FailureWindow, Quota, Rate, Sentinels, Standing

__all__ = [
    "Address",
    "Allowance",
    "CancelTimer",
    "ConnectionLost",
    "Contended",
    "DeadLetter",
    "DeadLetters",
    "Delivery",
    "Effect",
    "Engine",
    "EngineError",
    "FailureWindow",
    "Indeterminate",
    "Kind",
    "Message",
    "Observer",
    "OutboxPolicy",
    "Overloaded",
    "Quota",
    "Rate",
    "Redis",
    "Sentinels",
    "SetTimer",
    "Standing",
    "Turn",
    "Unavailable",
    "keep",
    "redis_from_url",
    "wall_clock",
]
