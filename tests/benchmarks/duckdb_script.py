"""Runs taobao.sql, without kefu: LANDING and SEEDS are folders, TARGET is the DuckDB file that gets the tables."""

import sys
from pathlib import Path

import duckdb


def main() -> None:
    landing, seeds, target = map(Path, sys.argv[1:])
    with duckdb.connect(str(target)) as connection:
        connection.execute("set preserve_insertion_order = false; set threads = 2")
        for name, folder in (("landing", landing), ("seeds", seeds)):
            connection.execute(f"set variable {name} = '{str(folder.resolve()).replace(chr(39), 2 * chr(39))}'")
        connection.execute(Path(__file__).with_name("taobao.sql").read_text(encoding="utf-8"))


main()
