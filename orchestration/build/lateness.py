"""How far back a rolling re-run has to reach, measured from how late rows have come so far."""

from __future__ import annotations

import duckdb

from orchestration.home import Home
from orchestration.landing.contract import contract

LANDED_SHARE = 0.999  # of every table's rows; waiting for the last row of all would mean to build everything each night
LEAST_DAYS, MOST_DAYS = 2, 31


def rolling_days(home: Home) -> int:
    """How many last days a re-run covers, by what the home has published; LEAST_DAYS where it has not."""
    if not home.published.exists():
        return LEAST_DAYS
    with duckdb.connect(str(home.published), read_only=True) as connection:
        return days_until_landed(connection)


def days_until_landed(connection: duckdb.DuckDBPyConnection) -> int:
    """How many last days to rebuild, so that 99.9 % of the rows of each daily table have landed. Reads the published marts.

    Between 2 days and 31; 2 where the marts do not tell.
    """
    daily = [table.label for table in contract().values() if table.is_daily]
    try:
        ((days,),) = connection.execute(
            """
            select max(days_late) + 1
            from (
                select min(days_late) as days_late
                from marts.delivery_lateness
                where list_contains($daily, platform || '/' || table_name) and landed_share >= $share
                group by platform, table_name
            )
            """,
            {"daily": daily, "share": LANDED_SHARE},
        ).fetchall()
    except duckdb.CatalogException:  # published by a version that did not count it, or nothing at all
        return LEAST_DAYS
    return min(max(days or LEAST_DAYS, LEAST_DAYS), MOST_DAYS)
