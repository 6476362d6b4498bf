"""Rows of the warehouse, and what is read alike for whatever is explained: its reasons and the clauses of its platform."""

from __future__ import annotations

from typing import Any

import duckdb

from orchestration.explain.text import ACCOUNT_TYPES, Finding, named

Row = dict[str, Any]

REASONS = """
select
    g.reason, r.clause_id, c.title_en, c.title_zh, g.evidence,
    case when $with_remarks and r.is_remark then 'a remark: ' else '' end || r.description as description
from (
    select unnest($reasons::varchar[]) as reason, unnest($evidence::varchar[]) as evidence, unnest(range(len($reasons))) as number
) g
join rules.exclusion_reasons r on r.platform = $platform and g.reason = r.reason
left join marts.rule_clauses c on r.clause_id = c.clause_id
order by g.number
"""

CLAUSES = """
select parameter as name, clause_id from marts.rule_parameters where scope = $scope
union
select reason, clause_id from rules.exclusion_reasons where platform = $platform
union
select message_type, clause_id from rules.taobao_message_types
where $platform = 'taobao' and direction = 'inbound' and not opens_round
order by name, clause_id
"""

# Clauses that neither a parameter nor a reason names. A platform without an entry is told without them.
FURTHER_CLAUSES = {
    "taobao": {
        "hand_over": "T-08",
        "own_rounds": "T-27",
        "greeting": "T-02",
        "no_consumer": "T-16",
        "recalled": "T-23",
        "system": "T-06",
    },
    "xiaohongshu": {"non_human_reply": "X-02", "system": "X-02"},
}


def rows(connection: duckdb.DuckDBPyConnection, sql: str, **parameters: object) -> list[Row]:
    result = connection.execute(sql, parameters)
    columns = [column[0] for column in result.description]
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


def findings(connection: duckdb.DuckDBPyConnection, platform: str, row: Row, *, with_remarks: bool = False) -> list[Finding]:
    """The reasons of a round, rating or session in their order, each with its clause and the evidence that its row holds."""
    held = {"reasons": row["exclusion_reasons"], "evidence": row["evidence"]}
    return [Finding(**found) for found in rows(connection, REASONS, platform=platform, with_remarks=with_remarks, **held)]


class Clauses(dict[str, str]):
    """The clause ids of a platform, by the parameter, the reason or the type of message that they give."""

    def cite(self, *names: str) -> str:
        """The first of these that the platform has, in brackets after a space; nothing where it has none."""
        return next((f" ({self[name]})" for name in names if name in self), "")


def clauses_of(connection: duckdb.DuckDBPyConnection, platform: str, scope: str) -> Clauses:
    named = {row["name"]: row["clause_id"] for row in rows(connection, CLAUSES, platform=platform, scope=scope)}
    return Clauses(named | FURTHER_CLAUSES.get(platform, {}))


def day_and_rules(row: Row) -> list[tuple[str, str]]:
    """The lines of a header that say which day a round or session is of, and by which rules it was judged."""
    since = f"since {row['valid_from']}" if row["valid_from"].year > 1 else "from the beginning"
    until = f" until {row['valid_to']}" if row["valid_to"].year < 9999 else ""
    return [
        ("business date 业务日期", f"{row['business_date']:%Y-%m-%d %A}"),
        ("rules 规则版本", f"{row['rule_version']}, in force {since}{until}"),
    ]


def account(row: Row) -> str:
    return named(row["account_id"] or "none 无", row["display_name"], ACCOUNT_TYPES.get(row["account_type"]))


def shop_header(row: Row) -> list[tuple[str, str]]:
    """The first lines of a header at Taobao and Tmall, where the marketplace makes no difference."""
    return [
        ("platform 平台", "Taobao and Tmall 淘宝、天猫"),
        ("shop 店铺", named(row["shop_id"], row["shop_name"])),
        *([("buyer 买家", row["buyer_id"])] if "buyer_id" in row else []),
    ]
