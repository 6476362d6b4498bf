"""The sample data: complete, within the raw contract, the same for the same seed."""

import csv
import filecmp
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.landing.contract import contract, platforms
from orchestration.landing.deliveries import find_deliveries
from orchestration.landing.load import land
from orchestration.landing.tables import empty_warehouse
from orchestration.sample import generate as run
from orchestration.sample.generate import MARK, PUBLISHED, generate

TABLES = [key for key in contract() if key[1] not in PUBLISHED]
PLATFORMS = platforms()

ASKING_TYPES = "text image video audio emoji link product_card order_card work_order"
SILENT_TYPES = "card_click red_packet red_packet_claim security_notice payment_reminder_failed order_change_failed system_notice"
SENT_TYPES = (
    "text image video audio emoji link product_card order_card payment_reminder vip_push welcome_card rating_invite"
    " ship_intercept invoice_request subscription transfer_notice red_packet system_notice"
)
# Every value of every enum, and nothing else.
ENUMS = [
    ("taobao", "shops", "marketplace", "taobao tmall"),
    ("taobao", "messages", "direction", "inbound outbound"),
    (
        "taobao",
        "messages",
        "direction || ' ' || author_kind",
        "inbound consumer|inbound system|outbound agent|outbound assist_bot|outbound auto_bot|outbound greeting|outbound system",
    ),
    ("taobao", "messages", "peer_kind", "consumer own_account other_merchant platform_operator platform_employee"),
    ("taobao", "messages", "case when direction = 'inbound' then message_type end", f"{ASKING_TYPES} {SILENT_TYPES}"),
    ("taobao", "messages", "case when direction = 'outbound' then message_type end", SENT_TYPES),
    ("taobao", "reception_events", "event_type", "assigned bot_started pooled closed"),
    ("taobao", "reception_events", "origin", "direct bot queue offline_pool transfer priority"),
    ("taobao", "accounts", "account_type", "main sub proxy service_assistant"),
    ("taobao", "account_status_events", "status", "online suspended offline"),
    ("taobao", "platform_flags", "flag_type", "ad_account cheating abusive"),
    ("taobao", "rating_cards", "trigger", "system_invite buyer_initiated manual"),
    ("taobao", "rating_submissions", "eval_code", "0 1 2 3 4"),
    ("taobao", "rejection_prompts", "trigger", "five_in_a_row discouraged_content"),
    ("taobao", "conduct_cases", "case_type", "service_complaint dishonest_conduct"),
    ("taobao", "priority_settings", "is_enabled", "true false"),
    ("taobao", "audience_members", "audience_kind", "member custom"),
    ("taobao", "routing_entries", "entry_point", "lit_icon message_box"),
    ("taobao", "routing_entries", "routed_kind", "human bot service_assistant queue"),
    ("taobao", "routing_entries", "prompt_shown", "skipped_queue skipped_bot arranged"),
    ("taobao", "official_grades", "grade", "gold silver black none"),
    ("kuaishou", "messages", "sender_kind", "user agent bot system"),
    ("kuaishou", "session_events", "event_type", "assigned bot_started transferred closed"),
    ("kuaishou", "rating_cards", "service_kind", "human bot"),
    ("kuaishou", "rating_cards", "channel", "user_initiated merchant_invited system_pushed"),
    ("kuaishou", "rating_cards", "level", "satisfied neutral disappointed"),
    ("kuaishou", "malicious_reports", "result", "upheld rejected"),
    ("kuaishou", "assisted_after_sales", "initiator_kind", "merchant_agent creator"),
    (
        "kuaishou",
        "assisted_after_sales",
        "order_type",
        "own cross_border auction voucher local_life e_certificate",
    ),
    ("kuaishou", "assisted_after_sales", "refund_kind", "refund_only return_refund"),
    ("kuaishou", "assisted_after_sales", "reason_party", "buyer merchant"),
    ("kuaishou", "assisted_after_sales", "response", "confirmed modified"),
    ("xiaohongshu", "sessions", "initiated_by", "user merchant"),
    ("xiaohongshu", "sessions", "ended_by", "agent user system"),
    ("xiaohongshu", "messages", "sender_kind", "user agent bot system"),
    ("xiaohongshu", "session_events", "event_type", "assigned transferred"),
    ("xiaohongshu", "ratings", "stars", "1 2 3 4 5"),
]

Query = Callable[[str], list[tuple[Any, ...]]]


def make(landing: Path, **changes: Any) -> int:
    """Three days of little data, unless told otherwise."""
    arguments: dict[str, Any] = {
        "days": 3,
        "shops": 2,
        "agents": 3,
        "messages_per_day": 300,
        "start": date(2025, 9, 1),
        "seed": 1,
        "file_format": "parquet",
        "report": lambda line: None,
    }
    return generate(landing, **(arguments | changes))


def files(landing: Path) -> list[Path]:
    return sorted(path.relative_to(landing) for path in landing.rglob("*") if path.is_file() and path.name != MARK)


def are_equal(left: Path, right: Path, names: list[Path]) -> bool:
    return all(filecmp.cmp(left / name, right / name, shallow=False) for name in names)


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty days across a month's end, enough for the rare things."""
    folder = tmp_path_factory.mktemp("landing")
    make(folder, days=20, shops=8, agents=4, messages_per_day=5000, start=date(2025, 8, 20))
    return folder


@pytest.fixture(scope="module")
def query(landing: Path) -> Query:
    """SQL over views `<platform>_<table>` with the column `dt`."""
    connection = duckdb.connect()
    for platform, table in TABLES:
        connection.execute(
            f"create view {platform}_{table} as from read_parquet('{landing}/{platform}/{table}/*/*.parquet',"
            " hive_partitioning = true, hive_types = {'dt': date})"
        )
    return lambda sql: connection.execute(sql).fetchall()


def test_same_seed_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, again, other = (tmp_path / name for name in ("first", "again", "other"))
    count = make(first, days=2)
    # Neither the number of threads nor how the days are split up may show.
    monkeypatch.setattr(run, "MAX_WORKERS", 1)
    monkeypatch.setattr(run, "DAYS_PER_BATCH", 1)
    assert make(again, days=2) == count > 0
    make(other, days=2, seed=2)
    assert files(first) == files(again)
    assert are_equal(first, again, files(first))
    messages = [name for name in files(first) if name.parts[1] == "messages"]
    assert not any(are_equal(first, other, [name]) for name in messages)


def test_more_days_only_add_deliveries(tmp_path: Path) -> None:
    make(tmp_path / "short", days=2)
    make(tmp_path / "long")
    assert set(files(tmp_path / "short")) < set(files(tmp_path / "long"))
    assert are_equal(tmp_path / "short", tmp_path / "long", files(tmp_path / "short"))


def test_number_of_messages(landing: Path, query: Query) -> None:
    assert {path.name for path in landing.iterdir() if path.is_dir()} == set(PLATFORMS)
    counts = {platform: query(f"select count(*) from {platform}_messages")[0][0] for platform in PLATFORMS}
    assert sum(counts.values()) / 20 == pytest.approx(5000, rel=0.1)
    shares = {platform: count / sum(counts.values()) for platform, count in counts.items()}
    assert shares == pytest.approx({"taobao": 0.5, "kuaishou": 0.3, "xiaohongshu": 0.2}, abs=0.04)


@pytest.mark.parametrize(("platform", "table"), TABLES)
def test_columns_keys_and_required_values(platform: str, table: str, query: Query) -> None:
    landed, name = contract()[platform, table], f"{platform}_{table}"
    assert [row[0] for row in query(f"describe {name}")] == [*(column.name for column in landed.columns), "dt"]
    key = ", ".join(landed.key)
    assert query(f"select count(*) - count(distinct (dt, {key})) from {name}") == [(0,)]
    is_incomplete = " or ".join(f"{column.name} is null" for column in landed.columns if column.required)
    assert query(f"select count(*) from {name} where {is_incomplete}") == [(0,)]


@pytest.mark.parametrize(("platform", "table", "expression", "values"), ENUMS)
def test_every_enum_value_occurs(platform: str, table: str, expression: str, values: str, query: Query) -> None:
    rows = query(f"select distinct {expression} as value from {platform}_{table} where value is not null")
    assert {str(value).lower() for (value,) in rows} == set(values.split("|") if "|" in values else values.split())


def test_types(query: Query) -> None:
    for platform, table in TABLES:
        types = {row[0]: row[1] for row in query(f"describe {platform}_{table}")}
        for column, kind in types.items():
            if column.endswith("_at") and column not in ("opens_at", "closes_at"):
                assert kind == "TIMESTAMP", (platform, table, column)
    hours = query("select opens_at from xiaohongshu_work_hours union all select closes_at from xiaohongshu_work_hours")
    assert all(len(hour) == 5 and hour[2] == ":" and hour <= "24:00" for (hour,) in hours)
    assert query("select distinct month from taobao_official_grades order by 1") == [("2025-08",), ("2025-09",)]
    assert {row[0] for row in query("select typeof(audience_ids) from taobao_priority_settings")} == {"VARCHAR[]"}


def test_all_formats_hold_the_same_rows(tmp_path: Path) -> None:
    for file_format in ("parquet", "csv", "jsonl"):
        make(tmp_path / file_format, file_format=file_format)
    names = {
        file_format: [name.with_suffix("") for name in files(tmp_path / file_format)]
        for file_format in ("parquet", "csv", "jsonl")
    }
    assert names["parquet"] == names["csv"] == names["jsonl"]
    for platform, table in TABLES:
        if any((tmp_path / "csv" / platform / table).glob("*/*")):  # a few are too rare for three small days
            rows = [_rows(tmp_path / file_format, platform, table) for file_format in ("parquet", "csv", "jsonl")]
            assert rows[0] == rows[1] == rows[2], (platform, table)


def _rows(landing: Path, platform: str, table: str) -> list[tuple[str | None, ...]]:
    """All rows as text, however the format writes lists and zeros after the point."""
    columns = [column.name for column in contract()[platform, table].columns]
    kinds = ", ".join(f"{column}: '{'varchar[]' if column == 'audience_ids' else 'varchar'}'" for column in columns)
    source = {
        "parquet": "read_parquet('{}')",
        "csv": "read_csv('{}', header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"')",
        "jsonl": f"read_json('{{}}', columns = {{{{{kinds}}}}})",
    }[landing.name].format(f"{landing}/{platform}/{table}/*/*.{landing.name}")
    is_list = "audience_ids" in columns and landing.name != "csv"
    values = ", ".join(f"array_to_string({c}, '|')" if is_list and c == "audience_ids" else f"{c}::varchar" for c in columns)
    return [
        tuple(value.rstrip("0").rstrip(".") if value and "." in value else value for value in row)
        for row in duckdb.connect().execute(f"select {values} from {source}").fetchall()
    ]


def test_normal_form_of_times_and_awkward_content(tmp_path: Path) -> None:
    make(tmp_path, days=1, file_format="csv", messages_per_day=1500)
    text = (tmp_path / "taobao/messages/dt=2025-09-02/part.csv").read_bytes().decode("utf-8")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert text.startswith(",".join(column.name for column in contract()["taobao", "messages"].columns) + "\n")
    assert all(len(sent_at) == len("2025-09-01 00:00:00.000") for sent_at in (row["sent_at"] for row in rows))
    contents = [row["content"] for row in rows]
    for mark in (",", '"', "\n", "😊"):
        assert any(mark in content for content in contents), mark


def test_another_format_replaces_the_first(tmp_path: Path) -> None:
    make(tmp_path, days=1)
    make(tmp_path, days=1, file_format="jsonl")
    assert {name.suffix for name in files(tmp_path)} == {".jsonl"}


def test_late_rows(query: Query) -> None:
    for platform in PLATFORMS:
        days = {row[0] for row in query(f"select distinct dt - sent_at::date from {platform}_messages")}
        assert days >= {1, 2, 3, 4}
        late = query(f"select avg((dt - sent_at::date > 1)::integer) from {platform}_messages")[0][0]
        assert 0.005 < late < 0.06
    assert query("select bool_or(dt > recalled_at::date + 1) from taobao_message_recalls") == [(True,)]
    assert query("select bool_or(hour(sent_at) < 3) from taobao_messages") == [(True,)]


def test_rows_are_delivered_again(query: Query) -> None:
    again = "select message_id, count(distinct content) as texts from {} group by 1 having count(*) > 1"
    for platform in PLATFORMS:
        texts = {row[1] for row in query(again.format(f"{platform}_messages"))}
        assert texts >= {1, 2}  # unchanged, and corrected
    changed = """
        select count(*) from (
            select {key} from {table} group by 1
            having count(*) > 1 and arg_min({value}, dt) is null and max({value}) is not null
        )"""
    for table, key, value in (
        ("kuaishou_rating_cards", "card_id", "level"),
        ("kuaishou_malicious_reports", "report_id", "result"),
        ("kuaishou_assisted_after_sales", "request_id", "response"),
        ("xiaohongshu_sessions", "session_id", "ended_at::varchar"),
        ("taobao_accounts", "account_id", "disabled_at::varchar"),
        ("taobao_conduct_cases", "case_id", "verified_at::varchar"),
        ("taobao_buyer_blocks", "block_id", "unblocked_at::varchar"),
        ("taobao_rejection_prompts", "prompt_id", "exposed_at::varchar"),
    ):
        first_is_empty = changed.format(table=table, key=key, value=value).replace("arg_min(", "arg_min_null(")
        assert query(first_is_empty)[0][0] > 0, table


def test_ratings_change(query: Query) -> None:
    submissions = """
        select
            count(*) - 1 as changes, count(distinct eval_code) as codes, max(submitted_at) - min(submitted_at) as spread
        from taobao_rating_submissions group by card_id"""
    assert query(f"select max(changes) > 5, max(codes) > 1, max(spread) > interval 24 hours from ({submissions})") == [
        (True, True, True)
    ]


def test_references_exist(query: Query) -> None:
    for child, parent, key in (
        ("taobao_messages", "taobao_shops", "shop_id"),
        ("taobao_messages", "taobao_accounts", "account_id"),
        ("taobao_message_recalls", "taobao_messages", "message_id"),
        ("taobao_rating_submissions", "taobao_rating_cards", "card_id"),
        ("taobao_rating_cards", "taobao_accounts", "account_id"),
        ("taobao_account_status_events", "taobao_accounts", "account_id"),
        ("taobao_rejection_prompts", "taobao_accounts", "account_id"),
        ("xiaohongshu_messages", "xiaohongshu_sessions", "session_id"),
        ("xiaohongshu_ratings", "xiaohongshu_sessions", "session_id"),
        ("xiaohongshu_sessions", "xiaohongshu_work_hours", "shop_id"),
    ):
        assert query(f"select count(*) from {child} anti join {parent} using ({key})") == [(0,)], (child, parent)
    assert query("""
        select count(*) from taobao_reception_events
        where account_id is null and event_type = 'assigned'
            or account_id not in (select account_id from taobao_accounts)""") == [(0,)]


def test_routing_comes_before_the_reply(query: Query) -> None:
    """A human never writes before the first hand-over to a human that was delivered."""
    for platform, chat, is_human in (
        ("taobao", "conversation_id", "author_kind = 'agent'"),
        ("kuaishou", "session_id", "sender_kind = 'agent'"),
        ("xiaohongshu", "session_id", "sender_kind = 'agent'"),
    ):
        events = f"{platform}_{'reception' if platform == 'taobao' else 'session'}_events"
        # The first event may be still on its way when the hand-over to another agent has come.
        is_first = "event_type = 'assigned' and event_id not like '%-e3'"
        assert query(f"""
            with replies as (select {chat}, min(sent_at) as at from {platform}_messages where {is_human} group by 1),
            takes as (select {chat}, min(occurred_at) as at from {events} where {is_first} group by 1)
            select count(*) > 100, sum((replies.at < takes.at)::integer) from replies inner join takes using ({chat})
            """) == [(True, 0)]


def test_streaks_discouraged_words_and_returning_buyers(query: Query) -> None:
    for phrase in ("好评返现", "返现", "改好评", "改评价", "删差评", "五星好评"):
        assert query(f"select count(*) > 0 from taobao_messages where content like '%{phrase}%'") == [(True,)], phrase
    assert query("select count(*) > 0 from taobao_rejection_prompts where clicked_at is not null") == [(True,)]
    assert query("""
        select avg((days > 1)::integer) between 0.01 and 0.2 from (
            select buyer_id, count(distinct sent_at::date) as days from taobao_messages
            where peer_kind = 'consumer' group by 1
        )""") == [(True,)]
    assert query("""
        select max(shops) > 2 from (
            select buyer_id, sent_at::date, count(distinct shop_id) as shops from taobao_messages
            where peer_kind = 'consumer' group by all
        )""") == [(True,)]


def test_least_possible_data(tmp_path: Path) -> None:
    assert make(tmp_path, days=1, shops=1, agents=1, messages_per_day=1) >= 0
    assert (tmp_path / "taobao/shops/dt=2025-09-02/part.parquet").exists()


@pytest.mark.parametrize("file_format", ["parquet", "csv", "jsonl"])
def test_a_day_without_chats_is_delivered_without_rows(tmp_path: Path, file_format: str) -> None:
    make(tmp_path / "landing", days=2, shops=1, agents=1, messages_per_day=1, file_format=file_format)
    with empty_warehouse() as connection:
        deliveries = find_deliveries(tmp_path / "landing", contract()).deliveries
        land(connection, deliveries, record_changes=False, report=print)
        daily = connection.execute(
            """
            select platform || '/' || table_name, list(dt::varchar order by dt), bool_or(row_count = 0)
            from raw.deliveries semi join raw.daily_tables using (platform, table_name)
            group by all
            """
        ).fetchall()
    tables = [table.label for table in contract().values() if table.is_daily]
    assert sorted((table, dts) for table, dts, _ in daily) == [(table, ["2025-09-02", "2025-09-03"]) for table in sorted(tables)]
    assert any(is_empty for _, _, is_empty in daily)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"days": 0}, "days"),
        ({"shops": 0}, "shops"),
        ({"agents": -1}, "agents"),
        ({"messages_per_day": 0}, "messages_per_day"),
        ({"file_format": "xlsx"}, "xlsx"),
        ({"start": date(1969, 12, 31)}, "start"),
        ({"days": 4_000_000}, "calendar"),
        ({"seed": 2**64}, "seed"),
    ],
)
def test_bad_arguments(tmp_path: Path, changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        make(tmp_path / "landing", **changes)
    assert not (tmp_path / "landing").exists()


def test_landing_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "landing").write_text("")
    with pytest.raises(ValueError, match="directory"):
        make(tmp_path / "landing")
