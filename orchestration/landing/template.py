"""`kefu template`: the tables that may land as empty files, and a list of their columns, for whoever fills them."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from orchestration.errors import KefuError
from orchestration.home import first_line
from orchestration.landing.contract import Column, Table, contract
from orchestration.language import _, language
from orchestration.seeds import seed

LIST = "columns.csv"


def write_template(to: Path, platform: str | None) -> str:
    """Writes an empty CSV for each table, PLATFORM/TABLE.csv, and columns.csv. Returns a line that says so. KefuError where the
    folder holds anything or cannot be written.
    """
    if to.exists() and any(to.iterdir()):
        raise KefuError(f"--to {to} is not empty: a template is written into a new folder")
    tables = [table for table in contract().values() if platform in (None, table.platform)]
    try:
        for table in tables:
            file = to / table.platform / f"{table.name}.csv"
            file.parent.mkdir(parents=True, exist_ok=True)
            _write(file, [[column.name for column in table.columns]])
        _write(to / LIST, [[_(heading) for heading in HEADINGS], *_described(tables)])
    except OSError as error:
        raise KefuError(f"--to {to} cannot be written: {first_line(error)}") from error
    return _("{to}: {count} tables, and {list} that says what each column is").format(to=to, count=len(tables), list=LIST)


HEADINGS = ("platform", "delivered table", "delivered", "metrics that need it", "column", "type", "required", "values", "meaning")


def _described(tables: Sequence[Table]) -> Iterator[list[str]]:
    needing = _metrics_by_table()
    for table in tables:
        how_often = _("daily") if table.is_daily else _("when there is something")
        metrics = _("; ").join(needing[table.platform, table.name])
        for column in table.columns:
            of_column = [column.name, column.data_type, _required(column), _("; ").join(column.values), column.meaning]
            yield [table.platform, table.name, how_often, metrics, *of_column]


def _required(column: Column) -> str:
    if column.required:
        return _("yes")
    return _("; ").join(f"{other} = {', '.join(values)}" for other, values in column.required_when.items())


def _metrics_by_table() -> Mapping[tuple[str, str], list[str]]:
    """The titles of the metrics that cannot be computed without a table."""
    titles = {(row["platform"], row["metric"]): row[f"title_{language()}"] for row in seed("metrics")}
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in seed("metric_tables"):
        if row["is_required"] == "true":
            found[row["platform"], row["table_name"]].append(titles[row["platform"], row["metric"]])
    return found


def _write(file: Path, rows: Sequence[Sequence[str]]) -> None:
    with open(file, "w", encoding="utf-8-sig", newline="") as opened:  # a mark by which Excel knows the encoding
        csv.writer(opened, lineterminator="\n").writerows(rows)
