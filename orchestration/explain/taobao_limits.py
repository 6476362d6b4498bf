"""Taobao and Tmall: a streak of messages in a row, and a month's limit to five, told by the clauses T-50 to T-62."""

from __future__ import annotations

import re

import duckdb

from orchestration.explain.tables import Row, rows
from orchestration.explain.text import Entry, Explanation, moment, named, shorten

STREAK_PREFIX, LIMIT_PREFIX = "taobao-streak-", "taobao-limit-"

STREAK = """
select k.*, s.shop_name, u.streak_limit, f.as_of
from marts.taobao_message_streaks k
left join marts.shops s on s.platform = 'taobao' and k.shop_id = s.shop_id
left join intermediate.int_taobao__shops i on k.shop_id = i.shop_id
left join rules.taobao_message_rules u on i.scope = u.scope and k.started_at::date between u.valid_from and u.valid_to
left join build.as_of f on f.platform = 'taobao'
where k.streak_id = $streak_id
"""

# From the reset before the streak, if one is near, to the one that ends it.
HAPPENINGS = """
with messages as (
    select
        sent_at as at, case direction when 'inbound' then 1 else 2 end as item_rank, message_id as id, direction as kind,
        account_id, message_type as type, content
    from staging.taobao_messages
    where shop_id = $shop_id and buyer_id = $buyer_id
),

orders as (
    select
        created_at as at, 0 as item_rank, order_id as id, 'order' as kind, null as account_id, null as type, order_id as content
    from staging.taobao_orders
    where shop_id = $shop_id and buyer_id = $buyer_id
),

prompts as (
    select
        unnest([triggered_at, exposed_at, clicked_at]) as at, 3 as item_rank, prompt_id as id,
        unnest(['triggered', 'exposed', 'clicked']) as kind, account_id, trigger as type, prompt_id as content
    from staging.taobao_rejection_prompts
    where shop_id = $shop_id and buyer_id = $buyer_id
),

happenings as (
    select * from messages
    union all
    select * from orders
    union all
    select * from prompts
),

resets as (
    select max(event_at) as reset_at
    from intermediate.int_taobao__streak_events
    where shop_id = $shop_id and buyer_id = $buyer_id and kind <> 'counted' and event_at <= $started_at
)

select h.*, e.kind as event_kind
from happenings h
left join intermediate.int_taobao__streak_events e
    on h.id = e.event_id and h.item_rank = e.event_rank and e.shop_id = $shop_id and e.buyer_id = $buyer_id
where
    h.at >= least($started_at, coalesce((select reset_at from resets), $started_at))
    -- what the shop sent, or the buyer clicked, at the very time of the reset comes after it
    and ($ended_at is null or h.at < $ended_at or (h.at = $ended_at and h.item_rank < 2))
order by h.at, h.item_rank, h.id
"""

LIMIT = """
select l.*, s.shop_name, u.observation_days, u.observation_min_exposures, u.rejection_click_rate_target
from marts.taobao_message_limits l
left join marts.shops s on s.platform = 'taobao' and l.shop_id = s.shop_id
left join intermediate.int_taobao__shops i on l.shop_id = i.shop_id
left join rules.taobao_message_rules u on i.scope = u.scope and l.month between u.valid_from and u.valid_to
where l.shop_id = $shop_id and strftime(l.month, '%Y-%m') = $month
"""

# The days behind a limit: those of the month assessed, or those observed.
DAYS = """
select d.business_date::timestamp as at, d.numerator::bigint as clicks, d.denominator::bigint as exposures
from intermediate.int_taobao__prompt_metric_days d
left join marts.service_metrics m
    on m.platform = 'taobao' and m.metric = d.metric and m.subject = 'shop' and m.shop_id = d.shop_id and m.period = 'month'
    and date_trunc('month', m.period_end) = $month - interval 1 month
where
    d.shop_id = $shop_id
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
    found = rows(connection, STREAK, streak_id=streak_id)
    if not found:
        return None
    row = found[0]
    keys = {key: row[key] for key in ("shop_id", "buyer_id", "started_at", "ended_at")}
    return Explanation(
        title=f"Streak 连续消息 {streak_id}",
        header=[
            ("platform 平台", "Taobao and Tmall 淘宝, 天猫"),
            ("shop 店铺", named(row["shop_id"], row["shop_name"])),
            ("buyer 买家", row["buyer_id"]),
            ("limit 上限", f"{row['streak_limit']} messages in a row (T-50)"),
        ],
        day=row["started_at"].date(),
        entries=[entry(happening, row) for happening in rows(connection, HAPPENINGS, **keys)],
        verdict=[("Counted 计入", counted(row)), ("Ended 重置", [ended(row)]), ("Rejected 拒收", rejected(row))],
    )


def entry(happening: Row, streak: Row) -> Entry:
    kind = happening["event_kind"] or happening["kind"]
    if kind == "order" and happening["at"] > streak["started_at"] and happening["at"] != streak["ended_at"]:
        words = "order 订单, no reply since the one before: no reset (T-54)"
    else:
        words = WORDS[kind]
    at, account = happening["at"], happening["account_id"]
    marks = {
        "limit": kind == "counted" and at == streak["reached_limit_at"],
        "closed": kind == "clicked" and at == streak["closed_from"],
        "reset": kind == streak["ended_by"] and at == streak["ended_at"],
    }
    by_shop = happening["item_rank"] == 2
    return Entry(
        at,
        f"{account} → {streak['buyer_id']}" if by_shop else streak["buyer_id"],
        words,
        ": ".join(part for part in (happening["type"], shorten(happening["content"])) if part),
        mark=" + ".join(mark for mark, holds in marks.items() if holds),
        matters=True,
    )


def counted(row: Row) -> list[str]:
    messages = f"{row['counted_messages']} since {moment(row['started_at'])}, over all accounts and conversations (T-50)."
    if row["reached_limit_at"] is None:
        return [messages, f"Fewer than {row['streak_limit']}: no prompt for it (T-55)."]
    return [messages, f"Number {row['streak_limit']} came at {moment(row['reached_limit_at'])}: the prompt fires, once (T-55)."]


def ended(row: Row) -> str:
    match row["ended_by"]:
        case "buyer_reply":
            return f"By the buyer's reply at {moment(row['ended_at'])} (T-53)."
        case "order":
            return f"By a new order at {moment(row['ended_at'])}, the first since the buyer's last reply (T-54)."
        case _:
            return f"Not yet: nothing has reset it up to {moment(row['as_of'])}."


def rejected(row: Row) -> list[str]:
    if row["closed_from"] is None:
        return ["No click on reject between the resets (T-57)."]
    return [
        f"The buyer is closed to all accounts from {moment(row['closed_from'])} until the reset (T-57).",
        f"Counted messages later than that: {row['messages_after_rejection']}.",
    ]


def limit(connection: duckdb.DuckDBPyConnection, limit_id: str) -> Explanation | None:
    """Of taobao-limit-<shop>-<YYYY-MM>."""
    named_by = re.fullmatch(rf"{LIMIT_PREFIX}(.+)-(\d{{4}}-\d{{2}})", limit_id)
    found = rows(connection, LIMIT, shop_id=named_by[1], month=named_by[2]) if named_by else []
    if not found:
        return None
    row = found[0]
    keys = {key: row[key] for key in ("shop_id", "month", "limit_kind", "starts_on")}
    return Explanation(
        title=f"Limit 发送限制 {limit_id}",
        header=[
            ("platform 平台", "Taobao and Tmall 淘宝, 天猫"),
            ("shop 店铺", named(row["shop_id"], row["shop_name"])),
            ("limit 限制", f"{row['starts_on']} to {row['ends_on']}, {row['limit_kind']}"),
        ],
        day=row["month"],
        entries=[
            Entry(day["at"], row["shop_id"], f"{day['exposures']} seen 曝光", f"{day['clicks']} clicked 点击", matters=True)
            for day in rows(connection, DAYS, **keys)
        ],
        verdict=[("Limited 限制", reasons(row))],
    )


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
