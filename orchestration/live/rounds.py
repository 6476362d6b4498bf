"""Rounds from one moment to the next: worked out anew in the conversations in which anything happened, the others stand."""

from __future__ import annotations

from datetime import datetime

import duckdb

from orchestration.landing.contract import Table, contract
from orchestration.live.steps import Step
from orchestration.sql import name, text

ITEMS = "int_items"  # the model that conversations are read from
ROUNDS, JUDGED = "int_rounds", "int_judged_rounds"  # those that are spared
DATES = "build.build_dates"
EXCLUSIONS = "judged.int_exclusions"
OF_HAPPENED = "(platform, conversation_id) in (select (platform, conversation_id) from live_steps.happened)"


class Rounds:
    """What stands of the rounds of the moment before.

    A round depends on nothing but its conversation's items, the dates that are looked at, the rules, and which shops are under
    which; what is judged of it, on the round and the reasons that exclude it.
    """

    def __init__(self) -> None:
        self.before: datetime | None = None
        self.is_spared = False  # whether most rounds of the moment that is looked at stand

    def run(self, connection: duckdb.DuckDBPyConnection, rounds: Step, items: Step, at: datetime) -> None:
        """Makes the rounds of a moment of those of the one before, or all of them anew where that is not possible."""
        self.is_spared = self.before is not None and at >= self.before and not self._is_anything_else_new(connection)
        if self.before is None or not self.is_spared:
            rounds.run(connection)
            return
        happened = " union ".join(filter(None, (_happened(table, self.before) for table in contract().values())))
        connection.execute(f"create or replace table live_steps.happened as {happened}")
        connection.execute(f"create or replace view {items.relation} as select * from ({items.sql}) where {OF_HAPPENED}")
        try:
            _replace(connection, rounds, OF_HAPPENED, f"select * from ({rounds.sql})")
        finally:
            items.run(connection)

    def judge(self, connection: duckdb.DuckDBPyConnection, judged: Step) -> None:
        """Judges rounds that were made anew, and those of which a reason is another one; or all of them."""
        if not self.is_spared:
            judged.run(connection)
            return
        now, before = f"select * from {EXCLUSIONS} where judged_kind = 'round'", "select * from live_steps.exclusions_before"
        connection.execute(
            f"""
            create or replace temp table judged_anew as
            select platform, round_id from judged.{ROUNDS} where {OF_HAPPENED}
            union
            select platform, judged_id from (({now} except {before}) union all ({before} except {now}))
            """
        )
        is_anew = "(platform, round_id) in (select (platform, round_id) from judged_anew)"
        _replace(connection, judged, f"{OF_HAPPENED} or {is_anew}", f"select * from ({judged.sql}) where {is_anew}")

    def looked(self, connection: duckdb.DuckDBPyConnection, at: datetime) -> None:
        """Notes that everything was made for a moment: what landed until now is known."""
        for table in contract().values():
            connection.execute(f"delete from changed.{table.relation}")
        connection.execute(
            f"""
            create or replace table live_steps.dates_before as from {DATES};
            create or replace table live_steps.exclusions_before as from {EXCLUSIONS} where judged_kind = 'round';
            """
        )
        self.before = at

    def _is_anything_else_new(self, connection: duckdb.DuckDBPyConnection) -> bool:
        dates, dates_before = f"from {DATES}", "from live_steps.dates_before"
        shops = [f"from changed.{table.relation}" for table in contract().values() if table.key == ("shop_id",)]
        news = [f"{dates} except {dates_before}", f"{dates_before} except {dates}", *shops]
        is_any = " or ".join(f"exists ({new})" for new in news)
        return bool(connection.execute(f"select {is_any}").fetchall()[0][0])


def _replace(connection: duckdb.DuckDBPyConnection, step: Step, is_replaced: str, query: str) -> None:
    """Puts the rows of a query in the place of those of a step's relation for which a condition holds, at once."""
    connection.execute(f"create or replace temp table anew as {query}")
    connection.execute("begin")
    try:
        connection.execute(f"delete from {step.relation} where {is_replaced}; insert into {step.relation} by name from anew")
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise


def _happened(table: Table, before: datetime) -> str | None:
    """A query for the conversations in which a row of a table is another than at the moment before: it landed since, or its time
    has come. Nothing where the table says nothing of conversations.
    """
    link = table.person_through
    news = [f"from changed.{table.relation}"]
    if table.occurrence:
        news.append(f"from staging.{table.relation} where {name(table.occurrence)} > timestamp {text(before)}")
    told = []
    if table.conversation:
        told = [f"select {name(table.conversation)} as conversation_id from ({new})" for new in news]
    elif link:
        others = [contract()[table.platform, other] for other in link.tables]
        told = [
            f"select o.{name(other.conversation)} as conversation_id from ({new}) join raw.{other.relation} o using ({link.key})"
            for new in news
            for other in others
            if other.conversation
        ]
    return f"select {text(table.platform)} as platform, conversation_id from ({' union '.join(told)})" if told else None
