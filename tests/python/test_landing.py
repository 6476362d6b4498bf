"""The landing contract: what is delivered, in whichever format and order, is what stands."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.errors import KefuError
from orchestration.home import PROJECT
from orchestration.landing import contract as landing_contract
from orchestration.landing import load
from orchestration.landing.contract import contract, platforms
from orchestration.landing.deliveries import find_deliveries
from orchestration.landing.load import land, not_landed
from orchestration.landing.tables import create_tables
from orchestration.sql import text

Row = dict[str, Any]
CLOCK = itertools.count(1_700_000_000)


class Landing:
    """A landing folder, and a warehouse into which it lands."""

    def __init__(self, folder: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self.folder = folder
        self.connection = connection

    def path(self, table: str, dt: str, file: str) -> Path:
        return self.folder / table / f"dt={dt}" / file

    def write(self, content: bytes, table: str = "taobao/orders", dt: str = "2025-09-01", file: str = "export.csv") -> Path:
        path = self.path(table, dt, file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (moment := next(CLOCK), moment))  # the file system's own clock may tick too slowly to tell two apart
        return path

    def query(self, sql: str, table: str = "taobao/orders", dt: str = "2025-09-01", file: str = "export.parquet") -> Path:
        """Writes the result of a query as a Parquet file."""
        path = self.write(b"", table, dt, file)
        self.connection.execute(f"copy ({sql}) to {text(str(path))} (format parquet)")
        return path

    def land(self, *, again: bool = False, record_changes: bool = False) -> list[str]:
        """Lands what is new. Returns the line of each table; what else was told is in `told`."""
        self.told: list[str] = []
        inventory = find_deliveries(self.folder, contract())
        new = inventory.deliveries if again else not_landed(self.connection, inventory)
        land(self.connection, new, record_changes=record_changes, report=self.told.append)
        return [line for line in self.told if line.startswith("landed ")]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()

    def standing(self, table: str = "taobao_orders") -> list[tuple[Any, ...]]:
        return self.rows(f"select * from staging.{table} order by all")

    def rejected(self) -> list[tuple[Any, ...]]:
        return self.rows("select row_number, reason from raw.rejected_rows order by dt, file, row_number")


@pytest.fixture
def landing(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> Landing:
    return empty(tmp_path / "landing", connection)


def empty(folder: Path, connection: duckdb.DuckDBPyConnection) -> Landing:
    """A landing folder and a warehouse without rows, which was made by the contract of now."""
    folder.mkdir()
    for schema, table in connection.execute(
        """
        select schema_name, table_name from duckdb_tables()
        where estimated_size > 0 and not temporary and table_name <> 'read_with'
        """
    ).fetchall():
        connection.execute(f"delete from {schema}.{table}")
    return Landing(folder, connection)


def as_csv(rows: Sequence[Row], line_end: str = "\r\n") -> bytes:
    lines = io.StringIO()
    writer = csv.DictWriter(lines, list(rows[0]), lineterminator=line_end)
    writer.writeheader()
    writer.writerows(rows)
    return lines.getvalue().encode()


def as_jsonl(rows: Sequence[Row]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def order(number: object, buyer: object = "b1", at: object = "2025-09-01 10:00:00", **more: object) -> Row:
    return {"order_id": f"o{number}", "shop_id": "s1", "buyer_id": buyer, "created_at": at, **more}


def orders(*rows: Row) -> bytes:
    return as_csv(rows)


def metric(**more: object) -> Row:
    return {"shop_id": "s1", "metric": "m", "period": "day", "period_end": "2025-09-01", "value": "0.5", **more}


MESSAGES = "kuaishou/messages"


def message(content: object = None, **more: object) -> Row:
    keys = {"message_id": "m1", "session_id": "c1", "shop_id": "s1", "user_id": "u1", "sender_kind": "user"}
    return {**keys, "content": content, "sent_at": "2025-09-01 10:00:00", **more}


# Formats

SETTINGS = "taobao/priority_settings"
SETTING = {"setting_id": "p1", "shop_id": "s1", "saved_at": "2025-09-01 10:00:00.5"}
SETTING_ROW = ("p1", "s1", datetime(2025, 9, 1, 10, 0, 0, 500000), True, ["a", "b", "c"], False, True)
SETTING_TEXT = {**SETTING, "is_enabled": "true", "audience_ids": "a|b|c", "queue_enabled": "0", "bot_first_enabled": "1"}
SETTING_JSON = {**SETTING, "is_enabled": True, "audience_ids": ["a", "b", "c"], "queue_enabled": 0, "bot_first_enabled": 1}
SETTING_SQL = (
    "select 'p1' as setting_id, 's1' as shop_id, {} as saved_at, {} as is_enabled,"
    " {} as audience_ids, {} as queue_enabled, {} as bot_first_enabled"
)


def test_the_contract_is_every_file_but_those_of_the_pipeline_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(PROJECT / "models" / "sources", tmp_path / "models" / "sources")
    shutil.copy(PROJECT / "vars.yml", tmp_path)
    (tmp_path / "models" / "sources" / "_pipeline.yml").write_text("sources: [{name: build, tables: [{name: request}]}]")
    monkeypatch.setattr(landing_contract, "PROJECT", tmp_path)
    assert contract.__wrapped__() == contract()
    assert platforms() == sorted({platform for platform, _ in contract()})


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("x.csv", as_csv([SETTING_TEXT])),
        ("x.csv", as_csv([SETTING_TEXT], "\n")),
        ("x.csv", b"\xef\xbb\xbf" + as_csv([SETTING_TEXT])),
        ("x.csv", as_csv([SETTING_TEXT]).rstrip()),
        ("x.csv", as_csv([{**SETTING_TEXT, "audience_ids": '["a", "b", "c"]', "is_enabled": "TRUE"}])),
        ("x.csv", as_csv([dict(reversed(SETTING_TEXT.items()))])),
        ("x.csv.gz", gzip.compress(as_csv([SETTING_TEXT]))),
        ("x.csv.gz", gzip.compress(b"\xef\xbb\xbf" + as_csv([SETTING_TEXT]))),
        ("x.jsonl", as_jsonl([SETTING_JSON])),
        ("x.jsonl", b"\xef\xbb\xbf" + as_jsonl([SETTING_JSON]).replace(b"\n", b"\r\n")),
        ("x.jsonl", b"\n" + as_jsonl([SETTING_JSON]) + b"\n\n"),
        ("x.jsonl", as_jsonl([SETTING_TEXT])),
        ("x.jsonl.gz", gzip.compress(as_jsonl([SETTING_JSON]))),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else value,
)
def test_text_formats_give_the_same_row(landing: Landing, file: str, content: bytes) -> None:
    landing.write(content, SETTINGS, file=file)
    landing.land()
    assert landing.standing("taobao_priority_settings") == [SETTING_ROW]


@pytest.mark.parametrize(
    "values",
    [
        ("timestamp '2025-09-01 10:00:00.5'", "true", "['a', 'b', 'c']", "false", "true"),
        ("timestamptz '2025-09-01 02:00:00.5Z'", "true", "'a|b|c'", "0", "1"),
        ("timestamp_ns '2025-09-01 10:00:00.5'", "true", '\'["a", "b", "c"]\'', "0", "1"),
        ("'2025-09-01T10:00:00.500'", "'true'", "encode('a|b|c')", "'0'", "'1'"),
        ("1756692000500", "1", "['a', 'b', 'c']", "0", "1"),
        ("1756692000500::double", "1", "['a', 'b', 'c']", "0", "1"),
    ],
)
def test_parquet_types_give_the_same_row(landing: Landing, values: tuple[str, ...]) -> None:
    landing.query(SETTING_SQL.format(*values), SETTINGS)
    landing.land()
    assert landing.standing("taobao_priority_settings") == [SETTING_ROW]


def test_files_of_one_dt_may_differ_in_format_columns_and_types(landing: Landing) -> None:
    landing.write(as_csv([order(1)]), file="1.csv")
    landing.write(as_csv([dict(reversed(order(2, extra="x").items()))]), file="2.csv")
    landing.write(as_jsonl([order(3, other="x")]), file="3.jsonl")
    keys = "'s1' as shop_id, 'b1' as buyer_id"
    landing.query(f"select 'o4' as order_id, {keys}, timestamp '2025-09-01 10:00:00' as created_at", file="4.parquet")
    landing.query(f"select 1756692000000 as created_at, 'o5' as order_id, {keys}", file="5.parquet")
    (line,) = landing.land()
    assert "5 rows" in line and "unknown columns left out: extra, other" in line
    assert landing.rows("select unknown_columns from raw.deliveries") == [(["extra", "other"],)]
    assert {row[1:] for row in landing.standing()} == {("s1", "b1", datetime(2025, 9, 1, 10))}
    assert landing.rows("select _file, _row from raw.taobao_orders order by order_id") == [
        (f"taobao/orders/dt=2025-09-01/{file}", 1) for file in ("1.csv", "2.csv", "3.jsonl", "4.parquet", "5.parquet")
    ]


def test_every_table_of_the_contract_lands(landing: Landing) -> None:
    samples = {"timestamp": "2025-09-01 10:00:00", "date": "2025-09-01", "boolean": "true", "integer": "1", "double": "0.5"}
    patterns = {"month": "2025-09", "opens_at": "09:00", "closes_at": "24:00"}
    for table in contract().values():
        row = {
            column.name: column.values[0] if column.values else patterns.get(column.name, samples.get(column.data_type, "x"))
            for column in table.columns
        }
        for file, content in {"a.csv": as_csv([row]), "b.jsonl": as_jsonl([row])}.items():
            landing.write(content, table.label, file=file)
    landing.land()
    assert landing.rejected() == []
    assert landing.rows("select platform, table_name, files, row_count from raw.deliveries order by all") == [
        (*label, 2, 1) for label in sorted(contract())
    ]


# Times and other values


@pytest.mark.parametrize(
    ("delivered", "read"),
    [
        ("2025-09-01 10:00:00", datetime(2025, 9, 1, 10)),
        ("2025-09-01T10:00:00", datetime(2025, 9, 1, 10)),
        ("2025-09-01 10:00:00.123", datetime(2025, 9, 1, 10, 0, 0, 123000)),
        ("2025-09-01T10:00:00.123456", datetime(2025, 9, 1, 10, 0, 0, 123456)),
        ("2025-09-01T02:00:00Z", datetime(2025, 9, 1, 10)),
        ("2025-09-01T02:00:00.250Z", datetime(2025, 9, 1, 10, 0, 0, 250000)),
        ("2025-09-01T10:00:00+08:00", datetime(2025, 9, 1, 10)),
        ("2025-09-01 10:00:00+0800", datetime(2025, 9, 1, 10)),
        ("2025-09-01 10:00:00.5+08", datetime(2025, 9, 1, 10, 0, 0, 500000)),
        ("2025-08-31T21:30:00-04:30", datetime(2025, 9, 1, 10)),
        ("1756692000000", datetime(2025, 9, 1, 10)),
        (1756692000123, datetime(2025, 9, 1, 10, 0, 0, 123000)),
        ("2025-08-31T16:00:00Z", datetime(2025, 9, 1)),
        ("1756692000", datetime(2025, 9, 1, 10)),
        ("2025/9/1 10:00", datetime(2025, 9, 1, 10)),
        ("2025/09/01 10:00:00.5", datetime(2025, 9, 1, 10, 0, 0, 500000)),
        ("2025-9-1 9:05", datetime(2025, 9, 1, 9, 5)),
        ("2025年9月1日 9:05", datetime(2025, 9, 1, 9, 5)),
        ("2025年09月01日 09:05:30", datetime(2025, 9, 1, 9, 5, 30)),
    ],
)
@pytest.mark.parametrize("form", [as_csv, as_jsonl])
def test_times(landing: Landing, form: Callable[[Sequence[Row]], bytes], delivered: object, read: datetime) -> None:
    landing.write(form([order(1, at=delivered)]), file=f"x.{form.__name__[3:]}")
    landing.land()
    assert [row[3] for row in landing.standing()] == [read]


@pytest.mark.parametrize(
    "delivered",
    [
        *("2023-02-30 00:00:00", "2025-13-01 00:00:00", "2025-09-01 25:00:00", "2025-09-01", "yesterday", "0000-01-01 00:00:00"),
        *(
            "0756692000",
            "17566920000000",
            "2025/9/1",
            "1/9/2025 10:00",
            "2025/9-1 10:00",
            "2025年9月1 10:00",
            "2025-09-01 10:00:00+99",
            "2025-09-01 10:00:00+08:99",
            "01.09.2025 10:00",
            "now",
        ),
    ],
)
def test_what_is_no_time_rejects_its_row(landing: Landing, delivered: str) -> None:
    landing.write(orders(order(1), order(2, at=delivered), order(3)))
    landing.land()
    assert landing.rejected() == [(2, f'created_at: not a time "{delivered}"')]
    assert [row[0] for row in landing.standing()] == ["o1", "o3"]


@pytest.mark.parametrize(
    "content",
    [
        *("a, b", 'say "hi"', "two\nlines", "two\r\nlines", "亲，在吗？😀👨‍👩‍👧", "[1]", '{"a": 1}'),
        *("NULL", "null", "None", "NaN", "\\N", "#"),
        *("tab\there", "back\\slash", "semi;colon", " spaces ", "''", '"', ",", "-", "1e5", "x" * 1_000_000),
    ],
    ids=lambda content: repr(content[:20]),
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "jsonl", "parquet"], ids=repr)
def test_content_lands_as_it_is(landing: Landing, content: str, line_end: str) -> None:
    rows = [message(content), message("next", message_id="m2")]
    if line_end == "parquet":
        landing.query(
            " union all ".join(
                "select " + ", ".join(f"{text(value)} as {column}" for column, value in row.items()) for row in rows
            ),
            MESSAGES,
        )
    elif line_end == "jsonl":
        landing.write(as_jsonl(rows), MESSAGES, file="x.jsonl")
    else:
        landing.write(as_csv(rows, line_end), MESSAGES)
    landing.land()
    assert landing.rows("select content from staging.kuaishou_messages order by message_id") == [(content,), ("next",)]


def test_content_that_looks_like_rows_stays_content(landing: Landing) -> None:
    inner = "\n".join(["m9,c9,s9,u9,user,x,2025-09-01 10:00:00", '"m9",c9,s9,u9,user,"x",2025-09-01 10:00:00'] * 400)
    rows = [message(inner, message_id=f"m{number}") for number in range(1500)]  # more than DuckDB reads at once
    landing.write(as_csv(rows, "\n"), MESSAGES)
    landing.land()
    assert landing.rows("select count(*), count(distinct content), count(distinct message_id) from raw.kuaishou_messages") == [
        (1500, 1, 1500)
    ]
    assert landing.rejected() == []


def test_json_values_that_are_no_texts(landing: Landing) -> None:
    rows = [
        message({"text": "hi", "to": [1]}, message_id=12345678901234567890123),
        message([1, "a"], message_id=2, agent_id=True),
        message(1.5, message_id="3", agent_id=None),
    ]
    landing.write(as_jsonl(rows), MESSAGES, file="x.jsonl")
    landing.land()
    assert landing.rows("select message_id, content, agent_id from staging.kuaishou_messages order by all") == [
        ("12345678901234567890123", '{"text":"hi","to":[1]}', None),
        ("2", '[1,"a"]', "true"),
        ("3", "1.5", None),
    ]


def test_empty_is_null_and_defaults_fill_in(landing: Landing) -> None:
    account = {"shop_id": "s1", "account_type": "sub"}
    empty = {"display_name": "", "is_second_line": "", "disabled_at": ""}
    landing.write(as_csv([{"account_id": "a1", **account, **empty}]), "taobao/accounts", "2025-09-01")
    landing.write(as_csv([{"account_id": "a2", **account}]), "taobao/accounts", "2025-09-02")
    landing.write(as_csv([message("", message_type=""), message("x", message_id="m2", message_type="image")]), MESSAGES)
    landing.land()
    assert landing.standing("taobao_accounts") == [("a1", "s1", "sub", None, False, None), ("a2", "s1", "sub", None, False, None)]
    messages = landing.rows("select message_type, content from staging.kuaishou_messages order by all")
    assert messages == [("image", "x"), ("text", None)]


@pytest.mark.parametrize(("delivered", "read"), [("", []), ("a", ["a"]), ("a|b", ["a", "b"]), ('["a|b"]', ["a|b"]), ("[]", [])])
def test_lists(landing: Landing, delivered: str, read: list[str]) -> None:
    landing.write(as_csv([{**SETTING_TEXT, "audience_ids": delivered}]), SETTINGS)
    landing.land()
    assert [row[4] for row in landing.standing("taobao_priority_settings")] == [read]


@pytest.mark.parametrize(
    ("table", "row", "reason"),
    [
        ("taobao/orders", {**order(1), "order_id": ""}, "order_id: missing"),
        ("taobao/orders", {**order(1, buyer=""), "created_at": "x"}, 'buyer_id: missing; created_at: not a time "x"'),
        (MESSAGES, message("x", sender_kind="ghost"), 'sender_kind: unknown value "ghost"'),
        (SETTINGS, {**SETTING_TEXT, "queue_enabled": "yes"}, 'queue_enabled: not a boolean "yes"'),
        (SETTINGS, {**SETTING_TEXT, "audience_ids": "[1"}, 'audience_ids: not readable "[1"'),
        ("taobao/official_metrics", metric(value="nan"), 'value: not readable "nan"'),
        ("taobao/official_metrics", metric(value="1_0"), 'value: not readable "1_0"'),
        ("taobao/official_metrics", metric(value="1e999"), 'value: not readable "1e999"'),
        ("taobao/official_metrics", metric(period_end="2023-02-30"), 'period_end: not a date "2023-02-30"'),
        (
            "taobao/rating_submissions",
            {"submission_id": "r1", "card_id": "c1", "eval_code": "3.7", "submitted_at": "2025-09-01 10:00:00"},
            'eval_code: unknown value "3.7"',
        ),
        (
            "taobao/official_grades",
            {"shop_id": "s1", "month": "2025-13", "grade": "gold"},
            'month: not readable "2025-13"',
        ),
        (
            "xiaohongshu/work_hours",
            {"shop_id": "s1", "valid_from": "2025-09-01", "opens_at": "09:00", "closes_at": "24:01"},
            'closes_at: not readable "24:01"',
        ),
        (
            "kuaishou/session_events",
            {
                **{"event_id": "e1", "session_id": "c1", "shop_id": "s1", "user_id": "u1", "agent_id": ""},
                **{"event_type": "transferred", "occurred_at": "2025-09-01 10:00:00"},
            },
            "agent_id: missing where event_type is transferred",
        ),
    ],
)
@pytest.mark.parametrize("form", [as_csv, as_jsonl])
def test_rejected_rows_say_why(
    landing: Landing, form: Callable[[Sequence[Row]], bytes], table: str, row: Row, reason: str
) -> None:
    ending = form.__name__[3:]
    landing.write(form([row]), table, "2025-09-03", f"x.{ending}")
    (line,) = landing.land()
    assert line == f"landed {table}: 1 deliveries, 0 rows, 1 rejected (raw.rejected_rows)"
    assert landing.rows("select platform || '/' || table_name, dt::varchar, file, row_number, reason from raw.rejected_rows") == [
        (table, "2025-09-03", f"{table}/dt=2025-09-03/x.{ending}", 1, reason)
    ]
    ((raw,),) = landing.rows("select raw_row from raw.rejected_rows")
    assert json.loads(raw) == {column: value or (None if form is as_csv else value) for column, value in row.items()}
    assert landing.rows("select row_count, rejected_row_count from raw.deliveries") == [(0, 1)]


def test_a_parquet_row_is_rejected_as_text(landing: Landing) -> None:
    landing.query(
        "select 'o1' as order_id, 's1' as shop_id, null as buyer_id, timestamp '2025-09-01 10:00:00' as created_at, '😀' as x"
    )
    landing.land()
    ((reason, raw),) = landing.rows("select reason, raw_row from raw.rejected_rows")
    assert (reason, json.loads(raw)["x"]) == ("buyer_id: missing", "😀")


def test_an_event_that_assigns_nobody_needs_no_account(landing: Landing) -> None:
    event = {"event_id": "e1", "session_id": "c1", "shop_id": "s1", "user_id": "u1", "event_type": "closed"}
    landing.write(as_csv([{**event, "occurred_at": "2025-09-01 10:00:00"}]), "kuaishou/session_events")
    landing.land()
    assert landing.rejected() == []


# Broken rows


def test_broken_csv_rows_are_rejected_and_the_others_keep_their_numbers(landing: Landing) -> None:
    good = "o{},s1,b1,2025-09-01 10:00:00"
    lines = [
        *("order_id,shop_id,buyer_id,created_at", good.format(1), "o2,s1", "o3,s1,b1,x", "o4,s1", good.format(5) + ",y"),
        *('o6,s1,"b\r\n1",2025-09-01 10:00:00', "o7,s1,b\udcff,2025-09-01 10:00:00", "o8,,b1,2025-09-01 10:00:00"),
        *(good.format(9), 'o10,s1,"b"1,2025-09-01 10:00:00', "o11,s1,b1,", good.format(12)),
    ]
    landing.write("\r\n".join([*lines, ""]).encode("utf-8", "surrogateescape"))
    landing.land()
    assert landing.rejected() == [
        (2, "buyer_id: missing, the row ends before it"),
        (3, 'created_at: not a time "x"'),
        (4, "buyer_id: missing, the row ends before it"),
        (5, "more values than the header has columns"),
        (7, "buyer_id: not UTF-8"),
        (8, "shop_id: missing"),
        (10, "buyer_id: its quotes do not enclose the value"),
        (11, "created_at: missing"),
    ]
    numbers = landing.rows("select order_id, _row from raw.taobao_orders order by _row")
    assert numbers == [("o1", 1), ("o6", 6), ("o9", 9), ("o12", 12)]
    assert landing.rows("select raw_row from raw.rejected_rows where row_number = 2") == [("o2,s1",)]


def test_a_quote_within_a_value_opens_nothing(landing: Landing) -> None:
    landing.write(b'order_id,shop_id,buyer_id,created_at\no1,s1,b"1,2025-09-01 10:00:00\no2,s1,b2,2025-09-01 10:00:00\n')
    landing.land()
    landed = landing.rows("select order_id, buyer_id from raw.taobao_orders order by all")
    assert (landed, landing.rejected()) == ([("o1", 'b"1'), ("o2", "b2")], [])


def test_broken_rows_before_the_first_and_after_the_last(landing: Landing) -> None:
    landing.write(b"order_id,shop_id,buyer_id,created_at\nx\nx\no3,s1,b1,2025-09-01 10:00:00\nx\n", file="a.csv")
    landing.write(b"order_id,shop_id,buyer_id,created_at\nx\n", file="b.csv")
    landing.write(orders(order(1), order(2)), file="c.csv")
    landing.land()
    assert [row[0] for row in landing.rejected()] == [1, 2, 4, 1]
    assert landing.rows("select order_id, _row from raw.taobao_orders order by _file, _row") == [("o3", 3), ("o1", 1), ("o2", 2)]


def test_broken_json_lines_are_rejected(landing: Landing) -> None:
    good = as_jsonl([order(1)]).strip()
    broken = [b"[1]", b"3", b'"x"', b"null", b"{", b"\xff", b"x\x01y", b"{}"]
    landing.write(b"\n".join([*broken, good]), file="x.jsonl")
    landing.land()
    reasons = [reason for _, reason in landing.rejected()]
    assert [number for number, _ in landing.rejected()] == list(range(1, 9))
    assert reasons[:5] == ["not a JSON object"] * 5
    assert reasons[5:7] == ["not UTF-8", "not a JSON object"]
    assert reasons[7].startswith("order_id: missing; shop_id: missing")
    assert landing.rows("select order_id, _row from raw.taobao_orders") == [("o1", 9)]


def test_a_delivery_replaces_its_rejected_rows(landing: Landing) -> None:
    landing.write(orders(order(1, at="x"), order(2, at="y")))
    landing.write(orders(order(3, at="z")), dt="2025-09-02")
    landing.land()
    landing.write(orders(order(1), order(2, at="w")))
    landing.land()
    assert landing.rejected() == [(2, 'created_at: not a time "w"'), (1, 'created_at: not a time "z"')]


def test_row_numbers_of_large_files(landing: Landing) -> None:
    time = "case when i % 1000 = 7 then 'x' else '2025-09-01 10:00:00' end"
    columns = f"'o' || i as order_id, 's1' as shop_id, 'b1' as buyer_id, {time} as created_at"
    for dt, file in (("2025-09-01", "x.parquet"), ("2025-09-02", "x.csv"), ("2025-09-03", "x.jsonl")):
        for half in (0, 1):
            path = landing.write(b"", dt=dt, file=f"{half}{file}")
            ending = {"csv": "format csv, header", "jsonl": "format json", "parquet": "format parquet"}[file[2:]]
            rows = f"from range({half} * 150000, {half} * 150000 + 150000) t(i)"
            landing.connection.execute(f"copy (select {columns} {rows}) to {text(str(path))} ({ending})")
    landing.land()
    number = "_row - 1 + case when _file like '%/1x.%' then 150000 else 0 end"
    wrong = f"count(*) filter (where order_id <> 'o' || ({number}))"
    assert landing.rows(f"select count(*), {wrong} from raw.taobao_orders") == [(899100, 0)]
    assert landing.rows("select count(*), count(*) filter (where row_number % 1000 <> 8) from raw.rejected_rows") == [(900, 0)]


# Which row stands


def test_the_later_dt_file_and_row_stand(landing: Landing) -> None:
    landing.write(orders(order(1, "old"), order(2, "first row"), order(2, "later row")), file="a.csv")
    landing.write(orders(order(1, "later file"), order(3, "old dt")), file="b.csv")
    landing.write(orders(order(3, "later dt"), order(3, at="x")), dt="2025-09-02")
    (line,) = landing.land()
    assert line.endswith(": 2 deliveries, 4 rows, 1 rejected (raw.rejected_rows), 2 repeated keys, the later row stands")
    assert [(row[0], row[2]) for row in landing.standing()] == [("o1", "later file"), ("o2", "later row"), ("o3", "later dt")]


def test_keys_with_a_null(landing: Landing) -> None:
    landing.write(as_csv([metric(account_id="", value="1"), metric(account_id="a", value="2")]), "taobao/official_metrics")
    landing.write(as_csv([metric(value="3"), metric(value="4")]), "taobao/official_metrics", "2025-09-02")
    landing.land()
    assert landing.rows("select account_id, value from staging.taobao_official_metrics order by all") == [("a", 2.0), (None, 4.0)]
    shutil.rmtree(landing.folder)
    landing.write(as_csv([metric(account_id="b")]), "taobao/official_metrics", "2025-09-02")
    landing.land()
    rows = landing.rows("select account_id, value from staging.taobao_official_metrics order by all")
    assert rows == [("a", 2.0), ("b", 0.5), (None, 1.0)]


def test_a_dt_delivered_again_replaces_that_dt(landing: Landing) -> None:
    landing.write(orders(order(1, "dt 1"), order(2, "dt 1")))
    landing.write(orders(order(2, "dt 2"), order(3, "dt 2"), order(4, "dt 2")), dt="2025-09-02", file="old name.csv")
    landing.land()
    landing.path("taobao/orders", "2025-09-02", "old name.csv").unlink()
    landing.write(orders(order(3, "again")), dt="2025-09-02", file="new name.csv")
    landing.land()
    assert [(row[0], row[2]) for row in landing.standing()] == [("o1", "dt 1"), ("o2", "dt 1"), ("o3", "again")]


def test_lateness_is_counted_per_dt(landing: Landing) -> None:
    """In days between event and dt; an event after its dt is not late, a row that is rejected or that has no time not counted."""

    def lateness() -> list[tuple[Any, ...]]:
        return landing.rows("select table_name, dt::varchar, days_late, row_count from raw.delivery_lateness order by all")

    times = ("2025-09-01 00:00:00", "2025-09-01 23:59:59", "2025-09-02 12:00:00", "2025-09-04 10:00:00", "x")
    landing.write(orders(*(order(number, at=time) for number, time in enumerate(times))), dt="2025-09-03")
    landing.write(orders(order(1, at="2025-09-01 10:00:00")), dt="2025-09-10")
    landing.write(as_csv([{"account_id": "a1", "shop_id": "s1", "account_type": "sub"}]), "taobao/accounts", "2025-09-03")
    landing.land()
    expected = [("orders", "2025-09-03", 0, 1), ("orders", "2025-09-03", 1, 1), ("orders", "2025-09-03", 2, 2)]
    assert lateness() == [*expected, ("orders", "2025-09-10", 9, 1)]
    landing.write(orders(order(1, at="2025-09-10 10:00:00")), dt="2025-09-10")
    landing.land()
    assert lateness() == [*expected, ("orders", "2025-09-10", 0, 1)]
    landing.connection.execute("drop table raw.delivery_lateness")  # a home from before there was one
    create_tables(landing.connection)
    assert lateness() == [*expected, ("orders", "2025-09-10", 0, 1)]
    create_tables(landing.connection)
    landing.land(again=True)
    assert lateness() == [*expected, ("orders", "2025-09-10", 0, 1)]


def test_landing_twice_changes_nothing(landing: Landing) -> None:
    landing.write(orders(order(1), order(2, at="x")))
    tables = ("raw.taobao_orders", "raw.deliveries", "raw.rejected_rows", "raw.delivery_lateness")
    landing.land()
    before = [landing.rows(f"from {table}") for table in tables]
    assert landing.land() == []
    assert [landing.rows(f"from {table}") for table in tables] == before
    assert len(landing.land(again=True, record_changes=True)) == 1
    assert landing.rows("select * exclude _landed_at from raw.taobao_orders") == [(*before[0][0][:7], True)]
    assert landing.rows("from changed.taobao_orders") == []


def test_changed_holds_the_versions_that_differ(landing: Landing) -> None:
    def changes() -> list[tuple[Any, ...]]:
        found = landing.rows("select order_id, buyer_id from changed.taobao_orders order by all")
        landing.connection.execute("delete from changed.taobao_orders")
        return found

    landing.write(orders(order(1), order(2), order(3)), dt="2025-09-01")
    landing.land(record_changes=True)
    assert changes() == [("o1", "b1"), ("o2", "b1"), ("o3", "b1")]
    landing.write(orders(order(3), order(2, "new"), order(1)), dt="2025-09-01")
    landing.land(record_changes=True)
    assert changes() == [("o2", "b1"), ("o2", "new")]
    landing.write(orders(order(3), order(2, "newer")), dt="2025-09-02")  # order 3 as it was
    landing.land(record_changes=True)
    assert changes() == [("o2", "new"), ("o2", "newer")]
    landing.write(orders(order(1, "unseen"), order(2, "unseen"), order(3)), dt="2025-08-31")
    landing.land(record_changes=True)
    assert changes() == []
    landing.write(orders(order(4, at="x")), dt="2025-09-01")
    landing.land(record_changes=True)
    assert changes() == [("o1", "b1"), ("o1", "unseen")]
    landing.write(orders(order(5)), dt="2025-09-03")
    landing.land(record_changes=False)
    assert changes() == []


DTS = ["2025-09-01", "2025-09-02", "2025-09-03"]
Delivery = tuple[str, list[list[tuple[int, str, bool]]]]  # dt; per file the rows: key, value, whether it can be read
ROWS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from("xyz"), st.sampled_from([True, True, True, False])), max_size=4)
DELIVERIES = st.lists(st.tuples(st.sampled_from(DTS), st.lists(ROWS, min_size=1, max_size=2)), min_size=1, max_size=5)


def _standing(deliveries: Sequence[Delivery]) -> dict[str, str]:
    """Last write wins, in plain Python."""
    return {
        f"o{key}": value
        for _, files in sorted(dict(deliveries).items())
        for rows in files
        for key, value, is_readable in rows
        if is_readable
    }


def _deliver(landing: Landing, delivery: Delivery) -> None:
    dt, files = delivery
    shutil.rmtree(landing.path("taobao/orders", dt, "x").parent, ignore_errors=True)
    for number, rows in enumerate(files):
        lines = [order(key, value, "2025-09-01 10:00:00" if is_readable else "x") for key, value, is_readable in rows]
        landing.write(orders(*lines) if lines else orders(order(0)).splitlines()[0], dt=dt, file=f"{number}.csv")


@contextmanager
def _fresh(connection: duckdb.DuckDBPyConnection) -> Iterator[Landing]:
    with tempfile.TemporaryDirectory() as folder:
        yield empty(Path(folder) / "landing", connection)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deliveries=DELIVERIES, seed=st.randoms(use_true_random=False))
def test_the_last_write_wins_in_any_order(connection: duckdb.DuckDBPyConnection, deliveries: list[Delivery], seed: Any) -> None:
    standing: dict[str, str] = {}
    with _fresh(connection) as landing:
        for number, delivery in enumerate(deliveries, start=1):
            _deliver(landing, delivery)
            landing.land(record_changes=True)
            after = _standing(deliveries[:number])
            assert dict(landing.rows("select order_id, buyer_id from staging.taobao_orders")) == after
            changed = landing.rows("select order_id, buyer_id from changed.taobao_orders")
            assert sorted(changed) == sorted(standing.items() ^ after.items())
            connection.execute("delete from changed.taobao_orders")
            standing = after
        kept = landing.rows("select * exclude _landed_at from raw.taobao_orders order by all")
    last = list(dict(deliveries).items())  # only the last delivery of a dt is still there to land
    seed.shuffle(last)
    with _fresh(connection) as landing:
        for at_once in (last[:1], last[1:]):
            for delivery in at_once:
                _deliver(landing, delivery)
            landing.land()
        assert landing.rows("select * exclude _landed_at from raw.taobao_orders order by all") == kept


# Files that cannot be read


GOOD = orders(order(1, "new"), order(9, "new"))


def _parquet(change: Callable[[bytes], bytes]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.parquet"
        columns = (
            "'o' || i as order_id, 's1' as shop_id, md5(i::varchar) as buyer_id, timestamp '2025-09-01 10:00:00' as created_at"
        )
        duckdb.execute(f"copy (select {columns} from range(20000) t(i)) to {text(str(path))}")
        return change(path.read_bytes())


@pytest.mark.parametrize(
    ("file", "content", "wrong"),
    [
        ("z.csv", b"", "cannot be read: the file has no header"),
        ("z.csv.gz", gzip.compress(b""), "cannot be read: the file has no header"),
        ("z.csv", b"order_id,shop_id,created_at\no1,s1,2025-09-01 10:00:00\n", "lacks required column buyer_id"),
        ("z.csv", b"order_id,shop_id,buyer_id,created_at,Buyer_ID\n", "cannot be read: a column stands twice in the header"),
        (
            "z.csv",
            "order_id,门店\n".encode("gbk"),
            "lacks required column shop_id, buyer_id, created_at; its columns are order_id, 门店",
        ),
        ("z.csv", bytes(range(256)) * 20, "lacks required column "),
        ("z.csv", bytes(range(255, 0, -1)) * 20, "cannot be read: 'utf-8' codec can't decode"),
        ("z.csv", orders(order(1), order(2)).replace(b"\r\n", b"\n", 2), "cannot be read: its line ends are mixed"),
        (
            "z.csv",
            b'order_id,shop_id,buyer_id,created_at\no1,s1,"b1,2025-09-01 10:00:00\no2,s1,b1,2025-09-01 10:00:00\n',
            "cannot be read: a quote in its row from line 2 on is not closed before its end",
        ),
        (
            "z.csv.gz",
            gzip.compress(b'order_id,shop_id,buyer_id,created_at\no1,s1,"b\n1",2025-09-01 10:00:00\no2,s1,"b'),
            "cannot be read: a quote in its row from line 4 on is not closed before its end",
        ),
        ("z.csv.gz", GOOD, "cannot be read: Not a gzipped file"),
        ("z.csv.gz", gzip.compress(orders(*map(order, range(5000))))[:-5000], "cannot be read: Compressed file ended before"),
        ("z.csv.gz", gzip.compress(GOOD)[:-8] + bytes(8), "cannot be read: CRC check failed"),
        ("z.jsonl.gz", gzip.compress(as_jsonl([order(1)]))[:-9], "cannot be read: Compressed file ended before"),
        ("z.jsonl", b"\xff\xfe\x00\n\xff\x01", "cannot be read: no line of it is a JSON object"),
        ("z.jsonl", GOOD, "cannot be read: no line of it is a JSON object"),
        ("z.jsonl", as_jsonl([{"order_id": "o1"}]), "lacks required column shop_id, buyer_id, created_at"),
        ("z.parquet", b"", "cannot be read: Invalid Input Error: File"),
        ("z.parquet", GOOD, "cannot be read: Invalid Input Error: "),
        ("z.parquet", _parquet(lambda file: file[: len(file) // 2]), "cannot be read: Invalid Input Error: No magic bytes"),
        ("z.parquet", _parquet(lambda file: file[:50000] + bytes(9000) + file[59000:]), "cannot be read: "),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else value,
)
def test_a_file_that_cannot_be_read_stops_its_platform_only(landing: Landing, file: str, content: bytes, wrong: str) -> None:
    landing.write(orders(order(1, "old"), order(2, "old")), file="a.csv")
    landing.land()
    standing = landing.standing()
    landing.write(GOOD, file="a.csv")
    landing.write(GOOD, dt="2025-09-02", file="a.csv")
    landing.write(content, dt="2025-09-02", file=file)
    landing.write(as_csv([message("x")]), MESSAGES)
    landing.write(as_csv([{"shop_id": "s1", "marketplace": "tmall"}]), "taobao/shops")
    with pytest.raises(KefuError) as error:
        landing.land()
    assert str(error.value).startswith(f"taobao/orders/dt=2025-09-02/{file} {wrong}")
    assert "\n" not in str(error.value)
    assert landing.standing() == standing
    assert landing.rows("select count(*) from raw.taobao_orders") == [(2,)]
    assert landing.rows("select dt::varchar, row_count from raw.deliveries where table_name = 'orders'") == [("2025-09-01", 2)]
    assert landing.rejected() == []
    assert (len(landing.standing("kuaishou_messages")), len(landing.standing("taobao_shops"))) == (1, 0)
    landing.write(GOOD, dt="2025-09-02", file="b.csv")
    landing.path("taobao/orders", "2025-09-02", file).unlink()
    landing.land()
    assert [(row[0], row[2]) for row in landing.standing()] == [("o1", "new"), ("o9", "new")]


@pytest.mark.parametrize(
    ("file", "content"),
    [("x.csv", GOOD.splitlines()[0]), ("x.jsonl", b""), ("x.jsonl", b"\n\n"), ("x.jsonl.gz", gzip.compress(b""))],
    ids=["header", "empty", "blank", "empty gzip"],
)
def test_a_delivery_without_rows_is_one(landing: Landing, file: str, content: bytes) -> None:
    landing.write(orders(order(1)), file="x.csv")
    landing.land()
    landing.path("taobao/orders", "2025-09-01", "x.csv").unlink()
    landing.write(content, file=file)
    assert landing.land() == ["landed taobao/orders: 1 deliveries, 0 rows"]
    assert landing.standing() == []
    assert landing.rows("select row_count, rejected_row_count, newest_event_at from raw.deliveries") == [(0, 0, None)]
    assert landing.rows("from raw.delivery_lateness") == []
    assert landing.land() == []


def test_an_empty_folder_is_no_delivery(landing: Landing) -> None:
    landing.write(orders(order(1)))
    landing.land()
    landing.path("taobao/orders", "2025-09-02", "x").mkdir(parents=True)
    landing.path("taobao/orders", "2025-09-01", "export.csv").unlink()
    assert landing.land() == []
    assert len(landing.standing()) == 1


def test_a_parquet_file_without_rows(landing: Landing) -> None:
    landing.query("select 'o1' as order_id, 's1' as shop_id, 'b1' as buyer_id, current_timestamp as created_at where false")
    assert landing.land() == ["landed taobao/orders: 1 deliveries, 0 rows"]
    assert landing.rows("select row_count, rejected_row_count, newest_event_at from raw.deliveries") == [(0, 0, None)]


def test_files_with_odd_names(landing: Landing) -> None:
    odd = Landing(landing.folder.parent / "we[i]rd 'la*nd?ing {x}", landing.connection)
    files = ["a*.csv", "ab.csv", "[ab].csv", 'it\'s "q".csv', "sp ace;.jsonl", "中文?.csv.gz"]
    for number, file in enumerate(files):
        content = as_jsonl([order(number)]) if file.endswith("jsonl") else orders(order(number))
        odd.write(gzip.compress(content) if file.endswith("gz") else content, file=file)
    odd.query(
        "select 'o9' as order_id, 's1' as shop_id, 'b1' as buyer_id, timestamp '2025-09-01 10:00:00' as created_at",
        file="p[*]?'.parquet",
    )
    assert odd.land() == ["landed taobao/orders: 1 deliveries, 7 rows"]
    assert odd.rows("select count(distinct _file) from raw.taobao_orders where _row = 1") == [(7,)]


def test_what_the_contract_does_not_know_is_left_out(landing: Landing) -> None:
    landing.write(orders(order(1)))
    for file in ("readme.txt", "_SUCCESS", ".x.csv"):
        landing.path("taobao/orders", "2025-09-01", file).write_bytes(b"x")
    (landing.folder / "taobao" / "wishes" / "dt=2025-09-01").mkdir(parents=True)
    (landing.folder / "taobao/orders/dt=2025-09-01" / os.fsdecode(b"\xff.csv")).write_bytes(orders(order(2)))
    landing.land()
    ignored = find_deliveries(landing.folder, contract()).ignored
    assert ignored == ("taobao/orders/dt=2025-09-01/?.csv", "taobao/orders/dt=2025-09-01/readme.txt", "taobao/wishes")
    assert len(landing.standing()) == 1


@pytest.mark.parametrize("folder", ["dt=2025-9-1", "dt=2025-02-30", "2025-09-01"])
def test_a_folder_that_names_no_date(landing: Landing, folder: str) -> None:
    (landing.folder / "taobao" / "orders" / folder).mkdir(parents=True)
    with pytest.raises(KefuError, match=f"^taobao/orders/{folder}: a delivery's folder is named dt=YYYY-MM-DD$"):
        landing.land()


def test_columns_named_like_the_loaders_own(landing: Landing) -> None:
    own = ["_path", "_row", "_dt", "_file", "_number", "text of order_id", "filename", "dt", "C0", "line"]
    more = dict.fromkeys([*own, 'q"uote', "it's", ""], "x")
    landing.write(orders(order(1, **more)), file="a.csv")
    landing.write(as_jsonl([order(2, **more)]), file="b.jsonl")
    columns = ", ".join(f"'x' as \"{column}\"" for column in more if column and '"' not in column)
    landing.query(
        f"select 'o3' as order_id, 's1' as shop_id, 'b1' as buyer_id, timestamp '2025-09-01 10:00:00' as created_at, {columns}",
        file="c.parquet",
    )
    (line,) = landing.land()
    assert "3 rows, unknown columns left out: , C0, _dt" in line
    assert landing.rejected() == []
    assert [row[0] for row in landing.standing()] == ["o1", "o2", "o3"]


def test_a_file_replaced_while_it_is_read_is_noticed(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    landing.write(orders(order(1, "old")))
    landing.land()
    landing.write(orders(order(1, "newer")))
    read_files = load._read_files

    def replaced(*arguments: Any) -> None:
        read_files(*arguments)
        landing.write(orders(order(1, "newest")))

    with monkeypatch.context() as patch:
        patch.setattr(load, "_read_files", replaced)
        with pytest.raises(KefuError, match=r"^taobao/orders: a file changed while it was read"):
            landing.land()
    assert [row[2] for row in landing.standing()] == ["old"]
    landing.land()
    assert [row[2] for row in landing.standing()] == ["newest"]


def test_a_file_rewritten_in_place_with_its_size_and_time_kept_is_noticed(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = landing.write(orders(order(1, "old")))
    read_files = load._read_files

    def rewritten(*arguments: Any) -> None:
        read_files(*arguments)
        before = path.stat()
        path.write_bytes(orders(order(1, "new")))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)

    monkeypatch.setattr(load, "_read_files", rewritten)
    with pytest.raises(KefuError, match=r"^taobao/orders: a file changed while it was read"):
        landing.land()
    assert landing.standing() == []


def test_a_file_replaced_after_it_was_read_lands_next_time(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    landing.write(orders(order(1, "read")))
    replace = load._replace

    def replaced(*arguments: Any, **options: Any) -> None:
        replace(*arguments, **options)
        landing.write(orders(order(1, "later")))

    with monkeypatch.context() as patch:
        patch.setattr(load, "_replace", replaced)
        landing.land()
    assert [row[2] for row in landing.standing()] == ["read"]
    landing.land()
    assert [row[2] for row in landing.standing()] == ["later"]


def test_a_file_of_the_same_size_and_another_time_lands_again(landing: Landing) -> None:
    path = landing.write(orders(order(1, "one")))
    landing.land()
    before = path.stat()
    assert landing.write(orders(order(1, "two"))).stat().st_size == before.st_size
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    landing.land()
    assert [row[2] for row in landing.standing()] == ["two"]


def test_a_file_that_vanishes_while_it_is_read(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    path = landing.write(orders(order(1)))
    read_files = load._read_files

    def vanished(*arguments: Any) -> None:
        read_files(*arguments)
        path.unlink()

    monkeypatch.setattr(load, "_read_files", vanished)
    with pytest.raises(KefuError, match=r"export\.csv cannot be read: No such file or directory$"):
        landing.land()
    assert landing.standing() == []


@pytest.mark.parametrize("file", ["export.csv", "export.jsonl"])
def test_a_row_longer_than_16_mib_is_rejected_and_said_to_be(landing: Landing, file: str) -> None:
    rows = [order(1), order(2, "b" * (16 * 1024**2 + 1)), order(3)]
    landing.write(orders(*rows) if file.endswith("csv") else as_jsonl(rows), file=file)
    landing.land()
    assert landing.rejected() == [(2, "longer than 16 MiB")]
    assert [row[0] for row in landing.standing()] == ["o1", "o3"]


@pytest.mark.parametrize("first", ["", "x", "xx"])
def test_a_row_cut_off_amid_a_character_does_not_hang(landing: Landing, first: str) -> None:
    """The reader quotes the first bytes of a row that is too long, and fails where they end amid a character."""
    row = json.dumps(order(2, first + "长" * 6_000_000), ensure_ascii=False).encode()
    landing.write(as_jsonl([order(1)]) + row, file="export.jsonl")
    try:
        landing.land()
        assert landing.rejected() == [(2, "longer than 16 MiB")]
    except KefuError as error:
        assert str(error).endswith("export.jsonl cannot be read: a row is not UTF-8, or longer than 16 MiB")
        assert landing.standing() == []


@pytest.mark.parametrize("file", ["export.csv", "export.jsonl", "export.jsonl.gz"])
def test_a_row_that_the_reader_cannot_hold_is_not_left_out_in_silence(landing: Landing, file: str) -> None:
    rows = [order(1), order(2, "b" * 40_000_000), order(3)]
    content = orders(*rows) if file.endswith("csv") else as_jsonl(rows)
    landing.write(gzip.compress(content, 1) if file.endswith("gz") else content, file=file)
    with pytest.raises(KefuError, match=f"{file} cannot be read: a row of it is longer than 16 MiB$"):
        landing.land()
    assert landing.standing() == []
