"""Rows of the warehouse as what a round is told from."""

from __future__ import annotations

from typing import Any

import duckdb

from orchestration.explain.rounds import Round, Rules

Row = dict[str, Any]


def rows(connection: duckdb.DuckDBPyConnection, sql: str, **parameters: object) -> list[Row]:
    result = connection.execute(sql, parameters)
    columns = [column[0] for column in result.description]
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


def round_of(row: Row, *, customer: str, account: str) -> Round:
    """A row of a rounds table; customer and account are how its platform calls these columns."""
    _, clock_kind, clock_id = row["round_id"].split("-", 2)
    return Round(
        round_id=row["round_id"],
        clock_kind=clock_kind,
        clock_id=clock_id,
        customer_id=row[customer],
        account_id=row[account],
        business_date=row["business_date"],
        first_message_id=row["first_message_id"],
        first_message_at=row["first_message_at"],
        clock_started_at=row["clock_started_at"],
        reply_id=row["first_reply_id"],
        reply_at=row["first_reply_at"],
        is_counted=row["is_counted"],
        is_on_time=row["is_on_time"],
        reasons=row["exclusion_reasons"],
    )


def rules_of(row: Row) -> Rules:
    return Rules(
        rule_version=row["rule_version"],
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        window_start=row["window_start"],
        window_end=row["window_end"],
        target=row["response_target"],
        lookback=row["routing_lookback"],
        horizon=row["reply_horizon"],
        round_scope=row["round_scope"],
    )
