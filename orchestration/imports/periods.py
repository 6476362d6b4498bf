"""Which period a span of days is, and where a platform lets a month end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from orchestration.errors import KefuError
from orchestration.imports.sheets import Platform
from orchestration.imports.values import Span, last_of_month, month_of, span_of
from orchestration.seeds import seed

FORMS = "2026-04-17, 2026-04-01~2026-04-30, month:2026-04 or rolling_30d:2026-04-17"
DAYS = {"day": 1, "week": 7, "rolling_7d": 7, "rolling_30d": 30}  # by the last day
MONTHS = ("month", "calendar_month")
SUNDAY = 6


@dataclass(frozen=True)
class Period:
    kind: str | None  # as official_metrics has it; None where no figure of a metric is of such a span
    start: date
    end: date

    def __str__(self) -> str:
        days = str(self.start) if self.start == self.end else f"{self.start} to {self.end}"
        return f"{self.kind} {days}" if self.kind else days


def parse_period(text: str) -> tuple[str | None, Span]:
    """Reads the option --period: a kind where it names one, and the days. ValueError where it cannot be read."""
    kind, colon, days = text.rpartition(":")
    span, month = span_of(days), month_of(days)
    if not colon and span:
        return (None, span)
    if kind in MONTHS and month:
        return (kind, (month, last_of_month(month)))
    if kind in DAYS and span and span[0] == span[1] and not month and (kind != "week" or span[1].weekday() == SUNDAY):
        return (kind, (span[1] - timedelta(days=DAYS[kind] - 1), span[1]))
    hint = "; a week is named by its Sunday" if kind == "week" else ""
    raise ValueError(f"{text} is no period: write it as {FORMS}{hint}")


def asked_period(platform: Platform, asked: tuple[str | None, Span]) -> Period:
    """The period that the option names, at this platform."""
    kind, span = asked
    if kind is None:
        return period_of(platform, span)
    if kind == "calendar_month" and platform.natural_month != kind:
        raise KefuError(
            f"{platform.name} has no calendar_month: its month is by the calendar, write --period month:{span[0]:%Y-%m}"
        )
    return month(platform, span[1]) if kind == "month" else Period(kind, *span)


def period_of(platform: Platform, span: Span, *, is_assessed: bool = False) -> Period:
    """The period that these days are. A whole month is one by the calendar, but in a sheet of assessed months."""
    start, end = span
    days = (end - start).days + 1
    if start.day == 1 and end == last_of_month(start):
        return month(platform, end) if is_assessed else Period(platform.natural_month, start, end)
    if is_assessed and days == _rule(platform, "month_days", end) and end == last_of_month(end):
        return month(platform, end)
    kinds = [kind for kind, length in DAYS.items() if length == days and (kind != "week" or end.weekday() == SUNDAY)]
    return Period(next((kind for kind in kinds if kind in platform.periods), kinds[0] if kinds else None), start, end)


def month(platform: Platform, end: date) -> Period:
    """The platform's own month that ends with this day."""
    days = _rule(platform, "month_days", end)
    return Period("month", end - timedelta(days=days - 1) if days else end.replace(day=1), end)


def last_day(platform: Platform, period: Period, metric: str) -> date:
    """The last day of a metric's period: the month of some ends earlier than that of others."""
    lag = _rule(platform, f"{metric}_month_lag_days", period.end) if period.kind == "month" else None
    return period.end - timedelta(days=lag or 0)


def _rule(platform: Platform, parameter: str, day: date) -> int | None:
    """A number of the platform's rules in force on a day."""
    for row in _parameters():
        since, until = row["valid_from"] or "0001-01-01", row["valid_to"] or "9999-12-31"
        if (row["scope"], row["parameter"]) == (platform.scope, parameter) and since <= str(day) <= until:
            return int(row["value"])
    return None


@cache
def _parameters() -> list[dict[str, str]]:
    return seed("rule_parameters")
