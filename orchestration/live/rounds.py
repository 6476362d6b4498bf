"""Rounds from one moment to the next: worked out anew in the conversations in which anything happened, the others stand."""

from __future__ import annotations

from datetime import datetime

import duckdb

from orchestration.landing.contract import Table, contract
from orchestration.live.steps import Step
from orchestration.sql import name, text

ROUNDS, ITEMS = "int_rounds", "int_items"  # the model that is spared, and the one that it reads conversations from
DATES = "build.build_dates"


class Rounds:
    """What stands of the rounds of the moment before. They depend on nothing but their conversation's items, the dates that are
    looked at, the rules, and which shops are under which.
    """

    def __init__(self) -> None:
        self.before: datetime | None = None

    def run(self, connection: duckdb.DuckDBPyConnection, rounds: Step, items: Step, at: datetime) -> None:
        """Makes the rounds of a moment of those of the one before, or all of them anew where that is not possible."""
        if self.before is None or at < self.before or self._is_anything_else_new(connection):
            rounds.run(connection)
            return
        happened = " union ".join(filter(None, (_happened(table, self.before) for table in contract().values())))
        connection.execute(f"create or replace table live_steps.happened as {happened}")
        of_happened = "(platform, conversation_id) in (select (platform, conversation_id) from live_steps.happened)"
        connection.execute(f"create or replace view {items.relation} as select * from ({items.sql}) where {of_happened}")
        try:
            connection.execute(
                f"""
                begin;
                create or replace temp table anew as {rounds.sql};
                delete from {rounds.relation} where {of_happened};
                insert into {rounds.relation} by name from anew;
                commit;
                """
            )
        finally:
            items.run(connection)

    def looked(self, connection: duckdb.DuckDBPyConnection, at: datetime) -> None:
        """Notes that everything was made for a moment: what landed until now is known."""
        for table in contract().values():
            connection.execute(f"delete from changed.{table.relation}")
        connection.execute(f"create or replace table live_steps.dates_before as from {DATES}")
        self.before = at

    def _is_anything_else_new(self, connection: duckdb.DuckDBPyConnection) -> bool:
        dates, dates_before = f"from {DATES}", "from live_steps.dates_before"
        shops = [f"from changed.{table.relation}" for table in contract().values() if table.key == ("shop_id",)]
        news = [f"{dates} except {dates_before}", f"{dates_before} except {dates}", *shops]
        is_any = " or ".join(f"exists ({new})" for new in news)
        return bool(connection.execute(f"select {is_any}").fetchall()[0][0])


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
