"""Taobao and Tmall: a rating card (评价卡片), what was submitted on it, and what the clauses T-30 to T-43 say of it."""

from __future__ import annotations

from datetime import timedelta

import duckdb

from orchestration.explain.tables import RowsChangedError, count, findings, header, rows
from orchestration.explain.text import Entry, Explanation, Row, clock, duration, number
from orchestration.language import localized

# The card as it landed, and the rating that was made of it, if any.
CARD = """
select 'taobao' as platform, *
from staging.taobao_rating_cards
left join judged.int_taobao__judged_ratings using (card_id)
left join judged.int_taobao__ratings using (card_id)
left join judged.int_taobao__rating_recoveries using (card_id)
where card_id = $id
"""

# As they were judged; changed are those that landed since, and those that are gone or other than they were.
SUBMISSIONS = """
select change_number, is_effective, submitted_at, eval_code, l.card_id is null or r.card_id is null as is_changed
from judged.int_taobao__rating_submissions r
full join staging.taobao_rating_submissions l using (card_id, submission_id, submitted_at, eval_code)
where card_id = $card_id
order by change_number
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
SECOND_LINES = {
    True: "A second-line account 二线客服 was online when it was first rated (T-39).",
    False: "No second-line account 二线客服 was online when it was first rated (T-39).",
    None: "The shop has no second-line account 二线客服 (T-39).",
}


def explanation(connection: duckdb.DuckDBPyConnection, card: Row) -> Explanation:
    name = f"taobao-card-{card['card_id']}"
    submissions, invites = (rows(connection, sql, card_id=card["card_id"]) for sql in (SUBMISSIONS, INVITES))
    if any(row["is_changed"] for row in submissions):
        raise RowsChangedError(name)
    counts, enters = "Does not count 不计入考核: there is no rating", f"as {'' if card['is_satisfied'] else 'not '}satisfied"
    metric = f"In the satisfaction rate 满意度 of {card['business_date']} it enters {enters} (T-35)."
    return Explanation(
        title=f"Rating card 评价卡片 {name}",
        header=header(card, ("card 卡片", TRIGGERS[card["trigger"]])),
        day=card["business_date"] or card["sent_at"].date(),
        entries=entries(card, submissions),
        verdict=[
            ("Rated 评价", rated(card, submissions)),
            *recovery(card),
            *invitation(card, invites),
            (count(card) if submissions else counts, [metric] if card["is_counted"] else []),
        ],
        findings=findings(connection, card),
    )


def entries(card: Row, submissions: list[Row]) -> list[Entry]:
    who = card["buyer_id"] if card["trigger"] == "buyer_initiated" else f"{card['account_id']} → {card['buyer_id']}"
    told = [Entry(card["sent_at"], who, "card sent 发送卡片", localized(TRIGGERS[card["trigger"]]))]
    for row in submissions:
        effect = "" if row["is_effective"] else ", no effect (T-33)"
        words = f"change 修改 {row['change_number']}{effect}" if row["change_number"] else "first rating 首次评价"
        mark = "stands" if row["change_number"] == card["effective_changes"] else ""
        told.append(Entry(row["submitted_at"], card["buyer_id"], words, localized(CODES[row["eval_code"]]), mark))
    return sorted(told, key=lambda entry: entry.at)


def rated(card: Row, submissions: list[Row]) -> list[str]:
    if not submissions:
        return ["Nobody rated it: it counts as nothing (T-30)."]
    changes, hours = card["submissions"] - 1, card["rating_edit_limit"] // timedelta(hours=1)
    limit = f"up to {card['rating_max_edits']} within {hours} h have one (T-33)"
    changed = f"Changed {number(changes, 'time')}, {card['effective_changes']} with effect: {limit}."
    satisfied = "satisfied 满意" if card["is_satisfied"] else "not satisfied"
    return [
        f"First with {CODES[card['first_eval_code']]}, at {clock(card['first_rated_at'])}: it belongs to that day (T-36).",
        *([changed] if changes else []),
        *(without_effect(row, card) for row in submissions if not row["is_effective"]),
        f"What stands is {CODES[card['eval_code']]} (T-31): {satisfied} (T-35).",
    ]


def without_effect(row: Row, card: Row) -> str:
    """A change that came too late says how late, one too many its number."""
    after = row["submitted_at"] - card["first_rated_at"]
    why = f"{duration(after)} after the first" if after > card["rating_edit_limit"] else "one too many"
    return f"Change {row['change_number']} came {why}: no effect (T-33)."


def recovery(card: Row) -> list[tuple[str, list[str]]]:
    if card["is_recovered"] is None:
        return []
    won = "It was won back 已挽回" if card["is_recovered"] else "It was not won back"
    can = f"can {'still' if card['is_editable'] else 'no longer'} be changed"
    left = f"{number(card['edits_left'], 'change')} left, until {clock(card['editable_until'])}"
    told = f"{won}; as of {clock(card['as_of'])} it {can}: {left} (T-38)."
    return [("Won back 挽回", [told, SECOND_LINES[card["second_line_available"]]])]


def invitation(card: Row, invites: list[Row]) -> list[tuple[str, list[str]]]:
    if card["trigger"] == "manual" and card["is_manual_invite_forbidden"]:
        return [("Invitation 邀评", ["Only the system may invite by then; it counts all the same (T-40)."])]
    if card["trigger"] != "system_invite":
        return []
    due = "One was due at {}, after {}: expected {} (T-41).".format
    told = [due(clock(invite["due_at"]), invite["trigger_message_id"], invite["expected"]) for invite in invites]
    answered = f"it is {'' if card['business_date'] else 'not '}answered (T-35)"
    enters = f"In the participation rate 参评率 of {card['sent_at']:%Y-%m-%d} {answered}."
    return [("Invitation 邀评", [*(told or ["None was due at about that time (T-41)."]), enters])]
