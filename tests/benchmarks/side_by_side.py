"""kefu's whole way to taobao_rounds and the day rows of service_metrics, beside other ways to the same rows."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.measure import Measured, measured
from benchmarks.steps import build_of, deliver, dts_of
from orchestration.home import PROJECT, Home
from orchestration.sql import text

HERE = Path(__file__).parent
TABLES = ("taobao_rounds", "service_metrics")
DAY_COLUMNS = "platform, metric, subject, shop_id, account_id, period_start, numerator, denominator, value"


@dataclass(frozen=True)
class Way:
    """A way to the two tables: the command that makes them, given where to, and the name of the file or folder it makes."""

    name: str
    command: Callable[[Path], Sequence[object]]
    target: str


def ways(landing: Path, others: Path | None) -> list[Way]:
    """kefu first, which the others are compared with. `others`: a Python that has the packages that kefu does not need."""
    seeds = PROJECT / "seeds"
    found = [
        Way("kefu", lambda target: build_of(landing, target, "--select", ",".join(TABLES)), "home"),
        Way("DuckDB script", lambda target: [sys.executable, HERE / "duckdb_script.py", landing, seeds, target], "script.duckdb"),
    ]
    if others:
        for name, script in (("chdb script", "clickhouse_script.py"), ("Polars script", "taobao_polars.py")):
            found.append(
                Way(name, lambda target, script=script: [others, HERE / script, landing, seeds, target], script.split(".")[0])
            )
    return found


def _relation(connection: duckdb.DuckDBPyConnection, target: Path, table: str) -> str:
    """What a way made of a table: in a home, in a database, or as a file of a folder."""
    if Home(target).published.exists():
        connection.execute(f"attach if not exists {text(Home(target).published.resolve())} as home (read_only)")
        return f"home.marts.{table}"
    if target.is_file():
        connection.execute(f"attach if not exists {text(target)} as script (read_only)")
        return f"script.main.{table}"
    return text(target / f"{table}.parquet")


def compare(
    source: Path, folder: Path, repeats: int, others: Path | None, say: Callable[[str], None]
) -> dict[str, list[Measured]]:
    """Runs the ways in turn, so often, each from nothing; a row that differs from kefu's ends the run."""
    shutil.rmtree(folder, ignore_errors=True)
    landing = folder / "landing"
    deliver(source, landing, dts_of(source), "taobao")
    taken: dict[str, list[Measured]] = {}
    all_ways = ways(landing, others)
    for repeat in range(repeats):
        for way in all_ways:
            target = folder / way.target
            shutil.rmtree(target, ignore_errors=True)
            target.unlink(missing_ok=True)
            one = measured(way.command(target))
            taken.setdefault(way.name, []).append(one)
            say(f"  {way.name:<28} {one.wall:8.1f} s {one.cpu:8.1f} s CPU {one.memory / 2**20:7,.0f} MiB")
        if repeat == 0:
            for way in all_ways[1:]:
                rows = check_equal(all_ways[0], way, folder)
                say(f"  {way.name}: {rows[0]:,} rounds and {rows[1]:,} day rows, 0 differ from kefu's")
    return taken


def check_equal(kefu: Way, other: Way, folder: Path) -> list[int]:
    """Compares the rows of both tables, each as often as it stands there. Returns how many there are of each table."""
    counts = []
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")  # ClickHouse writes times with a zone
        for table, rows in (("taobao_rounds", "*"), ("service_metrics", DAY_COLUMNS)):
            is_of_day = "where period = 'day' and platform = 'taobao'" if table == "service_metrics" else ""
            left = f"select {rows} from {_relation(connection, folder / kefu.target, table)} {is_of_day}"
            right = f"select {rows} from {_relation(connection, folder / other.target, table)}"
            missing, more, count = connection.execute(
                f"""
                with kefu as ({left}), other as (select * from (select * from kefu limit 0) union all by name {right})
                select
                    (select count(*) from (from kefu except all from other)),
                    (select count(*) from (from other except all from kefu)),
                    (select count(*) from kefu)
                """
            ).fetchall()[0]
            if missing or more or not count:
                raise SystemExit(
                    f"{other.name}: of {count:,} rows of {table} {missing:,} are missing, {more:,} are none of kefu's"
                )
            counts.append(count)
    return counts
