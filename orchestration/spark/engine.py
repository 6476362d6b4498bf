"""The engine that models run on: DuckDB in this process, or a Spark cluster."""

from __future__ import annotations

import os
from importlib.util import find_spec

from orchestration.errors import KefuError

DUCKDB, SPARK = "duckdb", "spark"
ENGINE, MASTER = "KEFU_ENGINE", "KEFU_SPARK_MASTER"
HERE = "local[*]"  # Spark without a cluster: threads of this process


def engine() -> str:
    """The engine that the environment names, else DuckDB. KefuError where it is none, or Spark is not installed."""
    named = os.environ.get(ENGINE) or DUCKDB
    if named not in (DUCKDB, SPARK):
        raise KefuError(f"{ENGINE}={named} is no engine: it is {DUCKDB} or {SPARK}")
    if named == SPARK and not (find_spec("pyspark") and find_spec("dbt.adapters.spark")):
        raise KefuError("the engine spark is not installed here: `make spark-env` makes .venv-spark, whose kefu has it")
    if named == DUCKDB and os.environ.get(MASTER):
        raise KefuError(f"{MASTER} is set, but models run on DuckDB: set {ENGINE}={SPARK} too, or neither")
    return named


def master() -> str:
    """The URL of the cluster's master."""
    return os.environ.get(MASTER) or HERE


def choose(name: str | None, url: str | None) -> None:
    """Puts what the command line names into the environment, where everything that builds finds it."""
    if url and (name or os.environ.get(ENGINE)) != SPARK:
        raise KefuError(f"--master {url} is for --engine {SPARK}: name both, or neither")
    if name:
        os.environ[ENGINE] = name
        if name == DUCKDB:
            os.environ.pop(MASTER, None)
    if url:
        os.environ[MASTER] = url
