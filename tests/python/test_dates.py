"""The seed dates.csv is what packages that know China's calendar say."""

from __future__ import annotations

import csv

from calendars.make import COLUMNS, FIRST, LAST, SEED, rows


def read() -> list[tuple[str, ...]]:
    with open(SEED, encoding="utf-8", newline="") as file:
        header, *found = map(tuple, csv.reader(file))
    assert header == COLUMNS
    return found


def test_every_date_is_as_the_packages_have_it() -> None:
    assert read() == [*rows()], "make dates"


def test_known_days() -> None:
    """From the State Council's notices: National Day and Mid-autumn of 2025 and the Saturday worked in their place."""
    found = {day: (weekday, *rest) for day, weekday, *rest in read()}
    assert len(found) == (LAST - FIRST).days + 1
    assert found["2025-10-01"] == ("3", "holiday", "false", "National Day", "国庆节", "true")
    assert found["2025-10-06"] == ("1", "holiday", "false", "Mid-autumn Festival", "中秋节", "true")
    assert found["2025-10-09"] == ("4", "working_day", "true", "", "", "true")
    assert found["2025-10-11"] == ("6", "makeup_day", "true", "", "", "true")
    assert found["2025-10-12"] == ("7", "weekend", "false", "", "", "true")
    assert found["2020-01-31"] == ("5", "holiday", "false", "Spring Festival", "春节", "true"), "prolonged for the epidemic"
    assert found["2027-02-05"][1:4] == ("holiday", "false", "Spring Festival") and found["2027-02-05"][-1] == "false"
