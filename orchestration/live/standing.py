"""From one moment to the next most rows stand: those of conversations and buyers of which nothing happened.

A model that says so (meta stands_by, with the column of the id) reads no more than what is of ids of which anything happened, and
its rows of these ids are replaced. Its rows of an id must depend on nothing but what is of the id, the dates that are looked at,
the rules, and which shops are under which.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, time

import duckdb

from orchestration.landing.contract import Table, contract
from orchestration.live.known import known
from orchestration.live.steps import Step, Steps
from orchestration.sql import name, text

DATES = "build.build_dates"
EXCLUSIONS = "judged.int_exclusions"
MADE_ANEW = "made_anew"  # the rows of the step that was run last
ROUNDS, JUDGED = "judged.int_rounds", "judged.int_judged_rounds"


def _conversation(table: Table) -> str | None:
    return table.conversation


def _person(table: Table) -> str | None:
    return table.person


# By stands_by, where the id is: in a column of a landed table, or in columns of relations.
LANDED: dict[str, Callable[[Table], str | None]] = {"conversation_id": _conversation, "buyer_id": _person}
OF_JUDGED = {"customer_id": ["customer_id"], "unit_id": ["customer_id", "conversation_id"]}
MADE = {
    "round_id": {ROUNDS: ["round_id"], EXCLUSIONS: ["judged_id"]},
    **{id_column: {JUDGED: columns} for id_column, columns in OF_JUDGED.items()},
}


class Standing:
    """What stands of the moment before."""

    def __init__(self) -> None:
        self.before: datetime | None = None
        self.is_spared = False  # whether most rows of the moment that is looked at stand
        self.narrowed: dict[str, str] = {}  # by step, its SQL over what is of ids of which anything happened

    def begin(self, connection: duckdb.DuckDBPyConnection, at: datetime) -> None:
        """Notes of which ids anything happened since the moment before, once the dates that are looked at are known."""
        before, self.before = self.before, None  # what a look that fails leaves behind is made anew
        self.is_spared = bool(before and _is_one_day(before, at) and not self._is_anything_else_new(connection))
        if before and self.is_spared:
            for id_column in LANDED:
                happened = " union ".join(filter(None, (_happened(table, id_column, before) for table in contract().values())))
                connection.execute(f"create or replace table {_ids(id_column)} as {happened}")
                _read_once(connection, id_column)

    def run(self, connection: duckdb.DuckDBPyConnection, steps: Steps, step: Step) -> None:
        """Makes the relation of a step of that of the moment before, or anew where that is not possible."""
        if not self.is_spared or not step.stands_by:
            step.run(connection)
            return
        if step.stands_by == "round_id":
            _note_rounds(connection)
        if step.name not in self.narrowed:
            self.narrowed[step.name] = _narrowed(connection, steps, step)
        _replace(connection, step, _is_of(step.stands_by), self.narrowed[step.name])
        if step.stands_by == "round_id":
            _note_people(connection, MADE_ANEW)

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


def _is_one_day(before: datetime, at: datetime) -> bool:
    """Whether a moment is no earlier than the one before, and of its date. Midnight is the end of a date as well."""
    return before <= at and before.date() == at.date() and before.time() > time()


def _ids(id_column: str) -> str:
    """The relation of the ids of which anything happened."""
    return f"live_steps.happened_{id_column}"


def _is_of(id_column: str) -> str:
    return f"{name(id_column)} in (from {_ids(id_column)})"


def _note_rounds(connection: duckdb.DuckDBPyConnection) -> None:
    """Notes the rounds that were made anew, and those of which a reason is another one; and of both whose they are."""
    now, before = f"select * from {EXCLUSIONS} where judged_kind = 'round'", "select * from live_steps.exclusions_before"
    connection.execute(
        f"""
        create or replace table {_ids("round_id")} as
        select round_id as id from ({_rows_of(ROUNDS, ["conversation_id"], "conversation_id")})
        union
        select round_id from ({_rows_of(JUDGED, ["conversation_id"], "conversation_id")})
        union
        select judged_id from (({now} except {before}) union all ({before} except {now}))
        """
    )
    for id_column in OF_JUDGED:
        connection.execute(f"create or replace table {_ids(id_column)} (id varchar)")
    connection.execute(f"create or replace temp table noted as {_rows_of(JUDGED, ['round_id'], 'round_id')}")
    _note_people(connection, "noted")


def _note_people(connection: duckdb.DuckDBPyConnection, rounds: str) -> None:
    """Adds whose these rounds are."""
    for id_column, columns in OF_JUDGED.items():
        ids = " union ".join(f"select {column} from {rounds}" for column in columns)
        connection.execute(f"insert into {_ids(id_column)} {ids}")


def _narrowed(connection: duckdb.DuckDBPyConnection, steps: Steps, step: Step) -> str:
    """The SQL of a step over no more than what is of ids of which anything happened, by way of temporary views."""
    assert step.stands_by
    in_place = {}  # of a relation
    if of_table := LANDED.get(step.stands_by):
        for table in contract().values():
            if of_table(table):
                in_place[f'"staging".{name(table.relation)}'] = _of_ids(table, step.stands_by)
    else:
        for relation, columns in MADE[step.stands_by].items():
            quoted = ".".join(map(name, relation.split(".")))
            in_place[quoted] = _view(connection, relation, step, _rows_of(relation, columns, step.stands_by))
    for view in steps.read_by(step):
        if view.is_view and (sql := _over(view.sql, in_place)) != view.sql:
            in_place[view.relation] = _view(connection, view.relation, step, sql)
    return f"select * from ({_over(step.sql, in_place)}) where {_is_of(step.stands_by)}"


def _read_once(connection: duckdb.DuckDBPyConnection, id_column: str) -> None:
    """Keeps the landed rows of ids of which anything happened, as the moment knows them, for the steps that read them."""
    for table in contract().values():
        if column := LANDED[id_column](table):
            rows = known(table, f"({_rows_of(f'raw.{table.relation}', [column], id_column)})")
            connection.execute(f"create or replace temp table {_of_ids(table, id_column)} as {rows}")


def _of_ids(table: Table, id_column: str) -> str:
    return name(f"{table.relation} of {id_column}")


def _rows_of(table: str, columns: Sequence[str], id_column: str) -> str:
    """A query for the rows of a table in which one of the columns is an id of which anything happened. By their place: of all
    other rows no more than these columns is read.
    """
    is_of = " or ".join(f"{name(column)} in (from {_ids(id_column)})" for column in columns)
    return f"select * from {table} where rowid in (select rowid from {table} where {is_of})"


def _view(connection: duckdb.DuckDBPyConnection, of: str, step: Step, sql: str) -> str:
    view = name(f"{of} for {step.name}")
    connection.execute(f"create or replace temp view {view} as {sql}")
    return view


def _over(sql: str, in_place: dict[str, str]) -> str:
    """SQL in which relations stand in the place of others, which dbt writes with the database in front."""
    for relation, other in in_place.items():
        sql = re.sub(rf'("\w+"\.)?{re.escape(relation)}', other, sql)
    return sql


def _replace(connection: duckdb.DuckDBPyConnection, step: Step, is_replaced: str, query: str) -> None:
    """Puts the rows of a query in the place of those of a step's relation for which a condition holds, at once."""
    connection.execute(f"create or replace temp table {MADE_ANEW} as {query}")
    connection.execute("begin")
    try:
        connection.execute(
            f"delete from {step.relation} where {is_replaced}; insert into {step.relation} by name from {MADE_ANEW}"
        )
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise


def _happened(table: Table, id_column: str, before: datetime) -> str | None:
    """A query for the ids of which a row of a table is another than at the moment before: it landed since, or a time that it says
    has come. Nothing where the table says nothing of them.
    """
    link, of_table = table.person_through, LANDED[id_column]
    times = [f"{name(column.name)} > timestamp {text(before)}" for column in table.columns if column.data_type == "timestamp"]
    news = [f"from changed.{table.relation}"]
    if times:
        news.append(f"from staging.{table.relation} where {' or '.join(times)}")
    if column := of_table(table):
        return " union ".join(f"select {name(column)} as id from ({new})" for new in news)
    if link:
        others = [contract()[table.platform, other] for other in link.tables]
        return " union ".join(
            f"select o.{name(column)} as id from ({new}) join raw.{other.relation} o using ({link.key})"
            for new in news
            for other in others
            if (column := of_table(other))
        )
    return None
