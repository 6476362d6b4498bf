"""`kefu live`: at a moment its tables say what a full build of everything up to it says; it follows what is added to landing."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
from harness import build, kefu, query, warehouse

Rows = list[tuple[Any, ...]]

# The first time column of what happens, and of each later time what is only known by it: written down here once more.
HAPPENS = {
    "taobao": {
        "messages": "sent_at", "message_recalls": "recalled_at", "reception_events": "occurred_at",
        "account_status_events": "changed_at", "buyer_blocks": "blocked_at", "platform_flags": "flagged_from",
        "rating_cards": "sent_at", "rating_submissions": "submitted_at", "rejection_prompts": "triggered_at",
        "orders": "created_at", "conduct_cases": "occurred_at", "priority_settings": "saved_at",
        "audience_members": "joined_at", "routing_entries": "entered_at", "shop_closings": "closed_from",
    },
    "kuaishou": {
        "messages": "sent_at", "session_events": "occurred_at", "rating_cards": "sent_at", "malicious_reports": "reported_at",
        "assisted_after_sales": "initiated_at",
    },
    "xiaohongshu": {
        "sessions": "entered_at", "messages": "sent_at", "session_events": "occurred_at", "ratings": "rated_at",
    },
}  # fmt: skip
ALWAYS_READ = {"taobao": ["shops", "accounts"], "kuaishou": [], "xiaohongshu": ["work_hours"]}
LATER = {
    "accounts": {"disabled_at": []}, "buyer_blocks": {"unblocked_at": []}, "platform_flags": {"flagged_to": []},
    "rejection_prompts": {"exposed_at": [], "clicked_at": []}, "conduct_cases": {"verified_at": []},
    "audience_members": {"left_at": []}, "shop_closings": {"closed_to": []},
    "malicious_reports": {"effective_from": [], "resolved_at": ["result"]},
    "assisted_after_sales": {"withdrawn_at": [], "responded_at": ["response"]}, "sessions": {"ended_at": ["ended_by"]},
}  # fmt: skip


def up_to(home: Path, at: datetime, landing: Path) -> Path:
    """Writes a landing folder with what a built home knows up to a moment.

    It is delivered on the day before, so that what depends on the as-of time is judged at the moment's midnight and not at the
    next; of Kuaishou on the moment's date, as its minutes are those of days that are over.
    """
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        for platform, happens in HAPPENS.items():
            dt = at.date() - timedelta(days=platform != "kuaishou")
            for table in [*happens, *ALWAYS_READ[platform]]:
                later = LATER.get(table, {"rated_at": ["level"]} if (platform, table) == ("kuaishou", "rating_cards") else {})
                hidden = {told: time for time, others in later.items() for told in [time, *others]}
                replaced = [
                    f"case when {time} is null or {time} <= '{at}' then {told} end as {told}" for told, time in hidden.items()
                ]
                columns = f"* replace ({', '.join(replaced)})" if replaced else "*"
                rows = f"select {columns} from staging.{platform}_{table}"
                if table in happens:
                    rows += f" where {happens[table]} <= '{at}'"
                if connection.execute(f"select count(*) from ({rows})").fetchall() != [(0,)]:
                    folder = landing / platform / table / f"dt={dt}"
                    folder.mkdir(parents=True)
                    connection.execute(f"copy ({rows}) to '{folder / 'rows.jsonl'}' (format json)")
    return landing


def live(home: Path, sql: str) -> Rows:
    with duckdb.connect(str(home / "live.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def parameter(name: str, scope: str, day: str) -> str:
    """SQL for a rule parameter in force on a day."""
    return f"""(
        select value from marts.rule_parameters p where p.scope = {scope} and p.parameter = '{name}'
        and {day}::date >= coalesce(p.valid_from, {day}::date) and {day}::date <= coalesce(p.valid_to, {day}::date)
    )"""


def waiting_rounds(home: Path, at: datetime) -> Rows:
    """What the rounds of a build up to the moment say of V-01, for Taobao and Kuaishou."""
    found: Rows = []
    for platform, columns, scope in [
        ("taobao", "conversation_id, buyer_id, account_id", "s.marketplace"),
        ("kuaishou", "session_id, user_id, agent_id", "'kuaishou'"),
    ]:
        target, risk = (parameter(name, scope, "business_date") for name in ("response_target_seconds", "risk_seconds"))
        found += query(
            home,
            f"""
            with waits as (
                select
                    r.*, {target}::double as target, {risk}::double as risk,
                    date_diff('millisecond', clock_started_at, timestamp '{at}') / 1000 as waited,
                    list_contains(exclusion_reasons, 'not_routed_to_human') as in_pool
                from marts.{platform}_rounds r
                left join marts.shops s on s.platform = '{platform}' and r.shop_id = s.shop_id
                where first_reply_at is null and clock_started_at > timestamp '{at}' - interval 24 hour
            )
            select
                timestamp '{at}', '{platform}', shop_id, {columns}, first_message_id, clock_started_at,
                case when not in_pool then clock_started_at + target * interval 1 second end,
                waited,
                case when in_pool then 'in_pool' when waited > target then 'missed' when waited >= risk then 'at_risk'
                    else 'open' end,
                not list_contains(exclusion_reasons, 'outside_window'),
                exclusion_reasons
            from waits
            """,
        )
    return found


def holders(home: Path) -> dict[str, str | None]:
    """Who has to answer in each session of Xiaohongshu."""
    wrote, took = (
        dict(warehouse(home, f"select session_id, agent_id from staging.xiaohongshu_{rows}"))
        for rows in (
            "messages where sender_kind = 'agent' order by sent_at, message_id",
            "session_events order by occurred_at, event_id",
        )
    )
    return wrote | took


def waiting_sessions(home: Path, at: datetime) -> Rows:
    """What the raw rows up to the moment say of V-01, for Xiaohongshu, reckoned step by step."""
    reasons = dict(query(home, "select session_id, exclusion_reasons from marts.xiaohongshu_sessions"))
    hours = query(home, "select shop_id, valid_from, valid_to, opens_at, closes_at from marts.xiaohongshu_work_hours")
    said = defaultdict(list)
    for session, *item in warehouse(
        home, "select session_id, sent_at, sender_kind <> 'user', message_id from staging.xiaohongshu_messages "
        "where sender_kind in ('user', 'agent')"
    ):  # fmt: skip
        said[session].append(tuple(item))
    answers = holders(home)
    found: Rows = []
    for session, shop, user, entered_at in warehouse(
        home, "select session_id, shop_id, user_id, entered_at from staging.xiaohongshu_sessions "
        "where initiated_by = 'user' and ended_at is null"
    ):  # fmt: skip
        message, since, target, risk = None, entered_at, 45.0, 30.0
        items = sorted(said[session])
        if any(is_agent and sent_at >= entered_at for sent_at, is_agent, _ in items):
            target, risk, after_an_answer, asked = 180.0, 120.0, True, None
            for sent_at, is_agent, message_id in items:
                if not is_agent and after_an_answer:
                    asked = (sent_at, message_id)
                after_an_answer = is_agent
            if asked is None or after_an_answer:
                continue
            since, message = asked
        if since <= at - timedelta(hours=24):
            continue
        waited = (at - since).total_seconds()
        set_hours = [times for of, first, last, *times in hours if of == shop and first <= since.date() <= last]
        opens, closes = set_hours[0] if set_hours else ("09:00", "23:00")
        found.append((
            at, "xiaohongshu", shop, session, user, answers.get(session), message, since, since + timedelta(seconds=target),
            waited, "missed" if waited > target else "at_risk" if waited >= risk else "open", opens <= f"{since:%H:%M}" < closes,
            reasons[session],
        ))  # fmt: skip
    return found


def bad_ratings(home: Path, at: datetime) -> Rows:
    """What the ratings of a build up to the moment say of V-02."""
    since = f"rated_at > timestamp '{at}' - interval 24 hour"
    taobao = query(
        home,
        "select card_id, shop_id, buyer_id, account_id, eval_code::varchar, exclusion_reasons from marts.taobao_ratings "
        "where not is_satisfied",
    )
    submitted = defaultdict(list)
    for card, *submission in warehouse(
        home, "select card_id, submitted_at, submission_id, eval_code from staging.taobao_rating_submissions"
    ):
        submitted[card].append(tuple(submission))
    second_lines = defaultdict(list)
    for shop, *line in warehouse(
        home, "select shop_id, account_id, disabled_at from staging.taobao_accounts where is_second_line"
    ):
        second_lines[shop].append(line)
    statuses = warehouse(
        home, "select changed_at, event_id, account_id, status from staging.taobao_account_status_events order by 1, 2"
    )

    def is_anybody_there(shop: str, then: datetime) -> bool | None:
        last = {account: status for changed_at, _, account, status in statuses if changed_at <= then}
        there = [(gone is None or gone > then) and last.get(account) == "online" for account, gone in second_lines[shop]]
        return any(there) if there else None

    found: Rows = []
    for card, shop, buyer, account, value, reasons in taobao:
        first, *others = sorted(submitted[card])
        until = first[0] + timedelta(hours=24)
        changes = min(5, sum(submission[0] <= until for submission in others))
        if at < until and changes < 5:
            found.append((
                at, "taobao", card, shop, buyer, account, first[0], value, changes > 0, until, 5 - changes,
                is_anybody_there(shop, first[0]), reasons,
            ))  # fmt: skip
    cards = dict(query(home, "select card_id, exclusion_reasons from marts.kuaishou_ratings"))
    for card, *row in warehouse(
        home, "select card_id, shop_id, user_id, agent_id, rated_at from staging.kuaishou_rating_cards "
        f"where level = 'disappointed' and {since}"
    ):  # fmt: skip
        found.append((at, "kuaishou", card, *row, "disappointed", None, None, None, None, cards[card]))
    answers = holders(home)
    sessions = {session: row for session, *row in query(
        home, "select session_id, shop_id, user_id, exclusion_reasons from marts.xiaohongshu_sessions"
    )}  # fmt: skip
    for session, stars, rated_at in warehouse(
        home, f"select session_id, stars, rated_at from staging.xiaohongshu_ratings where stars < 4 and {since}"
    ):
        if session in sessions:
            shop, user, reasons = sessions[session]
            account = answers.get(session)
            found.append((at, "xiaohongshu", session, shop, user, account, rated_at, str(stars), None, None, None, None, reasons))
    return found


def buyers_to_spare(home: Path, at: datetime) -> Rows:
    """What the streaks of a build up to the moment and the raw rows say of V-04."""
    running = {(shop, buyer): count for shop, buyer, count in query(
        home, "select shop_id, buyer_id, counted_messages from marts.taobao_message_streaks where ended_at is null"
    )}  # fmt: skip
    opened: dict[tuple[str, str], datetime] = {}
    for shop, buyer, opened_at in warehouse(
        home,
        """
        select shop_id, buyer_id, max(opened_at) from (
            select shop_id, buyer_id, created_at as opened_at from staging.taobao_orders
            union all
            select shop_id, buyer_id, sent_at from staging.taobao_messages m
            join rules.taobao_message_rules t
                on m.message_type = t.message_type and m.direction = t.direction
                and m.sent_at::date between t.valid_from and t.valid_to
            where m.author_kind = 'consumer' and t.opens_round
        ) group by all
        """,
    ):
        opened[shop, buyer] = opened_at
    closed: dict[tuple[str, str], datetime] = {}
    for shop, buyer, clicked_at in warehouse(
        home,
        "select shop_id, buyer_id, clicked_at from staging.taobao_rejection_prompts where clicked_at is not null order by 3 desc",
    ):
        if clicked_at >= opened.get((shop, buyer), datetime.min):
            closed[shop, buyer] = clicked_at
    return [
        (at, *pair, running.get(pair, 0), closed.get(pair))
        for pair in running.keys() | closed.keys()
        if running.get(pair, 0) >= 4 or pair in closed
    ]


def expected(home: Path, at: datetime) -> dict[str, Rows]:
    """The live tables as a home says that was built up to the moment."""
    day = f"date '{at:%Y-%m-%d}'"
    return {
        "open_rounds": waiting_rounds(home, at) + waiting_sessions(home, at),
        "bad_ratings": bad_ratings(home, at),
        "today": query(
            home,
            f"""
            select timestamp '{at}', platform, metric, shop_id, period_end, numerator, denominator, value, target
            from marts.service_metrics where period = 'day' and subject = 'shop' and period_end = {day}
            """,
        ),
        "kuaishou_realtime": query(
            home, f"from marts.kuaishou_realtime where as_of::date = {day} and as_of <= timestamp '{at}'"
        ),
        "buyers_to_spare": buyers_to_spare(home, at),
    }  # fmt: skip


def in_order(rows: Rows) -> list[str]:
    return sorted(map(str, rows))


def check_moment(fixture: Path, built: Path, folder: Path, at: datetime) -> dict[str, int]:
    """The moment equals a full build of everything up to it. Returns how many rows each table has."""
    outcome = kefu("live", "--landing", fixture, "--home", folder / "live", "--at", at, "--once")
    assert outcome.code == 0, outcome.err
    then = folder / f"{at:%Y-%m-%dT%H%M%S}"
    build(up_to(built, at, then / "landing"), then / "home")
    sizes = {}
    for table, rows in expected(then / "home", at).items():
        found = live(folder / "live", f"from live.{table}")
        assert in_order(found) == in_order(rows), table
        sizes[table] = len(rows)
    return sizes
