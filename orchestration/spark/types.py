"""DuckDB's types in Spark, and back."""

from __future__ import annotations

import re

OF_SPARK = {
    "VARCHAR": "string",
    "VARCHAR[]": "array<string>",
    "BOOLEAN": "boolean",
    "INTEGER": "int",
    "BIGINT": "bigint",
    "HUGEINT": "decimal(38, 0)",
    "DOUBLE": "double",
    "DATE": "date",
    "TIMESTAMP": "timestamp_ntz",
}
OF_DUCKDB = {of_spark: of_duckdb for of_duckdb, of_spark in OF_SPARK.items()}


def of_spark(data_type: str) -> str:
    """The type in Spark of what DuckDB names so. KeyError for one that no source has."""
    return data_type.lower() if data_type.startswith("DECIMAL") else OF_SPARK[data_type]


def read_by_duckdb(column: str, data_type: str) -> str:
    """An expression of DuckDB's: a column of a Parquet file of Spark's, in DuckDB's type. KeyError for an unknown one."""
    if data_type.startswith("interval"):  # Spark writes the microseconds
        return f"to_microseconds({column})"
    if re.fullmatch(r"decimal\(\d+,\d+\)", data_type):
        return f"{column}::{data_type}"
    return f"{column}::{OF_DUCKDB[data_type]}"
