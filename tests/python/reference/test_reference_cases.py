"""The reference against the cases with known answers, and against the worked examples of the rule."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reference.rounds import Item, Kind, Round, RoundRules, find_rounds
from reference.taobao import Parameters, expected_metrics, expected_rounds, landing_as_of, read_landing, rounds_by_version

FIXTURES = Path(__file__).parents[1] / "fixtures"
FOLDERS = sorted(path for path in FIXTURES.glob("*") if path.is_dir())
METRICS = ("response_rate_3min", "avg_response_seconds")
PARAMETERS = [
    {"scope": scope, "parameter": parameter, "value": value, "valid_from": valid_from, "valid_to": valid_to}
    for scopes, parameter, value, valid_from, valid_to in [
        ("taobao kuaishou", "window_start", "08:00", "", ""),
        ("tmall", "window_start", "08:00", "", "2022-07-05"),
        ("tmall", "window_start", "09:00", "2022-07-06", ""),
        ("taobao tmall", "window_end", "24:00", "", "2022-02-28"),
        ("taobao tmall", "window_end", "23:00", "2022-03-01", ""),
        ("kuaishou", "window_end", "24:00", "", "2023-03-26"),
        ("kuaishou", "window_end", "23:00", "2023-03-27", ""),
        ("taobao tmall kuaishou", "response_target_seconds", "180", "", ""),
        ("taobao tmall", "response_cap_seconds", "600", "", ""),
        ("taobao tmall", "unanswered_response_seconds", "600", "2022-03-01", ""),
        ("taobao tmall", "zero_second_threshold", "1", "", ""),
        ("taobao tmall", "round_scope", "account", "", ""),
        ("kuaishou", "round_scope", "conversation", "", ""),
        ("taobao tmall kuaishou", "routing_lookback_days", "3", "", ""),
        ("taobao tmall kuaishou", "reply_horizon_hours", "24", "", ""),
        ("taobao tmall", "rolling_days", "30", "", ""),
        ("taobao tmall", "month_days", "30", "", ""),
        ("taobao", "response_rate_3min_target", "0.90", "2022-07-06", "2023-03-23"),
        ("taobao", "response_rate_3min_target", "0.70", "2023-03-24", "2025-09-30"),
        ("taobao", "response_rate_3min_target", "0.80", "2025-10-01", ""),
        ("tmall", "response_rate_3min_target", "0.90", "2022-07-06", ""),
        ("taobao", "response_rate_3min_assessed_period", "calendar_month", "2022-07-06", "2023-03-23"),
        ("taobao", "response_rate_3min_assessed_period", "rolling_30d", "2023-03-24", ""),
        ("tmall", "response_rate_3min_assessed_period", "calendar_month", "2022-07-06", ""),
        ("taobao", "response_rate_3min_min_denominator", "100", "2023-03-24", ""),
        ("tmall", "response_rate_3min_min_denominator", "100", "2022-07-06", ""),
    ]
    for scope in scopes.split()
]
HUMAN_ONLY_FROM = datetime(2023, 3, 27).date()
EXEMPT = datetime(2022, 1, 25).date(), datetime(2022, 2, 8).date()  # of Kuaishou (K-09)


def text_of(value: Any) -> str:
    """A value as the expected files write it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "|".join(sorted(value))
    return str(value)


def is_same(ours: Any, theirs: str) -> bool:
    """Numbers up to 0.001, lists as sets, everything else exactly."""
    if isinstance(ours, float):
        return theirs != "" and abs(ours - float(theirs)) <= 0.001
    if isinstance(ours, datetime):
        return theirs != "" and ours == datetime.fromisoformat(theirs)
    if isinstance(ours, list):
        return set(ours) == set(filter(None, theirs.split("|")))
    return text_of(ours) == theirs


def read_expected(folder: Path, mart: str) -> list[dict[str, str]]:
    """The rows of one expected file."""
    with (folder / "expected" / f"{mart}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def assert_same(ours: list[dict[str, Any]], theirs: list[dict[str, str]], key: tuple[str, ...]) -> None:
    """Same rows by key, and every column of the expected file the same."""

    def key_of(row: dict[str, Any]) -> tuple[str, ...]:
        values = [row[column] for column in key]
        return tuple(
            text_of(datetime.fromisoformat(value) if column.endswith("_at") and isinstance(value, str) else value)
            for column, value in zip(key, values, strict=True)
        )

    our_rows, their_rows = {key_of(row): row for row in ours}, {key_of(row): row for row in theirs}
    assert len(our_rows) == len(ours)
    assert len(their_rows) == len(theirs)
    assert sorted(our_rows.keys() - their_rows.keys()) == []
    assert sorted(their_rows.keys() - our_rows.keys()) == []
    differences = [
        f"{row_key} {column}: ours {our_rows[row_key].get(column)!r}, expected {value!r}"
        for row_key, row in sorted(their_rows.items())
        for column, value in row.items()
        if not is_same(our_rows[row_key].get(column), value)
    ]
    assert differences == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_taobao_rounds(folder: Path) -> None:
    """Every round, with every reason."""
    rounds = expected_rounds(read_landing(folder / "landing", "taobao"), PARAMETERS)
    assert_same(rounds, read_expected(folder, "taobao_rounds"), ("conversation_id", "first_message_id", "clock_started_at"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_taobao_metrics(folder: Path) -> None:
    """Day, rolling and month rows of both metrics, for shops and accounts."""
    tables = read_landing(folder / "landing", "taobao")
    as_of = landing_as_of(folder / "landing", "taobao")
    metrics = expected_metrics(expected_rounds(tables, PARAMETERS), PARAMETERS, tables["shops"], as_of)
    expected = [
        row for row in read_expected(folder, "service_metrics") if row["platform"] == "taobao" and row["metric"] in METRICS
    ]
    assert_same(metrics, expected, ("metric", "subject", "shop_id", "account_id", "period", "period_end"))


def kuaishou_items(tables: dict[str, list[dict[str, Any]]], human_only: bool) -> dict[str, list[Item]]:
    """Items per session: before `human_only` every bot reply is an R and nobody waits; a hand-over says whose a round is."""
    kinds: dict[str, tuple[int, Kind] | None] = {
        "user": (1, "Q"),
        "agent": (2, "R"),
        "bot": (2, "B" if human_only else "R"),
        "system": None,
        "assigned": (0, "H"),
        "transferred": (0, "H"),
        "bot_started": (0, "N") if human_only else None,
        "closed": None,
    }
    items: dict[str, list[Item]] = {}
    for row in tables["messages"] + tables["session_events"]:
        rank_and_kind = kinds[row.get("sender_kind") or row["event_type"]]
        if rank_and_kind is not None:
            rank, kind = rank_and_kind
            at, item_id = row.get("sent_at") or row["occurred_at"], row.get("message_id") or row["event_id"]
            items.setdefault(row["session_id"], []).append(Item(row["session_id"], row["agent_id"], at, rank, item_id, kind))
    return items


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_kuaishou_rounds(folder: Path) -> None:
    """The same walk with scope `conversation`."""
    tables = read_landing(folder / "landing", "kuaishou")
    parameters = Parameters(PARAMETERS)
    found: list[Round] = []
    for human_only in (False, True):
        for items in kuaishou_items(tables, human_only).values():
            found += [
                one
                for one in rounds_by_version(items, parameters, "kuaishou")
                if (one.business_date >= HUMAN_ONLY_FROM) == human_only
            ]
    reports = [row for row in tables["malicious_reports"] if row["result"] == "upheld"]
    messages = {row["message_id"]: row for row in tables["messages"]}
    rows = []
    for one in found:
        first = messages[one.first_message_id]
        reasons = {
            "not_routed_to_human": one.was_waiting_unrouted,
            "non_human_reply": one.reply_kind == "B",
            "outside_window": not one.in_window,
            "malicious_user": any(
                (report["shop_id"], report["user_id"]) == (first["shop_id"], first["user_id"])
                and report["effective_from"] <= one.clock_started_at
                for report in reports
            ),
            "exempt_period": EXEMPT[0] <= one.business_date <= EXEMPT[1],
        }
        elapsed = one.first_reply_at - one.clock_started_at if one.first_reply_at else None
        rows.append(
            {
                "session_id": one.conversation_id,
                "shop_id": first["shop_id"],
                "user_id": first["user_id"],
                "agent_id": one.account_id,
                "business_date": one.business_date,
                "first_message_id": one.first_message_id,
                "clock_started_at": one.clock_started_at,
                "first_reply_id": one.first_reply_id,
                "first_reply_at": one.first_reply_at,
                "response_seconds": elapsed.total_seconds() if elapsed is not None else None,
                "is_counted": not any(reasons.values()),
                "is_on_time": elapsed is not None and elapsed <= timedelta(seconds=180),
                "exclusion_reasons": [reason for reason, applies in reasons.items() if applies],
            }
        )
    expected = read_expected(folder, "kuaishou_rounds")
    assert_same(rows, expected, ("session_id", "first_message_id", "clock_started_at"))


TMALL = RoundRules(9 * 3600, 23 * 3600, "account")


def stream(*lines: str) -> list[Item]:
    """Items from lines such as `2 10:00:15 Q a`: day, time, kind and account (`-` for none)."""
    ranks: dict[Kind, int] = {"H": 0, "N": 0, "Q": 1, "R": 2, "B": 2}
    items = []
    for number, line in enumerate(lines):
        day, clock, letter, account = line.split()
        kind = next(kind for kind in ranks if kind == letter)
        at = datetime.fromisoformat(f"2024-05-{int(day):02} {clock}")
        items.append(Item("c", None if account == "-" else account, at, ranks[kind], f"i{number}", kind))
    return items


def brief(rounds: list[Round]) -> list[str]:
    """Clock item, first message, reply, account and marks of each round."""
    return [
        f"{one.clock_item_id} {one.first_message_id} {one.first_reply_id or '-'} {one.account_id or '-'}"
        + (" unrouted" if one.was_waiting_unrouted else "")
        + ("" if one.in_window else " outside")
        for one in rounds
    ]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(["2 10:10:15 Q a", "2 10:15:20 Q a", "2 10:18:10 R a"], ["i0 i0 i2 a"], id="first-question"),
        pytest.param(
            ["2 10:10:15 Q a", "2 10:15:20 Q a", "2 10:18:10 R a", "2 10:18:30 Q a", "2 10:19:00 R a"],
            ["i0 i0 i2 a", "i3 i3 i4 a"],
            id="second-round",
        ),
        pytest.param(["2 10:00:00 Q a", "2 10:03:00 Q a"], ["i0 i0 - a"], id="never-answered"),
        pytest.param(
            [
                "2 10:00:00 N -",
                "2 10:01:00 Q a",
                "2 10:02:00 B b",
                "2 10:03:00 Q a",
                "2 10:05:00 H a",
                "2 10:06:00 R a",
            ],
            ["i1 i1 i2 b", "i4 i3 i5 a"],
            id="timeline-bot-then-human",
        ),
        pytest.param(
            ["2 22:58:00 Q a", "2 23:30:00 Q a", "3 08:59:00 R a"],
            ["i0 i0 i2 a", "i1 i1 i2 a outside"],
            id="timeline-over-night",
        ),
        pytest.param(
            ["2 10:00:00 Q a", "2 10:01:00 H b", "2 10:02:00 Q b", "2 10:03:00 R b"],
            ["i0 i0 - a", "i2 i2 i3 b"],
            id="handed-over-without-reply",
        ),
        pytest.param(["2 10:00:00 Q a", "3 10:00:00 R a"], ["i0 i0 i1 a"], id="horizon-reached"),
        pytest.param(["2 10:00:00 Q a", "3 10:00:00.001 R a"], ["i0 i0 - a"], id="horizon-passed"),
        pytest.param(["2 10:00:00 N -", "5 10:00:00 Q a"], ["i1 i1 - a unrouted"], id="look-back-reached"),
        pytest.param(["2 10:00:00 N -", "5 10:00:00.001 Q a"], ["i1 i1 - a"], id="look-back-passed"),
        pytest.param(["2 10:00:00 N -", "2 10:01:00 Q a", "3 10:01:00 H b"], ["i2 i1 - b"], id="taken-over-at-the-horizon"),
        pytest.param(
            ["2 10:00:00 N -", "2 10:01:00 Q a", "3 10:01:00.001 H b", "3 10:02:00 R b"],
            ["i1 i1 - a unrouted", "i2 i1 i3 b"],
            id="taken-over-after-the-horizon",
        ),
        pytest.param(
            ["2 09:00:00 N -", "2 10:00:00 Q a", "4 10:00:00 N -", "4 11:00:00 Q a", "5 10:00:00.001 H b"],
            ["i1 i1 - a unrouted", "i4 i3 - b"],
            id="first-message-within-the-look-back",
        ),
        pytest.param(
            ["2 10:00:00 Q a", "2 10:01:00 N -", "2 10:02:00 Q a", "2 10:03:00 H a", "2 10:04:00 R a"],
            ["i0 i0 i4 a"],
            id="run-belongs-to-the-open-round",
        ),
        pytest.param(
            ["2 10:00:00 N -", "2 10:01:00 Q a", "2 10:02:00 H b", "2 10:03:00 H c", "2 10:04:00 R c"],
            ["i2 i1 - b"],
            id="second-hand-over-opens-nothing",
        ),
        pytest.param(
            ["2 10:00:00 N -", "2 10:01:00 Q a", "2 10:02:00 R b", "2 10:03:00 Q a", "2 10:04:00 R b"],
            ["i1 i1 i2 b", "i3 i3 - a"],
            id="answered-from-the-pool",
        ),
        pytest.param(
            [
                "2 09:00:00 N -",
                "5 08:00:00 Q a",
                "5 09:30:00 Q a",
                "5 09:40:00 N -",
                "5 09:45:00 Q a",
                "5 09:50:00 H b",
            ],
            ["i1 i1 - a unrouted outside", "i2 i2 - a", "i5 i4 - b"],
            id="hand-over-of-another-run",
        ),
        pytest.param(["2 10:00:00 H b", "2 10:01:00 N -", "2 10:02:00 Q -"], ["i2 i2 - b unrouted"], id="account-of-hand-over"),
    ],
)
def test_find_rounds(lines: list[str], expected: list[str]) -> None:
    """Worked examples and the edges of the look-back and the horizon."""
    assert brief(find_rounds(reversed(stream(*lines)), TMALL)) == expected


def test_find_rounds_per_conversation() -> None:
    """With scope `conversation` a colleague's reply is a reply."""
    rules = RoundRules(9 * 3600, 23 * 3600, "conversation")
    items = stream("2 10:00:00 Q a", "2 10:01:00 H b", "2 10:02:00 Q b", "2 10:03:00 R b")
    assert brief(find_rounds(items, rules)) == ["i0 i0 i3 b"]


def one_round(reply: tuple[str, str] | None = None, **tables: list[dict[str, Any]]) -> dict[str, Any]:
    """The round of a question at 10:00:00 in a Tmall shop without a bot, or with one where the reply is by a bot."""
    common = {"conversation_id": "c", "shop_id": "s", "buyer_id": "b", "peer_kind": "consumer", "message_type": "text"}
    day = "2024-05-02"
    question = {"direction": "inbound", "author_kind": "consumer", "account_id": "a", "message_id": "m1"}
    messages = [common | question | {"sent_at": datetime.fromisoformat(f"{day} 10:00:00")}]
    if reply is not None:
        author, clock = reply
        answer = {"direction": "outbound", "author_kind": author, "account_id": "r", "message_id": "m2"}
        messages.append(common | answer | {"sent_at": datetime.fromisoformat(f"{day} {clock}")})
        routed = common | {"event_id": "e", "account_id": None, "event_type": "bot_started"}
        tables["reception_events"] = [routed | {"occurred_at": datetime.fromisoformat(f"{day} 09:00:00")}]
    [found] = expected_rounds({"messages": messages, **tables}, PARAMETERS)
    return found


def at(clock: str | None) -> datetime | None:
    """A time on the day of `one_round`."""
    return None if clock is None else datetime.fromisoformat(f"2024-05-02 {clock}")


@pytest.mark.parametrize(
    ("begins", "ends", "reply", "is_blocked"),
    [
        pytest.param("10:03:00", None, None, True, id="begins-at-the-target"),
        pytest.param("10:03:00.001", None, None, False, id="begins-after-the-target"),
        pytest.param("09:00:00", "10:03:00", None, False, id="ends-at-the-target"),
        pytest.param("09:00:00", "10:03:00.001", None, True, id="ends-after-the-target"),
        pytest.param("10:01:00", "10:01:00", None, False, id="empty"),
        pytest.param("10:01:00", None, ("agent", "10:03:00"), False, id="reply-at-the-target"),
        pytest.param("10:01:00", None, ("agent", "10:03:00.001"), True, id="reply-after-the-target"),
        pytest.param("10:01:00", None, ("auto_bot", "10:00:59.999"), True, id="bot-before-the-block"),
    ],
)
def test_buyer_block(begins: str, ends: str | None, reply: tuple[str, str] | None, is_blocked: bool) -> None:
    """T-03 at its edges."""
    block = {"shop_id": "s", "buyer_id": "b", "blocked_at": at(begins), "unblocked_at": at(ends)}
    found = one_round(reply, buyer_blocks=[block])
    assert ("buyer_blocked_shop" in found["exclusion_reasons"]) == is_blocked


@pytest.mark.parametrize(
    ("begins", "ends", "is_flagged"),
    [
        ("10:00:00", None, True),
        ("10:00:00.001", None, False),
        ("09:00:00", "10:00:00", False),
        ("09:00:00", "10:00:00.001", True),
    ],
)
def test_platform_flag(begins: str, ends: str | None, is_flagged: bool) -> None:
    """T-26: half-open."""
    flag = {"conversation_id": "c", "flag_type": "abusive", "flagged_from": at(begins), "flagged_to": at(ends)}
    assert one_round(platform_flags=[flag])["exclusion_reasons"] == (["abusive"] if is_flagged else [])


@pytest.mark.parametrize(
    ("account", "disabled", "reply", "reasons"),
    [
        pytest.param("a", "10:00:00", None, ["account_disabled"], id="at-the-clock"),
        pytest.param("a", "10:00:00.001", None, [], id="after-the-clock"),
        pytest.param("r", "09:00:00", ("agent", "10:01:00"), [], id="only-the-opening-account"),
        pytest.param("a", "09:00:00", ("agent", "10:01:00"), ["account_disabled"], id="whoever-replies"),
    ],
)
def test_account_disabled(account: str, disabled: str, reply: tuple[str, str] | None, reasons: list[str]) -> None:
    """T-17 judges the account that the opening item names."""
    rows = [{"account_id": account, "disabled_at": at(disabled)}]
    assert one_round(reply, accounts=rows)["exclusion_reasons"] == reasons
