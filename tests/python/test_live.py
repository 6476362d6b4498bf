"""`kefu live`: at a moment its tables say what a full build of everything up to it says; it follows what is added to landing."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import duckdb
import pytest
from harness import FIXTURES, build, free_port, kefu, query, warehouse
from playwright.sync_api import expect, sync_playwright

from orchestration.alerts.alert import Alert, Kind
from orchestration.alerts.outbox import Outbox
from orchestration.alerts.transports import NotReachedError
from orchestration.errors import KefuError
from orchestration.landing.contract import settings
from orchestration.live import alerts
from orchestration.live.watch import Live, opened_live

pytestmark = pytest.mark.readers

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


MOMENTS = [  # amid a day, at its end, and on days from which on other rules are in force
    ("case101", datetime(2022, 2, 16, 15, 0, 30)),
    ("case105", datetime(2023, 3, 30, 12, 10, 0)),
    ("case103", datetime(2025, 10, 5, 23, 59, 59, 999000)),
]


@pytest.mark.parametrize(("fixture", "at"), MOMENTS, ids=[fixture for fixture, _ in MOMENTS])
def test_a_moment_says_what_a_full_build_of_everything_up_to_it_says(
    fixture: str, at: datetime, built_homes: dict[str, Path], tmp_path: Path
) -> None:
    shutil.copytree(built_homes[fixture], tmp_path / "live", symlinks=True)
    sizes = check_moment(FIXTURES / fixture / "landing", built_homes[fixture], tmp_path, at)
    assert all(sizes.values()), sizes
    (left_out,) = warehouse(
        tmp_path / "live", f"attach '{tmp_path}/live/live/warehouse.duckdb' as live; "
        "select (select count(*) from raw.taobao_messages) - (select count(*) from live.raw.taobao_messages)"
    )  # fmt: skip
    assert left_out > (0,), "what no rule looks back to is not read"


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


NOON = datetime(2025, 10, 1, 12, 0, 0)


def message(number: int, sent_at: datetime, user: str = "u", *, asks: bool = True) -> dict[str, str]:
    """A message of a user's session at Kuaishou."""
    return {
        "message_id": f"m{number}", "session_id": f"c-{user}", "shop_id": "s", "user_id": user, "agent_id": "a",
        "sender_kind": "user" if asks else "agent", "sent_at": str(sent_at),
    }  # fmt: skip


def file_of(landing: Path, name: str = "part.jsonl", dt: str = "2025-10-01") -> Path:
    path = landing / "kuaishou" / "messages" / f"dt={dt}" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def add(path: Path, *rows: dict[str, str], end: str = "\n") -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write("\n".join(json.dumps(row) for row in rows) + end)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which `kefu live` has looked once, at a landing folder with one question that was answered long ago."""
    folder = tmp_path_factory.mktemp("begun")
    long_ago = NOON - timedelta(days=20)
    add(file_of(folder / "landing"), message(0, long_ago), message(1, long_ago + timedelta(minutes=1), asks=False))
    outcome = kefu("live", "--landing", folder / "landing", "--home", folder / "home", "--at", NOON, "--once")
    assert outcome.code == 0, outcome.err
    return folder


@pytest.fixture
def day(begun: Path, tmp_path: Path) -> Iterator[Live]:
    """The running day of a home and a landing folder of its own, with nothing in it that waits."""
    shutil.copytree(begun, tmp_path / "day", symlinks=True)
    lines: list[str] = []
    with opened_live(tmp_path / "day" / "landing", tmp_path / "day" / "home", NOON, lines.append, waits=True) as live:
        live.lines = lines  # type: ignore[attr-defined]
        yield live


def waiting(day: Live, at: datetime = NOON) -> Rows:
    """Who waits at a moment, after landing."""
    day.land()
    day.look(at)
    return live(day.home.path, "select first_message_id, state from live.open_rounds order by all")


def landed(day: Live) -> list[str]:
    today = "_stands and sent_at >= '2025-10-01'"
    rows = day.connection.execute(f"select message_id from raw.kuaishou_messages where {today} order by all")
    return [row for (row,) in rows.fetchall()]


def test_lines_are_taken_up_as_they_are_written(day: Live) -> None:
    path = file_of(day.landing, "today.jsonl")
    add(path, message(2, NOON - timedelta(seconds=10)))
    assert waiting(day) == [("m2", "open")]
    add(path, message(3, NOON - timedelta(seconds=150), "v"))
    assert waiting(day) == [("m2", "open"), ("m3", "at_risk")]
    line = json.dumps(message(4, NOON - timedelta(seconds=5), asks=False))
    add_text(path, line[:40])
    assert waiting(day) == [("m2", "open"), ("m3", "at_risk")], "a half line waits"
    add_text(path, line[40:])
    assert waiting(day) == [("m3", "at_risk")], "an object that is whole needs no end of its line"
    add_text(path, "\n" + json.dumps(message(5, NOON, "w")) + "\n")
    assert waiting(day, NOON + timedelta(minutes=4)) == [("m3", "missed"), ("m5", "missed")]
    add(path, message(5, NOON + timedelta(minutes=1), "w"))  # the same message once more, with another time
    assert waiting(day, NOON + timedelta(minutes=2)) == [("m3", "missed"), ("m5", "open")]
    (line,) = day.lines  # type: ignore[attr-defined]
    assert line.endswith("such as row 4 of kuaishou/messages/dt=2025-10-01/today.jsonl, and row 1"), line


def add_text(path: Path, text: str) -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)


def test_beside_a_file_that_grows_the_others_of_its_delivery_are_not_read_again(day: Live) -> None:
    parquet = file_of(day.landing, "a.parquet")
    rows = ", ".join(f"'{value}' as {column}" for column, value in message(2, NOON - timedelta(seconds=10), "v").items())
    duckdb.execute(f"copy (select {rows}) to '{parquet}'")
    path = file_of(day.landing, "today.jsonl")
    add(path, message(3, NOON - timedelta(seconds=10), "w"))
    assert waiting(day) == [("m2", "open"), ("m3", "open")]
    day.connection.execute("update raw.kuaishou_messages set content = 'as it was read'")
    add(path, message(4, NOON - timedelta(seconds=10), "x"))
    assert waiting(day) == [("m2", "open"), ("m3", "open"), ("m4", "open")]
    read = "select message_id from raw.kuaishou_messages where content is null"
    assert day.connection.execute(read).fetchall() == [("m4",)]


def test_a_line_of_csv_that_ends_amid_quotes_waits(day: Live) -> None:
    path = file_of(day.landing, "today.csv")
    header = "message_id,session_id,shop_id,user_id,agent_id,sender_kind,content,sent_at\n"
    add_text(path, header + 'm2,c-u,s,u,a,user,"one\nline",2025-10-01 11:59:50\nm3,c-v,s,v,a,user,"two\n')
    day.land()
    assert landed(day) == ["m2"]
    add_text(path, 'lines",2025-10-01 11:59:50\nm4,c-w,s,w,a,user,x,2025-10-01 11:5')
    day.land()
    assert landed(day) == ["m2", "m3"]
    os.utime(path, (0, 0))  # nobody has written it for long: it ends where it ends
    day.land()
    assert landed(day) == ["m2", "m3"]
    assert any("1 rejected: sent_at" in line for line in day.lines), day.lines  # type: ignore[attr-defined]
    add_text(path, "9:50\n")
    day.land()
    assert landed(day) == ["m2", "m3", "m4"], "and where it goes on after all, it is read anew"


def test_a_file_that_is_replaced_truncated_or_removed_is_what_it_is_now(day: Live) -> None:
    path = file_of(day.landing, "today.jsonl")
    add(path, message(2, NOON - timedelta(seconds=10)), message(3, NOON - timedelta(seconds=9), "v"))
    day.land()
    path.write_text(path.read_text().splitlines()[0] + "\n")  # truncated
    day.land()
    assert landed(day) == ["m2"]
    other = path.with_name("_other")
    add(other, message(4, NOON - timedelta(seconds=8), "w"), message(5, NOON - timedelta(seconds=8), "x"))
    other.replace(path)
    day.land()
    assert landed(day) == ["m4", "m5"]
    path.unlink()
    assert waiting(day) == [("m4", "open"), ("m5", "open")], "as in a build, what is gone stays until it comes anew"


def test_a_file_that_cannot_be_read_stops_its_platform_alone_and_is_told(day: Live) -> None:
    add(file_of(day.landing, "today.jsonl"), message(2, NOON - timedelta(seconds=10)))
    broken = day.landing / "xiaohongshu" / "messages" / "dt=2025-10-01" / "today.parquet"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"no parquet")
    with pytest.raises(KefuError, match=re.escape("xiaohongshu/messages/dt=2025-10-01/today.parquet cannot be read")):
        day.land()
    day.look(NOON)
    assert live(day.home.path, "select first_message_id from live.open_rounds") == [("m2",)]


@dataclass
class Chat:
    """A transport that takes messages, or does not."""

    name: str = "webhook"
    longest_text: int = 18_000
    taken: list[str] = field(default_factory=list)
    refuses: bool = False

    def send(self, title: str, text: str) -> None:
        if self.refuses:
            raise NotReachedError("nobody is there")
        self.taken.append(f"{title}: {text}")


@pytest.fixture
def chat(day: Live, monkeypatch: pytest.MonkeyPatch) -> Chat:
    monkeypatch.setenv("KEFU_LANG", "en")
    day.teller.transports = [chat := Chat()]
    return chat


def test_each_alert_is_told_once(day: Live, chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file_of(day.landing, "today.jsonl")
    add(path, message(2, NOON - timedelta(seconds=130)))
    waiting(day)
    waiting(day, NOON + timedelta(seconds=20))
    soon = "kefu: answer due soon: kuaishou s a: waits 2:10 since 11:57:50, due 12:00:50 (c-u)"
    assert chat.taken == [soon]
    chat.refuses = True
    waiting(day, NOON + timedelta(seconds=60))
    chat.refuses = False
    waiting(day, NOON + timedelta(seconds=70))
    assert chat.taken == [soon, "kefu: answer missed: kuaishou s a: waits 3:10 since 11:57:50, due 12:00:50 (c-u)"]
    monkeypatch.setenv("KEFU_LANG", "zh_CN")
    add(path, message(3, NOON, "v"))
    waiting(day, NOON + timedelta(seconds=130))
    assert chat.taken[2:] == ["kefu: 即将超时: 快手 s a：12:00:00 起已等待 2:10，应在 12:03:00 前回复（c-v）"]
    assert [line for line in day.lines if "not told" in line] == [  # type: ignore[attr-defined]
        "live: not told: webhook: nobody is there; tried again with growing pauses"
    ]


def test_a_robot_that_takes_nothing_is_tried_again_and_holds_up_nothing(
    day: Live, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "SHORTEST_PAUSE_SECONDS", 0.2)
    answers = threading.Event()
    monkeypatch.setattr(chat, "send", lambda title, text: answers.wait(60) and Chat.send(chat, title, text))
    chat.refuses = True
    day.teller.start()
    add(file_of(day.landing, "today.jsonl"), message(2, NOON - timedelta(seconds=130)))
    waiting(day)
    assert waiting(day, NOON + timedelta(seconds=10)), "the figures do not wait for the robot, which has not answered yet"
    assert not chat.taken and not day.teller.failure
    answers.set()
    until = time.monotonic() + 60
    while not day.teller.failure and time.monotonic() < until:
        time.sleep(0.1)
    chat.refuses = False
    while not chat.taken and time.monotonic() < until:
        time.sleep(0.1)
    assert [text.partition(": waits")[0] for text in chat.taken] == ["kefu: answer due soon: kuaishou s a"]


def test_nobody_is_told_outside_the_window(day: Live, chat: Chat) -> None:
    opens = NOON.replace(hour=8)
    path = file_of(day.landing, "today.jsonl")
    add(path, message(2, opens - timedelta(seconds=1)), message(3, opens, "v"))
    assert waiting(day, opens - timedelta(milliseconds=1)) == [("m2", "open")]
    assert waiting(day, opens + timedelta(seconds=179)) == [("m2", "at_risk"), ("m3", "at_risk")]
    assert chat.taken == ["kefu: answer due soon: kuaishou s a: waits 2:59 since 08:00:00, due 08:03:00 (c-v)"]
    assert waiting(day, NOON.replace(hour=23)) == [("m2", "missed"), ("m3", "missed")]
    assert len(chat.taken) == 1, "at night nobody is woken"


def test_what_is_too_much_for_a_minute_is_counted(day: Live, chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings(), "live_alerts_per_minute", 2)
    add(file_of(day.landing, "today.jsonl"), *(message(n, NOON - timedelta(seconds=130), f"u{n}") for n in range(2, 7)))
    waiting(day)
    waiting(day, NOON + timedelta(seconds=1))
    (told,) = chat.taken
    assert told.splitlines()[0].startswith("kefu: answer due soon (3): kuaishou s a: waits 2:10")
    assert told.splitlines()[2:] == ["and 3 more, held back: too many in a minute"]


def test_one_message_to_the_limit_and_a_bad_rating_are_told(day: Live, chat: Chat) -> None:
    folder = day.landing / "taobao"
    who = {"shop_id": "t", "buyer_id": "b", "account_id": "a"}
    sent = {**who, "conversation_id": "c", "direction": "outbound", "author_kind": "agent", "peer_kind": "consumer"}
    pushes = [{**sent, "message_id": f"t{n}", "message_type": "text", "sent_at": f"2025-10-01 11:0{n}:00"} for n in range(4)]
    card = {**who, "card_id": "k", "trigger": "system_invite", "sent_at": "2025-10-01 10:00:00"}
    rated = {"submission_id": "r", "card_id": "k", "eval_code": 4, "submitted_at": "2025-10-01 11:00:00"}
    account = {"account_id": "a", "shop_id": "t", "account_type": "sub", "display_name": "小月"}
    for table, rows in {"messages": pushes, "rating_cards": [card], "rating_submissions": [rated], "accounts": [account]}.items():
        path = folder / table / "dt=2025-10-01" / "today.jsonl"
        path.parent.mkdir(parents=True)
        add(path, *rows)
    waiting(day)
    assert chat.taken == [
        "kefu: one message to the limit: t: 4 messages in a row to b; one more brings up the prompt to refuse messages",
        "kefu: dissatisfied rating: taobao t 小月: card k rated 4 at 10-01 11:00; can be changed until 10-02 11:00, 5 changes "
        "left",
    ]


def test_it_goes_on_where_it_was_killed(begun: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(begun, tmp_path / "day", symlinks=True)
    path, dice = file_of(folder / "landing", "today.jsonl"), random.Random(1)
    for number in range(2, 6):
        add(path, message(number, NOON - timedelta(seconds=10), f"u{number}"))
        version = last_version(folder / "home")
        with running(folder) as process:
            if number % 2:  # Some get as far as to write the file, however slow the machine; the others are killed at any moment.
                while last_version(folder / "home") == version:
                    assert process.poll() is None, process.communicate()
                    time.sleep(0.05)
            time.sleep(dice.uniform(0.0, 4))
            process.send_signal(signal.SIGKILL)
    assert last_version(folder / "home") > 1, "some had got as far as to write the file"
    outcome = kefu("live", "--landing", folder / "landing", "--home", folder / "home", "--at", NOON, "--once")
    assert outcome.code == 0, outcome.err
    assert live(folder / "home", "select first_message_id from live.open_rounds order by 1") == [(f"m{n}",) for n in range(2, 6)]
    assert len(list((folder / "home" / "published").glob("live-*"))) <= 2


def test_a_full_disk_is_one_line_and_readers_keep_their_version(begun: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(begun, tmp_path / "day", symlinks=True)
    version = (folder / "home" / "live.duckdb").resolve().name
    add(file_of(folder / "landing", "today.jsonl"), message(2, NOON - timedelta(seconds=10)))
    with running(
        folder, "--once", before="import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))"
    ) as full:
        said, _ = full.communicate(timeout=60)
    assert (full.returncode, said.count("\n")) == (1, 1) and said.startswith("kefu: ") and "File too large" in said, said
    assert (folder / "home" / "live.duckdb").resolve().name == version
    with running(folder, "--once") as process:
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and "1 wait, 0 of them too long; 0 bad ratings" in said, said
    assert not list((folder / "home" / "published").glob("*.new"))


def test_a_clock_that_jumps_changes_nothing_but_the_moment(day: Live) -> None:
    add(file_of(day.landing, "today.jsonl"), message(2, NOON), message(3, NOON + timedelta(minutes=1), asks=False))
    assert waiting(day, NOON + timedelta(seconds=10)) == [("m2", "open")]
    assert waiting(day, NOON + timedelta(hours=9)) == []
    assert waiting(day, NOON + timedelta(seconds=20)) == [("m2", "open")]
    assert waiting(day, NOON + timedelta(days=3)) == []


def last_version(home: Path) -> int:
    return int((home / "live.duckdb").resolve().stem.removeprefix("live-"))


@contextmanager
def running(folder: Path, *more: str, before: str = "pass") -> Iterator[subprocess.Popen[str]]:
    code = f"import sys; {before}; from orchestration.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "live", "--every", "0.5"]
    options = ["--landing", str(folder / "landing"), "--home", str(folder / "home"), "--at", str(NOON), *more]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_page_shows_a_message_until_it_is_answered(begun: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(begun, tmp_path / "day", symlinks=True)
    port = free_port()
    with running(folder, "--port", str(port)), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 800})
        problems: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        wait_for_port(port)
        page.goto(f"http://127.0.0.1:{port}/?lang=zh")
        expect(page.get_by_text("等待回复的会话")).to_be_visible()
        expect(page.get_by_text("等待中 0")).to_be_visible(timeout=60_000)
        path = file_of(folder / "landing", "today.jsonl")
        add(path, message(2, NOON))
        row = page.locator("li", has_text="c-u")
        expect(row.get_by_text("等待中")).to_be_visible(timeout=30_000)
        expect(row.locator(".left")).to_have_text(re.compile(r"剩余 [12]:\d\d"))
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it fits a phone"
        add(path, message(3, NOON + timedelta(seconds=1), asks=False))
        expect(row).to_have_count(0, timeout=30_000)
        expect(page.get_by_text("100.0%").first).to_be_visible()
        page.get_by_text("English").click()
        expect(page.get_by_text("Waiting for an answer")).to_be_visible()
        assert not problems
        assert all(url.startswith(f"http://127.0.0.1:{port}/") for url in asked), asked
        for headers, status in [({"Host": "evil.example"}, 421), ({"Origin": "https://evil.example"}, 403)]:
            assert ask(port, headers) == status
        browser.close()


def wait_for_port(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise AssertionError("the page is not served")


def ask(port: int, headers: dict[str, str]) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/", headers=headers)
    return connection.getresponse().status


def test_a_port_that_is_taken_is_named(begun: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(begun, tmp_path / "day", symlinks=True)
    with socket.create_server(("127.0.0.1", 0)) as taken, running(folder, "--port", str(taken.getsockname()[1])) as process:
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert re.fullmatch(
        r"kefu: --port \d+ cannot be opened \(Address already in use\): end what uses it, or choose another\n", said
    )


def test_one_at_a_time_and_a_build_beside_it(day: Live) -> None:
    again = kefu("live", "--landing", day.landing, "--home", day.home.path, "--at", NOON, "--once")
    assert (again.code, again.err.count("\n")) == (1, 1)
    assert re.fullmatch(rf"kefu: kefu live works in .*/live \(process {os.getpid()}\); try again when it is done\n", again.err)
    build(day.landing, day.home.path)
    assert query(day.home.path, "select count(*) from marts.kuaishou_rounds") == [(1,)]
    assert waiting(day) == []
    forgotten = kefu("forget", "--buyer", "u", "--landing", day.landing, "--home", day.home.path)
    assert forgotten.code == 1 and "kefu live works in" in forgotten.err


def test_forgetting_a_buyer_forgets_the_running_day(begun: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(begun, tmp_path / "day", symlinks=True)
    build(folder / "landing", folder / "home")
    alert = Alert("one message to the limit/st1", Kind.SPARE, "s: 4 messages in a row to u; one more ...")
    Outbox(folder / "home" / "alerts.sqlite").tell([alert], [Chat()])
    outcome = kefu("forget", "--buyer", "u", "--landing", folder / "landing", "--home", folder / "home")
    assert outcome.code == 0, outcome.err
    assert not (folder / "home" / "live").exists() and not (folder / "home" / "live.duckdb").is_symlink()
    assert not list((folder / "home" / "published").glob("live-*"))


def test_what_it_begins_with_is_what_a_build_has_landed(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    add(file_of(landing), message(2, NOON - timedelta(seconds=10)))
    build(landing, tmp_path / "home")
    shutil.rmtree(landing)
    add(file_of(landing, dt="2025-10-02"), message(3, NOON - timedelta(seconds=10), "v"))
    outcome = kefu("live", "--landing", landing, "--home", tmp_path / "home", "--at", NOON, "--once")
    assert outcome.code == 0, outcome.err
    assert live(tmp_path / "home", "select first_message_id from live.open_rounds order by 1") == [("m2",), ("m3",)]


def test_ids_are_hashed_with_a_key_and_tables_are_as_contracted(day: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEFU_BUYER_KEY", "a key that nobody guesses")
    add(file_of(day.landing, "today.jsonl"), message(2, NOON - timedelta(seconds=10)))
    day.land()
    day.look(NOON)
    found = live(day.home.path, "select shop_id, account_id, length(buyer_id), length(conversation_id) from live.open_rounds")
    assert found == [("s", "a", 64, 64)]
    described = live(
        day.home.path,
        "select table_name, list(column_name || ' ' || lower(data_type) order by column_index) from duckdb_columns() "
        "where schema_name = 'live' group by 1 order by 1",
    )
    assert {table: ", ".join(columns) for table, columns in described} == CONTRACT
    comments = "select count(*) from duckdb_columns() where schema_name = 'live' and comment is null"
    assert live(day.home.path, comments) == [(0,)]


CONTRACT = {
    "open_rounds": "as_of timestamp, platform varchar, shop_id varchar, conversation_id varchar, buyer_id varchar, "
    "account_id varchar, first_message_id varchar, clock_started_at timestamp, answer_due_at timestamp, waiting_seconds double, "
    "state varchar, is_in_window boolean, exclusion_reasons varchar[]",
    "bad_ratings": "as_of timestamp, platform varchar, card_id varchar, shop_id varchar, buyer_id varchar, account_id varchar, "
    "rated_at timestamp, value varchar, was_changed boolean, editable_until timestamp, edits_left integer, "
    "second_line_available boolean, exclusion_reasons varchar[]",
    "today": "as_of timestamp, platform varchar, metric varchar, shop_id varchar, business_date date, numerator double, "
    "denominator double, value double, target double",
    "kuaishou_realtime": "shop_id varchar, as_of timestamp, consulted_users bigint, unanswered_users bigint, value double",
    "buyers_to_spare": "as_of timestamp, shop_id varchar, buyer_id varchar, counted_messages bigint, closed_since timestamp",
}


def test_the_next_day_of_the_sample_comes_alive(tmp_path: Path) -> None:
    sample = ["--landing", tmp_path, "--days", 1, "--shops", 1, "--agents", 2, "--messages-per-day", 60, "--start", "2025-10-01"]
    outcome = kefu("generate", *sample, "--live", "--speed", 1_000_000)
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines() == [
        "generate: 2025-10-02 09:00:00 begins, 1e+06 times as fast as time",
        "generate: 2025-10-02 is over",
    ]
    lines = [json.loads(line) for line in file_of(tmp_path, "live.jsonl", "2025-10-02").read_text().splitlines()]
    times = [line["sent_at"] for line in lines]
    assert times == sorted(times) and any(time > "2025-10-02 09" for time in times)
    assert kefu("generate", *sample, "--speed", 2).code == 2, "which is for --live"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--at", "noon"], "noon is not a time YYYY-MM-DD HH:MM:SS"),
        (["--every", "0"], "0 is not a number of seconds above 0"),
        (["--port", "70000"], "70000 is not a port from 1 to 65535"),
        (["--once", "--port", "8000"], "--port and --socket are for a page that is renewed: leave out --once"),
        (["--port", "8000", "--socket", "x"], "--port or --socket, not both"),
        (["--speed", "2"], "--speed needs --at"),
        (["--once", "--at", "2025-10-01", "--speed", "2"], "--speed is for a clock that runs: leave out --once"),
    ],
)
def test_options_that_make_no_sense(options: list[str], says: str, tmp_path: Path) -> None:
    outcome = kefu("live", "--landing", tmp_path, "--home", tmp_path / "home", *options)
    assert outcome.code == 2 and says in outcome.err


def test_what_comes_bit_by_bit_is_what_it_is_at_once(begun: Path, built_homes: dict[str, Path], tmp_path: Path) -> None:
    """A day of a case comes in slices; only what is of conversations and people of which anything happened is made anew."""
    before, end = datetime(2025, 10, 1, 8, 0, 0), datetime(2025, 10, 2, 1, 0, 0)
    landing = up_to(built_homes["case103"], before, tmp_path / "landing")
    rest = up_to(built_homes["case103"], end, tmp_path / "rest")
    rows = [
        (json.loads(line)[happens], platform, table, line)
        for platform, tables in HAPPENS.items()
        for table, happens in tables.items()
        for path in (rest / platform / table).glob("dt=*/*.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    sizes: dict[tuple[datetime, str], int] = {}
    shutil.copytree(begun / "home", tmp_path / "home", symlinks=True)
    with opened_live(landing, tmp_path / "home", before, print, waits=True) as day:
        day.land()
        day.look(before)
        for at in [before + timedelta(hours=hours) for hours in (5, 5.1, 9, 9.05, 17)]:
            for happened_at, platform, table, line in rows:
                if str(before) < happened_at <= str(at):
                    path = landing / platform / table / f"dt={at:%Y-%m-%d}" / "today.jsonl"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    add_text(path, line + "\n")
            day.land()
            day.look(at)
            at_once = shutil.copytree(begun / "home", tmp_path / f"{at:%d-%H%M}", symlinks=True)
            assert kefu("live", "--landing", landing, "--home", at_once, "--at", at, "--once").code == 0
            for table in CONTRACT:
                found, wanted = (in_order(live(home, f"from live.{table}")) for home in (tmp_path / "home", at_once))
                assert found == wanted, (at, table)
                sizes[at, table] = len(wanted)
            before = at
    assert all(size for (_, table), size in sizes.items() if table != "kuaishou_realtime"), sizes
