"""Taobao and Tmall: a rating card (评价卡片), what was submitted on it, and what the clauses T-30 to T-43 say of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import duckdb

from orchestration.errors import KefuError
from orchestration.explain.tables import Row, account, findings, rows
from orchestration.explain.text import PLATFORMS, Entry, Explanation, duration, moment, named

PREFIX = "taobao-card-"

# The card as it landed, and the rating that was made of it, if any.
CARD = """
select
    c.*, s.scope, s.shop_name, a.account_type, a.display_name,
    r.card_id is not null as is_rated, r.business_date, r.eval_code, r.is_counted, r.is_satisfied, r.is_manual_invite_forbidden,
    coalesce(r.exclusion_reasons, []) as exclusion_reasons, coalesce(r.evidence, []) as evidence,
    i.first_rated_at, i.first_eval_code, i.effective_changes, i.submissions, i.rating_max_edits, i.rating_edit_limit,
    v.is_recovered, v.edits_left, v.editable_until, v.is_editable, v.second_line_available, f.as_of
from staging.taobao_rating_cards c
left join items.int_shops s on s.platform = 'taobao' and c.shop_id = s.shop_id
left join items.int_accounts a on a.platform = 'taobao' and c.shop_id = a.shop_id and c.account_id = a.account_id
left join judged.int_taobao__judged_ratings r on c.card_id = r.card_id
left join judged.int_taobao__ratings i on c.card_id = i.card_id
left join judged.int_taobao__rating_recoveries v on c.card_id = v.card_id
left join build.as_of f on f.platform = 'taobao'
where c.card_id = $card_id
"""

SUBMISSIONS = """
select
    submission_id, submitted_at, eval_code, change_number, is_effective,
    change_number = max(change_number) filter (where is_effective) over () as stands
from judged.int_taobao__rating_submissions
where card_id = $card_id
order by change_number
"""

LANDED_SUBMISSIONS = """
select submission_id, submitted_at, eval_code from staging.taobao_rating_submissions
where card_id = $card_id
order by submitted_at, submission_id
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
    card_id = given.removeprefix(PREFIX)
    found = rows(connection, CARD, card_id=card_id)
    if not found:
        return None
    card = found[0]
    submissions = rows(connection, SUBMISSIONS, card_id=card_id)
    if is_changed(submissions, rows(connection, LANDED_SUBMISSIONS, card_id=card_id)):
        raise KefuError(f"what {given} was computed from has changed since: run kefu build first")
    verdict = [("Rated 评价", rated(card, submissions))]
    if card["is_recovered"] is not None:
        verdict.append(("Won back 挽回", recovery(card)))
    if invited := invitation(card, rows(connection, INVITES, card_id=card_id)):
        verdict.append(("Invitation 邀评", invited))
    return Explanation(
        title=f"Rating card 评价卡片 {PREFIX}{card_id}",
        header=header(card),
        day=card["business_date"] or card["sent_at"].date(),
        entries=entries(card, submissions),
        verdict=[*verdict, (count(card), counted(card))],
        findings=findings(connection, "taobao", card),
    )


def is_changed(submissions: Sequence[Row], landed: Sequence[Row]) -> bool:
    """Whether other submissions have landed than the rating was computed from."""
    columns = ("submission_id", "submitted_at", "eval_code")
    return [[row[column] for column in columns] for row in submissions] != [[row[column] for column in columns] for row in landed]


def header(card: Row) -> list[tuple[str, str]]:
    of_date = [("business date 业务日期", f"{card['business_date']:%Y-%m-%d %A} (T-36)")] if card["is_rated"] else []
    return [
        ("platform 平台", PLATFORMS[card["scope"]]),
        ("shop 店铺", named(card["shop_id"], card["shop_name"])),
        ("buyer 买家", card["buyer_id"]),
        ("account 客服账号", account(card)),
        ("card 卡片", TRIGGERS[card["trigger"]]),
        *of_date,
    ]


def entries(card: Row, submissions: Sequence[Row]) -> list[Entry]:
    who = card["buyer_id"] if card["trigger"] == "buyer_initiated" else f"{card['account_id']} → {card['buyer_id']}"
    told = [Entry(card["sent_at"], who, "card sent 发送卡片", TRIGGERS[card["trigger"]], matters=True)]
    for row in submissions:
        number = row["change_number"]
        effect = "" if row["is_effective"] else ", no effect (T-33)"
        words = f"change 修改 {number}{effect}" if number else "first rating 首次评价"
        mark = "stands" if row["stands"] else ""
        told.append(Entry(row["submitted_at"], card["buyer_id"], words, CODES[row["eval_code"]], mark, matters=True))
    return sorted(told, key=lambda entry: entry.at)


def rated(card: Row, submissions: Sequence[Row]) -> list[str]:
    if not card["is_rated"]:
        return ["Nobody rated it: it counts as nothing (T-30)."]
    late = [row for row in submissions if not row["is_effective"]]
    made, most, hours = len(submissions) - 1, card["rating_max_edits"], card["rating_edit_limit"] // timedelta(hours=1)
    times = "once" if made == 1 else f"{made} times"
    took_effect = f"Changed {times}, {made - len(late)} with effect: up to {most} within {hours} h have one (T-33)."
    good = "satisfied 满意" if card["is_satisfied"] else "not satisfied"
    return [
        f"First with {CODES[card['first_eval_code']]}, at {moment(card['first_rated_at'])}: it belongs to that day (T-36).",
        *([took_effect] if made else []),
        *(without_effect(row, card) for row in late),
        f"What stands is {CODES[card['eval_code']]} (T-31): {good} (T-35).",
    ]


def without_effect(row: Row, card: Row) -> str:
    """A change that came too late says how late, one too many its number."""
    after = row["submitted_at"] - card["first_rated_at"]
    why = f"{duration(after)} after the first" if after > card["rating_edit_limit"] else "one too many"
    return f"Change {row['change_number']} came {why}: no effect (T-33)."


def recovery(card: Row) -> list[str]:
    now, until, left = card["as_of"], moment(card["editable_until"]), card["edits_left"]
    done = "It was won back 已挽回" if card["is_recovered"] else "It was not won back"
    can = (
        f"can still be changed until {until}"
        if card["is_editable"]
        else f"can no longer be changed: {'none of its changes is left' if not left else f'it could until {until}'}"
    )
    second_line = {
        True: "A second-line account 二线客服 was online when it was first rated (T-39).",
        False: "No second-line account 二线客服 was online when it was first rated (T-39).",
        None: "The shop has no second-line account 二线客服 (T-39).",
    }[card["second_line_available"]]
    return [f"{done}; as of {moment(now)} it {can} (T-38).", second_line]


def invitation(card: Row, invites: Sequence[Row]) -> list[str]:
    if card["trigger"] == "manual" and card["is_manual_invite_forbidden"]:
        return ["Only the system may invite by then; it counts all the same (T-40)."]
    if card["trigger"] != "system_invite":
        return []
    due = [
        f"One was due at {moment(invite['due_at'])}, after {invite['trigger_message_id']}: expected {invite['expected']} (T-41)."
        for invite in invites
    ]
    answered = "answered" if card["is_rated"] else "not answered"
    return [
        *(due or ["None was due at about that time (T-41)."]),
        f"In the participation rate 参评率 of {card['sent_at']:%Y-%m-%d} it is {answered} (T-35).",
    ]


def count(card: Row) -> str:
    if not card["is_rated"]:
        return "Does not count 不计入考核: there is no rating"
    if card["is_counted"]:
        return "Counts 计入考核"
    number = len(card["exclusion_reasons"])
    return f"Does not count 不计入考核, for {number} reason{'s' if number > 1 else ''}:"


def counted(card: Row) -> list[str]:
    if not card["is_counted"]:
        return []
    enters = "satisfied" if card["is_satisfied"] else "not satisfied"
    return [f"In the satisfaction rate 满意度 of {card['business_date']} it enters as {enters} (T-35)."]
