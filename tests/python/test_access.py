"""Who sees what: buyers hashed in what is published, no chats in it, files that are not everybody's, secrets that stay secret."""

import csv
import hashlib
import hmac
import os
import re
import stat
import subprocess
from pathlib import Path

import dagster as dg
import duckdb
import people
import pytest
from harness import build, kefu, query, warehouse
from people import ANNA, BERT

from orchestration.build.checks import Check, example_rows
from orchestration.home import PROJECT, open_home
from orchestration.landing.contract import contract
from orchestration.privacy.buyers import VARIABLE, buyer_key, hashed, is_hidden
from orchestration.runs.assets import BuildConfig
from orchestration.runs.definitions import definitions
from orchestration.runs.instance import instance_of

KEY, ALERT = "a-secret-0123456789-KEY", "https://alerts.example/secret-hook-9f8e7d"


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    landing = tmp_path_factory.mktemp("landing")
    people.write(landing)
    return landing


@pytest.fixture(scope="module")
def home(landing: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by Dagster with a key, in a home that was more open before."""
    home = open_home(tmp_path_factory.mktemp("home"))
    (home.logs / "old.log").touch()
    for path in (home.path, home.logs, home.logs / "old.log"):
        path.chmod(0o777)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(VARIABLE, KEY)
        environment.setenv("KEFU_ALERT_WEBHOOK", ALERT)
        definition = definitions(open_home(home.path), landing)
        with instance_of(home) as instance:
            result = definition.resolve_job_def("daily_build").execute_in_process(
                instance=instance,
                run_config=dg.RunConfig(ops={"models": BuildConfig(with_touched=True)}),
                partition_key=people.DAYS[0],
            )
    assert result.success
    return home.path


def sha(value: str) -> str:
    return hmac.new(KEY.encode(), value.encode(), hashlib.sha256).hexdigest()


def test_sql_computes_the_hmac_of_the_standard_library(monkeypatch: pytest.MonkeyPatch) -> None:
    values = ["tb-1", "小明", "", "x" * 200]
    for secret in (KEY, "密钥" * 8, "k" * 64, "k" * 65):
        monkeypatch.setenv(VARIABLE, secret)
        key = buyer_key()
        assert key is not None
        rows = duckdb.execute(
            f"select {hashed('v')} from (select unnest($values) as v)", {"values": [*values, None], **key.parameters}
        ).fetchall()
        expected = [hmac.new(secret.encode(), value.encode(), hashlib.sha256).hexdigest() for value in values]
        assert [row for (row,) in rows] == [*expected, None]
        assert [key.hash(value) for value in values] == expected
        assert secret not in repr(key)


def test_every_mart_names_buyers_by_the_same_hash(home: Path) -> None:
    columns = query(
        home, "select table_name, column_name from duckdb_columns() where column_name in ('buyer_id', 'user_id') order by all"
    )
    seen = {
        (table, value) for table, column in columns for (value,) in query(home, f"select distinct {column} from marts.{table}")
    }
    assert {value for _, value in seen} == {sha(ANNA), sha(BERT)}
    assert {table for table, _ in seen} >= {"taobao_rounds", "taobao_ratings", "kuaishou_rounds", "xiaohongshu_sessions"}
    raw = warehouse(home, "select distinct buyer_id from marts.taobao_rounds order by 1")
    assert raw == [(ANNA,), (BERT,)], "`kefu explain` and checks work on the ids"


def test_ids_that_could_hold_a_buyers_are_hashed_as_a_whole(home: Path) -> None:
    ids = {value for (value,) in query(home, "select distinct conversation_id from marts.taobao_rounds")}
    assert ids == {sha(f"{buyer}@{day}") for buyer in (ANNA, BERT) for day in people.DAYS}
    sessions = {value for (value,) in query(home, "select session_id from marts.xiaohongshu_sessions")}
    assert sha(f"x-0-{people.DAYS[0]}") in sessions
    hidden = [
        (table, column)
        for table, column in query(home, "select table_name, column_name from duckdb_columns() where schema_name = 'marts'")
        if is_hidden(column)
    ]
    assert {"round_id", "card_id", "first_message_id", "session_id"} <= {column for _, column in hidden}
    for table, column in hidden:
        bare = f"select {column} from marts.{table} where not regexp_full_match({column}, '[0-9a-f]{{64}}')"
        assert query(home, bare) == [], f"{table}.{column}"


def test_explain_finds_what_readers_see_hashed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (round_id,) = query(home, "select round_id from marts.kuaishou_rounds order by 1")[0]
    assert kefu("explain", round_id, "--home", home).code == 1
    monkeypatch.setenv(VARIABLE, KEY)
    told = kefu("explain", round_id, "--home", home)
    assert told.code == 0, told.err
    assert "Round 轮次 kuaishou-Q-" in told.out
    (card_id,) = query(home, "select card_id from marts.taobao_ratings order by 1")[0]
    assert "Rating card 评价卡片" in kefu("explain", f"taobao-card-{card_id}", "--home", home).out


def test_rows_that_checks_show_name_nobody(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check = Check("", "", True, 1, "select * from marts.taobao_rounds", None)
    with open_home(home).connect(read_only=True) as connection:
        plain = example_rows(connection, check)
        monkeypatch.setenv(VARIABLE, KEY)
        keyed = example_rows(connection, check)
    assert all("buyer_id" not in row for row in plain + keyed)
    assert {row["conversation_id"] for row in keyed} == {sha(row["conversation_id"]) for row in plain}
    assert {row["shop_id"] for row in keyed} == {"s1"}


def test_published_files_hold_no_buyers_and_no_chats(home: Path) -> None:
    secret = [ANNA, BERT, *people.CONTENTS, "第二行"]
    with duckdb.connect(str(home / "kefu.duckdb"), read_only=True) as connection:
        columns = connection.execute(
            """
            select table_name, list(column_name) from duckdb_columns()
            where schema_name = 'marts' and contains(data_type, 'VARCHAR') group by table_name
            """
        ).fetchall()
        assert len(columns) > 20
        for table, names in columns:
            text = f"concat_ws(' ', {', '.join(names)})"
            assert connection.execute(
                f"select count(*) from marts.{table} where {text} ~ '.*({'|'.join(secret)}).*'"
            ).fetchall() == [(0,)], table
    content = (home / "kefu.duckdb").read_bytes()
    assert not [word for word in secret if word.encode() in content]
    (landed,) = warehouse(home, "select count(*) from raw.rejected_rows where contains(raw_row, '绝密一号')")[0]
    assert landed, "the words are in the warehouse, rejected rows among them, so they could have been published"


def test_secrets_are_in_no_file_of_the_home(home: Path) -> None:
    files = [path for path in home.rglob("*") if path.is_file()]
    assert any("dagster" in path.parts and path.suffix == ".db" for path in files)
    for path in files:
        content = path.read_bytes()
        assert KEY.encode() not in content and ALERT.encode() not in content, path


def test_files_of_a_home_are_the_owners_and_published_ones_the_groups(home: Path) -> None:
    for path in [home, *home.rglob("*")]:
        mode = stat.S_IMODE(path.lstat().st_mode)
        if path.is_symlink():
            continue
        if path in (home, home / "published"):
            assert mode == 0o750, path
        elif path.parent == home / "published":
            assert mode == 0o440, path
        else:
            assert mode & 0o077 == 0, f"{path} {mode:o}"


def test_a_generated_landing_leaves_no_buyer_in_any_file_but_the_warehouse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its ids are glued to a buyer's in every way that exports know."""
    landing, home = tmp_path / "landing", open_home(tmp_path / "home")
    generated = kefu(
        "generate", "--landing", landing, "--days", 3, "--shops", 1, "--agents", 2, "--messages-per-day", 300, "--format", "csv"
    )
    assert generated.code == 0, generated.err
    buyers = glue(landing)
    monkeypatch.setenv(VARIABLE, KEY)
    definition = definitions(home, landing)
    with instance_of(home) as instance:
        run = definition.resolve_job_def("daily_build").execute_in_process(
            instance=instance,
            run_config=dg.RunConfig(ops={"models": BuildConfig(with_touched=True)}),
            partition_key="2025-09-02",
        )
    assert run.success
    assert len(buyers) > 50
    assert query(home.path, "select count(*) > 50 from marts.taobao_rounds") == [(True,)]
    word = re.compile("|".join(map(re.escape, sorted(buyers, key=len, reverse=True))).encode())
    searched = [path for path in home.path.rglob("*") if path.is_file() and not path.name.startswith("warehouse.duckdb")]
    assert any(path.name == "index.db" for path in searched) and any(path.parent.name == "published" for path in searched)
    for path in searched:
        if path.is_relative_to(home.path / "published"):
            continue  # compressed: its values are searched below
        assert not word.search(path.read_bytes()), path
    for table, names in query(
        home.path,
        """
        select table_name, list(column_name) from duckdb_columns()
        where schema_name = 'marts' and contains(data_type, 'VARCHAR') group by table_name
        """,
    ):
        values = f"select concat_ws(' ', {', '.join(names)}) from marts.{table}"
        assert not [value for (value,) in query(home.path, values) if word.search(value.encode())], table


def glue(landing: Path) -> set[str]:
    """Names each conversation, session, card and message after its buyer. Returns the buyers."""
    buyers = set[str]()
    for path in landing.glob("*/*/*/*.csv"):
        with open(path, encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        person = next((column for column in ("buyer_id", "user_id") if rows and column in rows[0]), None)
        if person is None or path.parts[-4] == "xiaohongshu":  # whose other tables know a session by its id alone
            buyers |= {row[person] for row in rows if person and row[person]}
            continue
        for row in rows:
            buyers.add(row[person])
            for column in ("conversation_id", "session_id", "message_id"):
                if row.get(column):
                    row[column] = f"{row[column]}{row[person]}"
        with open(path, "w", encoding="utf-8", newline="") as target:
            writer = csv.DictWriter(target, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    return buyers


def test_another_key_is_news(landing: Path, begun_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = begun_home

    def buyers() -> set[str]:
        return {value for (value,) in query(home, "select buyer_id from marts.taobao_rounds")}

    build(landing, home)
    assert buyers() == {ANNA, BERT}
    monkeypatch.setenv(VARIABLE, KEY)
    assert "published" in build(landing, home).out
    assert buyers() == {sha(ANNA), sha(BERT)}
    assert len(list((home / "published").iterdir())) == 1, "the version that names buyers is gone"
    assert "nothing to do" in build(landing, home).out
    monkeypatch.setenv(VARIABLE, "too-short")
    outcome = kefu("build", "--landing", landing, "--home", home)
    assert outcome.code == 1
    assert outcome.err.startswith("kefu: KEFU_BUYER_KEY is shorter than 16 characters")
    assert "too-short" not in outcome.err
    monkeypatch.delenv(VARIABLE)
    (landing / "taobao/messages" / f"dt={people.DAYS[0]}" / "export.csv").touch()
    for outcome in (
        kefu("build", "--landing", landing, "--home", home),
        kefu("forget", "--buyer", ANNA, "--landing", landing, "--home", home),
    ):
        assert outcome.code == 1
        assert outcome.err.startswith("kefu: KEFU_BUYER_KEY is not set, and ")
    assert buyers() == {sha(ANNA), sha(BERT)}
    build(landing, home, "--without-buyer-key")
    assert buyers() == {ANNA, BERT}
    assert "nothing to do" in build(landing, home).out


def test_generated_files_are_the_owners(tmp_path: Path) -> None:
    options = ("--days", 1, "--shops", 1, "--agents", 1, "--messages-per-day", 50, "--format", "csv")
    assert kefu("generate", "--landing", tmp_path / "landing", *options).code == 0
    assert not [path for path in (tmp_path / "landing").rglob("*") if path.stat().st_mode & 0o077]


def test_dagsters_interface_is_bound_to_loopback_unless_told_otherwise() -> None:
    def command(*arguments: str) -> str:
        environment = os.environ | {"HOST": "some-machine"}  # as some shells export it
        run = subprocess.run(["make", "-n", "ui", *arguments], cwd=PROJECT, env=environment, capture_output=True, text=True)
        return run.stdout

    assert "--host 127.0.0.1 --port 3000" in command()
    assert "--host 0.0.0.0 --port 8080" in command("HOST=0.0.0.0", "PORT=8080")


def test_the_contract_says_whose_every_row_is() -> None:
    """By a column of its own or through another table; the others are about shops and their staff."""
    of_shops = {
        "shops", "accounts", "account_status_events", "conduct_cases", "priority_settings", "work_hours",
        "shop_closings", "official_grades", "official_metrics", "official_sheets", "account_aliases",
    }  # fmt: skip
    for table in contract().values():
        named = {column.name for column in table.columns} & {"buyer_id", "user_id"}
        assert {table.person} - {None} == named
        if table.person_through:
            for other in table.person_through.tables:
                linked = contract()[table.platform, other]
                assert linked.person
                assert table.person_through.key in {column.name for column in linked.columns}
        assert bool(table.person) + bool(table.person_through) == (table.name not in of_shops), table.label
