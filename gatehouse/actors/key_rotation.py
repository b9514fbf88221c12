"""When which signing key signs: rotation at once, or staged with a time for clients to notice.

A staged key is `next` until its `effective_at`, or where it has none until an operator promotes
it. Nobody has to be awake at that moment: whoever reads the keys reads them *as of now*, and the
next rotation writes down what has come to pass.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from gatehouse.storage.records import KeyStatus, SigningKey
from gatehouse.storage.tenants import SigningKeys

SPENT: Final[tuple[KeyStatus, ...]] = ("previous",)
"""What a key must be for the API to delete it; an operator may delete a staged one, too."""


class RotationRefused(Exception):  # noqa: N818 - it reads as what happened
    """The keys do not allow this; `rule` is a fixed word that says why."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


def as_of(keys: Sequence[SigningKey], now: int) -> list[SigningKey]:
    """The keys with the statuses they have at `now` (ms since the epoch)."""
    due = [
        key
        for key in keys
        if key.status == "next" and key.effective_at is not None and key.effective_at <= now
    ]
    if not due:
        return list(keys)
    signing = max(due, key=lambda key: (key.effective_at or 0, key.created_at))
    settled = []
    for key in keys:
        if key.kid == signing.kid:
            settled.append(msgspec.structs.replace(key, status="current"))
        elif key.status == "current" or key in due:
            settled.append(msgspec.structs.replace(key, status="previous"))
        else:
            settled.append(key)
    return settled


def rotate(keys: SigningKeys, new: SigningKey, now: int, grace_ms: int) -> list[SigningKey]:
    """Sign with `new` from now on, or after the grace period; every key as it is then.

    Raises RotationRefused if another key is staged already.
    """
    known = stage(keys, new, now, now + grace_ms if grace_ms else None)
    if not grace_ms:
        _sign_with(keys, new.kid, known)
    return keys.all()


def stage(
    keys: SigningKeys, new: SigningKey, now: int, effective_at: int | None
) -> list[SigningKey]:
    """Publish `new`, which signs from `effective_at` (ms since the epoch) on, or once promoted.

    The keys as they were before. Raises RotationRefused if another key is staged already.
    """
    known = _settle(keys, now)
    if any(key.status == "next" for key in known):
        raise RotationRefused("next_is_staged")
    keys.create(msgspec.structs.replace(new, status="next", effective_at=effective_at))
    return known


def promote(keys: SigningKeys, new: SigningKey, now: int) -> str:
    """Sign from now on with the staged key of the same algorithm, else with `new`; its id."""
    known = _settle(keys, now)
    staged = [key for key in known if key.status == "next" and key.alg == new.alg]
    if staged:
        new = staged[0]
    else:
        keys.create(msgspec.structs.replace(new, status="next"))
    _sign_with(keys, new.kid, known)
    return new.kid


def delete(keys: SigningKeys, kid: str, now: int, deletable: Collection[KeyStatus] = SPENT) -> None:
    """Delete a key that signs no more: one whose status is `deletable`. Raises RotationRefused."""
    known = {key.kid: key for key in _settle(keys, now)}
    if kid not in known:
        raise RotationRefused("key_not_found")
    if len(known) == 1:
        raise RotationRefused("key_required")
    if known[kid].status not in deletable:
        raise RotationRefused("only_previous_key_can_be_deleted")
    keys.delete(kid)


def _sign_with(keys: SigningKeys, kid: str, known: Sequence[SigningKey]) -> None:
    current = [key.kid for key in known if key.status == "current"]
    keys.set_statuses([(kid, "current"), *((old, "previous") for old in current)])


def _settle(keys: SigningKeys, now: int) -> list[SigningKey]:
    """Write down what has come to pass since the last rotation."""
    known = keys.all()
    settled = as_of(known, now)
    before = {key.kid: key.status for key in known}
    changes = [(key.kid, key.status) for key in settled if key.status != before[key.kid]]
    if changes:
        keys.set_statuses(changes)
    return settled
