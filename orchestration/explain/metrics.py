"""What a counted round is to its platform's metrics, where that is more than whether it was answered in time."""

from __future__ import annotations

import duckdb

from orchestration.explain.tables import rows
from orchestration.explain.text import Row

CAPS = """
select response_cap_seconds::double as cap, unanswered_response_seconds::double as unanswered
from rules.taobao_rules where rule_version = $rule_version
"""


def of_metrics(connection: duckdb.DuckDBPyConnection, row: Row) -> list[str]:
    tell = TELLERS.get(row["platform"])
    return [tell(connection, row)] if tell and row["is_counted"] else []


def average(connection: duckdb.DuckDBPyConnection, row: Row) -> str:
    """Taobao's mean response time."""
    caps = rows(connection, CAPS, rule_version=row["rule_version"])[0]
    if row["response_seconds"] is not None:
        how = f"enters with the time it took, but {caps['cap']:g} s at most"
    else:
        how = "is left out" if caps["unanswered"] is None else f"enters as {caps['unanswered']:g} s"
        how += ", being unanswered"
    return f"In the average response time 平响 it {how} (T-01)."


def person(_: duckdb.DuckDBPyConnection, row: Row) -> str:
    """Kuaishou's reply rate, which counts people."""
    rest = "answered that day, unless another counted round was not"
    if not row["is_on_time"]:
        rest = "unanswered that day, whatever other rounds were"
    return f"In the reply rate {row['customer_id']} is {rest} (K-03)."


TELLERS = {"taobao": average, "kuaishou": person}
