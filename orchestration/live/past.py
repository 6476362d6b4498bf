"""What the running day begins with: the rows that a build has landed, in a warehouse of its own below the home."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import duckdb

from orchestration.build.state import prepared
from orchestration.errors import KefuError
from orchestration.home import Home, first_line, one_writer, open_home
from orchestration.landing.contract import contract
from orchestration.live.steps import Steps, load
from orchestration.sql import name, text

Report = Callable[[str], None]
MEMORY = "1200MB"  # of DuckDB, beyond which it writes to disk
LOG_SIZE = "256MB"  # of what was written since the warehouse was tidied up, which takes a quarter of a look
PAST_DAYS = 10  # what is read of every conversation: a round of yesterday looks back six days (rules 0.1), of a session whole
ADDED = ("_dt", "_file", "_row", "_landed_at", "_stands")  # to the columns of the contract, in schema raw


def alone(home: Home) -> AbstractContextManager[None]:
    """Keeps other processes from what `kefu live` works with. KefuError where it runs already."""
    return one_writer(open_home(home.live_home), wait_seconds=0, who="kefu live works in")


def connected(live: Home) -> duckdb.DuckDBPyConnection:
    """Opens a live home's warehouse, in little memory: builds and readers need theirs."""
    connection = live.connect()
    connection.execute(f"set memory_limit = {text(MEMORY)}; set checkpoint_threshold = {text(LOG_SIZE)}")
    return connection


def open_past(home: Home, at: datetime, report: Report) -> tuple[Home, Steps]:
    """Opens the live home of a home for a moment and what follows it, with the models that run there.

    A new one is filled with what has landed in the home; what it lacks, it lands by itself. The home's warehouse is read for no
    longer than that takes. Where it cannot be read, everything is landed anew.
    """
    live = open_home(home.live_home)
    is_new = not live.warehouse.exists() or _begins_later(live, at)
    if is_new:
        live.warehouse.unlink(missing_ok=True)
    with prepared(live):
        pass
    if home.dbt.exists():
        shutil.copytree(home.dbt, live.dbt, dirs_exist_ok=True)  # the project as dbt has read it for the builds
    steps = load(live, anew=is_new)
    if is_new and home.warehouse.exists():
        try:
            home.connect(read_only=True).close()  # which waits for a build that holds it
            with connected(live) as connection:
                if not _fill(connection, home, steps, at):
                    report("live: what the builds have landed was read by another contract: it is landed anew")
        except (KefuError, duckdb.Error) as error:
            report(f"warning: what the builds have landed cannot be read, so everything is landed anew: {first_line(error)}")
    return live, steps


def _begins_later(live: Home, at: datetime) -> bool:
    """Whether a live home was filled with less than a moment needs."""
    with live.connect() as connection:
        try:
            begins = connection.execute("select begins_on from raw.live_past").fetchall()
        except duckdb.CatalogException:  # nothing was left out
            return False
    return any(begins_on > at.date() - timedelta(days=PAST_DAYS) for (begins_on,) in begins)


def _fill(connection: duckdb.DuckDBPyConnection, home: Home, steps: Steps, at: datetime) -> bool:
    """Copies what a moment and those after it need of what has landed. Returns whether that was possible.

    Rows that were read by another contract are not what this one would have landed: they stay where they are.
    """
    connection.execute(f"attach {text(home.warehouse)} as built (read_only)")
    connection.execute("set preserve_insertion_order = false")  # which makes it take a third less
    connection.execute(f"set variable live_at = timestamp {text(at)}")
    connection.execute(f"set variable begins_on = date {text(at.date() - timedelta(days=PAST_DAYS))}")
    try:
        connection.execute("begin")
        same_contract = "(select platform, table_name, fingerprint from built.raw.read_with intersect from raw.read_with)"
        connection.execute(
            f"""
            insert into raw.deliveries by name
            select d.* from built.raw.deliveries d
            semi join {same_contract} s on d.platform = s.platform and d.table_name = s.table_name;
            create table raw.live_past as select getvariable('begins_on') as begins_on;
            """
        )
        for table in contract().values():
            columns = ", ".join(name(column.name) for column in table.columns)
            standing = f"select {columns} from built.raw.{table.relation} where _stands"
            connection.execute(f"create or replace view staging.{table.relation} as {standing}")
        for step in steps.needed_by(" ".join(table.past or "" for table in contract().values())):
            step.run(connection)
        for table in contract().values():
            columns = ", ".join(map(name, [*(column.name for column in table.columns), *ADDED]))
            connection.execute(
                f"""
                insert into raw.{table.relation} by name select {columns} from built.raw.{table.relation} r
                where exists (from {same_contract} where {table.condition}) and ({table.past or "true"})
                """
            )
        others = f"(from built.raw.deliveries anti join {same_contract} using (platform, table_name))"
        ((is_all,),) = connection.execute(f"select not exists {others}").fetchall()
        connection.execute("commit")
        return bool(is_all)
    except BaseException:
        connection.execute("rollback")
        raise
    finally:
        connection.execute("detach built; reset preserve_insertion_order")
