"""What lands: every delivered row is in a table, replaced by a later one, or rejected with its reason, and all of it is told."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from harness import build, kefu, marts, query, warehouse
from test_landing import MESSAGES, Landing, Row, as_csv, as_jsonl, empty, message, order, orders

from orchestration.build import state, steps
from orchestration.build.state import opened
from orchestration.clock import beijing_now
from orchestration.errors import KefuError
from orchestration.home import Home, open_home
from orchestration.landing import contract as landing_contract
from orchestration.landing import load, readers, tables
from orchestration.landing.contract import contract
from orchestration.sql import text


@pytest.fixture
def landing(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> Landing:
    return empty(tmp_path / "landing", connection)


def ledger(landing: Landing) -> list[tuple[Any, ...]]:
    """Files, each with its rows delivered, landed, replaced and rejected; they add up."""
    rows = landing.rows("select file, delivered, landed, replaced, rejected from raw.delivered_files order by file")
    assert all(delivered == landed + replaced + rejected for _, delivered, landed, replaced, rejected in rows)
    return [(file.rpartition("/")[2], *counts) for file, *counts in rows]


def told(landing: Landing) -> str:
    return "\n".join(landing.told)


# Rows that add up


def test_each_file_has_its_rows_in_the_ledger_and_on_the_screen(landing: Landing) -> None:
    landing.write(orders(order(1), order(1), order(2, at="x"), order(3, at="2025-9-1")), file="a.csv")
    landing.write(as_jsonl([order(1, "b2"), order(4)]) + b"{\n", file="b.jsonl")
    keys = "'s1' as shop_id, 'b1' as buyer_id, timestamp '2025-09-01 10:00:00' as created_at"
    landing.query(f"select 'o' || i as order_id, {keys} from range(10, 30) t(i)", file="c.parquet")
    landing.write(orders(order(1, "b3")), dt="2025-09-02", file="d.csv")
    landing.land()
    assert ledger(landing) == [
        ("a.csv", 4, 0, 2, 2), ("b.jsonl", 3, 2, 0, 1), ("c.parquet", 20, 20, 0, 0), ("d.csv", 1, 1, 0, 0)
    ]  # fmt: skip
    assert landing.rows(
        "select file[-5:], row_number, by_file[-7:], by_row_number, is_same from raw.replaced_rows order by 2"
    ) == [
        ("a.csv", 1, "b.jsonl", 1, False),
        ("a.csv", 2, "b.jsonl", 1, False),
    ]
    file = "taobao/orders/dt=2025-09-01/a.csv"
    assert f"{file}: 4 rows delivered = 0 landed + 2 replaced by later rows of the dt + 2 rejected" in landing.told
    assert f'1 rejected: created_at: not a time of the form "9999-9-9"; such as row 4 of {file}' in landing.told
    landing.path("taobao/orders", "2025-09-01", "a.csv").unlink()
    landing.write(orders(order(9)), file="z.csv")
    landing.land()
    assert [row[0] for row in ledger(landing)] == ["b.jsonl", "c.parquet", "z.csv", "d.csv"]


def test_quotes_that_are_not_closed_swallow_no_rows(landing: Landing) -> None:
    lines = [f"m{n},c1,s1,u1,user,{{}}hello {n},2025-09-01 10:00:00" for n in range(1000)]
    lines = [line.format('"' if n in (5, 895) else "") for n, line in enumerate(lines)]
    header = "message_id,session_id,shop_id,user_id,sender_kind,content,sent_at"
    landing.write("\n".join([header, *lines, ""]).encode(), MESSAGES)
    with pytest.raises(
        KefuError, match=r"^kuaishou/messages/dt=2025-09-01/export\.csv cannot be read: a quote in its row 6 is not"
    ):
        landing.land()
    assert landing.rows("from raw.kuaishou_messages") == ledger(landing) == []


def test_500_rows_of_one_key_are_told(landing: Landing) -> None:
    landing.write(orders(*(order(1, f"b{number % 2}") for number in range(500))))
    landing.land()
    assert ledger(landing) == [("export.csv", 500, 1, 499, 0)]
    assert "499 repeated keys, the later row stands" in told(landing)
    assert "warning: 250 rows have the key of a later row of the dt and other content; such as row 1" in told(landing)
    landing.write(orders(order(1), order(1)))
    landing.land()
    assert "warning" not in told(landing), "the same row twice"


def test_a_key_that_begins_anew_each_day_is_told_and_holds_the_days(landing: Landing) -> None:
    for day in (1, 2):
        rows = [message("x", message_id=f"m{n}", user_id=f"u{day}{n}", sent_at=f"2025-09-0{day} 10:00:00") for n in range(20)]
        landing.write(as_csv(rows), MESSAGES, f"2025-09-0{day}")
    landing.land()
    assert "20 rows replace a row of an earlier delivery" in landing.told
    (line,) = [line for line in landing.told if line.startswith("warning")]
    assert line.startswith("warning: 20 of them replace one of another buyer, conversation or date; such as row 1 of kuaishou/")
    assert landing.rows("select dt::varchar, business_date::varchar from raw.doubtful_dates order by all") == [
        ("2025-09-02", "2025-09-01"), ("2025-09-02", "2025-09-02")
    ]  # fmt: skip
    landing.write(as_csv([message("y", message_id="m3", user_id="u23", sent_at="2025-09-02 10:00:00")]), MESSAGES, "2025-09-03")
    landing.land()
    assert "1 rows replace a row of an earlier delivery" in landing.told
    assert "warning" not in told(landing), "a correction of the row itself"


def test_a_rating_that_is_given_again_on_another_day_holds_no_day(landing: Landing) -> None:
    for day in (1, 2):
        rows = [{"session_id": f"s{n}", "stars": day, "rated_at": f"2025-09-0{day} 10:00:00"} for n in range(20)]
        landing.write(as_csv(rows), "xiaohongshu/ratings", f"2025-09-0{day}")
    landing.land()
    assert "20 rows replace a row of an earlier delivery" in landing.told
    assert "warning" not in told(landing)
    assert landing.rows("from raw.doubtful_dates") == []


def test_sessions_that_begin_anew_on_another_day_are_told_and_hold_the_days(landing: Landing) -> None:
    for day in (1, 2):
        entered = f"2025-09-0{day} 10:00:00"
        rows = [
            {"session_id": f"s{n}", "shop_id": "s", "user_id": f"u{n}", "initiated_by": "user", "entered_at": entered}
            for n in range(20)
        ]
        landing.write(as_csv(rows), "xiaohongshu/sessions", f"2025-09-0{day}")
    landing.land()
    assert "warning: 20 of them replace one of another buyer, conversation or date" in told(landing)
    assert landing.rows("select distinct business_date::varchar from raw.doubtful_dates order by 1") == [
        ("2025-09-01",), ("2025-09-02",)
    ]  # fmt: skip


# Ids


@pytest.mark.parametrize("data_type", ["double", "float", "decimal(18, 2)"])
def test_ids_that_a_parquet_file_holds_as_floats_are_whole_numbers(landing: Landing, data_type: str) -> None:
    columns = (
        f"(1000 + i)::{data_type} as order_id, 7::{data_type} as shop_id, case when i > 0 then i::{data_type} end as buyer_id"
    )
    landing.query(f"select {columns}, timestamp '2025-09-01 10:00:00' as created_at from range(20) t(i)")
    landing.land()
    assert landing.rows("select order_id, shop_id, buyer_id from raw.taobao_orders order by 1 limit 2") == [
        ("1001", "7", "1"),
        ("1002", "7", "2"),
    ]
    assert "read: 19 x order_id: ids held as floats, read as whole numbers" in landing.told
    assert landing.rejected() == [(1, "buyer_id: missing")]


@pytest.mark.parametrize(
    ("value", "data_type"),
    [
        *((value, "double") for value in ("9007199254740992", "123456789012345678", "1000.5", "-1e300")),
        *(("16777216", "float"), ("12.5", "decimal(9, 1)"), ("'1.23E+17'", "varchar"), ("'9007199254740993.0'", "varchar")),
    ],
)
def test_ids_that_lost_digits_are_rejected(landing: Landing, value: str, data_type: str) -> None:
    landing.query(
        f"select {value}::{data_type} as order_id, 's' as shop_id, 'b' as buyer_id, timestamp '2025-09-01 10:00:00' as created_at"
    )
    landing.land()
    ((_, reason),) = landing.rejected()
    assert reason.startswith('order_id: an id that was a number too large for a spreadsheet or a float "')
    assert landing.standing() == []


@pytest.mark.parametrize("value", ["1.5", "1e5", "12e45", "1,000.0", "v1.0", "00012", "a+b", "5e+"])
def test_ids_of_other_forms_stay_as_they_are(landing: Landing, value: str) -> None:
    landing.write(orders({**order(1), "order_id": value}))
    landing.land()
    assert [row[0] for row in landing.standing()] == [value]


def test_a_spreadsheets_ids_do_not_become_one_row(landing: Landing) -> None:
    landing.write(orders(*({**order(n), "order_id": "1.23E+17"} for n in range(12))))
    landing.land()
    assert ledger(landing) == [("export.csv", 12, 0, 0, 12)]
    said = 'order_id: an id that was a number too large for a spreadsheet or a float of the form "9.99a+99"'
    assert f"12 rejected: {said}; such as row 1 of taobao/orders/dt=2025-09-01/export.csv" in landing.told


# Other encodings, separators, headers, values

CHINESE = [message("亲，在吗？请问什么时候发货", message_id=f"m{number}") for number in range(5)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (as_csv(CHINESE).decode().encode("gbk"), "text in GBK"),
        (as_csv(CHINESE).decode().encode("gb18030"), "text in GBK"),
        (as_csv(CHINESE).decode().encode("utf-16"), "text in UTF-16"),
        (as_csv(CHINESE).decode().encode("utf-16-le"), "text in UTF-16"),
        (as_csv(CHINESE).decode().encode("utf-16-be"), "text in UTF-16"),
        (as_csv(CHINESE).replace(b",", b";"), "values separated by semicolons"),
        (as_csv(CHINESE).replace(b",", b"\t"), "values separated by tabs"),
        (as_csv(CHINESE).replace(b",", b"\t").decode().encode("utf-16"), "values separated by tabs"),
        (
            as_csv(CHINESE).replace(b"message_id", b"Message_ID").replace(b"sent_at", b" sent_at "),
            "column names read whatever their case and spaces: Message_ID,  sent_at ",
        ),
    ],
)
@pytest.mark.parametrize("file", ["x.csv", "x.csv.gz"])
def test_other_ways_to_write_a_file_are_read_and_told(landing: Landing, file: str, content: bytes, said: str) -> None:
    landing.write(gzip.compress(content) if file.endswith("gz") else content, MESSAGES, file=file)
    landing.land()
    rows = landing.rows("select message_id, content, sent_at from staging.kuaishou_messages order by 1")
    assert rows == [(row["message_id"], row["content"], datetime(2025, 9, 1, 10)) for row in CHINESE]
    assert f"kuaishou/messages/dt=2025-09-01/{file}: {said}" in landing.told
    assert ledger(landing) == [(file, 5, 5, 0, 0)]


def test_json_lines_and_parquet_too(landing: Landing) -> None:
    rows = [{key.title(): value for key, value in row.items()} for row in CHINESE]
    landing.write(as_jsonl(rows).decode().encode("gbk"), MESSAGES, file="a.jsonl")
    columns = "'p1' as \"MESSAGE_ID\", 'c' as session_id, 's' as Shop_Id, 'u' as user_id, 'user' as sender_kind"
    landing.query(f"select {columns}, timestamp '2025-09-01 10:00:00' as \" sent_at\"", MESSAGES, file="b.parquet")
    landing.land()
    assert [row[0] for row in landing.rows("select message_id from staging.kuaishou_messages order by 1")] == [
        *("m0", "m1", "m2", "m3", "m4", "p1")
    ]
    assert "kuaishou/messages/dt=2025-09-01/a.jsonl: text in GBK" in landing.told
    assert "kuaishou/messages/dt=2025-09-01/b.parquet: column names read whatever their case and spaces: " in told(landing)


def test_a_stray_byte_makes_no_other_encoding(landing: Landing) -> None:
    landing.write(as_csv(CHINESE).replace("发货".encode(), b"\xe9\xa0", 1), MESSAGES)
    landing.land()
    assert landing.rejected() == [(1, "content: not UTF-8")]
    assert len(landing.standing("kuaishou_messages")) == 4


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("门店,订单", "lacks required column order_id, shop_id, buyer_id, created_at; its columns are 门店, 订单"),
        ("order_id|shop_id|buyer_id|created_at", "; its columns are order_id|shop_id|buyer_id|created_at"),
        ("o1,s1,s1,2025-09-01", "a column stands twice in the header, its first line: s1"),
    ],
)
def test_a_header_that_cannot_be_used_is_shown(landing: Landing, header: str, said: str) -> None:
    landing.write(f"{header}\n1,2,3,4\n".encode())
    with pytest.raises(KefuError) as error:
        landing.land()
    assert str(error.value).endswith(said)


def test_capitals_of_values_are_no_matter(landing: Landing) -> None:
    landing.write(as_csv([message("x", sender_kind="User"), message("x", message_id="m2", sender_kind=" AGENT ")]), MESSAGES)
    landing.land()
    assert landing.rows("select sender_kind from raw.kuaishou_messages order by 1") == [("agent",), ("user",)]
    assert "read: 2 x sender_kind: values with other capitals or spaces" in landing.told
    event = {"event_id": "e1", "session_id": "c1", "shop_id": "s1", "user_id": "u1", "event_type": "Transferred"}
    landing.write(as_csv([{**event, "agent_id": "", "occurred_at": "2025-09-01 10:00:00"}]), "kuaishou/session_events")
    landing.land()
    assert landing.rejected() == [(1, "agent_id: missing where event_type is transferred")]


@pytest.mark.parametrize(
    ("table", "row", "reason"),
    [
        ("taobao/orders", order(1, at="45933.395833"), 'created_at: a date as a spreadsheet counts days, not "45933.395833"'),
        (
            "xiaohongshu/ratings",
            {"session_id": "c1", "stars": "5星", "rated_at": "2025-09-01 10:00:00"},
            'stars: a number with a unit "5星"',
        ),
        (
            "taobao/official_grades",
            {"shop_id": "s", "month": "2025-09", "grade": "gold", "experience_score": "1e15"},
            'experience_score: not between 0 and 1000 "1e15"',
        ),
        ("taobao/orders", order(1, at="9999-12-31T23:59:59-12:00"), 'created_at: not a time "9999-12-31T23:59:59-12:00"'),
    ],
)
def test_what_is_wrong_is_said(landing: Landing, table: str, row: Row, reason: str) -> None:
    landing.write(as_csv([row]), table)
    landing.land()
    assert landing.rejected() == [(1, reason)]


def test_a_date_in_another_form(landing: Landing) -> None:
    row = {"shop_id": "s1", "opens_at": "09:00", "closes_at": "18:00"}
    forms = ["2025/10/3", "2025年10月4日", "2025-10-5", "2025-10-06 00:00:00"]
    landing.write(as_csv([{**row, "valid_from": form} for form in forms]), "xiaohongshu/work_hours")
    landing.land()
    assert [str(day) for (day,) in landing.rows("select valid_from from raw.xiaohongshu_work_hours order by 1")] == [
        *("2025-10-03", "2025-10-04", "2025-10-05", "2025-10-06")
    ]


def test_every_number_has_a_range_or_values() -> None:
    numbers = [column for table in contract().values() for column in table.columns if column.data_type in ("integer", "double")]
    assert numbers and all(column.values or (column.least is not None and column.most is not None) for column in numbers)


def test_what_people_wrote_is_not_told(landing: Landing) -> None:
    landing.write(as_csv([message("x", sent_at="between us", sender_kind="we say this here")]), MESSAGES)
    landing.land()
    assert "between" not in told(landing) and "say" not in told(landing)
    assert 'sender_kind: unknown value of the form "aa aaa aaaa aaaa"; sent_at: not a time of the form "aaaaaaa aa"' in told(
        landing
    )


def test_an_unknown_column_near_a_known_one(landing: Landing) -> None:
    row = message("x")
    landing.write(as_csv([{**row, "contents": row.pop("content"), "weather": "fine"}]), MESSAGES)
    landing.land()
    assert [line for line in landing.told if line.startswith("warning")] == [
        "warning: kuaishou/messages has a column contents that is left out; did you mean content?"
    ]


# Files that cost more than they are worth


def test_a_small_file_of_many_broken_rows_is_refused(landing: Landing) -> None:
    header = b"order_id,shop_id,buyer_id,created_at\n"
    landing.write(gzip.compress(header + b"x\n" * 400_000), file="short.csv.gz")
    with pytest.raises(
        KefuError, match=r"short\.csv\.gz cannot be read: more than 10,000 of its rows have more or fewer values than"
    ):
        landing.land()
    landing.path("taobao/orders", "2025-09-01", "short.csv.gz").unlink()
    landing.write(gzip.compress(header + b"x\n" * 500 + b",,,\n" * 100_000), file="tiny.csv.gz")
    landing.land()
    assert ledger(landing) == [("tiny.csv.gz", 100_500, 0, 0, 100_500)]


def test_a_gzip_file_that_unpacks_to_far_more_is_refused(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "MAX_UNPACKED_BYTES", 1024**2)
    monkeypatch.setattr(readers, "MAX_UNPACKED_FOLD", 100)
    landing.write(gzip.compress(as_jsonl([order(1)]) + b"\n" * 1024**2), file="x.jsonl.gz")
    with pytest.raises(KefuError, match=r"x\.jsonl\.gz cannot be read: it unpacks to more than 1 MiB and 100 times its size$"):
        landing.land()
    landing.write(as_jsonl([order(1)]) + b"\n" * 1024**2, file="x.jsonl")
    landing.path("taobao/orders", "2025-09-01", "x.jsonl.gz").unlink()
    landing.land()
    assert ledger(landing) == [("x.jsonl", 1, 1, 0, 0)]


# Times that cannot be


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        ("2025-09-08 23:59:59", None),
        ("2025-09-09 00:00:00", "created_at: more than 7 days after its delivery"),
        ("2027-10-01 10:00:00", "created_at: more than 7 days after its delivery"),
        ("2000-01-01 00:00:00", None),
        ("1970-01-01 08:00:00", "created_at: before 2000"),
    ],
)
def test_what_happened_is_not_of_another_age(landing: Landing, at: str, reason: str | None) -> None:
    landing.write(orders(order(1, at=at)))
    landing.land()
    assert landing.rejected() == ([(1, reason)] if reason else [])
    block = {"block_id": "b1", "shop_id": "s1", "buyer_id": "b1", "blocked_at": at, "unblocked_at": "9999-12-31 23:59:59"}
    landing.write(as_csv([block]), "taobao/buyer_blocks")
    landing.land()
    assert len(landing.standing("taobao_buyer_blocks")) == 1, "the end of an interval may be far"


def test_a_setting_takes_times_of_any_age(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(landing_contract.settings(), "event_times_are_checked", False)
    landing.write(orders(order(1, at="1970-01-01 08:00:00"), order(2, at="2027-01-01 10:00:00")))
    landing.land()
    assert len(landing.standing()) == 2


def test_history_is_told_and_not_late(landing: Landing) -> None:
    landing.write(orders(order(1, at="2024-07-27 10:00:00"), order(2, at="2024-07-28 10:00:00"), order(3)))
    landing.land()
    assert landing.rows("select days_late, row_count from raw.delivery_lateness order by all") == [(0, 1), (400, 1)]
    assert "1 rows are of more than 400 days before their delivery: not counted in how late rows usually are" in landing.told


# What lies in the landing folder


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


def deliver(folder: Path, *rows: Row, dt: object = "2025-09-01", table: str = "taobao/orders", file: str = "export.csv") -> Path:
    path = folder / table / f"dt={dt}" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_csv(rows))
    return path


def land(home: Home, folder: Path, *, prune: bool = False, again: bool = False) -> list[str]:
    lines: list[str] = []
    steps.land_deliveries(home, folder, again=again, prune=prune, report=lines.append)
    return lines


def rows_of(home: Home, sql: str) -> list[tuple[Any, ...]]:
    with opened(home) as state:
        return state.connection.execute(sql).fetchall()


def test_a_day_after_tomorrow_does_not_land(home: Home, tmp_path: Path) -> None:
    today = beijing_now().date()
    for days in (1, 2):
        deliver(tmp_path / "landing", order(days), dt=today + timedelta(days=days))
    deliver(tmp_path / "landing", order(9), dt="2052-09-06")
    lines = land(home, tmp_path / "landing")
    assert [line for line in lines if "later than tomorrow" in line] == [
        f"warning: taobao/orders/dt={dt} is later than tomorrow, {today + timedelta(days=1)}: it does not land"
        for dt in (today + timedelta(days=2), "2052-09-06")
    ]
    assert rows_of(home, "select max(dt) from raw.deliveries") == [(today + timedelta(days=1),)]


def test_what_is_gone_stays_until_it_is_pruned(home: Home, tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    for day in (1, 2, 3):
        deliver(landing, order(day, at=f"2025-09-0{day} 10:00:00"), dt=f"2025-09-0{day}")
    two = deliver(landing, order(4, at="2025-09-03 10:00:00"), order(2, "b9"), dt="2025-09-03", file="two.csv")
    land(home, landing)
    rows_of(home, "update build.request set everything = false")  # as after a build
    shutil.rmtree(landing / "taobao" / "orders" / "dt=2025-09-01")
    two.unlink()
    for _ in range(2):
        (line,) = land(home, landing)
        assert line == (
            "warning: no longer in landing: taobao/orders/dt=2025-09-01, files of taobao/orders/dt=2025-09-03; "
            "what they delivered stays until they come again or `kefu build --prune`"
        )
        assert rows_of(home, "select count(*) from staging.taobao_orders") == [(4,)]
    lines = land(home, landing, prune=True)
    assert "dropped taobao/orders: 1 delivery that landing no longer has" in lines
    standing = rows_of(home, "select order_id, buyer_id from staging.taobao_orders order by all")
    assert standing == [("o2", "b1"), ("o3", "b1")]
    assert rows_of(home, "select dt::varchar from raw.deliveries order by all") == [("2025-09-02",), ("2025-09-03",)]
    changed = rows_of(home, "select order_id, buyer_id from changed.taobao_orders order by all")
    assert changed == [("o1", "b1"), ("o2", "b1"), ("o2", "b9"), ("o4", "b1")], "what was, and what is"
    assert rows_of(home, "select count(*) from raw.delivered_files") == [(2,)]
    assert land(home, landing) == []


def test_everything_again_drops_what_is_gone(home: Home, tmp_path: Path) -> None:
    deliver(tmp_path / "landing", order(1))
    mistyped = deliver(tmp_path / "landing", order(2), dt="2025-12-01")
    land(home, tmp_path / "landing")
    shutil.rmtree(mistyped.parent)
    land(home, tmp_path / "landing", again=True)
    assert rows_of(home, "select dt::varchar from raw.deliveries") == [("2025-09-01",)]


def test_a_file_under_another_name_is_a_new_delivery(home: Home, tmp_path: Path) -> None:
    path = deliver(tmp_path / "landing", order(1))
    land(home, tmp_path / "landing")
    path.unlink()
    deliver(tmp_path / "landing", order(2), file="other.csv")
    land(home, tmp_path / "landing")
    assert rows_of(home, "select order_id from staging.taobao_orders") == [("o2",)]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("export.csv", "files lie in <platform>/<table>/dt=YYYY-MM-DD/"),
        ("taobao/export.csv", "files lie in <platform>/<table>/dt=YYYY-MM-DD/"),
        ("taobao/orders/export.csv", "it lies in no folder dt=YYYY-MM-DD"),
        ("taobao/orders/dt=2025-09-02/", "no file lies in it; a day without rows is a file without rows"),
        ("taobao/orders/dt=2025-09-01/more/", "a folder within a delivery"),
        ("taobao/orders/dt=2025-09-01/x.xlsx", "not .csv, .csv.gz, .jsonl, .jsonl.gz, .parquet"),
        ("taobao/orders/dt=2025-09-01/x.CSV", "not .csv, .csv.gz, .jsonl, .jsonl.gz, .parquet; did you mean .csv?"),
        ("taobao/orders/dt=2025-09-01/x.json", "not .csv, .csv.gz, .jsonl, .jsonl.gz, .parquet; did you mean .jsonl?"),
        ("Taobao/", "no platform; did you mean taobao?"),
        ("tmall/", "no platform; did you mean taobao?"),
        ("淘宝/", "no platform; did you mean taobao?"),
        ("douyin/", "no platform"),
        ("taobao/order/", "no table of taobao; did you mean orders?"),
        ("kuaishou/message/", "no table of kuaishou; did you mean messages?"),
    ],
)
def test_what_is_left_out_is_told(home: Home, tmp_path: Path, path: str, said: str) -> None:
    deliver(tmp_path / "landing", order(1))
    other = tmp_path / "landing" / path
    other.mkdir(parents=True) if path.endswith("/") else other.write_text("x")
    assert f"warning: {path.rstrip('/')} is left out: {said}" in land(home, tmp_path / "landing")
    assert rows_of(home, "select count(*) from raw.taobao_orders") == [(1,)]


@pytest.mark.parametrize("folder", ["landing/taobao", "landing/taobao/orders", "landing/taobao/orders/dt=2025-09-01", "."])
def test_a_folder_near_the_landing_folder(home: Home, tmp_path: Path, folder: str) -> None:
    deliver(tmp_path / "data" / "landing", order(1))
    with pytest.raises(KefuError) as error:
        land(home, tmp_path / "data" / folder)
    assert str(error.value).endswith(f"is not the landing folder itself: did you mean {tmp_path / 'data' / 'landing'}?")


def test_a_landing_folder_without_deliveries(home: Home, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(KefuError, match=r"has no delivery: files lie in <platform>/<table>/dt=YYYY-MM-DD/$"):
        land(home, tmp_path / "empty")
    deliver(tmp_path / "landing", order(1))
    land(home, tmp_path / "landing")
    (line,) = land(home, tmp_path / "empty")
    assert line.startswith("warning: no longer in landing: taobao/orders/dt=2025-09-01;")
    with pytest.raises(KefuError, match="has no delivery"):
        land(home, tmp_path / "empty", prune=True)
    assert rows_of(home, "select count(*) from raw.taobao_orders") == [(1,)]


# What follows from it


def test_a_buyer_is_forgotten_in_whichever_way_the_file_is_written(begun_home: Path, tmp_path: Path) -> None:
    landing, home = tmp_path / "landing", begun_home
    rows = [message("问问1001", message_id=f"m{n}", user_id=str(1000 + n)) for n in range(3)]
    folder = deliver(landing, *rows, table=MESSAGES, file="plain.csv").parent
    plain = as_csv(rows)
    capitals = [{key.title(): value for key, value in row.items()} for row in rows]
    (folder / "gbk.csv").write_bytes(plain.decode().encode("gbk"))
    (folder / "semicolons.csv").write_bytes(as_csv(capitals).replace(b",", b";"))
    (folder / "floats.csv").write_bytes(plain.replace(b",1001,", b",1001.0,"))
    (folder / "utf16.jsonl").write_bytes(as_jsonl(capitals).decode().encode("utf-16"))
    with duckdb.connect() as connection:
        numbered = f"select * replace (user_id::double as user_id) from read_csv({text(str(folder / 'plain.csv'))})"
        connection.execute(f"copy ({numbered}) to {text(str(folder / 'floats.parquet'))} (format parquet)")
    build(landing, home)
    assert warehouse(home, "select sum(delivered) from raw.delivered_files") == [(18,)]
    forgotten = kefu("forget", "--buyer", "1001", "--landing", landing, "--home", home)
    assert forgotten.code == 0, forgotten.err
    assert "removed from landing kuaishou/messages: 6 rows in 6 files, and the id from the text of 12 other rows" in forgotten.out
    assert warehouse(home, "select distinct user_id, content from raw.kuaishou_messages order by all") == [
        ("1000", "问问***"),
        ("1002", "问问***"),
    ]
    assert warehouse(home, "select sum(delivered) from raw.delivered_files") == [(12,)]


def test_a_doubtful_day_is_held_back_until_it_is_delivered_anew(begun_home: Path, tmp_path: Path) -> None:
    landing, home = tmp_path / "landing", begun_home

    def day(number: int, sender: str) -> None:
        rows = [
            message(
                "在吗", message_id=f"m{number}-{n}", user_id=f"u{n}", session_id=f"c{n}", sent_at=f"2025-09-0{number} 10:00:00"
            )
            for n in range(20)
        ]
        answers = [{**row, "message_id": f"a{row['message_id']}", "sender_kind": sender, "agent_id": "x"} for row in rows]
        deliver(landing, *({**row, "agent_id": ""} for row in rows), *answers, dt=f"2025-09-0{number}", table=MESSAGES)

    day(1, "agent")
    build(landing, home)
    first = marts(home)
    day(2, "人工客服")
    out = build(landing, home).out
    assert (
        '20 rejected: sender_kind: unknown value "人工客服"; such as row 21 of kuaishou/messages/dt=2025-09-02/export.csv' in out
    )
    held = "held back: kuaishou 2025-09-02 (messages/dt=2025-09-02: 20 of 40 rows rejected)"
    assert held in out
    days = "select distinct period_end::varchar from marts.service_metrics where period = 'day' order by all"
    assert query(home, days) == [("2025-09-01",)], "the figure that lacks the answers is not published"
    assert held in build(landing, home).out
    rejected = kefu("rejected", "--home", home).out.splitlines()
    assert rejected[0].strip() == '20  kuaishou/messages: sender_kind: unknown value "人工客服"'
    assert rejected[1] == 'kuaishou/messages/dt=2025-09-02/export.csv row 21: sender_kind: unknown value "人工客服"'
    assert len(rejected) == 21 and "在吗" not in str(rejected)
    day(2, "agent")
    assert "held back" not in build(landing, home).out
    assert query(home, days) == [("2025-09-01",), ("2025-09-02",)]
    assert kefu("rejected", "--home", home).out == "no row was rejected\n"

    shutil.rmtree(landing / MESSAGES / "dt=2025-09-02")
    assert "no longer in landing: kuaishou/messages/dt=2025-09-02" in build(landing, home).out
    assert query(home, days) == [("2025-09-01",), ("2025-09-02",)]
    build(landing, home, "--prune")
    assert marts(home) == first


def test_a_check_says_what_landing_would_say_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    landing, scratch = tmp_path / "landing", tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    for dt in ("2025-09-01", "2025-09-03"):
        deliver(landing, *(order(n, at="x") for n in range(10)), order(11), dt=dt)
    (landing / "tmall").mkdir()
    outcome = kefu("check", landing)
    assert (outcome.code, outcome.err) == (0, "")
    assert "landed taobao/orders: 2 deliveries, 2 rows, 20 rejected" in outcome.out
    assert "warning: tmall is left out: no platform; did you mean taobao?" in outcome.out
    assert "warning: taobao/messages has no delivery of 3 days, such as dt=2025-09-01" in outcome.out
    assert "would be held back: taobao 2025-09-01 (orders/dt=2025-09-01: 10 of 11 rows rejected)" in outcome.out
    (landing / "taobao/orders/dt=2025-09-03/export.csv").write_bytes(b"")
    deliver(landing, message("x"), table=MESSAGES)
    outcome = kefu("check", landing)
    assert outcome.code == 1 and "landed kuaishou/messages: 1 deliveries, 1 rows" in outcome.out
    assert outcome.err.startswith("kefu: taobao/orders/dt=2025-09-03/export.csv cannot be read: the file has no header")
    assert list(scratch.iterdir()) == []


# A contract that changes


def with_contract(monkeypatch: pytest.MonkeyPatch, table: landing_contract.Table) -> None:
    changed = {**contract(), (table.platform, table.name): table}
    for module in (landing_contract, load, tables, steps, state):
        monkeypatch.setattr(module, "contract", lambda: changed)


def test_a_home_follows_the_contract(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    landing = tmp_path / "landing"
    deliver(landing, {**order(1), "channel": "app"})
    deliver(landing, order(2), dt="2025-09-02")
    deliver(landing, message("x"), message("y", message_id="m2", sender_kind="robot"), table=MESSAGES)
    deliver(landing, message("x", message_id="m3"), table=MESSAGES, dt="2025-09-02")
    land(home, landing)
    rows_of(home, "update build.request set everything = false")
    assert land(home, landing) == []

    orders_table, messages = contract()["taobao", "orders"], contract()["kuaishou", "messages"]
    channel = landing_contract.Column("channel", "varchar")
    with_contract(monkeypatch, replace(orders_table, columns=(orders_table.columns[0], channel, *orders_table.columns[1:])))
    assert [line for line in land(home, landing) if line.startswith("landed")] == ["landed taobao/orders: 1 deliveries, 1 rows"]
    assert rows_of(home, "select * from staging.taobao_orders order by all") == [
        ("o1", "app", "s1", "b1", datetime(2025, 9, 1, 10)),
        ("o2", None, "s1", "b1", datetime(2025, 9, 1, 10)),
    ]
    assert rows_of(home, "select order_id, channel from changed.taobao_orders order by all")[-2:] == [("o1", "app"), ("o1", None)]

    columns = [replace(c, values=(*c.values, "robot")) if c.name == "sender_kind" else c for c in messages.columns]
    with_contract(monkeypatch, replace(messages, columns=tuple(columns)))
    assert [line for line in land(home, landing) if line.startswith("landed")] == [
        "landed kuaishou/messages: 1 deliveries, 2 rows"
    ]
    assert rows_of(home, "from raw.rejected_rows") == []
    assert rows_of(home, "select sender_kind from staging.kuaishou_messages order by all") == [("robot",), ("user",), ("user",)]


def test_what_the_contract_does_not_take_any_more_is_rejected(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grades = contract()["taobao", "official_grades"]
    grade = {"shop_id": "s1", "month": "2025-09", "grade": "gold"}
    deliver(tmp_path / "landing", {**grade, "experience_score": "1e15"}, table=grades.label)
    deliver(tmp_path / "landing", {**grade, "experience_score": "4.8"}, table=grades.label, dt="2025-09-02")
    with monkeypatch.context() as patch:
        with_contract(patch, replace(grades, columns=tuple(replace(c, least=None, most=None) for c in grades.columns)))
        land(home, tmp_path / "landing")
        assert rows_of(home, "select max(experience_score) from raw.taobao_official_grades") == [(1e15,)]
    assert "landed taobao/official_grades: 1 deliveries, 0 rows, 1 rejected (raw.rejected_rows)" in land(
        home, tmp_path / "landing"
    )
    assert rows_of(home, "select max(experience_score) from raw.taobao_official_grades") == [(4.8,)]
