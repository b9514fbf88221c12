"""Samples, medians over alternating rounds, and goals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Sample:
    """One round of one thing: how many a second, and what each cost."""

    per_second: float
    cpu_us: float | None = None
    """Processor time of the measured process for each, in microseconds; None if it is not ours."""
    extra: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Measurement:
    """The medians of all rounds."""

    name: str
    per_second: float
    cpu_us: float | None
    extra: Mapping[str, float]
    rounds: list[Sample]


@dataclass(frozen=True)
class Goal:
    """A ratio or a bound that the project has promised."""

    what: str
    bound: float
    at_least: bool
    value: float | None
    """None where the parts are not measurable here."""
    unit: str = ""

    @property
    def met(self) -> bool | None:
        if self.value is None:
            return None
        return self.value >= self.bound if self.at_least else self.value <= self.bound


@dataclass(frozen=True)
class Result:
    """What a suite found out."""

    suite: str
    title: str
    measurements: list[Measurement]
    goals: list[Goal]
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        found = asdict(self)
        for goal, plain in zip(self.goals, found["goals"], strict=True):
            plain["met"] = goal.met
        return found


def alternate(
    rounds: int, contenders: Mapping[str, Callable[[], Sample]]
) -> dict[str, Measurement]:
    """Let the contenders run in turn, so that a busy moment of the machine strikes them all."""
    samples: dict[str, list[Sample]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            samples[name].append(run())
    return {name: _median(name, taken) for name, taken in samples.items()}


def _median(name: str, taken: list[Sample]) -> Measurement:
    costs = [sample.cpu_us for sample in taken if sample.cpu_us is not None]
    return Measurement(
        name,
        median(sample.per_second for sample in taken),
        median(costs) if costs else None,
        {key: median(sample.extra[key] for sample in taken) for key in taken[-1].extra},
        taken,
    )


def ratio(part: float | None, whole: float | None) -> float | None:
    """`part / whole`, unless one of them is unknown."""
    return part / whole if part is not None and whole else None
