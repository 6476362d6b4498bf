"""Taobao and Tmall: the rows of a round and what the clauses T-… say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from orchestration.errors import KefuError
from orchestration.explain.rounds import Clauses, Happening, Round, RowsChangedError, Rules, Story, count, steps, waits
from orchestration.explain.tables import Row, round_of, rows, rules_of
from orchestration.explain.text import Explanation, Finding, duration, moment, named, shorten, span, whole_seconds

CLAUSES = Clauses(clock="T-01", target="T-01", hand_over="T-08", waiting="T-09", own_rounds="T-27")

ROUND = """
select r.*, s.shop_name, s.marketplace, a.account_type, a.display_name, f.as_of
from marts.taobao_rounds r
left join marts.shops s on s.platform = 'taobao' and r.shop_id = s.shop_id
left join marts.accounts a on a.platform = 'taobao' and r.shop_id = a.shop_id and r.account_id = a.account_id
left join build.as_of f on f.platform = 'taobao'
where r.round_id = $round_id
"""

RULES = "select * from rules.taobao_rules where rule_version = $rule_version"

# Messages and routing events of the conversation. What is no item has no kind.
CONVERSATION = """
with items as (
    select item_id, item_rank, kind from intermediate.int_taobao__items
    where conversation_id = $conversation_id and item_at between $start and $end
),

messages as (
    select
        sent_at as at, case direction when 'inbound' then 1 else 2 end as item_rank, message_id as id, account_id,
        message_type as type, content, author_kind, peer_kind, buyer_id
    from staging.taobao_messages
    where conversation_id = $conversation_id and sent_at between $start and $end
),

events as (
    select
        occurred_at as at, 0 as item_rank, event_id as id, account_id,
        event_type as type, origin as content, null as author_kind, null as peer_kind, buyer_id
    from staging.taobao_reception_events
    where conversation_id = $conversation_id and occurred_at between $start and $end
)

select h.*, i.kind, c.recalled_at, t.opens_round, t.clause_id
from (select * from messages union all select * from events) h
left join items i on h.id = i.item_id and h.item_rank = i.item_rank
left join staging.taobao_message_recalls c on h.id = c.message_id and h.item_rank > 0
left join rules.taobao_message_types t on h.type = t.message_type and t.direction = 'inbound' and h.item_rank = 1
"""

REASONS = """
select r.reason, r.clause_id, c.title_en, c.title_zh, r.description
from rules.exclusion_reasons r
left join marts.rule_clauses c on r.clause_id = c.clause_id
where r.platform = 'taobao' and list_contains($reasons, r.reason)
order by list_position($reasons, r.reason)
"""

BLOCKS = """
select blocked_at, unblocked_at from staging.taobao_buyer_blocks
where
    shop_id = $shop_id and buyer_id = $buyer_id
    and blocked_at <= $last_instant and coalesce(unblocked_at > $clock_started_at, true)
order by blocked_at
"""

FLAGS = """
select flag_type, flagged_from, flagged_to from staging.taobao_platform_flags
where
    conversation_id = $conversation_id
    and $clock_started_at >= flagged_from and coalesce($clock_started_at < flagged_to, true)
order by flagged_from
"""

DISABLED = "select disabled_at from staging.taobao_accounts where account_id = $account_id"

MARKETPLACES = {"taobao": "Taobao 淘宝", "tmall": "Tmall 天猫"}
ACCOUNT_TYPES = {
    "main": "main 主账号",
    "sub": "sub 子账号",
    "proxy": "proxy 代理账号",
    "service_assistant": "service assistant 服务助手",
}
AUTHORS = {"agent": "agent 人工", "assist_bot": "assist bot 智能辅助", "auto_bot": "full-auto bot 全自动机器人"}
FLAG_REASONS = {"ad_account", "cheating", "abusive"}
PEERS = {
    "own_account": "another account of the shop 店铺自有账号",
    "other_merchant": "another merchant 其他商家",
    "platform_operator": "a platform operator 阿里小二",
    "platform_employee": "an employee of the platform 阿里员工",
}
ORIGINS = {
    "direct": "directly 直接分流",
    "bot": "from the bot 机器人转人工",
    "queue": "from the queue 排队",
    "offline_pool": "from the offline pool 离线消息池",
    "transfer": "by transfer 转接",
    "priority": "by priority reception 优先接待",
}
EVENTS = {
    "assigned": "hand-over 分流人工",
    "bot_started": "to a bot 机器人接待: no human (T-09)",
    "pooled": "to the offline pool 离线消息池: no human (T-09)",
    "closed": "conversation closed, changes nothing",
}


def explanation(connection: duckdb.DuckDBPyConnection, round_id: str) -> Explanation | None:
    found = rows(connection, ROUND, round_id=round_id)
    if not found:
        return None
    row = found[0]
    round_ = round_of(row, customer="buyer_id", account="account_id")
    changed = KefuError(f"what {round_id} was computed from has changed since: run kefu build first")
    rule_rows = rows(connection, RULES, rule_version=row["rule_version"])
    if not rule_rows:
        raise changed
    rules = rules_of(rule_rows[0])
    midnight = datetime.combine(round_.business_date, datetime.min.time())
    conversation = rows(
        connection,
        CONVERSATION,
        conversation_id=row["conversation_id"],
        start=min(midnight, round_.first_message_at - 2 * rules.lookback),
        end=max(midnight + timedelta(days=1), round_.clock_started_at + rules.horizon),
    )
    story = Story(round_, rules, CLAUSES, steps(map(happening, conversation), rules.lookback), row["as_of"])
    try:
        told = [("Opened by", story.opening()), ("Answered by", story.answer())]
        entries = story.entries()
        known = evidence(connection, row, rule_rows[0], story)
    except RowsChangedError:
        raise changed from None
    return Explanation(
        title=f"Round 轮次 {round_id}",
        header=header(row, rules),
        day=round_.business_date,
        entries=entries,
        verdict=[*told, (count(round_), average(round_, rule_rows[0]))],
        findings=[
            Finding(**reason, facts=facts(reason["reason"], story, known))
            for reason in rows(connection, REASONS, reasons=list(round_.reasons))
        ],
    )


@dataclass(frozen=True)
class Evidence:
    """What the reasons rest on, beside the conversation: blocks and flags that hold for the round, with their start and end."""

    blocks: Sequence[tuple[datetime, datetime | None]]
    flags: Sequence[tuple[str, datetime, datetime | None]]
    opening_account: str | None
    disabled_at: datetime | None
    zero_second_threshold: timedelta


def header(row: Row, rules: Rules) -> list[tuple[str, str]]:
    account = named(row["account_id"] or "none 无", row["display_name"], ACCOUNT_TYPES.get(row["account_type"]))
    return [
        ("platform 平台", MARKETPLACES.get(row["marketplace"], "Taobao 淘宝")),
        ("shop 店铺", named(row["shop_id"], row["shop_name"])),
        ("buyer 买家", row["buyer_id"]),
        ("account 客服账号", account),
        ("conversation 会话", row["conversation_id"]),
        ("business date 业务日期", f"{row['business_date']:%Y-%m-%d %A}"),
        ("rules 规则版本", f"{rules.rule_version}, in force {rules.in_force}"),
        ("window 考核时间段", f"{rules.window} (T-07)"),
        ("target 目标", f"reply within {whole_seconds(rules.target)} (T-01)"),
    ]


def happening(row: Row) -> Happening:
    inbound, account = row["item_rank"] == 1, row["account_id"]
    if row["item_rank"] == 0:
        who = f"routing 分流 → {account}" if account else "routing 分流"
        what = ORIGINS.get(row["content"]) or row["content"] or ""
    else:
        who = f"{row['buyer_id']} → {account}" if inbound else f"{account} → {row['buyer_id']}"
        what = f"{row['type']}: {shorten(row['content'])}" if row["content"] else row["type"]
    return Happening(
        at=row["at"],
        rank=row["item_rank"],
        id=row["id"],
        kind=row["kind"],
        account_id=account,
        who=who,
        words=words(row),
        what=what,
        author=AUTHORS.get(row["author_kind"], ""),
    )


def words(row: Row) -> str:
    """What a message or event is to a round."""
    if row["item_rank"] == 0:
        return EVENTS.get(row["type"]) or str(row["type"])
    return inbound_words(row) if row["item_rank"] == 1 else outbound_words(row)


def inbound_words(row: Row) -> str:
    if row["kind"] == "Q":
        return "question 咨询"
    if not row["opens_round"]:
        return f"asks nothing ({row['clause_id']})" if row["clause_id"] else "asks nothing"
    if row["author_kind"] != "consumer":
        return "not by a consumer, asks nothing (T-16)"
    return "recalled 撤回, asks nothing (T-23)" if row["recalled_at"] else "asks nothing"


def outbound_words(row: Row) -> str:
    recalled = "; recalled 撤回, still a reply (T-23)" if row["recalled_at"] else ""
    if row["kind"] == "R":
        return f"valid reply 有效回复{' (assist bot 智能辅助)' if row['author_kind'] == 'assist_bot' else ''}{recalled}"
    if row["kind"] == "B":
        return "full-auto bot 全自动机器人, no reply (T-06)"
    return "greeting 自动问候语, no reply (T-02)" if row["author_kind"] == "greeting" else "system message, no reply (T-06)"


def average(round_: Round, rules: Row) -> list[str]:
    """What a counted round is to the average response time."""
    if not round_.is_counted:
        return []
    if round_.elapsed is not None:
        cap = timedelta(seconds=float(rules["response_cap_seconds"]))
        capped = f"{whole_seconds(cap)}, the most a round can" if round_.elapsed > cap else duration(round_.elapsed)
        return [f"In the average response time 平响 it enters as {capped} (T-01)."]
    unanswered = rules["unanswered_response_seconds"]
    if unanswered is None:
        return ["Of the average response time 平响 it is left out, being unanswered (T-01)."]
    return [f"In the average response time 平响 it enters as {float(unanswered):g} s, being unanswered (T-01)."]


def evidence(connection: duckdb.DuckDBPyConnection, row: Row, rules: Row, story: Story) -> Evidence:
    """Reads what the round's reasons call for."""

    def for_reasons(reasons: set[str], sql: str, **parameters: object) -> list[Row]:
        return rows(connection, sql, **parameters) if reasons.intersection(story.round.reasons) else []

    clock, last_instant = story.round.clock_started_at, story.round.clock_started_at + story.rules.target
    if story.reply and story.reply.of.kind == "R":  # a block later than a valid reply does no harm
        last_instant = min(last_instant, story.reply.of.at)
    blocks = for_reasons(
        {"buyer_blocked_shop"},
        BLOCKS,
        shop_id=row["shop_id"],
        buyer_id=row["buyer_id"],
        clock_started_at=clock,
        last_instant=last_instant,
    )
    flags = for_reasons(FLAG_REASONS, FLAGS, conversation_id=row["conversation_id"], clock_started_at=clock)
    disabled = for_reasons({"account_disabled"}, DISABLED, account_id=story.clock.of.account_id)
    return Evidence(
        blocks=[(block["blocked_at"], block["unblocked_at"]) for block in blocks],
        flags=[(flag["flag_type"], flag["flagged_from"], flag["flagged_to"]) for flag in flags],
        opening_account=story.clock.of.account_id,
        disabled_at=disabled[0]["disabled_at"] if disabled else None,
        zero_second_threshold=timedelta(seconds=float(rules["zero_second_threshold"])),
    )


def facts(reason: str, story: Story, known: Evidence) -> list[str]:
    """What a reason rests on."""
    round_, elapsed = story.round, story.round.elapsed
    start, clock = round_.clock_started_at, moment(round_.clock_started_at)
    match reason:
        case "buyer_blocked_shop":
            blocked = [f"{round_.customer_id} blocked the shop {span(*block)}" for block in known.blocks]
            return [*blocked, f"the time to answer ran {span(start, start + story.rules.target)}"]
        case "not_routed_to_human":
            return [f"asked at {clock}, and no human took it over or replied until {moment(story.ends_at)}", *waits(story)]
        case "non_human_reply" if elapsed is not None:
            return [f"the full-auto bot {round_.account_id} answered after {duration(elapsed)}", *waits(story)]
        case "outside_window":
            by = ["the time of the hand-over decides, not that of the question (T-10)"] if round_.clock_kind == "H" else []
            return [f"clock start {clock}, window {story.rules.window}", *by]
        case "ad_account" | "cheating" | "abusive":
            return [
                f"flagged {span(since, until)}, clock start {clock} (T-26)"
                for flag, since, until in known.flags
                if flag == reason
            ]
        case "account_disabled" if known.disabled_at is not None:
            return [f"{known.opening_account} was deleted or disabled at {moment(known.disabled_at)}, clock start {clock}"]
        case "zero_second_reply" if elapsed is not None:
            return [f"answered after {duration(elapsed)}, less than {whole_seconds(known.zero_second_threshold)}"]
        case _ if reason in PEERS:
            return [f"{round_.customer_id}, who wrote the first message, is {PEERS[reason]}"]
        case _:
            return []
