"""The README and the operators' pages say what is true."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from gatehouse.ops import reference
from gatehouse.ops.metrics import METRICS
from gatehouse.ops.settings import PREFIX, Settings
from tests.ops.conftest import Install
from tests.ops.installation import ROOT

README = (ROOT / "README.md").read_text()
PAGES = [ROOT / name for name in ("README.md", "CHANGELOG.md", "SECURITY.md")]
PAGES += sorted((ROOT / "docs").rglob("*.md"))


def shell_block(containing: str) -> str:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.S)
    return next(block for block in blocks if containing in block)


def test_the_first_command_starts_a_server_that_stops_when_told(install: Install) -> None:
    gatehouse = install()
    gatehouse.start([str(ROOT / "dev"), *shell_block("serve").split()[1:]])
    assert httpx.get(f"{gatehouse.url}/demo-app").status_code == 200
    assert gatehouse.stop() == 0


def test_the_commands_that_manage_a_server_work_as_written(install: Install) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed, and the README's commands use it")
    gatehouse = install()
    gatehouse.start()
    commands = shell_block("token=").replace("http://localhost:3001", gatehouse.url)
    done = subprocess.run(
        ["bash", "-euc", commands],
        cwd=gatehouse.data_dir.parent,
        env=gatehouse.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["name"] == "My application"


def test_the_settings_it_names_are_there_with_the_defaults_it_gives() -> None:
    rows = re.findall(rf"^\| `{PREFIX}(\w+)` \| (?:`(.*?)`|.*?) \|", README, re.M)
    assert len(rows) > 5
    for name, default in rows:
        value = Settings.model_fields[name.lower()].default
        shown = ",".join(value) if isinstance(value, tuple) else str(value)
        # Where the README tells the effect of an empty default, there is nothing to compare.
        assert default in {shown, ""} or not shown


@pytest.mark.parametrize("name", reference.PAGES)
def test_the_reference_is_up_to_date(name: str) -> None:
    page = (reference.DOCS / name).read_text()
    assert page == reference.with_table(page, reference.PAGES[name]()), (
        "run .venv/bin/python -m gatehouse.ops.reference"
    )


def test_the_metrics_that_the_pages_name_are_there() -> None:
    text = "".join(page.read_text() for page in reference.DOCS.glob("*.md"))
    named = set(re.findall(r"\bgatehouse_\w+", text))
    known = {one.name for one in METRICS}
    known |= {f"{one.name}_bucket" for one in METRICS if one.kind == "histogram"}
    assert len(named) > 20
    assert named <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
