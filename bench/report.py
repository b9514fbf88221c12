"""The report: JSON for programs, Markdown for people."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.measure import Goal, Measurement, Result


def write(directory: Path, results: list[Result], facts: dict[str, Any]) -> tuple[Path, Path]:
    """Write both, named by the time, and as `latest`; the paths of the latest."""
    directory.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    data = {
        "measured_at": now.isoformat(timespec="seconds"),
        "machine": facts,
        "suites": [result.as_dict() for result in results],
    }
    texts = {".json": json.dumps(data, indent=2) + "\n", ".md": markdown(results, facts, now)}
    for name in (f"{now:%Y%m%d-%H%M%S}", "latest"):
        for suffix, text in texts.items():
            (directory / f"{name}{suffix}").write_text(text)
    return directory / "latest.json", directory / "latest.md"


def markdown(results: list[Result], facts: dict[str, Any], now: datetime) -> str:
    """The goals in one table, then every suite's numbers."""
    lines = ["# How fast Gatehouse is", "", f"Measured {now:%Y-%m-%d %H:%M} UTC."]
    lines += [f"- {name.replace('_', ' ')}: {value}" for name, value in facts.items()]
    lines += ["", "## Goals", "", "| what | goal | measured | |", "|---|---|---|---|"]
    for result in results:
        lines += [_goal_row(result, goal) for goal in result.goals]
    for result in results:
        lines += ["", f"## {result.title}", ""]
        extras = list(dict.fromkeys(key for one in result.measurements for key in one.extra))
        heads = ["", "a second", "processor time, us", *(key.replace("_", " ") for key in extras)]
        lines += ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
        lines += [_row(one, extras) for one in result.measurements]
        if result.notes:
            lines += ["", *result.notes]
    return "\n".join(lines) + "\n"


def _goal_row(result: Result, goal: Goal) -> str:
    sense = "at least" if goal.at_least else "at most"
    verdict = {True: "met", False: "**missed**", None: "not measurable here"}[goal.met]
    value = "" if goal.value is None else _number(goal.value, goal.unit)
    bound = f"{sense} {_number(goal.bound, goal.unit)}"
    return f"| {result.title}: {goal.what} | {bound} | {value} | {verdict} |"


def _row(one: Measurement, extras: list[str]) -> str:
    cost = "" if one.cpu_us is None else _number(one.cpu_us)
    cells = [one.name, _number(one.per_second), cost]
    cells += [_number(one.extra[key]) if key in one.extra else "" for key in extras]
    return "| " + " | ".join(cells) + " |"


def _number(value: float, unit: str = "") -> str:
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}{' ' + unit if unit else ''}"
