"""Closing a month: its final build, once every day of it has landed and passed its checks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import duckdb

from orchestration.build.state import held_dates


def last_day(month: date) -> date:
    """Of the month that begins on that date."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def obstacles(connection: duckdb.DuckDBPyConnection, month: date) -> list[str]:
    """Why the month that begins on that date cannot be closed: each day that never arrived, or whose check failed."""
    first, last = month, last_day(month)
    missing = connection.execute(
        """
        with usual as ( -- how many days after it a day is delivered, as most rows are
            select platform, table_name, arg_max(days_late, rows) as days_late
            from (select platform, table_name, days_late, sum(row_count) as rows from raw.delivery_lateness group by all)
            group by all
        ),
        days as (
            select d.platform, d.table_name, day::date as day, day::date + coalesce(u.days_late, 0) as dt
            from raw.daily_tables d
            left join usual u using (platform, table_name)
            cross join generate_series($1::date, $2::date, interval 1 day) t(day)
        )
        select d.platform, d.table_name, d.day, d.dt
        from days d
        join (select platform, table_name, min(dt) as first_dt from raw.deliveries group by all) f
            on f.platform = d.platform and f.table_name = d.table_name
        anti join raw.deliveries l on l.platform = d.platform and l.table_name = d.table_name and l.dt = d.dt
        where d.dt >= f.first_dt
        order by all
        """,
        [first, last],
    ).fetchall()
    return [f"{platform} {table} of {day} (dt={dt}) has not arrived" for platform, table, day, dt in missing] + [
        f"{held.platform} {held.business_date} failed its check {held.check_name}"
        for held in held_dates(connection)
        if first <= held.business_date <= last
    ]


def to_close(connection: duckdb.DuckDBPyConnection, today: date) -> dict[date, int]:
    """Months that are over and not closed, or of which a day was rebuilt since; with the version that holds their newest day."""
    rows = connection.execute(
        """
        select b.month, b.version
        from (
            select date_trunc('month', business_date)::date as month, max(version) as version
            from build.built_dates group by all
        ) b
        left join build.closed_months c on b.month = c.month
        where last_day(b.month) < $1 and (c.version is null or c.version < b.version)
        order by b.month
        """,
        [today],
    ).fetchall()
    return dict(rows)


def mark_closed(connection: duckdb.DuckDBPyConnection, months: Sequence[date], version: int) -> None:
    """After publishing that version, which holds their final build."""
    for month in months:
        connection.execute("delete from build.closed_months where month = ?", [month])
        connection.execute("insert into build.closed_months values (?, ?)", [month, version])
