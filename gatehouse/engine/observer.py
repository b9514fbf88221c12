"""What the engine tells whoever measures it.

The engine knows nothing of metrics. It calls these methods, which do nothing; an observer
overrides those it wants. They run on the hot path and in the event loop: an override adds to an
integer and returns. Arguments named `kind`, `outcome` and `node` are bounded sets, fit for labels.
"""

from __future__ import annotations


class Observer:
    """The engine's measuring points. Every method may be overridden; none may raise or block."""

    # Turns

    def turn_finished(self, kind: str, outcome: str) -> None:
        """A message was answered.

        `outcome` is `committed`, `kept` (nothing to write), `refused` (apply raised) or `failed`
        (the engine raised).
        """

    def turn_conflicted(self, kind: str) -> None:
        """Another node was first; the turn is decided again on its state."""

    def commit_finished(self, seconds: float) -> None:
        """A round trip of a turn took this long, waiting in the link included."""

    def mailbox_depth(self, kind: str, depth: int) -> None:
        """So many messages wait for this actor, or for one like it, right after one was added."""

    def mailbox_refused(self, kind: str) -> None:
        """A message was shed because its mailbox was full."""

    # Outbox and timers

    def effect_delivered(self, kind: str) -> None:
        """A handler accepted an effect."""

    def effect_failed(self, kind: str) -> None:
        """A handler raised; the effect will be tried again."""

    def effect_dead(self, kind: str) -> None:
        """An effect was tried for the last time and moved to the dead letters."""

    def outbox_lag(self, seconds: float) -> None:
        """Age of an effect when a handler first got it."""

    def outbox_backlog(self, waiting: int, oldest_seconds: float, dead: int) -> None:
        """So many effects wait or are being handled, the oldest for so long; so many were given up.

        Told every few seconds by every node, of the outboxes that they all share.
        """

    def timers_fired(self, count: int) -> None:
        """So many due timers were moved into the outbox."""

    # Redis link

    def link_batch(self, commands: int, in_flight: int) -> None:
        """One write carried this many requests; so many now wait for a reply on that connection."""

    def link_connected(self, node: str) -> None:
        """A connection to this Redis node is up, for the first time or again."""

    def link_lost(self, node: str, reason: str) -> None:
        """A connection ended, or could not be made. `reason` is for a log, never for a label."""

    def link_refused(self) -> None:
        """A request was shed because too many were in flight."""
