"""A round (轮次) of any platform told in words: what opened it, what answered it, whether it counts and why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import duckdb

from orchestration.explain.conversation import Happening, conversation
from orchestration.explain.metrics import of_metrics
from orchestration.explain.tables import Clauses, RowsChangedError, clauses_of, count, findings, header, rows
from orchestration.explain.text import Entry, Explanation, Row, clock, duration, within

ROUND = """
select
    r.*, u.valid_from, u.valid_to, u.round_scope, u.reply_scope, u.routing_lookback, u.response_target_seconds::double as target,
    left(u.window_start::varchar, 5) || '–' || left(u.window_end::varchar, 5) as round_window,
    date_part('epoch', u.reply_horizon)::integer // 3600 as horizon_hours, r.clock_started_at + u.reply_horizon as ends_at
from judged.int_judged_rounds r
left join rules.round_rules u on r.rule_version = u.rule_version
where r.round_id = $id
"""

# What a hand-over takes over had waited.
ROUNDS = """
select r.*, u.reply_scope, r.is_waiting or starts_with(r.round_id, r.platform || '-H-') as has_waited
from judged.int_judged_rounds r
left join rules.round_rules u on r.rule_version = u.rule_version
where r.platform = $platform and r.conversation_id = $conversation_id
order by r.clock_started_at, r.round_id
"""

REPLIES = {"bot_and_human": "of bots and humans 智能客服+人工客服", "human_only": "of humans only 仅人工客服"}


def explanation(connection: duckdb.DuckDBPyConnection, row: Row) -> Explanation:
    if row["valid_from"] is None:
        raise RowsChangedError(row["round_id"])
    clauses = clauses_of(connection, row["platform"], row["scope"])
    midnight = datetime.combine(row["business_date"], datetime.min.time())
    start, end = min(midnight, row["first_message_at"] - 2 * row["routing_lookback"]), midnight + timedelta(days=1)
    happenings = conversation(connection, clauses, row, start, max(end, row["ends_at"]))
    story = Story(row, happenings, clauses, rounds_of(connection, row))
    how = "" if row["target"] is None else f": as {'' if row['is_on_time'] else 'not '}answered in time"
    parameters = [
        ("window 考核时间", row["round_window"], "window_start"),
        ("replies 回复", REPLIES[row["reply_scope"]] if "reply_scope" in clauses else None, "reply_scope"),
        ("target 目标", row["target"] and f"reply within {row['target']:g} s", "response_target_seconds"),
    ]
    return Explanation(
        title=f"Round 轮次 {row['round_id']}",
        header=header(row, *((name, f"{told}{clauses.cite(parameter)}") for name, told, parameter in parameters if told)),
        day=row["business_date"],
        entries=story.entries(),
        verdict=[("Opened by", story.opening()), ("Answered by", story.answer()), (count(row, how), of_metrics(connection, row))],
        findings=findings(connection, row),
    )


def rounds_of(connection: duckdb.DuckDBPyConnection, row: Row) -> list[Row]:
    """All rounds of a conversation in order."""
    return rows(connection, ROUNDS, platform=row["platform"], conversation_id=row["conversation_id"])


def clock_item(row: Row) -> tuple[str, str]:
    """Kind and id of the item at which a round's clock starts, of which its id is made."""
    kind, item_id = row["round_id"].removeprefix(f"{row['platform']}-").split("-", 1)
    return kind, item_id


@dataclass
class Story:
    """A round with its conversation. RowsChangedError where the landed rows no longer hold what it was made of."""

    round: Row
    conversation: Sequence[Happening]
    clauses: Clauses
    rounds: Sequence[Row]  # all of the conversation, in order
    clock: Happening = field(init=False)
    first_message: Happening = field(init=False)
    reply: Happening | None = field(init=False)
    account_id: str | None = field(init=False)  # of which it is, where accounts answer for themselves

    def __post_init__(self) -> None:
        row, items = self.round, {(one.kind, one.id): one for one in self.conversation}
        try:
            self.clock, self.first_message = items[clock_item(row)], items["Q", row["first_message_id"]]
            self.reply = items[row["reply_kind"], row["first_reply_id"]] if row["first_reply_id"] else None
        except KeyError:
            raise RowsChangedError(row["round_id"]) from None
        self.account_id = self.clock.account_id if row["round_scope"] == "account" else None

    @property
    def since(self) -> Happening | None:
        """What said last, before the first message, whether a human was on the conversation."""
        earliest = self.first_message.at - self.round["routing_lookback"]
        earlier = self.conversation[: self.conversation.index(self.first_message)]
        return next((one for one in reversed(earlier) if one.kind in ("R", "H", "N") and one.at >= earliest), None)

    def time(self, at: datetime) -> str:
        return clock(at, self.round["business_date"])

    def entries(self) -> Sequence[Entry]:
        since, marks = self.since, [("first question", self.first_message), ("clock", self.clock), ("reply", self.reply)]
        bots_reply = self.round["reply_scope"] == "bot_and_human"  # by the rules of the day nobody waits then
        firsts = {row["first_message_id"]: row["has_waited"] and not bots_reply for row in self.rounds}
        clocks, waits, told = {row["round_id"] for row in self.rounds}, False, []
        for one in self.conversation:
            waits = firsts.get(one.id, waits) if one.kind == "Q" else waits and one.kind not in ("R", "B", "H")
            takes_over = one.kind == "H" and f"{self.round['platform']}-H-{one.id}" in clocks
            more = ", takes over what waited" if takes_over else ", waits for a human" if waits and one.kind == "Q" else ""
            mark = " + ".join(name for name, marked in marks if one is marked)
            told.append(replace(one, words=one.words + more, mark=mark, matters=bool(mark) or one is since))
        return told

    def opening(self) -> list[str]:
        cite, row, since = self.clauses.cite, self.round, self.since
        at, to, lookback = self.time(self.clock.at), self.clock.account_id or "the shop", cite("routing_lookback_days")
        from_when = f"since {self.time(since.at)} " if since else ""
        waited = f"It had to wait: {from_when}no human was on the conversation{lookback}."
        if self.clock.kind == "H":
            asked_at = self.time(self.first_message.at)
            return [
                f"The hand-over to {to} at {at}: it takes over what {row['customer_id']} asked at {asked_at}.",
                waited,
                f"So the clock starts at the hand-over, not at the question{cite('hand_over', 'routing_lookback_days')}.",
                self.nothing_open(),
            ]
        if row["is_waiting"]:
            first = "a reply came without a hand-over" if row["reply_kind"] else "no human took it over"
            why = f"the {self.reply.author} answered it first" if self.reply and row["reply_kind"] == "B" else first
            return [f"The question at {at}.", waited, f"The clock stays at the question: {why}."]
        why = f"no routing event of the {row['routing_lookback'].days} days before took the conversation from humans"
        if row["reply_scope"] == "bot_and_human" or not row["routing_lookback"]:
            why = f"nobody waited for a human{lookback}"
        elif since:
            why = f"a human was on the conversation since {self.time(since.at)} ({since.words})"
        starts = f"The clock starts at the question{cite('round_scope')}: {why}."
        return [f"The question at {at} to {to}.", self.nothing_open(), starts]

    def nothing_open(self) -> str:
        """What became of the round before on that day; where accounts answer for themselves, of that account's."""
        whose, before = self.account_id or "the shop", None
        for one in self.rounds:
            is_of_day = one["business_date"] == self.round["business_date"] and one["clock_started_at"] < self.clock.at
            before = one if is_of_day and self.account_id in (None, one["account_id"]) else before
        if before is None:
            return f"Nothing asked of {whose} earlier that day was still open."
        how = "has a round of its own, as each part of the day has, and what waits for a human"
        if before["first_reply_at"] and before["first_reply_at"] <= self.clock.at:
            how = f"was answered at {self.time(before['first_reply_at'])}"
        return f"What was asked of {whose} at {self.time(before['clock_started_at'])} {how} ({before['round_id']})."

    def answer(self) -> list[str]:
        reply, row, target = self.reply, self.round, self.clauses.cite("response_target_seconds")
        if reply:
            by = " ".join(part for part in ("the", reply.author, reply.account_id) if part)
            told = [f"{self.time(reply.at)} by {by}, after {duration(reply.at - self.clock.at)}."]
            if row["target"]:
                no_reply = (
                    f"It came {'' if row['is_on_time'] else 'not '}within {row['target']:g} s{target}, but it is no valid reply."
                )
                told.append(no_reply if row["reply_kind"] == "B" else within(row["target"], target, row["is_on_time"]))
            return told
        of_account = None if row["is_waiting"] else self.account_id
        whose = f" of {of_account}" if of_account else ""
        told = [f"No valid reply{whose} within {row['horizon_hours']} h, until {clock(row['ends_at'])}."]
        for one in self.conversation[self.conversation.index(self.clock) + 1 :]:
            if of_account and one.kind == "R" and one.account_id != of_account and one.at <= row["ends_at"]:
                own = self.clauses.cite("own_rounds", "round_scope")
                told.append(f"{one.account_id} replied at {self.time(one.at)}, but every account answers for itself{own}.")
                break
        if row["as_of"] and row["as_of"] < row["ends_at"]:
            told.append(f"Data has landed up to {clock(row['as_of'])} only: a reply may still come.")
        return told
