"""Days and months that follow each other, as ranges."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta


def last_day(month: date) -> date:
    """The last day of the month that begins on that date."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


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


def spelled(first: date, last: date) -> str:
    """A range as one reads it."""
    return str(first) if first == last else f"{first} to {last}"
