"""`kefu rejected`: the rows that could not be read, as they are published; what stands in them is not shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb

from orchestration.errors import KefuError
from orchestration.home import published_home

BY_REASON = """
    select format('{:>9}  {}/{}: {}', format('{:,}', count(*)), platform, table_name, reason)
    from landing.rejected_rows group by platform, table_name, reason order by count(*) desc, platform, table_name, reason
"""
ROWS = """
    select format('{} row {}: {}', file, row_number, reason)
    from landing.rejected_rows order by platform, table_name, dt, file, row_number
"""


def rejected(home_path: Path) -> Iterator[str]:
    """Lines: how many rows were rejected for which reason, then each row with its file and number."""
    home = published_home(home_path)
    with duckdb.connect(str(home.published), read_only=True) as connection:
        try:
            counts = connection.execute(BY_REASON).fetchall()
        except duckdb.CatalogException:
            raise KefuError(f"--home {home_path} was published by an earlier kefu: build once") from None
        if not counts:
            yield "no row was rejected"
            return
        yield from (line for (line,) in counts)
        rows = connection.execute(ROWS)
        while found := rows.fetchmany(10_000):
            yield from (line for (line,) in found)
