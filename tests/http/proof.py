"""What the whole suite has proven of each operation: an answer of success, and a refusal.

A pytest plugin. Every answer that was held against the contract is noted; after a run of all tests
the notes must be what `tests/contracts/proof.json` says, from which the coverage table is drawn,
and no operation that comes first may lack either. `--write-proof` writes the file instead.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

PROOF = Path(__file__).parent.parent / "contracts" / "proof.json"

_noted: defaultdict[str, set[str]] = defaultdict(set)


def note(operation_id: str, status: int) -> None:
    """An operation has answered, as the contract wants it."""
    _noted[operation_id].add("success" if status < 400 else "refusal")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-proof", action="store_true", help="write what this run has proven of operations"
    )


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A process of pytest-xdist has ended: take over what it noted."""
    for operation_id, proven in getattr(node, "workeroutput", {}).get("proof", {}).items():
        _noted[operation_id].update(proven)


def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    found = {name: sorted(_noted[name]) for name in sorted(_noted)}
    if hasattr(config, "workeroutput"):
        config.workeroutput["proof"] = found
    elif config.getoption("--write-proof"):
        PROOF.write_text(json.dumps(found, indent=1) + "\n")
    elif _is_whole(session):
        config.stash[_DIFFERENT] = _differences(json.loads(PROOF.read_text()), found)
        if config.stash[_DIFFERENT]:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if different := config.stash.get(_DIFFERENT, []):
        terminalreporter.section("what is proven of operations has changed")
        for line in different:
            terminalreporter.line(line)
        terminalreporter.line("run ./dev test --write-proof, and gatehouse.http.coverage after it")


_DIFFERENT = pytest.StashKey[list[str]]()


def _is_whole(session: pytest.Session) -> bool:
    """Whether all tests ran, and well: then what is missing is missing."""
    config = session.config
    return (
        config.args_source is not pytest.Config.ArgsSource.ARGS
        and config.option.markexpr == "not slow"
        and not config.option.keyword
        and not session.testsfailed
    )


def _differences(written: dict[str, list[str]], found: dict[str, list[str]]) -> list[str]:
    return [
        f"{name}: {' and '.join(found.get(name, [])) or 'nothing'},"
        f" where the table says {' and '.join(written.get(name, [])) or 'nothing'}"
        for name in sorted(written.keys() | found.keys())
        if written.get(name, []) != found.get(name, [])
    ]
