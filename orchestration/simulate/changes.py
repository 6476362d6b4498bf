"""What a simulation changes, and how in the warehouse."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from orchestration.errors import KefuError
from orchestration.landing.deliveries import nearest
from orchestration.sql import name, text

EXCLUSIONS = "int_exclusions"
ANSWERED = "answers"  # of the meta of models whose rows are answered at some time: what of them is what
NUMBER, CLOCK = re.compile(r"-?\d+(\.\d+)?"), re.compile(r"([01]?\d|2[0-3]):[0-5]\d|24:00")
LEFT_OUT = "coalesce(opens_round, answers) = false"  # a type of messages that a clause leaves out
COVERED_BY_HOURS = 1  # before and after the hours to cover


@dataclass(frozen=True)
class Changes:
    """What is to be otherwise: nothing where nothing is said."""

    settings: Mapping[str, str]  # of rule parameters, by their names or by scope.name
    without: Sequence[str] = ()  # clauses
    faster_by: float = 0  # share of the seconds to each answer
    cover: Sequence[tuple[str, str]] = ()  # hours of the day, in which answers are to be as in those around

    @property
    def are_of_answers(self) -> bool:
        return bool(self.faster_by or self.cover)


def change_rules(connection: duckdb.DuckDBPyConnection, changes: Changes, first: date, last: date) -> None:
    """Gives parameters in force in a range other values. The periods stay as they are, for rule versions are called by them."""
    for setting, value in changes.settings.items():
        scope, _, parameter = setting.rpartition(".")
        in_force = f"""
            parameter = {text(parameter)} and {text(scope)} in (scope, '')
            and coalesce(valid_from <= {text(last)}, true) and coalesce(valid_to >= {text(first)}, true)
        """
        values = [old for (old,) in connection.execute(f"select value from marts.rule_parameters where {in_force}").fetchall()]
        if not values:
            raise _unknown_parameter(connection, setting, scope, parameter)
        _check_form(setting, value, values)
        connection.execute(f"update marts.rule_parameters set value = {text(value)} where {in_force}")
    message_types = _message_types(connection)
    known = _excluding(connection, message_types)
    for clause in changes.without:
        if clause not in known:
            raise _unknown_clause(connection, clause, known)
        for relation in message_types:
            connection.execute(
                f"""
                update {relation} set
                    opens_round = case when direction = 'inbound' then true end,
                    answers = case when direction = 'outbound' then true end
                where clause_id = {text(clause)} and {LEFT_OUT}
                """
            )


def change_exclusions(connection: duckdb.DuckDBPyConnection, changes: Changes) -> None:
    """Takes away what clauses exclude."""
    clauses = ", ".join(map(text, changes.without))
    connection.execute(f"delete from judged.{EXCLUSIONS} where clause_id in ({clauses}) and not is_remark")


def change_answers(connection: duckdb.DuckDBPyConnection, node: Mapping[str, Any], changes: Changes) -> None:
    """Answers a model's rows as in the hours around, and faster. Who waited for a human in vain, or got a bot, is left alone."""
    relation, of = node["relation_name"], node["meta"][ANSWERED]
    is_of_humans = of.get("where", "true")
    seconds = f"date_diff('microsecond', {of['clock']}, {of['reply']}) / 1e6"
    connection.execute(
        f"""
        create or replace temp table answers as
        select {of["id"]} as id, {of["shop"]} as shop, {of["clock"]} as clock_at, {seconds} as seconds
        from {relation} where {is_of_humans}
        """
    )
    for begin, end in changes.cover:
        connection.execute(_cover(begin, end))
    connection.execute(f"update answers set seconds = round(seconds * {1 - changes.faster_by}, 6)")
    reply = "a.clock_at + to_microseconds((a.seconds * 1e6)::bigint)"
    made = {of["reply"]: reply}
    if "seconds" in of:
        made[of["seconds"]] = "a.seconds"
    if "kind" in of:
        made[of["kind"]] = "case when a.seconds is not null then 'R' end"
    sets = ", ".join(f"{name(column)} = {value}" for column, value in made.items())
    connection.execute(f"update {relation} as r set {sets} from answers a where r.{of['id']} = a.id")


def _cover(begin: str, end: str) -> str:
    """Gives each row of the hours the seconds of the row of its rank in the hours around, in its shop; unanswered is last."""
    around = f"interval {COVERED_BY_HOURS} hour"
    return f"""
        create or replace temp table ranked as
        select
            *,
            row_number() over in_order as place,
            count(*) over (partition by shop, is_covered) as places
        from (
            select
                *,
                clock_at - date_trunc('day', clock_at) as time_of_day,
                time_of_day >= interval {text(begin)} and time_of_day < interval {text(end)} as is_covered
            from answers
            where
                time_of_day >= interval {text(begin)} - {around} and time_of_day < interval {text(end)} + {around}
        )
        window in_order as (partition by shop, is_covered order by seconds nulls last, id);
        update answers as a set seconds = d.seconds
        from ranked c
        join ranked d on
            c.is_covered and not d.is_covered and c.shop = d.shop
            and d.place = ceil((c.place - 0.5) * d.places / c.places)
        where a.id = c.id
    """


def _check_form(setting: str, value: str, values: Sequence[str]) -> None:
    """A value has to be of the form of those it takes the place of: a number, a time of day, or one of the words in use."""
    for form, example in ((CLOCK, "a time such as 23:00"), (NUMBER, "a number")):
        if all(form.fullmatch(old) for old in values):
            if not form.fullmatch(value):
                raise KefuError(f"--set {setting}={value} is not {example}, as {values[0]} is")
            return


def _unknown_parameter(connection: duckdb.DuckDBPyConnection, setting: str, scope: str, parameter: str) -> KefuError:
    query = "select distinct scope, parameter from marts.rule_parameters"
    known = connection.execute(query).fetchall()
    if any(other == parameter for _, other in known):
        scopes = ", ".join(sorted({other for other, of in known if of == parameter}))
        where = f"of {scope} " if scope else ""
        return KefuError(f"--set {setting}: no {parameter} {where}is in force in the range; there is one of {scopes}")
    meant = nearest(parameter, {each for _, each in known})
    return KefuError(f"--set {setting} is no rule parameter" + (f"; did you mean {meant}?" if meant else ""))


def _message_types(connection: duckdb.DuckDBPyConnection) -> Sequence[str]:
    """The seeds that say which messages open or answer rounds."""
    found = connection.execute(
        """
        select schema_name, table_name from duckdb_columns() where column_name in ('opens_round', 'clause_id')
        group by all having count(*) = 2 order by all
        """
    )
    return [f"{name(schema)}.{name(table)}" for schema, table in found.fetchall()]


def _excluding(connection: duckdb.DuckDBPyConnection, message_types: Sequence[str]) -> Sequence[str]:
    """The clauses that leave rounds, ratings or messages out."""
    queries = [
        "select clause_id from marts.exclusion_reasons where kind <> 'remark'",
        *(f"select clause_id from {relation} where {LEFT_OUT}" for relation in message_types),
    ]
    return [clause for (clause,) in connection.execute(f"{' union '.join(queries)} order by all").fetchall()]


def _unknown_clause(connection: duckdb.DuckDBPyConnection, clause: str, known: Sequence[str]) -> KefuError:
    is_there = connection.execute("select exists (from marts.rule_clauses where clause_id = ?)", [clause]).fetchall()[0][0]
    what = "excludes nothing that could be counted" if is_there else "is no clause"
    return KefuError(f"--without {clause} {what}; these do: {', '.join(known)}")
