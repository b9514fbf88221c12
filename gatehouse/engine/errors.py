"""What can go wrong between an actor and its Redis, as few errors as a caller can act on.

A caller wants to know two things: when to come back, and whether the thing may have happened.
`retry_after` (seconds) answers the first, `maybe_executed` the second. Errors that a command
itself earned (wrong type, no permission) are redis-py's own and are raised unchanged: they are
mistakes in our code or in an operator's ACL, and nobody should retry them.

They are named by what they say, and so without the suffix that N818 asks for.
"""

from __future__ import annotations


class EngineError(Exception):
    """Base of everything the engine raises of its own."""


class Unavailable(EngineError):  # noqa: N818
    """Redis cannot be reached or cannot serve now.

    The request was not executed, unless `maybe_executed` says otherwise (see `ConnectionLost`).
    """

    maybe_executed = False

    def __init__(self, reason: str, *, retry_after: float = 1.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        """Seconds after which trying again is sensible."""


class ConnectionLost(Unavailable):
    """The connection broke after the request was handed to the network: it may have been executed.

    Nothing is repeated on the caller's behalf. A caller that can recognise its own earlier attempt
    (a turn, by its nonce) may send it again.
    """

    maybe_executed = True


class Indeterminate(EngineError):  # noqa: N818
    """A request may have been executed, and there is no way left to tell."""


class Overloaded(EngineError):  # noqa: N818
    """A bounded queue is full: the request was refused at once and nothing was executed."""

    def __init__(self, reason: str, *, retry_after: float = 1.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        """Seconds after which trying again is sensible."""


class Contended(EngineError):  # noqa: N818
    """Other nodes won every attempt at this turn; nothing was committed."""
