"""A home's days and months in Beijing, as Dagster's partitions, and the business dates they stand for."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import duckdb

from orchestration.build.state import Dates
from orchestration.clock import beijing_now
from orchestration.home import Home

EARLIEST = date(2000, 1, 1)  # an earlier date is a mistake, and would bring thousands of partitions
COMPLETE = "_complete"  # a file in the landing folder that says: nothing more is to come
ZONE = "Asia/Shanghai"


@dataclass(frozen=True)
class Calendar:
    """The days and months of a home. Without a last day they go on as time does."""

    first: date
    last: date | None = None

    @property
    def daily(self) -> dg.DailyPartitionsDefinition:
        """A partition per day: the running day is one too, for what is computed in real time."""
        if self.last is None:
            return dg.DailyPartitionsDefinition(start_date=str(self.first), timezone=ZONE, end_offset=1)
        return dg.DailyPartitionsDefinition(
            start_date=str(self.first), end_date=str(self.last + timedelta(days=1)), timezone=ZONE
        )

    @property
    def monthly(self) -> dg.MonthlyPartitionsDefinition:
        """A partition per month that is over, with a last day up to the last whole one."""
        end = None if self.last is None else str((self.last + timedelta(days=1)).replace(day=1))
        return dg.MonthlyPartitionsDefinition(start_date=str(self.first.replace(day=1)), end_date=end, timezone=ZONE)

    def within(self, first: date, last: date) -> tuple[date, date]:
        """A range without the days after the last one; its last day is moved there, too, where it begins later."""
        return (first, last) if self.last is None else (min(first, self.last), min(last, self.last))


def calendar_of(home: Home, landing: Path) -> Calendar:
    """The calendar from the first date of what is published and of what is to land. Without either it begins today.

    It ends with the last such date where the landing folder says that nothing more is to come, as that of the demo does.
    """
    today = beijing_now().date()
    dates = [day for day in {*_published(home), *_delivered(landing)} if EARLIEST <= day <= today] or [today]
    return Calendar(min(dates), max(dates) if (landing / COMPLETE).exists() else None)


def _published(home: Home) -> list[date]:
    """First and last of the days that have a figure."""
    if not home.published.exists():
        return []
    try:
        with duckdb.connect(str(home.published), read_only=True) as marts:
            found = marts.execute(
                """
                select min(business_date), max(business_date)
                from (
                    select period_end as business_date from marts.service_metrics where period = 'day'
                    union all
                    select business_date from marts.reception_daily
                )
                """
            ).fetchall()[0]
    except duckdb.CatalogException:  # published by a version without one of them
        return []
    return [day for day in found if day is not None]


def _delivered(landing: Path) -> list[date]:
    """The dates of the folders in landing; one that has another name is told when it is to land."""
    dates = []
    for folder in landing.glob("*/*/dt=*"):
        try:
            dates.append(date.fromisoformat(folder.name.removeprefix("dt=")))
        except ValueError:
            continue
    return dates


def dates_of(window: dg.TimeWindow, *, with_touched: bool) -> Dates:
    """The business dates of a run's partitions; a window ends where the next day or month begins."""
    return Dates(window.start.date(), (window.end - timedelta(days=1)).date(), with_touched=with_touched)


def range_tags(first: str, last: str) -> dict[str, str]:
    """The tags by which one run takes every partition from the first to the last."""
    return {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
