"""What a build came to, for whoever looks at a run: rows, the metrics' values, the response rate as a picture."""

from __future__ import annotations

import base64
import csv
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import duckdb
from matplotlib.dates import ConciseDateFormatter
from matplotlib.figure import Figure

from orchestration.build.checks import RowDates
from orchestration.home import PROJECT

PLOTTED_DAYS = 60


def row_counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows of each mart in the warehouse."""
    tables = connection.execute("select table_name from information_schema.tables where table_schema = 'marts'").fetchall()
    return {table: _count(connection, f"marts.{table}") for (table,) in tables}


def built_row_counts(connection: duckdb.DuckDBPyConnection, dated: Mapping[str, RowDates]) -> dict[str, int]:
    """Rows of the dates of this build, of each dated mart."""
    return {
        table: _count(connection, f"marts.{table} where {dates.within('build.build_dates')}") for table, dates in dated.items()
    }


def _count(connection: duckdb.DuckDBPyConnection, rows: str) -> int:
    return int(connection.execute(f"select count(*) from {rows}").fetchall()[0][0])


def metric_values(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Each metric of the newest day built, over the shops: how many have it, its value over all, how many met the target."""
    found = connection.execute(
        """
        select
            platform, metric, period_end::varchar as business_date, count(*) as shops,
            round(sum(numerator) / sum(denominator), 4) as value,
            min(target) as lowest_target, max(target) as highest_target,
            count(*) filter (where is_met) as shops_that_meet_it
        from marts.service_metrics
        where subject = 'shop' and period = 'day' and (platform, period_end) in (
            select (m.platform, max(m.period_end))
            from marts.service_metrics m
            join build.build_dates b on m.platform = b.platform and m.period_end = b.business_date
            where m.subject = 'shop' and m.period = 'day'
            group by m.platform
        )
        group by all order by all
        """
    )
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def response_rates() -> dict[str, str]:
    """Each platform's response rate, which is the first of its metrics in the seed."""
    rates: dict[str, str] = {}
    with open(PROJECT / "seeds" / "metrics.csv", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            rates.setdefault(row["platform"], row["metric"])
    return rates


def response_rate_plot(connection: duckdb.DuckDBPyConnection) -> str:
    """Markdown with a picture: each platform's response rate over all shops, day by day up to the newest day built."""
    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.subplots()
    for platform, metric in response_rates().items():
        days = connection.execute(
            """
            select period_end, sum(numerator) / sum(denominator)
            from marts.service_metrics
            where platform = $1 and metric = $2 and subject = 'shop' and period = 'day' and period_end <= (
                select max(business_date) from build.build_dates
            )
            group by all order by period_end desc limit $3
            """,
            [platform, metric, PLOTTED_DAYS],
        ).fetchall()
        if days:
            axes.plot([day for day, _ in days], [rate for _, rate in days], marker=".", label=f"{platform} {metric}")
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter(lambda rate, _: f"{rate:.0%}")
    axes.grid(alpha=0.3)
    axes.set_title("Response rate of all shops, by business date")
    if axes.lines:
        axes.legend(loc="lower left")
    picture = BytesIO()
    axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))  # type: ignore[no-untyped-call]
    figure.savefig(picture, format="png", dpi=72)
    return f"![response rate](data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()})"
