"""`kefu publish`: the marts in PostgreSQL and as Parquet are those of the home, whole at any moment, each shop's its own."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from harness import build, kefu, postgres_server, query

from orchestration.export.postgres import TYPES

pytestmark = pytest.mark.readers

CASE = "case103"
SHOPS = "select platform, shop_id from marts.shops order by all"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture
def database(server: str, request: pytest.FixtureRequest) -> Iterator[str]:
    name = request.node.name.split("[")[0][:50]
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'create database "{name}"')  # type: ignore[arg-type]
    yield f"{server}/{name}"


def publish(home: Path, database: str) -> str:
    outcome = kefu("publish", "--home", home, "--postgres", database)
    assert outcome.code == 0, outcome.err
    return outcome.out


def rows_in(database: str, sql: str, user: str = "owner") -> list[tuple[Any, ...]]:
    with psycopg.connect(database, user=user) as connection:
        return connection.execute(sql).fetchall()  # type: ignore[arg-type]


def do(database: str, sql: str, user: str = "owner") -> None:
    with psycopg.connect(database, user=user) as connection:
        connection.execute(sql)  # type: ignore[arg-type]


def tables_of(home: Path) -> dict[str, list[str]]:
    found = query(
        home,
        "select table_name, list(column_name order by column_index) from duckdb_columns() where schema_name = 'marts' group by 1",
    )
    return dict(found)


def test_postgres_has_every_row_type_and_description(built_homes: dict[str, Path], database: str) -> None:
    home = built_homes[CASE]
    said = publish(home, database)
    tables = tables_of(home)
    assert f"published {len(tables)} tables of kefu-000001 in schema marts of 127.0.0.1/" in said
    for table, columns in tables.items():
        listed = ", ".join(f'"{column}"' for column in columns)
        found = rows_in(database, f"select {listed} from marts.{table}")
        assert sorted(found, key=repr) == sorted(query(home, f"select {listed} from marts.{table}"), key=repr), table
    described = rows_in(
        database,
        """
        select c.relname, coalesce(a.attname, ''), d.description
        from pg_class c join pg_description d on d.objoid = c.oid and d.classoid = 'pg_class'::regclass
        left join pg_attribute a on a.attrelid = c.oid and a.attnum = d.objsubid and a.attnum > 0
        where c.relnamespace = 'marts'::regnamespace
        """,
    )
    comments = query(
        home,
        """
        select table_name, '', comment from duckdb_tables() where schema_name = 'marts'
        union all select table_name, column_name, comment from duckdb_columns() where schema_name = 'marts'
        """,
    )
    assert sorted(described) == sorted(comments)
    assert rows_in(database, "select exclusion_reasons from marts.taobao_rounds where cardinality(exclusion_reasons) > 1 limit 1")
    types = {"DECIMAL" if data_type.startswith("DECIMAL") else data_type for (data_type,) in query(home, TYPES_IN_USE)}
    assert types <= {*TYPES, "DECIMAL"}


TYPES_IN_USE = "select distinct data_type from duckdb_columns() where schema_name = 'marts'"


def test_a_shops_people_see_their_shop(built_homes: dict[str, Path], database: str) -> None:
    home = built_homes[CASE]
    publish(home, database)
    (platform, shop), *others = query(home, SHOPS)
    do(database, "create role clerk login in role kefu_reader; create role analyst login in role kefu_analyst")
    assert rows_in(database, "select count(*) from marts.service_metrics", "clerk") == [(0,)], "nobody has given it a shop"
    do(database, f"insert into kefu_access.shop_readers values ('clerk', '{platform}', '{shop}')")
    for other_platform, other_shop in others:
        do(database, f"insert into kefu_access.shop_readers values ('somebody', '{other_platform}', '{other_shop}')")
    publish(home, database)  # which leaves who sees what as it is
    of_shops = {table for table, columns in tables_of(home).items() if "shop_id" in columns}
    assert len(of_shops) > 20 and others
    for table in of_shops:
        own = f"where shop_id = '{shop}'"
        if "platform" in tables_of(home)[table]:
            own += f" and platform = '{platform}'"
        elif not table.startswith(platform):  # of another one
            own = "where false"
        expected = query(home, f"select count(*) from marts.{table} {own}")
        assert rows_in(database, f"select count(*) from marts.{table}", "clerk") == expected, table
        assert rows_in(database, f"select count(*) from marts.{table}", "analyst") == query(
            home, f"select count(*) from marts.{table}"
        )
    assert rows_in(database, "select count(*) > 20 from marts.rule_clauses", "clerk") == [(True,)]
    for user in ("clerk", "analyst"):
        for forbidden in (
            "delete from marts.shops",
            "insert into kefu_access.shop_readers values ('clerk', 'taobao', 'x')",
            "create table marts.mine (x int)",
            "alter table marts.shops disable row level security",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                do(database, forbidden, user)


def test_a_failed_load_leaves_what_was(built_homes: dict[str, Path], database: str) -> None:
    home = built_homes[CASE]
    publish(home, database)
    before = rows_in(database, "select * from marts.service_metrics order by 1, 2, 3, 4, 5, 6, 7")
    # A view on a table whose columns are to become others stands in the way; nothing else of the load may stay either.
    do(
        database,
        """
        alter table marts.taobao_rounds drop column is_on_time;
        create view public.mine as select round_id from marts.taobao_rounds;
        delete from marts.service_metrics where platform = 'kuaishou';
        """,
    )
    outcome = kefu("publish", "--home", home, "--postgres", database)
    assert outcome.code == 1
    assert "cannot drop table marts.taobao_rounds because other objects depend on it; the database is as it was" in outcome.err
    assert outcome.err.count("\n") == 1
    assert rows_in(database, "select count(*) from marts.service_metrics where platform = 'kuaishou'") == [(0,)]
    do(database, "drop view public.mine; create view public.others as select shop_id from marts.shops")
    publish(home, database)
    assert rows_in(database, "select * from marts.service_metrics order by 1, 2, 3, 4, 5, 6, 7") == before
    assert rows_in(database, "select count(*) from public.others") == query(home, "select count(*) from marts.shops")


def test_readers_see_the_state_before_until_the_load_is_done(built_homes: dict[str, Path], database: str) -> None:
    home = built_homes[CASE]
    publish(home, database)
    do(database, "delete from marts.shops; insert into marts.shops (platform, shop_id) values ('taobao', 'old')")
    loading = threading.Thread(target=publish, args=(home, database), daemon=True)
    with psycopg.connect(database, options="-c lock_timeout=20s") as reader, psycopg.connect(database) as writer:
        assert reader.execute("select shop_id from marts.shops").fetchall() == [("old",)]
        writer.execute("lock table marts.xiaohongshu_work_hours in share mode")  # the last one, where the load has to wait
        loading.start()
        while not rows_in(database, "select from pg_locks where not granted"):
            assert loading.is_alive()
        assert rows_in(database, "select shop_id from marts.shops") == [("old",)]
        assert reader.execute("select shop_id from marts.shops").fetchall() == [("old",)]
        writer.rollback()
        loading.join(60)  # whatever the reader, whose transaction is open still, has read
        assert not loading.is_alive()
        assert reader.execute("select count(*) from marts.shops").fetchall() == query(home, "select count(*) from marts.shops")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://owner@127.0.0.1:1/nowhere", "--postgres: connection failed: "),
        ("nonsense", "--postgres: "),
    ],
)
def test_a_database_that_is_not_there_is_one_line(built_homes: dict[str, Path], url: str, says: str) -> None:
    outcome = kefu("publish", "--home", built_homes[CASE], "--postgres", url)
    assert outcome.code == 1
    assert outcome.err.startswith(f"kefu: {says}") and outcome.err.count("\n") == 1, outcome.err


def test_parquet_files_have_every_row(built_homes: dict[str, Path], tmp_path: Path) -> None:
    home, folder = built_homes[CASE], tmp_path / "parquet"
    said = kefu("publish", "--home", home, "--parquet", folder)
    assert said.code == 0, said.err
    assert said.out == f"published {len(tables_of(home))} tables of kefu-000001: {folder}/current\n"
    for table, columns in tables_of(home).items():
        files = f"read_parquet('{folder}/current/{table}/**/*.parquet', hive_partitioning = false)"
        listed = ", ".join(f'"{column}"' for column in columns)
        with duckdb.connect(str(home / "kefu.duckdb"), read_only=True) as connection:
            for first, second in ((files, f"marts.{table}"), (f"marts.{table}", files)):
                differ = f"select count(*) from (select {listed} from {first} except all select {listed} from {second})"
                assert connection.execute(differ).fetchall() == [(0,)], table
    month = f"select count(*) from read_parquet('{folder}/current/taobao_rounds/dated_month=2025-10/*.parquet')"
    in_october = "select count(*) from marts.taobao_rounds where strftime(business_date, '%Y-%m') = '2025-10'"
    assert duckdb.sql(month).fetchall() == query(home, in_october) != [(0,)]
    again = kefu("publish", "--home", home, "--parquet", folder)
    assert (again.code, again.out) == (0, f"nothing to do: {folder}/current is kefu-000001\n")


def test_parquet_of_the_next_version_takes_the_place_at_once(built_homes: dict[str, Path], tmp_path: Path) -> None:
    home, landing, folder = tmp_path / "home", tmp_path / "landing", tmp_path / "parquet"
    shutil.copytree(built_homes[CASE], home, symlinks=True)
    assert kefu("publish", "--home", home, "--parquet", folder).code == 0
    path = landing / "taobao" / "shops" / "dt=2025-12-01" / "new.csv"
    path.parent.mkdir(parents=True)
    path.write_text("shop_id,marketplace\nnew-shop,taobao\n", encoding="utf-8")
    build(landing, home)
    (folder / "kefu-000002").write_text("in the way", encoding="utf-8")
    failed = kefu("publish", "--home", home, "--parquet", folder)
    assert failed.code == 1 and "cannot be written" in failed.err
    assert os.readlink(folder / "current") == "kefu-000001"
    (folder / "kefu-000002").unlink()
    assert kefu("publish", "--home", home, "--parquet", folder).code == 0
    assert os.readlink(folder / "current") == "kefu-000002"
    assert duckdb.sql(f"select count(*) from '{folder}/current/shops/*.parquet' where shop_id = 'new-shop'").fetchall() == [(1,)]
    assert sorted(path.name for path in folder.iterdir()) == ["current", "kefu-000001", "kefu-000002"]


def test_a_folder_of_other_things_is_left_alone(built_homes: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("mine", encoding="utf-8")
    outcome = kefu("publish", "--home", built_homes[CASE], "--parquet", tmp_path)
    assert outcome.code == 1
    assert f"--parquet {tmp_path} holds other things (thesis.doc): name a folder that is new or empty" in outcome.err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.doc"]
