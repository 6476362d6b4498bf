"""A landing file is replaced while it is read, by renaming and in place, over and over."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path

import duckdb

from faults.common import scratch
from orchestration.errors import KefuError
from orchestration.landing.contract import contract
from orchestration.landing.deliveries import find_deliveries
from orchestration.landing.load import land
from orchestration.landing.tables import create_tables

ROWS = 100_000
FILE = "taobao/orders/dt=2025-10-02/export.csv"


def content(version: int) -> bytes:
    """A file whose every row carries the version; all versions are of one size."""
    mark = f"v{version:06}"
    rows = (f"o{number:06},{mark},{mark},2025-10-01 10:00:00" for number in range(ROWS))
    return "\n".join(["order_id,shop_id,buyer_id,created_at", *rows, ""]).encode()


def replace(path: Path, version: int, *, in_place: bool) -> None:
    target = path if in_place else path.with_name("_aside")
    target.write_bytes(content(version))
    if not in_place:
        target.rename(path)


def keep_replacing(path: Path, seed: int) -> None:
    dice = random.Random(seed)
    for version in itertools.count(1):
        replace(path, version, in_place=version % 2 == 0)
        time.sleep(dice.uniform(0, 1.0))


def outcomes(folder: Path, landings: int, seed: int = 1) -> Counter[str]:
    """So many landings beside a process that replaces the file: each a whole version, the begin of one, or an error."""
    path = folder / FILE
    path.parent.mkdir(parents=True)
    replace(path, 0, in_place=False)
    counts = Counter[str]()
    with duckdb.connect() as connection:
        create_tables(connection)
        other = multiprocessing.get_context("spawn").Process(target=keep_replacing, args=(path, seed), daemon=True)
        other.start()
        try:
            for _ in range(landings):
                counts[_outcome(connection, folder)] += 1
        finally:
            other.kill()
            other.join()
        replace(path, 999_999, in_place=True)
        assert _outcome(connection, folder) == "whole"
        assert connection.execute("select distinct buyer_id from staging.taobao_orders").fetchall() == [("v999999",)]
    return counts


def _outcome(connection: duckdb.DuckDBPyConnection, folder: Path) -> str:
    deliveries = find_deliveries(folder, contract()).deliveries
    before = _versions(connection)
    try:
        land(connection, deliveries, record_changes=True, report=lambda line: None)
    except KefuError as error:
        assert "changed while it was read" in str(error) or f"{FILE} cannot be read" in str(error), error
        assert _versions(connection) == before, "what had landed stays"
        return "refused"
    versions = _versions(connection)
    assert len({mark for mark, _ in versions}) <= 1, f"a mix of versions: {versions}"
    # A writer that is held up in the middle of a rewrite leaves the beginning of a file for a while; it lands again.
    return "whole" if versions and versions[0][1] == ROWS else "begin"


def _versions(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, int]]:
    return connection.execute("select buyer_id, count(*) from raw.taobao_orders group by all").fetchall()


def main(landings: int = 300) -> None:
    with scratch() as folder:
        counts = outcomes(folder, landings)
    print(f"    {dict(counts)} on {os.cpu_count()} cores", file=sys.stderr)
    print(
        f"file replaced while read: {landings} landings of {ROWS:,} rows; {counts['whole']} landed one whole version, "
        f"{counts['refused']} refused with a clear line, {counts['begin']} the begin of a file being written, 0 a mix"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
