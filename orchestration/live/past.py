"""What the running day begins with: the rows that a build has landed, in a warehouse of its own below the home."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta

import duckdb

from orchestration.build.state import prepared
from orchestration.errors import KefuError
from orchestration.home import Home, first_line, one_writer, open_home
from orchestration.landing.contract import contract
from orchestration.live.steps import Steps, load
from orchestration.sql import name, text

Report = Callable[[str], None]
PAST_DAYS = 10  # what is read of every conversation: a round of yesterday looks back six days (rules 0.1), of a session whole
ADDED = ("_dt", "_file", "_row", "_landed_at", "_stands")  # to the columns of the contract, in schema raw

# From the last question or order on, what a shop wrote in a row to each buyer whose streak runs, or who once refused messages.
RUNNING = """
    create schema if not exists live_steps;
    create or replace table live_steps.running as
    select shop_id, buyer_id, max(event_at) filter (where kind <> 'counted') as reset_at
    from items.int_taobao__streak_events
    group by shop_id, buyer_id
    having
        coalesce(max(event_at) filter (where kind = 'counted') >= reset_at, reset_at is null)
        or (shop_id, buyer_id) in (
            select (shop_id, buyer_id) from staging.taobao_rejection_prompts where clicked_at is not null
        )
"""
BEGINS = "getvariable('begins_on')"
OF_RUNNING = """exists (
    from live_steps.running s
    where r.shop_id = s.shop_id and r.buyer_id = s.buyer_id and {event_at} >= coalesce(s.reset_at, '-infinity'::timestamp)
)"""
OF_SESSIONS = f"""session_id in (
    select session_id from staging.xiaohongshu_messages where sent_at >= {BEGINS}
    union
    select session_id from staging.xiaohongshu_ratings where rated_at >= {BEGINS}
)"""
OF_CARDS = f"""card_id in (
    select card_id from staging.taobao_rating_cards where sent_at >= {BEGINS}
    union
    select card_id from staging.taobao_rating_submissions where submitted_at >= {BEGINS}
)"""
# Of the tables that grow with every chat, what is kept; the others are kept whole.
KEPT = {
    "taobao_messages": f"sent_at >= {BEGINS} or {OF_RUNNING.format(event_at='r.sent_at')}",
    "taobao_orders": f"created_at >= {BEGINS} or {OF_RUNNING.format(event_at='r.created_at')}",
    "taobao_reception_events": f"occurred_at >= {BEGINS}",
    "taobao_routing_entries": f"entered_at >= {BEGINS}",
    "taobao_rating_cards": OF_CARDS,
    "taobao_rating_submissions": OF_CARDS,
    "kuaishou_messages": f"sent_at >= {BEGINS}",
    "kuaishou_session_events": f"occurred_at >= {BEGINS}",
    "kuaishou_rating_cards": f"sent_at >= {BEGINS} or rated_at >= {BEGINS}",
    "xiaohongshu_messages": OF_SESSIONS,
    "xiaohongshu_session_events": OF_SESSIONS,
}


def alone(home: Home) -> AbstractContextManager[None]:
    """Keeps other processes from what `kefu live` works with. KefuError where it runs already."""
    return one_writer(open_home(home.live_home), wait_seconds=0, who="kefu live works in")


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
    steps = load(live, anew=is_new)
    if is_new and home.warehouse.exists():
        try:
            home.connect(read_only=True).close()  # which waits for a build that holds it
            with live.connect() as connection:
                _fill(connection, home, steps, at.date() - timedelta(days=PAST_DAYS))
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


def _fill(connection: duckdb.DuckDBPyConnection, home: Home, steps: Steps, begins_on: date) -> None:
    """Copies what a moment from PAST_DAYS after `begins_on` on needs of what has landed."""
    connection.execute(f"attach {text(home.warehouse)} as built (read_only)")
    connection.execute(f"set variable begins_on = date {text(begins_on)}")
    try:
        connection.execute("begin")
        # Rows that were read by another contract are not what this one would have landed.
        same_contract = "(select platform, table_name, fingerprint from built.raw.read_with intersect from raw.read_with)"
        for table in contract().values():
            columns = ", ".join(name(column.name) for column in table.columns)
            standing = f"select {columns} from built.raw.{table.relation} where _stands"
            connection.execute(f"create or replace view staging.{table.relation} as {standing}")
        next(step for step in steps.steps if step.name == "int_taobao__streak_events").run(connection)
        connection.execute(RUNNING)
        for table in contract().values():
            columns = ", ".join(map(name, [*(column.name for column in table.columns), *ADDED]))
            connection.execute(
                f"""
                insert into raw.{table.relation} by name select {columns} from built.raw.{table.relation} r
                where exists (from {same_contract} where {table.condition}) and ({KEPT.get(table.relation, "true")})
                """
            )
        connection.execute(
            f"""
            insert into raw.deliveries by name
            select d.* from built.raw.deliveries d
            semi join {same_contract} s on d.platform = s.platform and d.table_name = s.table_name;
            create table raw.live_past as select {text(begins_on)}::date as begins_on;
            drop table live_steps.running;
            """
        )
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    finally:
        connection.execute("detach built")
