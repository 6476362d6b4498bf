"""A session of Spark on a home: its settings, and the tables of DuckDB's that models read there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestration.errors import KefuError
from orchestration.home import Home, first_line
from orchestration.spark.engine import master
from orchestration.spark.lake import External
from orchestration.sql import text

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# What figures depend on; how many cores and how much memory, spark-defaults.conf of SPARK_CONF_DIR says.
SETTINGS = {
    "spark.sql.session.timeZone": "UTC",  # times are Beijing's, without a zone: nothing may move them
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.sources.default": "parquet",
    "spark.sql.legacy.createHiveTableByDefault": "false",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",  # rules without a beginning hold from 0001-01-01 on
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.ui.showConsoleProgress": "false",
    "spark.ui.enabled": "false",  # it shows queries to whoever reaches its port
}


@contextmanager
def session(home: Home) -> Iterator[SparkSession]:
    """Opens a session on the master that the environment names, with its tables and its catalog of them in HOME/spark."""
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    home.spark.mkdir(exist_ok=True)
    builder = SparkSession.builder.master(master()).appName(f"kefu {home.path.name}").enableHiveSupport()
    settings = SETTINGS | {
        "spark.sql.warehouse.dir": str(home.spark),
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={home.spark}/catalog;create=true",
        "spark.driver.extraJavaOptions": f"-Duser.timezone=UTC -Dderby.stream.error.file={home.logs}/derby.log",
    }
    for setting, value in settings.items():
        builder = builder.config(setting, value)
    try:
        spark = builder.getOrCreate()
    except PySparkException as error:
        raise KefuError(f"Spark at {master()} does not answer: {first_line(error)}") from error
    try:
        spark.sparkContext.setLogLevel("ERROR")
        yield spark
    finally:
        spark.stop()


def register(spark: SparkSession, home: Home, tables: Iterable[External]) -> None:
    """Has Spark know the files of tables, each under its name and with these types. What it knows already is left."""
    note = home.spark / "registered.json"
    known: dict[str, str] = json.loads(note.read_text()) if note.exists() else {}
    wanted = {
        table.relation: f"create table {table.relation} ({table.columns}) using parquet "
        f"options (path {text(table.folder)}, recursiveFileLookup true)"
        for table in tables
    }
    for schema in sorted({relation.partition(".")[0] for relation in wanted}):
        spark.sql(f"create database if not exists {schema}")
    for relation, statement in wanted.items():
        if known.get(relation) != statement:
            spark.sql(f"drop table if exists {relation}")
            spark.sql(statement)
    note.write_text(json.dumps(wanted))


def where_it_ran(spark: SparkSession) -> list[str]:
    """A line for each executor that ran anything: how many tasks, in how many seconds of them, and what it gave to others."""
    executors = spark.sparkContext._jsc.sc().statusStore().executorList(False)
    each = sorted((executors.apply(number) for number in range(executors.size())), key=lambda executor: str(executor.id()))
    return [
        f"spark: executor {executor.id()} on {executor.hostPort()} ran {executor.totalTasks():,} tasks in "
        f"{executor.totalDuration() / 1000:,.0f} s, {executor.totalShuffleWrite() / 1e6:,.1f} MB shuffled"
        for executor in each
        if executor.totalTasks()
    ]
