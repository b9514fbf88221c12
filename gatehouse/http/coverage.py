"""The coverage table of a dialect: what its contract asks for, what is declared, what is tested.

    python -m gatehouse.http.coverage          rewrites docs/coverage/logto.md
    python -m gatehouse.http.coverage --check  fails if that file is out of date

Run in a checkout. What is proven of an operation is what the last whole test run left in
`tests/contracts/proof.json`: an answer of success and a refusal, each from a running server and
held against the contract.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gatehouse.http.logto.skin import skins
from gatehouse.http.operation import Operation

CONTRACT = Path("tests/contracts/logto.json")
TABLE = Path("docs/coverage/logto.md")
PROOF = Path("tests/contracts/proof.json")
KINDS = ("success", "refusal")
"""What a test may prove of an operation."""


def coverage_table(
    contract: Mapping[str, Any],
    declared: Iterable[Operation],
    proof: Mapping[str, Sequence[str]],
) -> str:
    """The table as Markdown, in the contract's own grouping."""
    ours = {operation.operation_id for operation in declared}
    groups: dict[str, list[tuple[str, Mapping[str, Any]]]] = defaultdict(list)
    for name, operation in contract.items():
        groups[operation["tag"]].append((name, operation))
    needed = [name for name, operation in contract.items() if operation["seed"]]
    done = len(ours & set(needed))
    lines = [
        "# Coverage of the Logto API",
        "",
        "Written by `python -m gatehouse.http.coverage` from the declarations and the tests.",
        "",
        f"{done} of the {len(needed)} operations that come first are served.",
    ]
    for tag, operations in sorted(groups.items()):
        here = sum(name in ours for name, _ in operations)
        lines += ["", f"## {tag} ({here} of {len(operations)})", ""]
        lines += ["| operation | method and path | served | success | refusal |"]
        lines += ["|---|---|---|---|---|"]
        for name, operation in sorted(operations):
            served = "yes" if name in ours else ("" if operation["seed"] else "later")
            proven = ["tested" if one in proof.get(name, ()) else "" for one in KINDS]
            path = f"`{operation['method']} {operation['path']}`"
            lines.append(f"| {name} | {path} | {served} | {' | '.join(proven)} |")
    return "\n".join(lines) + "\n"


def current_table() -> str:
    """The table of this checkout."""
    declared = [operation for _, operations in skins() for operation in operations]
    contract, proof = (json.loads(file.read_text()) for file in (CONTRACT, PROOF))
    return coverage_table(contract, declared, proof)


def main(arguments: list[str]) -> int:
    """Write the table, or check it; the exit status."""
    table = current_table()
    if arguments == ["--check"]:
        if TABLE.exists() and TABLE.read_text() == table:
            return 0
        sys.stderr.write(f"{TABLE} is out of date: run python -m gatehouse.http.coverage\n")
        return 1
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
