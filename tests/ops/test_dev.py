"""The developer's entry point and the locks it installs from."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.ops.installation import ROOT

LOCKS = {name: (ROOT / "requirements" / f"{name}.txt").read_text() for name in ("run", "test")}


def pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", lock, re.M))


def normal(requirement: str) -> str:
    name = re.split(r"[\[<>=!~ ;]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_hashes_and_no_host(name: str) -> None:
    lock = LOCKS[name]
    blocks = re.split(r"\n(?=\S)", lock.strip())
    packages = [block for block in blocks if not block.startswith("#")]
    assert packages
    assert all("--hash=sha256:" in block for block in packages)
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links|--trusted-host", lock)


def test_what_runs_is_what_is_tested() -> None:
    run, test = pins(LOCKS["run"]), pins(LOCKS["test"])
    assert run.items() <= test.items()


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {normal(one) for one in project["dependencies"]} <= pins(LOCKS["run"]).keys()
    extra = project["optional-dependencies"]["test"]
    assert {normal(one) for one in extra} <= pins(LOCKS["test"]).keys()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As much of a checkout as `./dev` looks at, without an environment."""
    shutil.copy(ROOT / "dev", tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    return tmp_path


def run_dev(checkout: Path, pretended: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `./dev` where every Python is the script `pretended`."""
    programs = checkout / "programs"
    programs.mkdir()
    for name in ("python3.13", "python3.12", "python3.11", "python3"):
        (programs / name).write_text(f"#!/bin/sh\n{pretended}\n")
        (programs / name).chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [checkout / "dev", *arguments],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_python_that_is_too_old_is_said(checkout: Path) -> None:
    failed = run_dev(checkout, "exit 1", "serve")
    assert failed.returncode == 1
    assert "Python 3.11, 3.12 or 3.13 is needed" in failed.stderr


def test_a_python_without_venv_is_told_what_to_install(checkout: Path) -> None:
    without = f'case "$*" in *ensurepip*) exit 1;; esac\nexec {sys.executable} "$@"'
    failed = run_dev(checkout, without, "serve")
    version = "{}.{}".format(*sys.version_info)
    assert failed.returncode == 1
    assert f"apt-get install python{version}-venv" in failed.stderr
    assert not (checkout / ".venv").exists()


def test_it_says_what_it_can_do(checkout: Path) -> None:
    assert "test-slow" in run_dev(checkout, "exit 1").stdout


def test_it_refuses_what_it_cannot_do(checkout: Path) -> None:
    assert run_dev(checkout, "exit 1", "nonsense").returncode == 2


@pytest.mark.parametrize("processes", [(), ("-n", "1")])
def test_where_everything_is_required_a_skip_is_a_failure(
    tmp_path: Path, processes: tuple[str, ...]
) -> None:
    file = tmp_path / "test_skips.py"
    file.write_text(
        "import pytest\n"
        "def test_skips(): pytest.skip('no browser')\n"
        "@pytest.mark.xfail\ndef test_known(): assert False\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "tests.require_all", *processes, str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "nothing may be skipped here" in done.stdout
    assert "1 failed, 1 xfailed" in done.stdout
