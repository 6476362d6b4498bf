"""What a counted round is to its platform's metrics, where that is more than whether it was answered in time."""

from __future__ import annotations

import duckdb

from orchestration.explain.tables import Row, rows
from orchestration.explain.text import duration, whole_seconds

# As int_taobao__round_metric_days takes it.
RESPONSE = """
select
    r.response_seconds > u.response_cap_seconds as is_capped, r.response_seconds is null as is_unanswered,
    coalesce(least(r.response_seconds, u.response_cap_seconds), u.unanswered_response_seconds)::double
        * interval 1 second as enters
from judged.int_judged_rounds r
join rules.taobao_rules u on r.rule_version = u.rule_version
where r.platform = 'taobao' and r.round_id = $round_id
"""


def of_metrics(connection: duckdb.DuckDBPyConnection, row: Row) -> list[str]:
    tell = TELLERS.get(row["platform"])
    return tell(connection, row) if tell and row["is_counted"] else []


def average(connection: duckdb.DuckDBPyConnection, row: Row) -> list[str]:
    """Taobao's mean response time."""
    response = rows(connection, RESPONSE, round_id=row["round_id"])[0]
    if response["enters"] is None:
        return ["Of the average response time 平响 it is left out, being unanswered (T-01)."]
    why = ", being unanswered" if response["is_unanswered"] else ", the most a round can" if response["is_capped"] else ""
    enters = (whole_seconds if why else duration)(response["enters"])
    return [f"In the average response time 平响 it enters as {enters}{why} (T-01)."]


def person(_: duckdb.DuckDBPyConnection, row: Row) -> list[str]:
    """Kuaishou's reply rate, which counts people."""
    rest = "unanswered that day, whatever other rounds were"
    if row["is_on_time"]:
        rest = "answered that day, unless another counted round was not"
    return [f"In the reply rate {row['customer_id']} is {rest} (K-03)."]


TELLERS = {"taobao": average, "kuaishou": person}
