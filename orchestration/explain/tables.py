"""Rows of the warehouse, and what is told alike of whatever is explained: where it was, its reasons, whether it counts."""

from __future__ import annotations

import duckdb

from orchestration.errors import KefuError
from orchestration.explain.text import ACCOUNT_TYPES, PLATFORMS, Row, named, number

PLACE = """
select s.scope, s.shop_name, a.account_type, a.display_name, f.as_of
from (select $platform as platform, $shop_id as shop_id, $account_id::varchar as account_id)
left join items.int_shops s using (platform, shop_id)
left join items.int_accounts a using (platform, shop_id, account_id)
left join build.as_of f using (platform)
"""

REASONS = """
select
    g.reason, r.clause_id, c.title_en, c.title_zh, g.evidence, r.text_en, r.text_zh,
    case when $with_remarks and (r.kind = 'remark' or (r.kind = 'both' and $is_counted)) then 'a remark: ' else '' end as remark
from (select unnest($reasons::varchar[]) as reason, unnest($evidence::varchar[]) as evidence) g
join marts.exclusion_reasons r on r.platform = $platform and g.reason = r.reason
left join marts.rule_clauses c on r.clause_id = c.clause_id
order by r.sort_order
"""

CLAUSES = """
select parameter as name, clause_id from marts.rule_parameters where scope = $scope
union
select reason, clause_id from marts.exclusion_reasons where platform = $platform
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


class RowsChangedError(KefuError):
    """The landed rows are no longer what they were when the models judged them."""

    def __init__(self, given: str) -> None:
        super().__init__(f"what {given} was computed from has changed since: run kefu build first")


def rows(connection: duckdb.DuckDBPyConnection, sql: str, **parameters: object) -> list[Row]:
    """Of columns with the same name, as joined tables have, the first one."""
    result = connection.execute(sql, parameters)
    columns = [column[0] for column in result.description]
    return [dict(zip(reversed(columns), reversed(row), strict=True)) for row in result.fetchall()]


def subject(connection: duckdb.DuckDBPyConnection, sql: str, identifier: str) -> Row | None:
    """The row that is explained, with what is known of its shop and account; None where there is none such."""
    for row in rows(connection, sql, id=identifier):
        return row | rows(connection, PLACE, **{key: row.get(key) for key in ("platform", "shop_id", "account_id")})[0]
    return None


def findings(connection: duckdb.DuckDBPyConnection, row: Row, *, with_remarks: bool = False) -> list[Row]:
    """The reasons of a round, rating or session in their order, each with its clause and the evidence that its row holds."""
    held = {"platform": row["platform"], "reasons": row["exclusion_reasons"], "evidence": row["evidence"]}
    return rows(connection, REASONS, with_remarks=with_remarks, is_counted=row["is_counted"], **held)


class Clauses(dict[str, str]):
    """The clause ids of a platform, by the parameter, the reason or the type of message that they give."""

    def cite(self, *names: str) -> str:
        """The first of these that the platform has, in brackets after a space; nothing where it has none."""
        return next((f" ({self[name]})" for name in names if name in self), "")


def clauses_of(connection: duckdb.DuckDBPyConnection, platform: str, scope: str) -> Clauses:
    named = {row["name"]: row["clause_id"] for row in rows(connection, CLAUSES, platform=platform, scope=scope)}
    return Clauses(named | FURTHER_CLAUSES.get(platform, {}))


def header(row: Row, *more: tuple[str, str]) -> list[tuple[str, str]]:
    """The lines that say where it was, with whom, on which day and by which rules, and whatever more there is to it."""
    account = named(row.get("account_id") or "none 无", row["display_name"], ACCOUNT_TYPES.get(row["account_type"]))
    lines = {
        "platform 平台": PLATFORMS.get(row["scope"], row["scope"]),
        "shop 店铺": named(row["shop_id"], row["shop_name"]),
        "customer 顾客": row.get("customer_id"),
        "buyer 买家": row.get("buyer_id"),
        "account 客服账号": account if "account_id" in row else None,
        "conversation 会话": row.get("conversation_id"),
        "business date 业务日期": f"{row['business_date']:%Y-%m-%d %A}" if row.get("business_date") else None,
    }
    if "rule_version" in row:
        since = f"since {row['valid_from']}" if row["valid_from"].year > 1 else "from the beginning"
        until = f" until {row['valid_to']}" if row["valid_to"].year < 9999 else ""
        lines["rules 规则版本"] = f"{row['rule_version']}, in force {since}{until}"
    return [*((name, value) for name, value in lines.items() if value), *more]


def count(row: Row, how: str = "", note: str = "") -> str:
    """Whether it counts, and how, or for how many reasons it does not."""
    if row["is_counted"]:
        return f"Counts 计入考核{how}"
    return f"Does not count 不计入考核, for {number(len(row['exclusion_reasons']), 'reason')}{note}:"
