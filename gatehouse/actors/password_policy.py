"""Which passwords a tenant accepts: Logto's policy, as a pure function.

A password must have a length and a mixture of characters, and must not consist of what is easy to
guess: repetitions, runs along the alphabet or the keyboard, words the tenant lists, facts about
the person. Such stretches are tolerated within a longer password: it is refused only if fewer than
three characters are left outside them.

Nothing is asked of the network: whether a password is known to be breached is not checked here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import msgspec

MIN_STRETCH = 3
"""Characters from which a repetition or a run counts."""
TOLERANCE = 3
"""Characters outside easy stretches that make a password acceptable."""
SYMBOLS = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ ")

_ROWS = (
    "0123456789",
    "abcdefghijklmnopqrstuvwxyz",
    *("qwertyuiop", "asdfghjkl", "zxcvbnm"),
    *("1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "8ik", "9ol"),
)
_RUNS = tuple(
    spelled for row in _ROWS for run in (row, row[::-1]) for spelled in {run, run.upper()}
)


class _Length(msgspec.Struct, frozen=True):
    min: int = 8
    max: int = 256


class _CharacterTypes(msgspec.Struct, frozen=True):
    min: int = 1


class _Rejects(msgspec.Struct, frozen=True, rename="camel"):
    repetition_and_sequence: bool = True
    user_info: bool = True
    words: tuple[str, ...] = ()


class PasswordPolicy(msgspec.Struct, frozen=True, rename="camel"):
    """The `passwordPolicy` of a sign-in experience; what it leaves out has Logto's defaults."""

    length: _Length = _Length()
    character_types: _CharacterTypes = _CharacterTypes()
    rejects: _Rejects = _Rejects()


class Rejection(StrEnum):
    """Why a password is not accepted."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    CHARACTER_TYPES = "character_types"
    UNSUPPORTED_CHARACTERS = "unsupported_characters"
    REPETITION = "restricted.repetition"
    SEQUENCE = "restricted.sequence"
    WORDS = "restricted.words"
    USER_INFO = "restricted.user_info"


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing wrong with a password; `bound` is the limit it missed, where there is one."""

    rejection: Rejection
    bound: tuple[str, int] | None = None

    def as_json(self) -> dict[str, object]:
        """The issue as clients are told it."""
        view: dict[str, object] = {"code": f"password_rejected.{self.rejection.value}"}
        if self.bound is not None:
            view["interpolation"] = dict([self.bound])
        return view


@dataclass(frozen=True, slots=True)
class PersonalFacts:
    """What a password should not consist of."""

    name: str | None = None
    username: str | None = None
    email: str | None = None
    phone: str | None = None

    def words(self) -> Iterator[str]:
        """The words a person's own facts are made of, in lower case."""
        if self.name:
            yield from (self.name, "".join(self.name.split()), *self.name.split())
        yield from (
            word
            for word in (self.username, (self.email or "").partition("@")[0], self.phone)
            if word
        )


def check_password(policy: PasswordPolicy, password: str, facts: PersonalFacts) -> list[Issue]:
    """Everything that is wrong with a password; empty if it is accepted."""
    return [*_shape(policy, password), *_easy(policy.rejects, password, facts)]


def _shape(policy: PasswordPolicy, password: str) -> Iterator[Issue]:
    if len(password) < policy.length.min:
        yield Issue(Rejection.TOO_SHORT, ("min", policy.length.min))
    elif len(password) > policy.length.max:
        yield Issue(Rejection.TOO_LONG, ("max", policy.length.max))
    kinds = {_kind(character) for character in password}
    if None in kinds:
        yield Issue(Rejection.UNSUPPORTED_CHARACTERS)
    elif len(kinds) < policy.character_types.min:
        yield Issue(Rejection.CHARACTER_TYPES, ("min", policy.character_types.min))


def _kind(character: str) -> str | None:
    if "a" <= character <= "z":
        return "lower"
    if "A" <= character <= "Z":
        return "upper"
    if "0" <= character <= "9":
        return "digit"
    return "symbol" if character in SYMBOLS else None


def _easy(rejects: _Rejects, password: str, facts: PersonalFacts) -> list[Issue]:
    password = password[: _Length().max]
    lowered = password.lower()
    personal = tuple(word.lower() for word in facts.words()) if rejects.user_info else ()
    listed = tuple(word.lower() for word in rejects.words)
    covered: set[int] = set()
    found: dict[Rejection, None] = {}
    for start in range(len(password)):
        stretches = (
            (
                Rejection.REPETITION,
                _repetition(password, start) if rejects.repetition_and_sequence else 0,
            ),
            (Rejection.SEQUENCE, _run(password, start) if rejects.repetition_and_sequence else 0),
            (Rejection.WORDS, _longest(lowered, start, listed)),
            (Rejection.USER_INFO, _longest(lowered, start, personal)),
        )
        for rejection, length in stretches:
            if length:
                covered.update(range(start, start + length))
                found[rejection] = None
    if len(covered) <= max(1, len(password) - TOLERANCE):
        return []
    return [Issue(rejection) for rejection in found]


def _repetition(password: str, start: int) -> int:
    end = start
    while end < len(password) and password[end] == password[start]:
        end += 1
    return end - start if end - start >= MIN_STRETCH else 0


def _run(password: str, start: int) -> int:
    length = max(_common(password, start, run) for run in _RUNS)
    return length if length >= MIN_STRETCH else 0


def _common(password: str, start: int, run: str) -> int:
    """How far the password follows the run from this place on."""
    at = run.find(password[start])
    if at < 0:
        return 0
    length = 0
    for wanted, given in zip(run[at:], password[start:], strict=False):
        if wanted != given:
            break
        length += 1
    return length


def _longest(lowered: str, start: int, words: Iterable[str]) -> int:
    return max((len(word) for word in words if lowered.startswith(word, start)), default=0)
