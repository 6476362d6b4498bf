"""JSON that a platform's page reads, as grids: blocks of rows, or lists of indicators."""

from __future__ import annotations

from collections.abc import Sequence

from orchestration.errors import KefuError
from orchestration.imports.cells import EMPTY, Cell, Grid, Row, cell_of
from orchestration.imports.files import walk
from orchestration.imports.sheets import Platform, Sheet
from orchestration.imports.values import number

INDICATOR = {"code", "name"}  # and a figure
FIGURES = ("showValue", "value")


def grids_of(tree: object, among: Sequence[Platform]) -> tuple[list[Grid], list[str]]:
    """The grids within a JSON text, and what is told of the rest."""
    blocks = {block: sheet for platform in among for sheet in platform.sheets for block in sheet.blocks}
    by_indicator = next((sheet for platform in among for sheet in platform.sheets if sheet.indicators), None)
    grids: list[Grid] = []
    beside: list[str] = []
    inside: list[str] = []
    seen: list[str] = []

    def visit(path: str, value: object) -> None:
        name = path.rpartition(".")[2]
        if any(not each or path == each or path.startswith(f"{each}.") for each in inside):
            return
        if isinstance(value, dict) and len(seen) < 12:
            seen.extend(key for key in map(str, value) if key not in seen)
        if name in blocks and isinstance(value, dict | list):
            grids.append(_block(name, value))
            inside.append(path)
        elif by_indicator and _are_indicators(value):
            grids.append(_indicators(value, by_indicator))  # type: ignore[arg-type]
            inside.append(path)
        elif value is not None and not isinstance(value, dict | list):
            beside.append(path)

    walk(tree, visit)
    if not grids:
        known = sorted([*blocks, "a list of indicators with code, name and value"])
        raise KefuError(f"its JSON holds nothing that is known: its keys are {', '.join(seen)}; known are {', '.join(known)}")
    return grids, [f"left out, beside the figures: {', '.join(beside)}"] if beside else []


def _are_indicators(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) and each.keys() >= INDICATOR for each in value)


def _block(name: str, value: object) -> Grid:
    """A grid of a block: its fields are columns, each object a row."""
    objects = [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, dict)]
    fields = list(dict.fromkeys(field for each in objects for field in each))
    rows = [Row(1, tuple(Cell(str(field)) for field in fields))]
    rows += [Row(number, tuple(_cell(each.get(field)) for field in fields)) for number, each in enumerate(objects, start=2)]
    return Grid(name, rows, is_headed=True)


def _cell(value: object) -> Cell:
    """The cell of a field, which may be wrapped as {"value": ...}."""
    if isinstance(value, dict) and "value" in value:
        value = value["value"]
    return cell_of(str(value) if isinstance(value, dict | list) else value)


def _indicators(value: list[dict[str, object]], sheet: Sheet) -> Grid:
    """A grid of one row: a column for each field of each indicator, and one for the figure of those that are metrics."""
    cells: dict[str, Cell] = {}
    for each in value:
        fields = {field: _cell(found) for field, found in each.items()}
        code, name = fields["code"].text, fields["name"].text
        column = sheet.indicators.get(code) or sheet.indicators.get(name)
        if column:
            cells[column] = next((fields[key] for key in FIGURES if key in fields and number(fields[key]) is not None), EMPTY)
        cells |= {f"{name or code} {field}": cell for field, cell in fields.items() if field != "name"}
    return Grid(sheet.name, [Row(1, tuple(map(Cell, cells))), Row(2, tuple(cells.values()))], is_headed=True)
