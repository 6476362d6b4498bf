"""Taobao and Tmall: a streak of messages in a row, and a month's limit to five, told by the clauses T-50 to T-62."""

from __future__ import annotations

import duckdb

from orchestration.explain.tables import header, rows
from orchestration.explain.text import Entry, Explanation, Row, clock, spoken
from orchestration.language import localized

STREAK = """
select 'taobao' as platform, *
from judged.int_taobao__message_streaks k
join judged.int_taobao__streaks b on k.streak_id = b.streak_id
left join items.int_taobao__shop_rules u on k.shop_id = u.shop_id and k.started_at::date between u.valid_from and u.valid_to
where k.streak_id = $id
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
where h.at >= $begins and coalesce(h.at < $ended_at or (h.at = $ended_at and h.rank < 2), true)
order by h.at, h.rank, h.id, h.kind desc
"""

# With the days behind it: those of the month assessed, or those observed.
LIMIT = """
select
    'taobao' as platform, l.*, u.observation_days, u.observation_min_exposures, u.rejection_click_rate_target,
    case l.limit_kind when 'full' then m.period_start else l.month end as days_from,
    case l.limit_kind when 'full' then m.period_end else l.starts_on - 1 end as days_to
from metrics.int_taobao__message_limits l
left join items.int_taobao__shop_rules u on l.shop_id = u.shop_id and l.month between u.valid_from and u.valid_to
left join marts.service_metrics m
    on m.platform = 'taobao' and m.metric = 'rejection_click_rate' and m.subject = 'shop' and m.shop_id = l.shop_id
    and m.period = 'month' and date_trunc('month', m.period_end) = l.month - interval 1 month
where $id = l.shop_id || '-' || strftime(l.month, '%Y-%m')
"""

DAYS = """
select business_date::timestamp as at, numerator::bigint as clicks, denominator::bigint as exposures
from metrics.int_taobao__prompt_metric_days
where subject = 'shop' and shop_id = $shop_id and business_date between $days_from and $days_to
order by business_date
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
ENDED = {
    "buyer_reply": "By the buyer's reply at {} (T-53).",
    "order": "By a new order at {}, the first since the buyer's last reply (T-54).",
    None: "Not yet: nothing has reset it up to {}.",
}


def streak(connection: duckdb.DuckDBPyConnection, row: Row) -> Explanation:
    begins = row["begins_after"] or min(filter(None, (row["started_at"], row["closed_from"])))
    keys = {key: row[key] for key in ("shop_id", "buyer_id", "ended_at")} | {"begins": begins}
    limit, ended_at = row["streak_limit"], clock(row["ended_at"] or row["as_of"])
    reached, rejected = f"Fewer than {limit}: no prompt for it (T-55).", ["No click on reject between the resets (T-57)."]
    if row["reached_limit_at"]:
        reached = f"Number {limit} came at {clock(row['reached_limit_at'])}: the prompt fires, once (T-55)."
    if row["closed_from"]:
        opened = f"they wrote or ordered at {clock(row['closed_until'])}" if row["closed_until"] else "they write or order"
        rejected = [
            f"The buyer is closed to all accounts from {clock(row['closed_from'])} until {opened} (T-57).",
            f"Counted messages of the streak to a closed buyer: {row['messages_after_rejection']} (T-58).",
        ]
    counted = f"{row['counted_messages']} since {clock(row['started_at'])}, over all accounts and conversations (T-50)."
    return Explanation(
        title=f"Streak 连续消息 {row['streak_id']}",
        header=header(row, ("limit 上限", f"{limit} messages in a row (T-50)")),
        day=row["started_at"].date(),
        entries=[entry(happening, row) for happening in rows(connection, HAPPENINGS, **keys)],
        verdict=[
            ("Counted 计入", [counted, reached]),
            ("Ended 重置", [ENDED[row["ended_by"]].format(ended_at)]),
            ("Rejected 拒收", rejected),
        ],
    )


def entry(happening: Row, streak: Row) -> Entry:
    kind, at, buyer = happening["kind"], happening["at"], streak["buyer_id"]
    marks = {("counted", streak["reached_limit_at"]): "limit", ("clicked", streak["closed_from"]): "closed"}
    mark = "reset" if (kind, at) == (streak["ended_by"], streak["ended_at"]) else marks.get((kind, at), "")
    is_no_reset = kind == "order" and not mark and at > streak["started_at"]
    return Entry(
        at,
        f"{happening['account_id']} → {buyer}" if happening["rank"] == 2 else buyer,
        "order 订单, no reply since the one before: no reset (T-54)" if is_no_reset else WORDS[kind],
        spoken(happening["type"], happening["content"]),
        mark,
    )


def limit(connection: duckdb.DuckDBPyConnection, row: Row) -> Explanation:
    days = rows(connection, DAYS, **{key: row[key] for key in ("shop_id", "days_from", "days_to")})
    target = f"more than the {row['rejection_click_rate_target']:.0%} allowed"
    figure = f"{row['exposures']} prompts seen in time, of which {row['click_rate']:.1%} clicked (T-59): {target}"
    reasons = [
        "The month before was limited, and this one is not in full: so its first days are observed (T-62).",
        f"Its first {row['observation_days']} days: {figure}; {row['observation_min_exposures']} suffice.",
        f"So the limit goes on from {row['starts_on']} to the end of the month (T-62).",
    ]
    if row["limit_kind"] == "full":
        reasons = [f"The month before: {figure} (T-60).", "A severe month that is assessed limits the whole next one (T-61)."]
    return Explanation(
        title=f"Limit 发送限制 taobao-limit-{row['shop_id']}-{row['month']:%Y-%m}",
        header=header(row, ("limit 限制", f"{row['starts_on']} to {row['ends_on']}, {row['limit_kind']}")),
        day=row["month"],
        entries=[
            Entry(day["at"], row["shop_id"], f"{day['exposures']} seen 曝光", localized(f"{day['clicks']} clicked 点击"))
            for day in days
        ],
        verdict=[("Limited 限制", reasons)],
    )
