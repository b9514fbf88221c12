"""How an actor is written down in Redis: its keys and the layout of its value.

A value is a header of 88 bytes and the state as msgpack:

    version     8 bytes, big-endian; the number of turns this history has seen
    nonces      8 x 8 bytes, newest first; one for each of the last turns, zero where there was none
    born        8 bytes; the nonce of the turn this history began with
    expires_at  8 bytes, big-endian; ms since the epoch
    body        msgpack; empty once the actor was deleted (a tombstone)

Version and newest nonce together name one commit and no other, also when an actor was deleted and
made again in between: a compare-and-set on these 16 bytes has no ABA problem. The older nonces
let a node whose connection broke find out whether its own turn was committed (see `commit`).

The time of expiry is in the value, so whether an actor is alive is decided on the clock that the
turn is decided on. Redis keeps the value `LINGER` ms longer, live or dead, so that the
history stays readable for as long as anybody may still ask for it.

All keys that one turn touches carry the hash tag of the actor's partition and share a slot: one
script can commit them together, on Redis Cluster too.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct as Layout
from typing import Any, Final
from zlib import crc32

import msgspec

from gatehouse.engine.actor import KEY_BYTES, Address

PARTITIONS: Final = 64
"""Enough to spread over any sensible cluster, few enough to poll each of them every second."""

LINGER: Final = 60_000
"""How long (ms) Redis keeps a value after its actor ended. Longer than any turn is retried."""

STATE_BYTES: Final = 256 * 1024
"""The largest encoded state. Bounds what one actor can cost Redis, the link and the cache."""

STAMP: Final = 16  # version and newest nonce
HEADER: Final = 88

_HEADER = Layout(">Q8s56s8sQ")
_VERSION_AND_EXPIRY = Layout(">Q72xQ")
_NO_NONCES: Final = bytes(56)

encode_state = msgspec.msgpack.Encoder().encode


@lru_cache(maxsize=1024)
def decoder_of(state: type[msgspec.Struct]) -> msgspec.msgpack.Decoder[Any]:
    """The decoder for one type of state; building one is slow, using it is not."""
    return msgspec.msgpack.Decoder(state)


def partition_of(name: str) -> int:
    """The partition that owns everything called `name`."""
    return crc32(name.encode()) % PARTITIONS


_TAGS: Final = tuple(f"gh:{{p{number:02d}}}:" for number in range(PARTITIONS))


def outbox_key(partition: int) -> str:
    """The stream of effects that wait to be delivered."""
    return f"{_TAGS[partition]}outbox"


def due_key(partition: int) -> str:
    """The sorted set of timers by the time they are due."""
    return f"{_TAGS[partition]}due"


def timers_key(partition: int) -> str:
    """The hash of the effects that the timers of `due_key` will become."""
    return f"{_TAGS[partition]}timers"


def dead_key(partition: int) -> str:
    """The stream of effects that were given up on."""
    return f"{_TAGS[partition]}dead"


def actor_key(address: Address[Any]) -> tuple[int, str]:
    """The partition of an actor and the key of its value; `ValueError` if the address is not one.

    The key comes last and is free text. Two addresses never share a key, because neither tenant
    nor kind may contain the separator.
    """
    tenant, name = address.tenant, f"{address.tenant}:{address.kind.name}:{address.key}"
    if not tenant or ":" in tenant or not address.key or len(address.key.encode()) > KEY_BYTES:
        raise ValueError(f"not an address of an actor of kind {address.kind.name}")
    partition = partition_of(name)
    return partition, f"{_TAGS[partition]}a:{name}"


def sentinel_key(what: str, tenant: str, name: str, key: str) -> str:
    """The key of one thing a sentinel counts; `ValueError` for the same reasons as `actor_key`.

    Whatever is counted of one subject is in one partition.
    """
    full = f"{tenant}:{name}:{key}"
    if not tenant or not name or ":" in tenant + name or not key or len(key.encode()) > KEY_BYTES:
        raise ValueError(f"not an address of a sentinel named {name!r}")
    return f"{_TAGS[partition_of(full)]}{what}:{full}"


def next_header(before: bytes, version: int, nonce: bytes, expires_at: int) -> bytes:
    """The header of the turn named `nonce`, that follows the header `before` (empty if none)."""
    if before:
        return _HEADER.pack(version, nonce, before[8:64], before[72:80], expires_at)
    return _HEADER.pack(version, nonce, _NO_NONCES, nonce, expires_at)


def nonces_of(header: bytes) -> list[bytes]:
    """The nonces of the last eight turns, newest first."""
    return [header[at : at + 8] for at in range(8, 72, 8)]


def born_of(header: bytes) -> bytes:
    """The nonce of the turn that began this history."""
    return header[72:80]


def version_and_expiry(value: bytes) -> tuple[int, int]:
    """The version and the time of expiry in a value or header."""
    return _VERSION_AND_EXPIRY.unpack_from(value)


def pack_effect(kind: str, body: bytes) -> bytes:
    """An effect as one string: in streams and timers it travels as one field."""
    return kind.encode() + b"\0" + body


def unpack_effect(packed: bytes) -> tuple[str, bytes]:
    """The kind and body that `pack_effect` was given."""
    kind, _, body = packed.partition(b"\0")
    return kind.decode(), body
