"""Taobao and Tmall: a rating card (评价卡片), what was submitted on it, and what the clauses T-30 to T-43 say of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import duckdb

from orchestration.errors import KefuError
from orchestration.explain.tables import Row, account, findings, rows
from orchestration.explain.text import PLATFORMS, Entry, Explanation, duration, moment, named, number

PREFIX = "taobao-card-"

# The card as it landed, and the rating that was made of it, if any.
CARD = """
select
    c.*, s.scope, s.shop_name, a.account_type, a.display_name, f.as_of,
    r.card_id is not null as is_rated, r.business_date, r.eval_code, r.is_counted, r.is_satisfied, r.is_manual_invite_forbidden,
    coalesce(r.exclusion_reasons, []) as exclusion_reasons, coalesce(r.evidence, []) as evidence,
    i.first_rated_at, i.first_eval_code, i.effective_changes, i.submissions, i.rating_max_edits, i.rating_edit_limit,
    v.is_recovered, v.edits_left, v.editable_until, v.is_editable, v.second_line_available
from staging.taobao_rating_cards c
left join items.int_shops s on s.platform = 'taobao' and c.shop_id = s.shop_id
left join items.int_accounts a on a.platform = 'taobao' and c.shop_id = a.shop_id and c.account_id = a.account_id
left join judged.int_taobao__judged_ratings r on c.card_id = r.card_id
left join judged.int_taobao__ratings i on c.card_id = i.card_id
left join judged.int_taobao__rating_recoveries v on c.card_id = v.card_id
left join build.as_of f on f.platform = 'taobao'
where c.card_id = $card_id
"""

# As they were judged; without a number what landed since, and not landed what is gone or other than it was.
SUBMISSIONS = """
select
    r.change_number, r.is_effective, submitted_at, eval_code, l.submission_id is null or r.submission_id is null as is_changed,
    r.change_number = max(r.change_number) filter (where r.is_effective) over () as stands
from (select * from judged.int_taobao__rating_submissions where card_id = $card_id) r
full join (select * from staging.taobao_rating_submissions where card_id = $card_id) l
    using (submission_id, submitted_at, eval_code)
order by r.change_number
"""

INVITES = """
select trigger_message_id, due_at, expected from judged.int_taobao__rating_invites where card_id = $card_id
order by due_at, trigger_message_id
"""

TRIGGERS = {
    "system_invite": "invited by the system 系统邀评",
    "buyer_initiated": "opened by the buyer 主动评价",
    "manual": "sent by hand 手动邀评",
}
CODES = [
    "0 very satisfied 非常满意",
    "1 satisfied 满意",
    "2 neutral 一般",
    "3 dissatisfied 不满意",
    "4 very dissatisfied 非常不满意",
]


def explanation(connection: duckdb.DuckDBPyConnection, given: str) -> Explanation | None:
    """Of taobao-card-<card id>."""
    for card in rows(connection, CARD, card_id=given.removeprefix(PREFIX)):
        submissions = rows(connection, SUBMISSIONS, card_id=card["card_id"])
        if any(row["is_changed"] for row in submissions):
            raise KefuError(f"what {given} was computed from has changed since: run kefu build first")
        parts = {
            "Rated 评价": rated(card, submissions),
            "Won back 挽回": recovery(card),
            "Invitation 邀评": invitation(card, rows(connection, INVITES, card_id=card["card_id"])),
        }
        return Explanation(
            title=f"Rating card 评价卡片 {given}",
            header=header(card),
            day=card["business_date"] or card["sent_at"].date(),
            entries=entries(card, submissions),
            verdict=[*((name, told) for name, told in parts.items() if told), (count(card), counted(card))],
            findings=findings(connection, "taobao", card),
        )
    return None


def header(card: Row) -> list[tuple[str, str]]:
    lines = [
        ("platform 平台", PLATFORMS[card["scope"]]),
        ("shop 店铺", named(card["shop_id"], card["shop_name"])),
        ("buyer 买家", card["buyer_id"]),
        ("account 客服账号", account(card)),
        ("card 卡片", TRIGGERS[card["trigger"]]),
    ]
    return [*lines, ("business date 业务日期", f"{card['business_date']:%Y-%m-%d %A} (T-36)")] if card["is_rated"] else lines


def entries(card: Row, submissions: Sequence[Row]) -> list[Entry]:
    who = card["buyer_id"] if card["trigger"] == "buyer_initiated" else f"{card['account_id']} → {card['buyer_id']}"
    told = [Entry(card["sent_at"], who, "card sent 发送卡片", TRIGGERS[card["trigger"]], matters=True)]
    for row in submissions:
        effect = "" if row["is_effective"] else ", no effect (T-33)"
        words = f"change 修改 {row['change_number']}{effect}" if row["change_number"] else "first rating 首次评价"
        mark = "stands" if row["stands"] else ""
        told.append(Entry(row["submitted_at"], card["buyer_id"], words, CODES[row["eval_code"]], mark, matters=True))
    return sorted(told, key=lambda entry: entry.at)


def rated(card: Row, submissions: Sequence[Row]) -> list[str]:
    if not card["is_rated"]:
        return ["Nobody rated it: it counts as nothing (T-30)."]
    made, hours = card["submissions"] - 1, card["rating_edit_limit"] // timedelta(hours=1)
    limit = f"up to {card['rating_max_edits']} within {hours} h have one (T-33)"
    times = f"Changed {'once' if made == 1 else f'{made} times'}, {card['effective_changes']} with effect: {limit}."
    return [
        f"First with {CODES[card['first_eval_code']]}, at {moment(card['first_rated_at'])}: it belongs to that day (T-36).",
        *([times] if made else []),
        *(without_effect(row, card) for row in submissions if not row["is_effective"]),
        f"What stands is {CODES[card['eval_code']]} (T-31): {'' if card['is_satisfied'] else 'not '}satisfied"
        f"{' 满意' if card['is_satisfied'] else ''} (T-35).",
    ]


def without_effect(row: Row, card: Row) -> str:
    """A change that came too late says how late, one too many its number."""
    after = row["submitted_at"] - card["first_rated_at"]
    why = f"{duration(after)} after the first" if after > card["rating_edit_limit"] else "one too many"
    return f"Change {row['change_number']} came {why}: no effect (T-33)."


def recovery(card: Row) -> list[str]:
    if card["is_recovered"] is None:
        return []
    until = moment(card["editable_until"])
    why = f"it could until {until}" if card["edits_left"] else "none of its changes is left"
    can = f"can still be changed until {until}" if card["is_editable"] else f"can no longer be changed: {why}"
    done = "It was won back 已挽回" if card["is_recovered"] else "It was not won back"
    was = "A second-line account 二线客服 was" if card["second_line_available"] else "No second-line account 二线客服 was"
    return [
        f"{done}; as of {moment(card['as_of'])} it {can} (T-38).",
        "The shop has no second-line account 二线客服 (T-39)."
        if card["second_line_available"] is None
        else f"{was} online when it was first rated (T-39).",
    ]


def invitation(card: Row, invites: Sequence[Row]) -> list[str]:
    if card["trigger"] == "manual" and card["is_manual_invite_forbidden"]:
        return ["Only the system may invite by then; it counts all the same (T-40)."]
    if card["trigger"] != "system_invite":
        return []
    due = [
        f"One was due at {moment(invite['due_at'])}, after {invite['trigger_message_id']}: expected {invite['expected']} (T-41)."
        for invite in invites
    ]
    answered = (
        f"In the participation rate 参评率 of {card['sent_at']:%Y-%m-%d} it is {'' if card['is_rated'] else 'not '}answered"
    )
    return [*(due or ["None was due at about that time (T-41)."]), f"{answered} (T-35)."]


def count(card: Row) -> str:
    if not card["is_rated"]:
        return "Does not count 不计入考核: there is no rating"
    why = f"Does not count 不计入考核, for {number(len(card['exclusion_reasons']), 'reason')}:"
    return "Counts 计入考核" if card["is_counted"] else why


def counted(card: Row) -> list[str]:
    enters = f"as {'' if card['is_satisfied'] else 'not '}satisfied (T-35)"
    return [f"In the satisfaction rate 满意度 of {card['business_date']} it enters {enters}."] if card["is_counted"] else []
