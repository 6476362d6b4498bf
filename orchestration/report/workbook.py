"""A report as a workbook of Excel: a sheet a table, with the numbers as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from orchestration.language import _
from orchestration.report.table import Table, heading, kind, word

FORMATS = {"share": "0.00%", "seconds": "0.0"}
WIDEST = 60  # characters


def write_workbook(tables: Sequence[Table], about: str, to: Path) -> None:
    """Writes the workbook."""
    book = Workbook()
    book.properties.title = f"kefu {about}"
    book.remove(book.active)
    for table in tables:
        sheet = book.create_sheet(_(table.title)[:31])
        sheet.append([heading(column) for column in table.shown])
        for row in table.dicts():
            sheet.append([word(column, row[column]) for column in table.shown])
            for cell, column in zip(sheet[sheet.max_row], table.shown, strict=True):
                cell.number_format = FORMATS.get(kind(column, row.get("unit")) or "", cell.number_format)
        for cell in sheet[1]:
            cell.font = Font(bold=True)
        sheet.freeze_panes = "A2"
        sheet.auto_filter.ref = sheet.dimensions
        for place, cells in enumerate(sheet.columns, 1):
            widest = max(sum(2 if ord(c) > 0x2E80 else 1 for c in str(cell.value or "")) for cell in cells)
            sheet.column_dimensions[get_column_letter(place)].width = min(WIDEST, widest + 2)
    book.save(to)
