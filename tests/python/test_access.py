"""Who sees what: buyers hashed in what is published, no chats in it, files that are not everybody's, secrets that stay secret."""

import hashlib
import hmac
import os
import stat
import subprocess
from pathlib import Path

import dagster as dg
import duckdb
import people
import pytest
from harness import build, kefu, query, warehouse
from people import ANNA, BERT

from orchestration.home import PROJECT, open_home
from orchestration.landing.contract import contract
from orchestration.privacy.buyers import VARIABLE, buyer_key, hashed
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


def test_an_id_that_holds_a_buyers_is_hashed_as_a_whole(home: Path) -> None:
    ids = {value for (value,) in query(home, "select distinct conversation_id from marts.taobao_rounds")}
    assert ids == {sha(f"{buyer}@{day}") for buyer in (ANNA, BERT) for day in people.DAYS}
    sessions = {value for (value,) in query(home, "select session_id from marts.xiaohongshu_sessions")}
    assert f"x-0-{people.DAYS[0]}" in sessions, "one that holds no buyer's id stays"


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
            assert mode == 0o640, path
        else:
            assert mode & 0o077 == 0, f"{path} {mode:o}"


def test_another_key_is_news(landing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def buyers() -> set[str]:
        return {value for (value,) in query(tmp_path, "select buyer_id from marts.taobao_rounds")}

    build(landing, tmp_path)
    assert buyers() == {ANNA, BERT}
    monkeypatch.setenv(VARIABLE, KEY)
    assert "published" in build(landing, tmp_path).out
    assert buyers() == {sha(ANNA), sha(BERT)}
    assert len(list((tmp_path / "published").iterdir())) == 1, "the version that names buyers is gone"
    assert "nothing to do" in build(landing, tmp_path).out
    monkeypatch.setenv(VARIABLE, "too-short")
    outcome = kefu("build", "--landing", landing, "--home", tmp_path)
    assert outcome.code == 1
    assert outcome.err.startswith("kefu: KEFU_BUYER_KEY is shorter than 16 characters")
    assert "too-short" not in outcome.err
    monkeypatch.delenv(VARIABLE)
    build(landing, tmp_path)
    assert buyers() == {ANNA, BERT}


def test_generated_files_are_the_owners(tmp_path: Path) -> None:
    options = ("--days", 1, "--shops", 1, "--agents", 1, "--messages-per-day", 50, "--format", "csv")
    assert kefu("generate", "--landing", tmp_path / "landing", *options).code == 0
    assert not [path for path in (tmp_path / "landing").rglob("*") if path.stat().st_mode & 0o077]


def test_dagsters_interface_is_bound_to_loopback_unless_told_otherwise() -> None:
    def command(*arguments: str) -> str:
        environment = os.environ | {"HOST": "some-machine"}  # as some shells export it
        run = subprocess.run(["make", "-n", "ui", *arguments], cwd=PROJECT, env=environment, capture_output=True, text=True)
        return run.stdout

    assert "-h 127.0.0.1 -p 3000" in command()
    assert "-h 0.0.0.0 -p 8080" in command("HOST=0.0.0.0", "PORT=8080")


def test_the_contract_says_whose_every_row_is() -> None:
    """By a column of its own or through another table; the others are about shops and their staff."""
    of_shops = {
        "shops", "accounts", "account_status_events", "conduct_cases", "priority_settings", "work_hours",
        "official_grades", "official_metrics",
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
