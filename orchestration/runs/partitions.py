"""Days and months in Beijing, as Dagster's partitions, and the business dates they stand for."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta

import dagster as dg

from orchestration.build.months import last_day
from orchestration.build.state import Dates

FIRST = "2019-01-01"

# The running day is a partition too, for what is computed in real time.
daily = dg.DailyPartitionsDefinition(start_date=FIRST, timezone="Asia/Shanghai", end_offset=1)
monthly = dg.MonthlyPartitionsDefinition(start_date=FIRST, timezone="Asia/Shanghai")


def dates_of(window: dg.TimeWindow, *, with_touched: bool) -> Dates:
    """The business dates of a run's partitions; a window ends where the next day or month begins."""
    return Dates(window.start.date(), (window.end - timedelta(days=1)).date(), with_touched=with_touched)


def range_tags(first: str, last: str) -> dict[str, str]:
    """The tags by which one run takes every partition from the first to the last."""
    return {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}


def day_ranges(days: Iterable[date]) -> list[tuple[date, date]]:
    """First and last of each run of days that follow each other."""
    return _ranges(days, lambda day: day + timedelta(days=1))


def month_ranges(months: Iterable[date]) -> list[tuple[date, date]]:
    """First and last of each run of months that follow each other, each given by its first day."""
    return _ranges(months, lambda month: last_day(month) + timedelta(days=1))


def _ranges(starts: Iterable[date], following: Callable[[date], date]) -> list[tuple[date, date]]:
    ranges: list[tuple[date, date]] = []
    for start in sorted(starts):
        if ranges and following(ranges[-1][1]) == start:
            ranges[-1] = (ranges[-1][0], start)
        else:
            ranges.append((start, start))
    return ranges
