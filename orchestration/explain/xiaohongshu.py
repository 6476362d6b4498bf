"""Xiaohongshu: a session (进线), what was said in it, and what the clauses X-… say of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import duckdb

from orchestration.explain.conversation import Happening, conversation
from orchestration.explain.rounds import rounds_of
from orchestration.explain.tables import RowsChangedError, clauses_of, count, findings, header
from orchestration.explain.text import AUTHORS, Entry, Explanation, Row, clock, duration, in_words, number, within
from orchestration.language import localized

SESSION = """
select
    'xiaohongshu' as platform, *, s.session_id as conversation_id, s.user_id as customer_id,
    s.entered_at + u.reply_horizon as due_at, u.first_response_target_seconds::double as target,
    s.stars >= u.satisfied_min_stars as is_satisfied,
    left(w.opens_at::varchar, 5) || '–' || left(w.closes_at::varchar, 5)
    || case when w.is_widened then ', widened from ' || w.set_opens_at || '–' || w.set_closes_at else '' end as work_hours
from judged.int_xiaohongshu__session_edges s
join staging.xiaohongshu_sessions i on s.session_id = i.session_id
join rules.xiaohongshu_rules u on s.rule_version = u.rule_version
join items.int_xiaohongshu__work_hours w on s.shop_id = w.shop_id and s.business_date between w.valid_from and w.valid_to
left join staging.xiaohongshu_ratings r on s.session_id = r.session_id
where s.session_id = $id
"""


def explanation(connection: duckdb.DuckDBPyConnection, row: Row) -> Explanation:
    clauses = clauses_of(connection, row["platform"], row["scope"])
    said = conversation(connection, clauses, row, datetime.min, datetime.max)
    written = next((one for one in said if one.kind == "R" and one.at >= row["entered_at"]), None)
    if row["first_reply_at"] not in (None, written and written.at):
        raise RowsChangedError(f"xiaohongshu-{row['session_id']}")
    remarks = number(len(row["exclusion_reasons"]), "remark")
    return Explanation(
        title=f"Session 进线 xiaohongshu-{row['session_id']}",
        header=header(
            row,
            ("working hours 系统工作时间", f"{row['work_hours']} (X-03)"),
            ("target 目标", f"first reply within {row['target']:g} s (X-02)"),
        ),
        day=row["business_date"],
        entries=entries(row, said, written),
        verdict=[
            ("Entered", entering(row)),
            ("Answered by", answer(row, written)),
            ("Reply intervals 回复间隔", intervals(row, rounds_of(connection, row))),
            ("Afterwards", afterwards(row)),
            (count(row, f", with {remarks}:" if row["exclusion_reasons"] else "", ", remarks included"), metrics(row)),
        ],
        findings=findings(connection, row, with_remarks=True),
    )


def entries(row: Row, said: list[Happening], written: Happening | None) -> list[Entry]:
    by, user = f"{row['shop_id']} → " if row["initiated_by"] == "merchant" else "", row["user_id"]
    is_handed_on = "taken_over_unanswered" in row["exclusion_reasons"]
    told = [Entry(row["entered_at"], f"{by}{user}", "enters 进线", "", mark="clock")]
    for one in said:
        mark = "first reply" if one is written and row["first_reply_at"] else ""
        told.append(replace(one, mark="handed on" if is_handed_on and one.is_transfer else mark))
    if row["ended_at"]:
        told.append(Entry(row["ended_at"], in_words("ended by", row["ended_by"]), "ends it 结束", ""))
    if row["stars"] is not None:
        told.append(Entry(row["rated_at"], user, "rates it 打分", localized(number(row["stars"], "star"))))
    return sorted(told, key=lambda entry: entry.at)


def entering(row: Row) -> list[str]:
    who = f"{row['user_id']} entered" if row["initiated_by"] == "user" else "The merchant started it"
    where = f"{'in' if row['in_work_hours'] else 'outside'} the working hours {row['work_hours']} (X-02, X-03)"
    return [
        f"{who} at {clock(row['entered_at'], row['business_date'])}, {where}.",
        "The clock of the first response starts here, and no status of an agent stops it (X-02).",
    ]


def answer(row: Row, written: Happening | None) -> list[str]:
    at = clock(written.at, row["business_date"]) if written else ""
    if written and row["first_reply_at"]:
        by, after = written.account_id or "an agent", duration(written.at - row["entered_at"])
        return [f"{at} by {by}, after {after}.", within(row["target"], " (X-02)", row["is_on_time"])]
    if "taken_over_unanswered" in row["exclusion_reasons"]:
        return ["No valid reply: who takes a session must answer before handing it on (X-06)."]
    if row["is_left_open"]:
        return [f"No valid reply: it was not ended by {clock(row['due_at'])}, so that no agent's data are taken (X-05)."]
    late = f"; {at} was too late" if written else ""
    return [f"No valid reply within {row['reply_horizon_hours']} h, until {clock(row['due_at'])} (X-04){late}."]


def intervals(row: Row, rounds: list[Row]) -> list[str]:
    if not row["reply_intervals"]:
        return ["No interval (X-09)."]
    told = []
    for one in rounds[1:]:
        if one["first_reply_at"]:
            asked_at, replied_at = (clock(one[at], row["business_date"]) for at in ("clock_started_at", "first_reply_at"))
            after = duration(one["first_reply_at"] - one["clock_started_at"])
            told.append(f"Asked at {asked_at}, answered at {replied_at}, after {after}.")
    total = duration(timedelta(seconds=row["reply_interval_seconds"]))
    return [*told, f"In all {row['reply_intervals']}, of {total}; the first question has its own metrics (X-09)."]


def afterwards(row: Row) -> list[str]:
    words = f"{AUTHORS[row['last_speaker']]} had the last word" if row["last_speaker"] else "Nobody wrote anything"
    ended = f"Ended at {clock(row['ended_at'], row['business_date'])}" if row["ended_at"] else "No end has landed"
    good = "good 好评" if row["is_satisfied"] else "not good 差评"
    rated = "not rated" if row["stars"] is None else f"rated with {number(row['stars'], 'star')}, {good}"
    return [f"{words} (X-11).", f"{ended} (X-05); {rated} (X-07)."]


def metrics(row: Row) -> list[str]:
    """What a session that counts is to the metrics."""
    if not row["is_counted"]:
        return []
    in_3_minutes = f"as {'' if row['is_replied_3min'] else 'not '}answered in time" if row["in_reply_window"] else "not at all"
    response = f"as {'' if row['is_on_time'] else 'not '}on time" if row["in_work_hours"] else "not at all"
    return [
        f"In the 45s first response rate 45s首响率 {response} (X-02).",
        f"In the 24h reply rate 24小时回复率 as {'' if row['is_replied_24h'] else 'not '}answered (X-04).",
        f"In the 3-minute reply rate 3分钟回复率 {in_3_minutes} (X-16).",
        f"In the rating participation rate 参评率 as {'not ' if row['stars'] is None else ''}rated (X-08).",
    ]
