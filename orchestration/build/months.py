"""Closing a month: its final build, once every day of it has landed and passed its checks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from orchestration.build.publish import last_version
from orchestration.build.ranges import day_ranges, last_day, spelled
from orchestration.build.state import BuildState, opened, prepared
from orchestration.errors import KefuError
from orchestration.home import Home, one_writer


def obstacles(state: BuildState, month: date) -> list[str]:
    """What keeps the month that begins on that date from being closed: the days that never arrived, or whose check failed."""
    first, last = month, last_day(month)
    missing = state.connection.execute(
        """
        with usual as ( -- how many days after it a day is delivered, as most rows are
            select platform, table_name, arg_max(days_late, rows) as days_late
            from (select platform, table_name, days_late, sum(row_count) as rows from raw.delivery_lateness group by all)
            group by all
        ),
        days as (
            select d.platform, d.table_name, day::date as day, coalesce(u.days_late, 0) as days_late
            from raw.daily_tables d
            left join usual u using (platform, table_name)
            cross join generate_series($1::date, $2::date, interval 1 day) t(day)
        )
        select d.platform, d.table_name, d.days_late, list(d.day)
        from days d
        join (select platform, table_name, min(dt) as first_dt from raw.deliveries group by all) f
            on f.platform = d.platform and f.table_name = d.table_name
        anti join raw.deliveries l on l.platform = d.platform and l.table_name = d.table_name and l.dt = d.day + d.days_late
        where d.day + d.days_late >= f.first_dt
        group by all
        order by all
        """,
        [first, last],
    ).fetchall()
    tables: dict[tuple[str, date, date, int], list[str]] = {}
    for platform, table, days_late, days in missing:
        for begin, end in day_ranges(days):
            tables.setdefault((platform, begin, end, days_late), []).append(table)
    found = []
    for (platform, begin, end, days_late), names in tables.items():
        dts = spelled(begin + timedelta(days=days_late), end + timedelta(days=days_late))
        found.append(f"{platform} {', '.join(names)} of {spelled(begin, end)} (dt={dts}) has not arrived")
    held: dict[tuple[str, str], list[date]] = {}
    for date_held in state.held_dates():
        if first <= date_held.business_date <= last:
            held.setdefault((date_held.platform, date_held.why), []).append(date_held.business_date)
    return found + [
        f"{platform} {', '.join(spelled(*days) for days in day_ranges(dates))} {why}" for (platform, why), dates in held.items()
    ]


def months_to_close(home: Home, today: date) -> tuple[dict[date, int], list[str]]:
    """Months that are over and ready to be closed, with the version that holds their newest day; what others wait for."""
    with one_writer(home, wait_seconds=0), prepared(home) as state:
        over = state.months_over(today)
        waiting = {month: obstacles(state, month) for month in over}
    ready = {month: version for month, version in over.items() if not waiting[month]}
    return ready, [f"{month:%Y-%m} waits: {'; '.join(found[:3])}" for month, found in waiting.items() if found]


def guard_months(home: Home, months: Sequence[date]) -> None:
    """Raises a KefuError that names what keeps these months, each given by its first day, from being closed."""
    with prepared(home) as state:
        found = [obstacle for month in months for obstacle in obstacles(state, month)]
    if found:
        more = f" and {len(found) - 10} more" if len(found) > 10 else ""
        raise KefuError(f"not closed: {'; '.join(found[:10])}{more}")


def close_months(home: Home, months: Sequence[date]) -> None:
    """Notes that these months are closed, after publishing their final build."""
    with opened(home) as state:
        state.mark_closed(months, last_version(home))
