"""What of a row a moment knows."""

from __future__ import annotations

from orchestration.landing.contract import Column, Table
from orchestration.sql import name

AT = "getvariable('live_at')"  # the moment, in what is read for it


def known(table: Table, rows: str) -> str:
    """A query for rows of a table of schema raw as the moment knows them (V-01): nothing that happened later, and of what stands
    no time that lies ahead, nor what was only known by then.
    """
    columns = ", ".join(f"{_known(table, column)} as {name(column.name)}" for column in table.columns)
    happened = f" and {name(table.occurrence)} <= {AT}" if table.occurrence else ""
    return f"select {columns} from {rows} where _stands{happened}"


def _known(table: Table, column: Column) -> str:
    time = column.name if column.data_type == "timestamp" else column.known_at
    is_later = f"coalesce({name(time)} > {AT}, false)" if time and time != table.occurrence else None
    return f"case when not {is_later} then {name(column.name)} end" if is_later else name(column.name)
