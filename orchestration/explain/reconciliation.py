"""A published figure beside the computed one, told in words: by how many rounds they differ, and what could explain it."""

from __future__ import annotations

import duckdb

from orchestration.explain.tables import rows
from orchestration.explain.text import Row, number, said

FIGURES = """
select * from metrics.int_reconciliation
where platform = $platform and metric = $metric and shop_id = $shop_id and period_end = $day
order by subject desc, account_id, period
"""
REASONS = """
select
    r.reason, r.items, r.value_if, r.value_if - $official as left_over, x.text_en, x.text_zh, x.clause_id,
    (
        select list(distinct c.judged_id order by c.judged_id)[:$shown]
        from metrics.int_reconciliation_cases c
        join metrics.int_reconciled_periods p using (platform, metric, shop_id)
        where
            c.platform = r.platform and c.metric = r.metric and c.shop_id = r.shop_id and c.reason = r.reason
            and p.period = r.period and p.period_end = r.period_end and p.account_id is not distinct from r.account_id
            and c.business_date between p.period_start and p.period_end and (r.account_id is null or c.account_id = r.account_id)
    ) as ids
from metrics.int_reconciliation_reasons r
left join marts.exclusion_reasons x on r.platform = x.platform and r.reason = x.reason
where
    r.platform = $platform and r.metric = $metric and r.shop_id = $shop_id and r.period = $period and r.period_end = $day
    and r.account_id is not distinct from $account_id
order by abs(left_over) nulls last, r.reason
"""
SHOWN = 3  # ids to look at, of each reason
WORDS = {
    "late_data": "data that came more than a day late 迟到数据",
    "boundary": "within a second of the target or of an edge of the window 临界",
}


def compared(connection: duckdb.DuckDBPyConnection, metric: Row, asked: Row) -> list[tuple[str, list[str]]]:
    """A section for each figure that the platform published of this shop, metric and day: the difference, and its reasons."""
    sections = []
    for row in rows(connection, FIGURES, **asked):
        whose = f", {row['account_id']}" if row["account_id"] else ""
        lines = [_difference(row, metric)]
        if row["status"] != "match":
            of_row = {"period": row["period"], "account_id": row["account_id"], "official": row["official_value"]}
            lines += [_reason(reason, metric) for reason in rows(connection, REASONS, shown=SHOWN, **asked, **of_row)]
        sections.append((f"Reconciliation 对账 {row['period']}{whose}", lines))
    return sections


def _difference(row: Row, metric: Row) -> str:
    official = f"official 官方 {_amount(row['official_value'], metric)}{_parts(row, 'official', metric)}"
    if row["status"] == "missing_computed":
        return f"{official}; nothing is computed 无计算值: nothing counts in the period, or it has not landed"
    computed = f"computed 计算 {_amount(row['computed_value'], metric)}{_parts(row, 'computed', metric)}"
    if row["status"] == "match":
        return f"{official}, {computed}: they agree 一致"
    more = "more" if row["difference"] > 0 else "less"
    by = f"{abs(row['difference']) * 100:.2f} points {more}" if _is_share(metric) else f"{abs(row['difference']):,.1f} s {more}"
    things = abs(row["difference"]) * row["computed_denominator"]
    cases = f", as much as {things:,.1f} of {row['computed_denominator']:,.0f} cases" if _is_share(metric) else ""
    return f"{official}, {computed}: {by}{cases} 不一致"


def _reason(reason: Row, metric: Row) -> str:
    words = WORDS.get(reason["reason"]) or f"{said(reason, 'text')} ({reason['clause_id']})"
    value = "there would be no value" if reason["value_if"] is None else f"it would be {_amount(reason['value_if'], metric)}"
    ids = ", ".join(reason["ids"])
    return f"{reason['reason']}: with {number(reason['items'], 'case')} seen otherwise {value}; {words}; such as {ids}"


def _parts(row: Row, side: str, metric: Row) -> str:
    numerator, denominator = row[f"{side}_numerator"], row[f"{side}_denominator"]
    return f" ({numerator:g} of {denominator:g})" if _is_share(metric) and numerator is not None and denominator else ""


def _is_share(metric: Row) -> bool:
    return bool(metric["unit"] == "share")


def _amount(value: float, metric: Row) -> str:
    return f"{value:.2%}" if _is_share(metric) else f"{value:,.1f} s"
