"""`kefu report`: what a home's marts say of a period, for people without SQL, as one HTML file or as a workbook of Excel.

Each file of tables/ is a query whose first line is the table's title. They read schema marts, which holds what was asked for: a
platform's, or a shop's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from orchestration.errors import KefuError
from orchestration.home import first_line, published_home, written_aside
from orchestration.landing.contract import platform_name
from orchestration.language import _, language
from orchestration.report.page import page
from orchestration.report.table import Table
from orchestration.report.workbook import write_workbook
from orchestration.sql import name, text

TABLES = Path(__file__).parent / "tables"
TARGETS = Path(__file__).parent / "targets.sql"  # what several tables read
ORDER = ("figures", "assessed", "days", "reasons", "hours", "accounts", "ratings", "late", "official", "data")
USUAL_DAYS = 30


@dataclass(frozen=True)
class Wanted:
    """What a report is about: all there is where nothing else is said."""

    platform: str | None = None
    shop: str | None = None
    period: tuple[date, date] | None = None  # both included


def write_report(home_path: Path, to: Path, wanted: Wanted) -> str:
    """Writes a report to a file, .html or .xlsx. Returns a line that says of what. KefuError where there is nothing to report."""
    if to.suffix not in (".html", ".xlsx"):
        raise KefuError(f"--to {to}: a report is a file .html or .xlsx")
    home = published_home(home_path)
    with duckdb.connect() as connection:
        connection.execute(f"attach {text(home.published.resolve())} as published (read_only)")
        _choose(connection, wanted)
        connection.execute(TARGETS.read_text(encoding="utf-8"))
        since, until = wanted.period or _last_days(connection)
        tables = [_table(connection, key, since, until) for key in ORDER]
    if not tables[0].rows:
        raise KefuError(f"the marts have no figures from {since} to {until}")
    platform = platform_name(wanted.platform) if wanted.platform else None
    about = " · ".join(filter(None, [platform, wanted.shop, f"{since} – {until}"]))
    try:
        with written_aside(to) as aside:
            if to.suffix == ".html":
                aside.write_text(page(tables, about), encoding="utf-8")
            else:
                write_workbook(tables, about, aside)
    except OSError as error:
        raise KefuError(f"{to} cannot be written: {first_line(error)}") from error
    return f"{to}: {about}"


def _choose(connection: duckdb.DuckDBPyConnection, wanted: Wanted) -> None:
    """Makes schema marts with what was asked for of the published marts."""
    if wanted.shop:
        ids = connection.execute("select distinct shop_id from published.marts.shops order by all").fetchall()
        if (wanted.shop,) not in ids:
            known = ", ".join(shop for (shop,) in ids[:20])
            raise KefuError(f"--shop {wanted.shop}: the marts know {known}{' and others' if len(ids) > 20 else ''}")
    connection.execute("create schema marts")
    columns: dict[str, list[str]] = {}
    found = connection.execute(
        "select table_name, column_name from duckdb_columns() where database_name = 'published' and schema_name = 'marts'"
    )
    for table, column in found.fetchall():
        columns.setdefault(table, []).append(column)
    for table, has in columns.items():
        chosen = {"platform": wanted.platform, "shop_id": wanted.shop}
        where = " and ".join(f"{column} = {text(value)}" for column, value in chosen.items() if value and column in has)
        rows = f"from published.marts.{name(table)} where {where or 'true'}"
        connection.execute(f"create view marts.{name(table)} as {rows}")


def _last_days(connection: duckdb.DuckDBPyConnection) -> tuple[date, date]:
    ((until,),) = connection.execute("select max(period_end) from marts.service_metrics where period = 'day'").fetchall()
    if until is None:
        raise KefuError("the marts have no figures yet")
    return until - timedelta(days=USUAL_DAYS - 1), until


def _table(connection: duckdb.DuckDBPyConnection, key: str, since: date, until: date) -> Table:
    sql = (TABLES / f"{key}.sql").read_text(encoding="utf-8")
    title = sql.splitlines()[0].removeprefix("-- ")
    parameters: dict[str, Any] = {"since": since, "until": until}
    used = {parameter: value for parameter, value in parameters.items() if f"${parameter}" in sql}
    result = connection.execute(sql.format(language=language(), counted=_("counted")), used)
    columns: Sequence[str] = [column for column, *_rest in result.description]
    return Table(key, title, columns, result.fetchall())
