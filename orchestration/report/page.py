"""A report as one HTML file: nothing in it is read from elsewhere, and it prints on A4."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

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
    sections = [
        {
            "key": table.key,
            "title": _(table.title),
            "pictures": [Markup(svg) for svg in charts(table)],
            "headings": [(_look(column, (table.dicts() or [{}])[0]), heading(column)) for column in table.shown],
            "rows": [] if table.key in DRAWN else [_cells(table, row) for row in table.dicts()[:MOST_ROWS]],
            "left_out": 0 if table.key in DRAWN else max(0, len(table.rows) - MOST_ROWS),
            "is_empty": not table.rows,
        }
        for table in tables
    ]
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(_=_, language=language(), about=about, sections=sections)


def _cells(table: Table, row: dict[str, object]) -> list[tuple[str, str]]:
    """Each shown value of a row with the class it is drawn with."""
    return [(_look(column, row), shown(column, row[column], str(row.get("unit")))) for column in table.shown]


def _look(column: str, row: dict[str, object]) -> str:
    value = row.get(column)
    if column in ("is_met", "status"):
        return "" if value in (None, "not_assessed") else "good" if value in (True, "met", "match") else "bad"
    is_number = isinstance(value, int | float) or bool(kind(column, str(row.get("unit"))))
    return "number" if is_number else ""
