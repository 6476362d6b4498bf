"""Taobao and Tmall: a streak of messages in a row, and a month's limit to five, told by the clauses T-50 to T-62."""

from __future__ import annotations

import duckdb

from orchestration.explain.tables import Row, rows, shop_header
from orchestration.explain.text import Entry, Explanation, moment, shorten

STREAK_PREFIX, LIMIT_PREFIX = "taobao-streak-", "taobao-limit-"

STREAK = """
select k.*, b.begins_after, s.shop_name, u.streak_limit, f.as_of
from judged.int_taobao__message_streaks k
join judged.int_taobao__streaks b on k.streak_id = b.streak_id
left join items.int_shops s on s.platform = 'taobao' and k.shop_id = s.shop_id
left join items.int_taobao__shop_rules u on k.shop_id = u.shop_id and k.started_at::date between u.valid_from and u.valid_to
left join build.as_of f on f.platform = 'taobao'
where k.streak_id = $streak_id
"""

# From the reset before the streak to the one that ends it: what the shop sent, or the buyer clicked, at that time comes after.
HAPPENINGS = """
with happenings as (
    select
        sent_at as at, case direction when 'inbound' then 1 else 2 end as rank, message_id as id, direction as kind,
        account_id, message_type as type, content
    from staging.taobao_messages where shop_id = $shop_id and buyer_id = $buyer_id
    union all by name
    select created_at as at, 0 as rank, order_id as id, 'order' as kind, order_id as content
    from staging.taobao_orders where shop_id = $shop_id and buyer_id = $buyer_id
    union all by name
    select
        unnest([triggered_at, exposed_at, clicked_at]) as at, 3 as rank, prompt_id as id,
        unnest(['triggered', 'exposed', 'clicked']) as kind, trigger as type, prompt_id as content
    from staging.taobao_rejection_prompts where shop_id = $shop_id and buyer_id = $buyer_id
)

select h.* replace (coalesce(e.kind, h.kind) as kind)
from happenings h
left join items.int_taobao__streak_events e
    on h.id = e.event_id and h.rank = e.event_rank and e.shop_id = $shop_id and e.buyer_id = $buyer_id
where h.at >= coalesce($begins_after, $started_at) and coalesce(h.at < $ended_at or (h.at = $ended_at and h.rank < 2), true)
order by h.at, h.rank, h.id, h.kind desc
"""

LIMIT = """
select l.*, s.shop_name, u.observation_days, u.observation_min_exposures, u.rejection_click_rate_target
from metrics.int_taobao__message_limits l
left join items.int_shops s on s.platform = 'taobao' and l.shop_id = s.shop_id
left join items.int_taobao__shop_rules u on l.shop_id = u.shop_id and l.month between u.valid_from and u.valid_to
where $limit_id = 'taobao-limit-' || l.shop_id || '-' || strftime(l.month, '%Y-%m')
"""

# The days behind a limit: those of the month assessed, or those observed.
DAYS = """
select d.business_date::timestamp as at, d.numerator::bigint as clicks, d.denominator::bigint as exposures
from metrics.int_taobao__prompt_metric_days d
left join marts.service_metrics m
    on m.platform = 'taobao' and m.metric = d.metric and m.subject = 'shop' and m.shop_id = d.shop_id and m.period = 'month'
    and date_trunc('month', m.period_end) = $month - interval 1 month
where
    d.subject = 'shop' and d.shop_id = $shop_id
    and case
        when $limit_kind = 'full' then d.business_date between m.period_start and m.period_end
        else d.business_date >= $month and d.business_date < $starts_on
    end
order by d.business_date
"""

WORDS = {
    "counted": "counts 计入 (T-50)",
    "buyer_reply": "buyer's reply 买家回复 (T-53)",
    "order": "order 订单 (T-54)",
    "inbound": "no reply, changes nothing (T-53)",
    "outbound": "does not count 不计入 (T-50, T-51)",
    "triggered": "prompt fires 触发提醒 (T-55, T-56)",
    "exposed": "prompt seen 曝光",
    "clicked": "reject clicked 点击拒收 (T-57)",
}


def streak(connection: duckdb.DuckDBPyConnection, streak_id: str) -> Explanation | None:
    for row in rows(connection, STREAK, streak_id=streak_id):
        keys = {key: row[key] for key in ("shop_id", "buyer_id", "begins_after", "started_at", "ended_at")}
        limited = f"{row['streak_limit']} messages in a row (T-50)"
        return Explanation(
            title=f"Streak 连续消息 {streak_id}",
            header=[*shop_header(row), ("limit 上限", limited)],
            day=row["started_at"].date(),
            entries=[entry(happening, row) for happening in rows(connection, HAPPENINGS, **keys)],
            verdict=[("Counted 计入", counted(row)), ("Ended 重置", [ended(row)]), ("Rejected 拒收", rejected(row))],
        )
    return None


def entry(happening: Row, streak: Row) -> Entry:
    kind, at, what = happening["kind"], happening["at"], (happening["type"], shorten(happening["content"]))
    is_no_reset = kind == "order" and at > streak["started_at"] and at != streak["ended_at"]
    marks = {
        "limit": kind == "counted" and at == streak["reached_limit_at"],
        "closed": kind == "clicked" and at == streak["closed_from"],
        "reset": kind == streak["ended_by"] and at == streak["ended_at"],
    }
    return Entry(
        at,
        f"{happening['account_id']} → {streak['buyer_id']}" if happening["rank"] == 2 else streak["buyer_id"],
        "order 订单, no reply since the one before: no reset (T-54)" if is_no_reset else WORDS[kind],
        ": ".join(part for part in what if part),
        mark=" + ".join(mark for mark, holds in marks.items() if holds),
        matters=True,
    )


def counted(row: Row) -> list[str]:
    messages = f"{row['counted_messages']} since {moment(row['started_at'])}, over all accounts and conversations (T-50)."
    if row["reached_limit_at"] is None:
        return [messages, f"Fewer than {row['streak_limit']}: no prompt for it (T-55)."]
    return [messages, f"Number {row['streak_limit']} came at {moment(row['reached_limit_at'])}: the prompt fires, once (T-55)."]


def ended(row: Row) -> str:
    at = moment(row["ended_at"] or row["as_of"])
    return {
        "buyer_reply": f"By the buyer's reply at {at} (T-53).",
        "order": f"By a new order at {at}, the first since the buyer's last reply (T-54).",
        None: f"Not yet: nothing has reset it up to {at}.",
    }[row["ended_by"]]


def rejected(row: Row) -> list[str]:
    if row["closed_from"] is None:
        return ["No click on reject between the resets (T-57)."]
    return [
        f"The buyer is closed to all accounts from {moment(row['closed_from'])} until the reset (T-57).",
        f"Counted messages later than that: {row['messages_after_rejection']}.",
    ]


def limit(connection: duckdb.DuckDBPyConnection, limit_id: str) -> Explanation | None:
    """Of taobao-limit-<shop>-<YYYY-MM>."""
    for row in rows(connection, LIMIT, limit_id=limit_id):
        keys = {key: row[key] for key in ("shop_id", "month", "limit_kind", "starts_on")}
        return Explanation(
            title=f"Limit 发送限制 {limit_id}",
            header=[*shop_header(row), ("limit 限制", f"{row['starts_on']} to {row['ends_on']}, {row['limit_kind']}")],
            day=row["month"],
            entries=[
                Entry(day["at"], row["shop_id"], f"{day['exposures']} seen 曝光", f"{day['clicks']} clicked 点击", matters=True)
                for day in rows(connection, DAYS, **keys)
            ],
            verdict=[("Limited 限制", reasons(row))],
        )
    return None


def reasons(row: Row) -> list[str]:
    target = f"more than the {row['rejection_click_rate_target']:.0%} allowed"
    figure = f"{row['exposures']} prompts seen in time, of which {row['click_rate']:.1%} clicked (T-59): {target}"
    if row["limit_kind"] == "full":
        return [
            f"The month before: {figure} (T-60).",
            "A severe month that is assessed limits the whole next one (T-61).",
        ]
    return [
        "The month before was limited, and this one is not in full: so its first days are observed (T-62).",
        f"Its first {row['observation_days']} days: {figure}; {row['observation_min_exposures']} suffice.",
        f"So the limit goes on from {row['starts_on']} to the end of the month (T-62).",
    ]
