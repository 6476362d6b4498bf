"""`kefu forget`: a buyer is gone from landing, warehouse and marts, everybody else is as before, and it is proven."""

from __future__ import annotations

import gzip
import io
import shutil
import sys
from pathlib import Path

import duckdb
import people
import pytest
from harness import Outcome, build, copied, kefu, marts, query, warehouse
from people import ANNA, BERT, DAYS

from orchestration.landing.contract import Column, PersonLink, Table
from orchestration.privacy import files
from orchestration.privacy import forget as forgetting
from orchestration.privacy.traces import Buyer, Rule


def forget(buyer: str, landing: Path, home: Path) -> Outcome:
    return kefu("forget", "--buyer", buyer, "--landing", landing, "--home", home)


@pytest.fixture(scope="module")
def built(empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A landing folder and the home built from it."""
    landing, home = tmp_path_factory.mktemp("landing"), tmp_path_factory.mktemp("home")
    shutil.copytree(empty_home, home, symlinks=True, dirs_exist_ok=True)
    people.write(landing)
    build(landing, home)
    return landing, home


@pytest.fixture
def copies(built: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    """Of the built ones, for a test to change."""
    return copied(built, tmp_path)


@pytest.fixture(scope="module")
def forgotten(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Outcome]:
    folder = tmp_path_factory.mktemp("forgotten")
    landing, home = copied(built, folder)
    (home / "logs" / "dbt.log").write_text(f"cannot convert '{ANNA}'", encoding="utf-8")
    (landing / "taobao" / "messages" / f"dt={DAYS[0]}" / "export.csv").chmod(0o640)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["kefu", "forget", "--buyer", ANNA])  # as it is on the command line
        return landing, home, forget(ANNA, landing, home)


def test_it_says_what_went_and_that_nothing_is_left(forgotten: tuple[Path, Path, Outcome]) -> None:
    _, home, outcome = forgotten
    assert (outcome.code, outcome.err) == (0, "")
    for line in (
        "removed from landing taobao/messages: 8 rows in 2 files",
        "removed from landing taobao/message_recalls: 2 rows in 2 files",
        "removed from landing taobao/platform_flags: 2 rows in 2 files",
        "removed from landing taobao/rating_submissions: 2 rows in 2 files",
        "removed from landing kuaishou/messages: 4 rows in 2 files, and the id from the text of 2 other rows",
        "removed from landing xiaohongshu/messages: 4 rows in 2 files",
        "removed from landing xiaohongshu/ratings: 2 rows in 2 files",
        "removed logs/dbt.log, which named the buyer",
    ):
        assert line in outcome.out.splitlines()
    proof = [line for line in outcome.out.splitlines() if line.startswith("searched ")]
    assert len(proof) == 4
    assert all(line.endswith(": 0 traces") for line in proof)
    assert ANNA not in outcome.out, "what it prints may end up in a log"
    assert not [path for path in home.rglob("*") if path.is_file() and ANNA.encode() in path.read_bytes()]


def test_other_rows_of_the_files_stay_as_they_are(built: tuple[Path, Path], forgotten: tuple[Path, Path, Outcome]) -> None:
    landing, _, _ = forgotten
    for day in DAYS:
        lines = people.taobao_lines(day)
        path = landing / "taobao" / "messages" / f"dt={day}" / "export.csv"
        expected = "\ufeff" + people.TAOBAO + "".join(lines["bert"] + lines["rest"])
        assert path.read_bytes() == expected.encode()
    assert (landing / "taobao" / "messages" / f"dt={DAYS[0]}" / "export.csv").stat().st_mode & 0o777 == 0o640
    recalls = landing / "taobao" / "message_recalls" / f"dt={DAYS[0]}" / "export.csv.gz"
    assert gzip.decompress(recalls.read_bytes()).decode().splitlines() == [
        "message_id,recalled_at",
        f"m2-{DAYS[0]},{DAYS[0]} 13:00:00",
    ]

    name = f"kuaishou/messages/dt={DAYS[0]}/export.parquet"
    before, after = (f"read_parquet('{folder / name}')" for folder in (built[0], landing))
    assert duckdb.execute(f"describe from {before}").fetchall() == duckdb.execute(f"describe from {after}").fetchall()
    kept = f"from {before} where user_id = '{BERT}'"
    expected_rows = duckdb.execute(f"select * replace (replace(content, '{ANNA}', '***') as content) {kept}").fetchall()
    assert duckdb.execute(f"from {after}").fetchall() == expected_rows
    assert duckdb.execute(f"select distinct compression from parquet_metadata('{landing / name}')").fetchall() == [("ZSTD",)]
    assert not list(landing.rglob("*.forget"))


def test_the_marts_are_those_of_a_fresh_build(forgotten: tuple[Path, Path, Outcome], tmp_path: Path) -> None:
    landing, home, _ = forgotten
    assert "nothing to do" in build(landing, home).out
    build(landing, tmp_path)
    assert marts(home) == marts(tmp_path)
    assert query(home, "select distinct buyer_id from marts.taobao_rounds") == [(BERT,)]
    assert query(home, "select distinct user_id from marts.xiaohongshu_sessions") == [(BERT,)]
    figures = query(
        home,
        f"""
        select revision, denominator from marts.metric_revisions
        where metric = 'response_rate_3min' and subject = 'shop' and period = 'day' and period_end = '{DAYS[0]}' order by 1
        """,
    )
    assert [revision for revision, _ in figures] == [1, 2]
    assert figures[0][1] > figures[1][1], "the buyer's rounds have left the figure, and metric_revisions tells that it changed"
    assert len(list((home / "published").iterdir())) == 1, "older versions hold the buyer"
    described = query(home, "select count(*) from duckdb_columns() where schema_name = 'marts' and comment is null")
    assert described == [(0,)]


def test_a_buyer_nobody_knows(built: tuple[Path, Path]) -> None:
    landing, home = built
    before = {path: path.stat().st_mtime_ns for path in landing.rglob("*")}
    outcome = forget("tb-nobody-1", landing, home)
    assert outcome.code == 0
    assert "nothing was found of this buyer" in outcome.out
    assert outcome.out.count(": 0 traces") == 4
    assert {path: path.stat().st_mtime_ns for path in landing.rglob("*")} == before
    assert "holds no warehouse" in forget(ANNA, landing, home / "slip").err
    assert not (home / "slip").exists()
    assert forget("", landing, home).err == "kefu: --buyer is empty: give the id as the platform's exports write it\n"


def test_killed_in_between_it_is_finished_by_the_next_run(
    copies: tuple[Path, Path], forgotten: tuple[Path, Path, Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    landing, home = copies
    rewritten = 0

    def rewrite_some(connection: duckdb.DuckDBPyConnection, file: files.File, rule: Rule) -> None:
        nonlocal rewritten
        rewritten += 1
        if rewritten == 15:  # after the linked tables, whose keys are in the others
            files.aside_of(file.path).write_bytes(b"half")
            raise KeyboardInterrupt
        rewrite(connection, file, rule)

    rewrite = files.rewrite
    with monkeypatch.context() as killing:
        killing.setattr(files, "rewrite", rewrite_some)
        with pytest.raises(KeyboardInterrupt):
            forget(ANNA, landing, home)

    def die(home: object) -> None:
        (copies[1] / "warehouse.new").write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as killing:
        killing.setattr(forgetting, "write_warehouse_anew", die)
        with pytest.raises(KeyboardInterrupt):
            forget(ANNA, landing, home)
    outcome = forget(ANNA, landing, home)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.count(": 0 traces") == 4
    for path in forgotten[0].rglob("*"):
        if path.is_file() and not path.name.endswith(".gz"):  # which tells the time it was written
            assert (landing / path.relative_to(forgotten[0])).read_bytes() == path.read_bytes(), path
    assert marts(home) == marts(forgotten[1])


def test_what_is_no_longer_in_landing_goes_too_and_what_it_cannot_rewrite_is_named(copies: tuple[Path, Path]) -> None:
    landing, home = copies
    for table in ("taobao/messages", "taobao/message_recalls", "taobao/orders"):  # archived, once landed
        shutil.rmtree(landing / table / f"dt={DAYS[0]}", ignore_errors=True)
    (landing / "taobao" / "notes.txt").write_text(f"call {ANNA}!", encoding="utf-8")
    outcome = forget(ANNA, landing, home)
    assert outcome.code == 1
    assert outcome.err == "kefu: the buyer is still named in landing taobao/notes.txt\n"
    assert "removed from the warehouse raw.taobao_messages: 2 rows whose files are no longer in landing" in outcome.out
    assert "removed from the warehouse raw.taobao_message_recalls: 1 rows" in outcome.out
    assert "removed from the warehouse raw.rejected_rows: 2 rows" in outcome.out
    assert query(home, "select distinct buyer_id from marts.taobao_rounds") == [(BERT,)]
    counted = warehouse(home, "select sum(row_count), sum(rejected_row_count) from raw.deliveries where table_name = 'messages'")
    stored = warehouse(
        home,
        """
        select
            (select count(*) from raw.taobao_messages) + (select count(*) from raw.kuaishou_messages)
            + (select count(*) from raw.xiaohongshu_messages),
            (select count(*) from raw.rejected_rows where table_name = 'messages')
        """,
    )
    assert counted == stored
    (landing / "taobao" / "notes.txt").unlink()
    assert forget(ANNA, landing, home).code == 0


@pytest.mark.parametrize(
    "text",
    [
        'a,b\r\n"x ""y"", z","1\r\n2"\r\n3,4',
        "a,b\n\n1,2\n",
        'a,b\n1,x"y\n"1"2,3\n5,6\n',
        'a,b\n1,"never closed\n2,b\n3,c\n',
        'a,b\n1,"bad"quote\n2,c\n\udcff,\udcfe\n',
    ],
)
def test_rows_of_csv_are_told_apart_without_losing_a_byte(text: str) -> None:
    rows = list(files.csv_rows(io.StringIO(text, newline="")))
    assert "".join(raw for raw, _ in rows) == text
    if "never closed" in text:
        assert [cells for _, cells in rows] == [["a", "b"], None, ["2", "b"], ["3", "c"]]


def test_whose_a_row_is() -> None:
    columns = (
        Column("buyer_id", "varchar", is_person=True), Column("account_id", "varchar"), Column("stars", "integer"),
        Column("kind", "varchar", values=("agent", "bot")), Column("ids", "varchar[]"), Column("sent_at", "timestamp"),
        Column("content", "varchar", is_free_text=True), Column("key", "varchar"),
    )  # fmt: skip
    table = Table("p", "t", ("key",), columns, PersonLink("key", ("u",)))

    def is_buyers(buyer: str, **cells: str) -> bool:
        rule = Rule(table, Buyer(buyer), frozenset({"k1"}))
        found = rule.is_buyers(cells.items())
        with duckdb.connect() as connection:
            rule.put_keys(connection)
            condition, _ = rule.sql((column, "VARCHAR") for column in cells)
            selected = ", ".join(f"${column} as {column}" for column in cells)
            assert connection.execute(f"select {condition} from (select {selected})", cells).fetchall() == [(found,)]
        return found

    assert is_buyers("7", buyer_id="7", stars="1")
    assert not is_buyers("7", buyer_id="77", stars="7", sent_at="2025-10-07 10:00:07", content="7")
    assert is_buyers("u7", sent_at="u7, no time")
    assert is_buyers("x", key="k1")
    assert not is_buyers("x", key="k2")
    assert is_buyers("x", ids="a|x|b")
    assert is_buyers("x", ids='["a","x"]')
    assert not is_buyers("s:a", account_id="s:a"), "an account is no buyer"
    assert not is_buyers("agent", kind="agent")
    assert is_buyers("agent", note="agent"), "a column the contract does not know"


def test_a_word_is_found_however_it_is_written() -> None:
    for buyer, text, expected in [
        ("tb-7", "tb-7、tb-7 tb-77 xtb-7", "***、*** tb-77 xtb-7"),
        ("小明", "\\u5c0f\\u660e 小明!", "*** ***!"),
        ("a.b(c", "a.b(c axb(c", "*** axb(c"),
        ("x", "x x x xx", "*** *** *** xx"),
    ]:
        assert Buyer(buyer).word.sub("***", text) == expected
        assert duckdb.execute(f"select {Buyer(buyer).blanked('$text')}", {"text": text}).fetchall() == [(expected,)]
