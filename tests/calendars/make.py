"""The seed dates.csv, from packages that know China's holidays and the days that are worked in their place."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import chinese_calendar
import holidays
from chinese_calendar.constants import holidays as announced_holidays

SEED = Path(__file__).resolve().parents[2] / "seeds" / "dates.csv"
FIRST, LAST = date(2019, 1, 1), date(2027, 12, 31)
COLUMNS = ("calendar_date", "weekday", "day_kind", "is_working_day", "holiday_en", "holiday_zh", "is_announced")
CHINESE = {
    "New Year's Day": "元旦",
    "Spring Festival": "春节",
    "Tomb-sweeping Day": "清明节",
    "Labour Day": "劳动节",
    "Dragon Boat Festival": "端午节",
    "National Day": "国庆节",
    "Mid-autumn Festival": "中秋节",
}
LAST_ANNOUNCED = max(announced_holidays).year  # of later years only the days by law are known, and no day worked in their place
BY_LAW = {zh: en for en, zh in CHINESE.items()} | {"除夕": "Spring Festival"}


def rows() -> Iterator[tuple[str, ...]]:
    """Each date of the seed, in order."""
    by_law = holidays.country_holidays("CN", years=range(LAST_ANNOUNCED + 1, LAST.year + 1), language="zh_CN")
    for offset in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(offset)
        is_announced = day.year <= LAST_ANNOUNCED
        if is_announced:
            is_off, holiday = chinese_calendar.get_holiday_detail(day)
        else:
            holiday = next((en for zh, en in BY_LAW.items() if zh in by_law.get(day, "")), None)
            is_off = bool(holiday) or day.isoweekday() > 5
        is_weekend = day.isoweekday() > 5
        kind = "holiday" if holiday and is_off else "weekend" if is_off else "makeup_day" if is_weekend else "working_day"
        name = holiday if kind == "holiday" else None
        yield (
            str(day),
            str(day.isoweekday()),
            kind,
            str(not is_off).lower(),
            name or "",
            CHINESE[name] if name else "",
            str(is_announced).lower(),
        )


def main() -> None:
    with open(SEED, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows()])


if __name__ == "__main__":
    main()
