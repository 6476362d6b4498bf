"""reception_daily against a count in plain Python, from the landed messages and the published rounds."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import pytest
from harness import query, warehouse


class Said(NamedTuple):
    shop: str
    account: str | None
    buyer: str
    conversation: str
    at: datetime
    kind: str
    content: str | None


class Answered(NamedTuple):
    shop: str
    account: str | None
    buyer: str
    day: date
    at: datetime
    seconds: float


SAID = {
    "taobao": """
        select shop_id, account_id, buyer_id, conversation_id, sent_at,
            case when direction = 'inbound' then 'Q' when author_kind = 'auto_bot' then 'B' else 'R' end, content
        from staging.taobao_messages m
        where author_kind in ('agent', 'assist_bot', 'auto_bot') or (
            author_kind = 'consumer' and message_id not in (select message_id from staging.taobao_message_recalls)
            and message_type in (
                'text', 'image', 'video', 'audio', 'emoji', 'link', 'product_card', 'order_card', 'work_order'
            )
        )""",
    "kuaishou": """
        select shop_id, agent_id, user_id, session_id, sent_at,
            case sender_kind when 'user' then 'Q' when 'bot' then 'B' else 'R' end, content
        from staging.kuaishou_messages where sender_kind <> 'system'""",
    "xiaohongshu": """
        select s.shop_id, agent_id, user_id, session_id, sent_at,
            case sender_kind when 'user' then 'Q' when 'bot' then 'B' else 'R' end, content
        from staging.xiaohongshu_messages join staging.xiaohongshu_sessions s using (session_id) where sender_kind <> 'system'""",
}
ROUNDS = {
    "taobao": """
        select shop_id, account_id, buyer_id, business_date, clock_started_at, response_seconds from marts.taobao_rounds
        where is_counted and first_reply_at is not null""",
    "kuaishou": """
        select shop_id, agent_id, user_id, business_date, clock_started_at, response_seconds from marts.kuaishou_rounds
        where is_counted and first_reply_at is not null""",
}


def sheet(said: list[Said], answered: list[Answered]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    messages, rounds = defaultdict(list), defaultdict(list)
    for one in said:
        for account in {None, one.account}:
            messages[one.shop, account, one.at.date()].append(one)
    for round_ in answered:
        for account in {None, round_.account}:
            rounds[round_.shop, account, round_.day].append(round_)
    return {key: row(messages[key], sorted(rounds[key], key=lambda r: r.at)) for key in {*messages, *rounds}}


def row(said: list[Said], answered: list[Answered]) -> tuple[Any, ...]:
    questions = [one for one in said if one.kind == "Q"]
    replies = [one for one in said if one.kind == "R"]
    asked, received = {one.buyer for one in questions}, {one.buyer for one in replies}
    conversations = defaultdict(list)
    for one in said:
        conversations[one.conversation].append(one.at)
    firsts: dict[str, float] = {}
    for round_ in answered:
        firsts.setdefault(round_.buyer, round_.seconds)
    return (
        *(len(asked), len(received), len(asked - received), len(questions), len(replies)),
        len(replies) / len(questions) if questions else None,
        sum(len(one.content or "") for one in replies),
        fmean(firsts.values()) if firsts else None,
        fmean(round_.seconds for round_ in answered) if answered else None,
        fmean((max(times) - min(times)).total_seconds() for times in conversations.values()) if said else None,
    )


@pytest.mark.parametrize("fixture", ["case101", "case102", "irc-support"])
@pytest.mark.parametrize("platform", list(SAID))
def test_the_sheet_is_what_is_counted_by_hand(built_homes: dict[str, Path], fixture: str, platform: str) -> None:
    home = built_homes[fixture]
    said = [Said(*values) for values in warehouse(home, SAID[platform])]
    answered = [Answered(*values) for values in query(home, ROUNDS[platform])] if platform in ROUNDS else []
    expected = sheet(said, answered)
    found = {
        values[:3]: values[3:]
        for values in query(home, f"select * exclude (platform) from marts.reception_daily where platform = '{platform}'")
    }
    if platform in ROUNDS:
        assert found.keys() == expected.keys()
    for key, values in expected.items():
        theirs = list(found[key])
        if platform not in ROUNDS:  # the response times of sessions are told by unit tests
            theirs[7:9] = [None, None]
        assert theirs == pytest.approx(list(values)), key
