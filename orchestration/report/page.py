"""A report as one HTML file: nothing in it is read from elsewhere, and it prints on A4."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from orchestration.language import _, language
from orchestration.report.charts import charts
from orchestration.report.table import Table, heading, kind, shown

TEMPLATE = Path(__file__).with_name("page.html")
MOST_ROWS = 400  # of a table, which people read; the workbook has all
DRAWN = ("days", "hours")  # of which the picture says everything


def page(tables: Sequence[Table], about: str) -> str:
    """The report as HTML."""
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(_=_, language=language(), about=about, sections=[_section(table) for table in tables])


def _section(table: Table) -> dict[str, Any]:
    """What the page shows of a table."""
    told = [] if table.key in DRAWN else table.dicts()
    return {
        "key": table.key,
        "title": _(table.title),
        "pictures": [Markup(svg) for svg in charts(table)],
        "headings": [(_look(column, told[0]) if told else "", heading(column)) for column in table.shown],
        "rows": [
            [(_look(column, row), shown(column, row[column], row.get("unit"))) for column in table.shown]
            for row in told[:MOST_ROWS]
        ],
        "left_out": max(0, len(told) - MOST_ROWS),
        "is_empty": not table.rows,
    }


def _look(column: str, row: dict[str, Any]) -> str:
    """The class that a value is drawn with."""
    value = row[column]
    if column in ("is_met", "status"):
        return "" if value in (None, "not_assessed") else "good" if value in (True, "met", "match") else "bad"
    return "number" if isinstance(value, int | float) or kind(column, row.get("unit")) else ""
