"""What the running day begins with: the rows that a build has landed, in a warehouse of its own below the home."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import duckdb

from orchestration.build.state import prepared
from orchestration.home import Home, first_line, one_writer, open_home
from orchestration.landing.contract import contract
from orchestration.sql import name, text

Report = Callable[[str], None]


def alone(home: Home) -> AbstractContextManager[None]:
    """Keeps other processes from what `kefu live` works with. KefuError where it runs already."""
    return one_writer(open_home(home.live_home), wait_seconds=0, who="kefu live works in")


def open_past(home: Home, report: Report) -> Home:
    """Opens the live home of a home. A new one is filled with what has landed there; what it lacks, it lands by itself.

    The home's warehouse is read for no longer than that takes. Where it cannot be read, everything is landed anew.
    """
    is_new = not (home.live_home / "warehouse.duckdb").exists()
    live = open_home(home.live_home)
    with prepared(live) as state:
        if is_new and home.warehouse.exists():
            try:
                _copy(state.connection, home)
            except duckdb.Error as error:
                report(f"warning: {home.warehouse.name} cannot be read, so everything is landed anew: {first_line(error)}")
    return live


def _copy(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    connection.execute(f"attach {text(home.warehouse)} as built (read_only)")
    try:
        # Rows that were read by another contract are not what this one would have landed.
        same_contract = "(select platform, table_name, fingerprint from built.raw.read_with intersect from raw.read_with)"
        connection.execute("begin")
        for table in contract().values():
            columns = ", ".join(
                map(name, [*(column.name for column in table.columns), "_dt", "_file", "_row", "_landed_at", "_stands"])
            )
            connection.execute(
                f"""
                insert into raw.{table.relation} by name select {columns} from built.raw.{table.relation}
                where exists (from {same_contract} where {table.condition})
                """
            )
        connection.execute(
            f"""
            insert into raw.deliveries by name
            select d.* from built.raw.deliveries d
            semi join {same_contract} s on d.platform = s.platform and d.table_name = s.table_name
            """
        )
        connection.execute("commit")
    finally:
        connection.execute("detach built")
