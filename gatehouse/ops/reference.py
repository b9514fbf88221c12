"""The operators' reference: tables in the documentation that are written by the program itself.

`python -m gatehouse.ops.reference` in a checkout rewrites them, between the two markers of each
page; a test holds the pages to what this would write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from gatehouse.ops.metrics import METRICS
from gatehouse.ops.settings import PREFIX, Settings

BEGIN: Final = "<!-- generated: begin -->"
END: Final = "<!-- generated: end -->"
DOCS: Final = Path(__file__).parents[2] / "docs" / "operators"


def settings_table() -> str:
    """Every setting as a Markdown table."""
    rows = (
        (f"`{PREFIX}{name.upper()}`", _default(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    )
    return _table(("setting", "default", "meaning"), rows)


def metrics_table() -> str:
    """Every metric as a Markdown table."""
    rows = (
        (f"`{one.name}`", one.kind, ", ".join(f"`{label}`" for label in one.labels), one.help)
        for one in METRICS
    )
    return _table(("metric", "type", "labels", "meaning"), rows)


PAGES: Final = {"settings.md": settings_table, "metrics.md": metrics_table}


def with_table(text: str, table: str) -> str:
    """The page with this table between its markers. Raises ValueError if it has none."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.S)
    if not pattern.search(text):
        raise ValueError("the page has no markers for a generated table")
    return pattern.sub(lambda _: f"{BEGIN}\n{table}{END}", text)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _default(value: object) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, tuple):
        value = ",".join(value)
    if isinstance(value, bool):
        value = str(value).lower()
    return f"`{value}`" if value not in {"", None} else ""


def main() -> None:
    """Rewrite the tables in the documentation of this checkout."""
    for name, table in PAGES.items():
        page = DOCS / name
        page.write_text(with_table(page.read_text(), table()))


if __name__ == "__main__":
    main()
