"""What a build came to, for whoever looks at a run: rows, the metrics' values, the response rates as a picture."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb

from orchestration.build.checks import RowDates
from orchestration.seeds import seed
from orchestration.sql import json_rows

Span = tuple[date, date]  # first and last day

PLOTTED_DAYS = 60
COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b")
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 720, 300, 46, 34, 264  # of the picture; its lines lie between LEFT, TOP and BOTTOM


def row_counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows of each mart in the warehouse."""
    tables = connection.execute("select table_name from information_schema.tables where table_schema = 'marts'").fetchall()
    return {table: connection.execute(f"select count(*) from marts.{table}").fetchall()[0][0] for (table,) in tables}


def rows_within(
    connection: duckdb.DuckDBPyConnection, dated: Mapping[str, RowDates], spans: Mapping[str, Span]
) -> dict[str, dict[str, int]]:
    """Rows of each dated mart that are about a day of each named span: by mart, then by the span's name."""
    counts = {}
    named = json_rows({"name": "varchar", "first_day": "date", "last_day": "date"})
    given = json.dumps([{"name": each, "first_day": str(first), "last_day": str(last)} for each, (first, last) in spans.items()])
    for table, dates in dated.items():
        rows = connection.execute(
            f"""
            select name, count(first_date)
            from ({named})
            left join (select {dates.first} as first_date, {dates.last} as last_date from marts.{table})
                on first_date <= last_day and last_date >= first_day
            group by name
            """,
            {"rows": given},
        ).fetchall()
        counts[table] = dict(rows)
    return counts


def metric_values(connection: duckdb.DuckDBPyConnection, days: Sequence[date]) -> dict[date, list[dict[str, Any]]]:
    """Each metric of each of these days, over the shops: how many have it, its value over all, how many met their target.

    shops_that_meet_it is empty where no shop is assessed against a target.
    """
    found = connection.execute(
        """
        select
            period_end as business_date, platform, metric, count(*) as shops,
            round(sum(numerator) / sum(denominator), 4) as value,
            min(target) as lowest_target, max(target) as highest_target,
            if(count(is_met) = 0, null, count(*) filter (where is_met)) as shops_that_meet_it
        from marts.service_metrics
        where subject = 'shop' and period = 'day' and period_end in (select unnest($1)::date)
        group by all order by all
        """,
        [list(days)],
    )
    names = [column[0] for column in found.description]
    values: dict[date, list[dict[str, Any]]] = {}
    for row in found.fetchall():
        values.setdefault(row[0], []).append({**dict(zip(names, row, strict=True)), "business_date": str(row[0])})
    return values


def newest_day(connection: duckdb.DuckDBPyConnection) -> date | None:
    """The newest day of this build that has a figure."""
    (day,) = connection.execute(
        """
        select max(period_end) from marts.service_metrics
        where subject = 'shop' and period = 'day' and period_end in (select business_date from build.build_dates)
        """
    ).fetchall()[0]
    return day  # type: ignore[no-any-return]


@dataclass(frozen=True)
class ResponseRates:
    """Each platform's response rate over all shops, which is the first of its metrics in the seed: day, rate, target."""

    lines: dict[str, list[tuple[date, float, float | None]]]  # by title

    @classmethod
    def read(cls, connection: duckdb.DuckDBPyConnection) -> ResponseRates:
        lines = {}
        for platform, (metric, title) in response_rates().items():
            days = connection.execute(
                """
                select period_end, sum(numerator) / sum(denominator), max(target)
                from marts.service_metrics
                where platform = $1 and metric = $2 and subject = 'shop' and period = 'day'
                group by all order by period_end
                """,
                [platform, metric],
            ).fetchall()
            if days:
                lines[f"{platform} {title}"] = days
        return cls(lines)

    def picture(self, last: date) -> str:
        """Markdown with a drawing of the days up to that one: a line per platform, dashed its target."""
        first = last - timedelta(days=PLOTTED_DAYS - 1)
        drawn = {title: [day for day in days if first <= day[0] <= last] for title, days in self.lines.items()}
        drawn = {title: days for title, days in drawn.items() if days}
        first = min((days[0][0] for days in drawn.values()), default=last)
        step = (WIDTH - LEFT - 14) / max((last - first).days, 1)

        def line(points: Sequence[tuple[date, float]], style: str) -> str:
            places = " ".join(f"{LEFT + (day - first).days * step:.1f},{_height(rate):.1f}" for day, rate in points)
            return f'<polyline points="{places}" fill="none" {style}/>'

        parts = [f'<text x="{LEFT}" y="18" font-size="14">响应率 response rate, {first} – {last}</text>']
        for rate in (0, 0.25, 0.5, 0.75, 1):
            parts.append(f'<path d="M{LEFT} {_height(rate):.1f}H{WIDTH - 14}" stroke="#ddd"/>')
            parts.append(f'<text x="4" y="{_height(rate) + 4:.1f}">{rate:.0%}</text>')
        for number, (title, days) in enumerate(drawn.items()):
            colour = COLOURS[number % len(COLOURS)]
            parts.append(line([(day, rate) for day, rate, _ in days], f'stroke="{colour}" stroke-width="2"'))
            targets = [(day, target) for day, _, target in days if target is not None]
            parts.append(line(targets, f'stroke="{colour}" stroke-dasharray="5 4" opacity="0.7"'))
            legend = f"{title}, 目标 {targets[-1][1]:.0%}" if targets else title
            parts.append(f'<text x="{LEFT + number * 225}" y="{HEIGHT - 10}" fill="{colour}">{legend}</text>')
        drawing = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="11">'
            f'<rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>'
        )
        return f"![response rate](data:image/svg+xml;base64,{base64.b64encode(drawing.encode()).decode()})"


def _height(rate: float) -> float:
    return BOTTOM - rate * (BOTTOM - TOP)


def response_rates() -> dict[str, tuple[str, str]]:
    """Metric and Chinese title of each platform's response rate, the first of its metrics in the seed."""
    rates: dict[str, tuple[str, str]] = {}
    for row in seed("metrics"):
        rates.setdefault(row["platform"], (row["metric"], row["title_zh"]))
    return rates
