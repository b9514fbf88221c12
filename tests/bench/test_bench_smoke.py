"""The load suites run and report. How fast anything was is not asserted: that is theirs to say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import servers
from bench.__main__ import SUITES

ROOT = Path(__file__).parents[2]


def bench(results: Path, *arguments: str) -> tuple[dict[str, Any], str]:
    """Run the bench; its report as data and as text."""
    command = [sys.executable, "-m", "bench", "--quick", "--results", str(results), *arguments]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    report = json.loads((results / "latest.json").read_text())
    text = (results / "latest.md").read_text()
    assert text in run.stdout
    return report, text


def test_a_quick_run_reports_every_goal(tmp_path: Path) -> None:
    report, text = bench(tmp_path)
    assert [suite["suite"] for suite in report["suites"]] == list(SUITES)
    assert {"processor", "cores", "python", "quick"} <= set(report["machine"])
    for suite in report["suites"]:
        assert len(suite["measurements"]) >= 2, "everything is compared with something"
        assert all(one["per_second"] > 0 for one in suite["measurements"])
        assert suite["goals"]
        for goal in suite["goals"]:
            assert goal["value"] > 0
            assert isinstance(goal["met"], bool)
            assert f"{suite['title']}: {goal['what']}" in text


def test_a_target_is_measured_by_what_it_answers(tmp_path: Path) -> None:
    """Another server's processor time is not ours to see: the goal is left open."""
    with servers.hello("edge") as server:
        report, text = bench(tmp_path, "--target", server.url, "--suite", "status")
    (suite,) = report["suites"]
    assert report["machine"]["target"] == server.url
    assert suite["measurements"][1]["per_second"] > 0
    assert suite["measurements"][1]["cpu_us"] is None
    assert suite["goals"][0]["met"] is None
    assert "not measurable here" in text


@pytest.mark.parametrize("suite", ["edge", "link", "turns"])
def test_a_suite_that_is_not_about_http_has_no_target(suite: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="can be pointed at a target"):
        bench(tmp_path, "--target", "http://localhost:1", "--suite", suite)
