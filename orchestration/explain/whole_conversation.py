"""A conversation (会话) as a whole: all that happened in it, and what became of each of its rounds."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import duckdb

from orchestration.explain.conversation import conversation
from orchestration.explain.rounds import clock_item, rounds_of
from orchestration.explain.tables import clauses_of, header
from orchestration.explain.text import Explanation, Row, clock, duration, in_words, number

CONVERSATION = """
select '{platform}' as platform, conversation_id, shop_id, min(customer_id) as customer_id, min(item_date) as business_date
from items.int_{platform}__items
where conversation_id = $id
group by all
"""


def explanation(connection: duckdb.DuckDBPyConnection, row: Row) -> Explanation:
    rounds = rounds_of(connection, row)
    scopes = {one["reply_scope"] for one in rounds}  # of one that the rules changed amid, as after the change
    of_rules = {"reply_scope": scopes.pop() if len(scopes) == 1 else None}
    clauses = clauses_of(connection, row["platform"], row["scope"])
    clocks = {item_of(one): f"round {place}" for place, one in enumerate(rounds, start=1)}
    told = [
        replace(one, mark=(mark := clocks.get((one.rank == 0, one.id), "")), matters=bool(mark))
        for one in conversation(connection, clauses, row | of_rules, datetime.min, datetime.max)
    ]
    return Explanation(
        title=f"Conversation 会话 {row['platform']}-conversation-{row['conversation_id']}",
        header=header(row, ("rounds 轮次", str(len(rounds)))),
        day=row["business_date"],
        entries=told,
        verdict=[(f"{clocks[item_of(one)].capitalize()}: {one['round_id']}", became(one, row)) for one in rounds]
        or [("No rounds 无轮次", ["Nobody asked anything that opens one."])],
    )


def item_of(one: Row) -> tuple[bool, str]:
    """Whether a round's clock started at a routing event, and the id of what it started at."""
    kind, identifier = clock_item(one)
    return kind == "H", identifier


def became(one: Row, row: Row) -> list[str]:
    """What a round came to, in two sentences; `kefu explain` of its id tells all of it."""
    asked = f"Clock at {clock(one['clock_started_at'], row['business_date'])}, "
    if one["first_reply_at"]:
        after = duration(timedelta(seconds=float(one["response_seconds"])))
        asked += f"answered after {after}: {'on time 及时' if one['is_on_time'] else 'late 超时'}."
    else:
        asked += "not answered 未回复."
    if one["is_counted"]:
        return [asked, "Counts 计入考核."]
    reasons = number(len(one["exclusion_reasons"]), "reason")
    return [asked, f"Does not count 不计入考核, for {reasons}: {in_words('reason', *one['exclusion_reasons'])}."]
